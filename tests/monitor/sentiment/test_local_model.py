"""A model folder of the user's own scores texts; what is wrong with one is said by file and field, with the way out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from monitor import settings as configuration
from monitor.sentiment import Scorer, SentimentSettings, extras
from monitor.sentiment.engines import Panel
from monitor.sentiment.extras import ExtraMissingError
from monitor.sentiment.local_model import LocalModel, LocalModelError
from monitor.sentiment.post import Post

WORDS = {"[UNK]": 0, "bad": 1, "plain": 2, "good": 3}
LABELS = {"0": "Positive", "1": "Negative", "2": "Neutral"}


def export(
    folder: Path, *, labels: Any = LABELS, outputs: int = 3, inputs: Sequence[str] = ("input_ids", "attention_mask")
) -> Path:
    """A folder as it is exported: a model that takes the mean of its words' logits, positive first."""
    folder.mkdir(exist_ok=True)
    table = np.zeros((len(WORDS), 3), np.float32)
    table[1:] = [[0, 9, 0], [0, 0, 9], [9, 0, 0]]
    said = [helper.make_tensor_value_info(name, TensorProto.INT64, [1, "n"]) for name in inputs]
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, outputs])
    nodes = [
        helper.make_node("Gather", ["table", inputs[0]], ["each"]),
        helper.make_node("ReduceMean", ["each"], ["logits"], axes=[1], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes, "tiny", said, [logits], [numpy_helper.from_array(np.resize(table, (len(WORDS), outputs)), "table")]
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), folder / "model.onnx")
    tokenizer = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"id2label": labels, "max_position_embeddings": 514}))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model that works."""
    return export(tmp_path / "model")


def test_a_model_of_ones_own_scores_texts(folder: Path) -> None:
    """In any language, on our scale, whatever the order of its labels; its version names it and its very bytes."""
    scorer = Scorer(SentimentSettings(engine="onnx", model=folder))
    bad, plain, good = scorer.score_all([("bad", "nl"), ("plain", "ja"), ("good", "fr")])
    assert bad.sentiment is not None
    assert bad.sentiment < -0.99
    assert plain.sentiment is not None
    assert abs(plain.sentiment) < 0.01
    assert good.sentiment is not None
    assert good.sentiment > 0.99
    assert good.scorer.startswith(f"{LocalModel(folder).version}, complaint ")
    assert good.scorer.startswith("onnx model ")


def test_it_abstains_where_it_is_unsure_and_where_there_is_no_word(folder: Path) -> None:
    """As the engines that are shipped do."""
    posts = [Post(text, text, "en") for text in ("what", "@somebody https://acme.example", "")]
    assert LocalModel(folder).feelings(posts) == [None] * 3


def test_what_stands_beside_a_text_does_not_change_its_score(folder: Path) -> None:
    """Together, alone, and with what would end a C string."""
    model, texts = LocalModel(folder), ["bad bad plain", "good\0plain", "half a \ud83d surrogate", "good " * 5_000]
    posts = [Post(text, text, "en") for text in texts]
    together = model.feelings(posts)
    assert together == [model.feelings([post])[0] for post in posts]
    assert [each is None for each in together] == [False, False, True, False]  # nobody knows what half a surrogate means


def _without(name: str) -> Any:
    return lambda folder: (folder / name).unlink()


def _cut(name: str) -> Any:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:40])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_without("config.json"), "config.json cannot be read: No such file"),
        (_without("tokenizer.json"), "tokenizer.json is missing"),
        (_without("model.onnx"), "model.onnx is missing"),
        (_cut("config.json"), "config.json is no JSON"),
        (_cut("tokenizer.json"), "tokenizer.json is damaged or no tokenizer"),
        (_cut("model.onnx"), "model.onnx is damaged or no ONNX model"),
        (lambda folder: (folder / "config.json").write_text("[]"), "config.json is no JSON object"),
        (lambda folder: (folder / "config.json").write_text("{}"), "id2label: is missing"),
        (
            lambda folder: export(folder, labels={"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}),
            "id2label: names LABEL_0, LABEL_1",
        ),
        (lambda folder: export(folder, labels={"0": "negative", "1": "positive"}), "and not negative, neutral and positive"),
        (lambda folder: export(folder, labels={"0": "negative", "1": "neutral", "5": "positive"}), "are not 0, 1 and 2"),
        (lambda folder: export(folder, outputs=5), "gives 5 numbers for a text and not 3"),
        (lambda folder: export(folder, inputs=("input_ids", "pixel_values")), "asks for pixel_values"),
    ],
)
def test_a_folder_that_cannot_be_used_is_explained(folder: Path, spoil: Any, words: str) -> None:
    """Which file, which field, what to do."""
    spoil(folder)
    with pytest.raises(LocalModelError, match=r"export|copy|write") as raised:
        LocalModel(folder)
    assert words in str(raised.value)


def test_a_check_loads_the_model(folder: Path, tmp_path: Path) -> None:
    """The folder is looked for from the configuration; what is wrong stands at the line that names it, with exit code 78."""
    config = tmp_path / "config"
    configuration.scaffold(config, "Acme", "https://acme.example/feed.xml", "me@acme.example", "en")
    written = (config / "monitor.yaml").read_text(encoding="utf-8")
    (config / "monitor.yaml").write_text(f"{written}\nsentiment:\n  engine: onnx\n  model: ../model\n", encoding="utf-8")
    assert not configuration.check(config, environ={}).problems
    (folder / "tokenizer.json").unlink()
    report = configuration.check(config, environ={})
    assert report.exit_code == 78
    (problem,) = report.problems
    assert problem.field == "sentiment.model"
    assert problem.line == len(written.splitlines()) + 4
    assert "tokenizer.json is missing" in problem.what


def test_a_model_is_named_where_it_is_used() -> None:
    """Neither the engine without its folder nor a folder that nothing uses is accepted."""
    with pytest.raises(ValueError, match="name its folder in `model`"):
        SentimentSettings(engine="onnx")
    with pytest.raises(ValueError, match="nothing uses `model`"):
        SentimentSettings(model=Path("model"))
    with pytest.raises(LocalModelError, match="name its folder"):
        Panel("onnx")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With what it should hold."""
    with pytest.raises(LocalModelError, match=r"nowhere: name the one that holds model\.onnx"):
        LocalModel(tmp_path / "nowhere")


@pytest.mark.parametrize("engine", ["embeddings", "accurate", "onnx"])
def test_an_extra_that_is_missing_is_named_with_its_command(engine: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """By `tocsin check` as by `tocsin score`: what to install, and exit code 78."""
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match=rf"run `pip install 'tocsin\[{engine}\]'`"):
        SentimentSettings.model_validate({"engine": engine, "model": folder if engine == "onnx" else None})
    with pytest.raises(ExtraMissingError, match=rf"tocsin\[{engine}\]") as raised:
        Panel(engine, model=folder)
    assert raised.value.exit_code == 78
