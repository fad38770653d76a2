"""Lays a document out as PDF, with the extra `pdf`: fonts and layout come with it, and nothing of the machine is used."""

from __future__ import annotations

from importlib.util import find_spec

from monitor.domain.errors import UsageError


def available() -> bool:
    """Whether the extra is installed."""
    return find_spec("typst") is not None


def require() -> None:
    """Raises `UsageError` without the extra."""
    if not available():
        raise UsageError(
            "a PDF needs the extra `pdf`: pip install 'tocsin[pdf]'; --format html needs nothing, and prints as well"
        )


def pdf(layout: bytes, data: str) -> bytes:
    """The PDF that a layout (in Typst's language) makes of data (JSON, as its input `data`). Raises `UsageError`.

    The same data make the same bytes. No word of them is ever read as markup: that is up to the layout, which gets values.
    """
    require()
    import typst  # noqa: PLC0415 an extra: who wants no PDF need not have it

    made: bytes = typst.compile(layout, sys_inputs={"data": data}, ignore_system_fonts=True)
    return made
