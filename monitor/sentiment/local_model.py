"""A text classifier of the user's own, from a folder as Hugging Face's tools export it for ONNX; onnxruntime runs it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.domain.errors import ExitCode, TocsinError
from monitor.sentiment.encoders import prepared
from monitor.sentiment.extras import require
from monitor.sentiment.feeling import Feeling
from monitor.sentiment.labels import LABELS
from monitor.sentiment.multilingual import Opinion
from monitor.sentiment.post import Post
from monitor.sentiment.reading import Reading

CONFIG, TOKENIZER, MODEL = "config.json", "tokenizer.json", "model.onnx"
MOST_TOKENS = 512
_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})
_SHORT = 3  # letters that tell the labels apart: neg, neu, pos
_EXPORT = "export the model again, as in `optimum-cli export onnx --task text-classification --model NAME FOLDER`"


class LocalModelError(TocsinError):
    """The folder cannot be used. The text says which file, which field, and what to do."""

    exit_code = ExitCode.CONFIGURATION


class LocalModel:
    """The engine `onnx`. It speaks whatever languages its model does, and is given texts as they were posted."""

    def __init__(self, folder: Path) -> None:
        """Raises `ExtraMissingError` without the packages, and `LocalModelError` for what is wrong with the folder."""
        require("onnx")
        if not folder.is_dir():
            raise LocalModelError(f"there is no folder {folder}: name the one that holds {MODEL}, {TOKENIZER} and {CONFIG}")
        config = _config(folder / CONFIG)
        self._order = _order(folder / CONFIG, config)
        self._tokenizer = _tokenizer(folder / TOKENIZER, _longest(config))
        self._session = _session(folder / MODEL)
        self._wanted = _wanted(folder / MODEL, [each.name for each in self._session.get_inputs()])
        self.version = f"onnx {folder.name[:24].replace(',', ' ')} {_digest(folder / MODEL)}"
        self._try(folder)

    def feelings(self, posts: Sequence[Post]) -> list[Feeling | None]:
        """As of the small model; what it is not sure of is left open."""
        said = (self.opinion(post.reading) for post in posts)
        return [each and each.feeling(post.language) for each, post in zip(said, posts, strict=True)]

    def opinion(self, reading: Reading) -> Opinion | None:
        """What readers would call a text, whatever its language; None where there is no word."""
        if not reading.has_words:
            return None
        logits = self._logits(prepared(reading))[self._order]
        raised = np.exp(logits - logits.max())
        negative, neutral, positive = (raised / raised.sum()).tolist()
        return Opinion(negative, neutral, positive)

    def _logits(self, text: str) -> NDArray[np.float64]:
        """One text at a time: what stands beside it must not change its last digits."""
        encoded = self._tokenizer.encode(text)
        known = {"input_ids": encoded.ids, "attention_mask": encoded.attention_mask, "token_type_ids": encoded.type_ids}
        given = {name: np.array([known[name]], np.int64) for name in self._wanted}
        return np.asarray(self._session.run(None, given)[0], np.float64).reshape(-1)

    def _try(self, folder: Path) -> None:
        """Better told now than by the first mention."""
        try:
            count = len(self._logits("Tocsin 🔔"))
        except Exception as error:  # noqa: BLE001 onnxruntime has errors of its own for each fault
            raise LocalModelError(
                f"{folder / MODEL} and {folder / TOKENIZER} do not work together ({_first_line(error)}): {_EXPORT}"
            ) from None
        if count != len(LABELS):
            raise LocalModelError(f"{folder / MODEL} gives {count} numbers for a text and not {len(LABELS)}: {_EXPORT}")


def _config(file: Path) -> Mapping[str, Any]:
    try:
        config = json.loads(file.read_bytes())
    except OSError as error:
        raise LocalModelError(f"{file} cannot be read: {error.strerror or error}; {_EXPORT}") from None
    except ValueError as error:
        raise LocalModelError(f"{file} is no JSON ({error}): {_EXPORT}") from None
    if not isinstance(config, dict):
        raise LocalModelError(f"{file} is no JSON object: {_EXPORT}")
    return config


def _order(file: Path, config: Mapping[str, Any]) -> list[int]:
    """At which places of the answer negative, neutral and positive stand."""
    written = config.get("id2label")
    fix = 'write `"id2label": {"0": "negative", "1": "neutral", "2": "positive"}`, in the order in which the model answers'
    if not isinstance(written, dict) or not all(str(each).isdigit() for each in written):
        raise LocalModelError(f"{file}: id2label: is missing or no object: {fix}")
    named = {str(name).lower()[:_SHORT]: int(place) for place, name in written.items()}
    if len(written) != len(LABELS) or set(named) != {each[:_SHORT] for each in LABELS}:
        said = ", ".join(map(str, written.values()))[:80]
        raise LocalModelError(f"{file}: id2label: names {said or 'nothing'}, and not negative, neutral and positive: {fix}")
    if set(named.values()) != set(range(len(LABELS))):
        raise LocalModelError(f"{file}: id2label: its numbers are not 0, 1 and 2: {fix}")
    return [named[each[:_SHORT]] for each in LABELS]


def _longest(config: Mapping[str, Any]) -> int:
    """In tokens. Models of the RoBERTa family number their places from 2 on."""
    places = config.get("max_position_embeddings")
    return min(MOST_TOKENS, places - 2) if isinstance(places, int) and places > MOST_TOKENS // 32 else MOST_TOKENS


def _tokenizer(file: Path, longest: int) -> Any:
    from tokenizers import Tokenizer  # noqa: PLC0415 an extra

    if not file.is_file():
        raise LocalModelError(f"{file} is missing: {_EXPORT}")
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # noqa: BLE001 the library raises nothing more exact
        raise LocalModelError(f"{file} is damaged or no tokenizer ({_first_line(error)}): {_EXPORT}") from None
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest)
    return tokenizer


def _session(file: Path) -> Any:
    import onnxruntime  # noqa: PLC0415 an extra

    if not file.is_file():
        raise LocalModelError(f"{file} is missing: {_EXPORT}")
    runtime: Any = onnxruntime  # it says nothing of what it exports
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 onnxruntime has errors of its own for each fault
        raise LocalModelError(f"{file} is damaged or no ONNX model ({_first_line(error)}): copy it again, or {_EXPORT}") from None


def _wanted(file: Path, inputs: Sequence[str]) -> Sequence[str]:
    unknown = sorted(set(inputs) - _INPUTS)
    if unknown or "input_ids" not in inputs:
        raise LocalModelError(f"{file} asks for {', '.join(unknown) or 'no input_ids'}: it is no text classifier; {_EXPORT}")
    return inputs


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()[:8]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
