"""The `tocsin` command."""


def main() -> None:
    """Not yet."""
