"""`tocsin score`: what it says for people, for pipes and for scripts, whatever it is given."""

from __future__ import annotations

import ast
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from monitor.cli import score
from monitor.domain.errors import InputError, UsageError
from monitor.sentiment import Scorer
from monitor.settings import ConfigError

if TYPE_CHECKING:
    from tests.monitor.cli.conftest import Tocsin

KEYS = ["language", "sentiment", "confidence", "label", "complaint", "intents", "topics", "safety_risk", "scorer"]
ODD = [
    "",
    "   ",
    "😡😡😡",
    "https://example.org/so/bad?q=awful",
    "x" * 100_000,
    "good bad not very GREAT but " * 3_600,
    "I love it. Je déteste ça. أكره هذا. 我爱它",
    "\u202eأنا سعيد جدا\u202c",
    "Z\u0351\u036b\u0343\u036a\u0302" + "\u0300" * 500 + "algo",
    "half a \udc80 surrogate \ud83d",
    "<b onclick='x'>I hate</b> &amp; <script>love()</script>",
    "Mi piacerebbe, ez dakit, saya tidak tahu",
    "a\x00b\x1b[31mred",
    "[bold]markup[/bold] [/]",
]


def test_a_text_is_told_at_length(tocsin: Tocsin) -> None:
    """Feeling, certainty, language and scorer, in words."""
    done = tocsin("score", "I do not love this phone")
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "I do not love this phone",
        "  sentiment  negative -0.52, 59 % sure",
        done.output.splitlines()[2],
        "  language   en, 100 % sure",
        f"  scored by  {Scorer(engine='vader').version}",
    ]
    assert re.fullmatch(r"  complaint  \d\d? %", done.output.splitlines()[2])
    assert "  danger     90 %" in tocsin("score", "Ma box prend feu en ce moment, il y a de la fumée").output.splitlines()


def test_a_text_is_explained(tocsin: Tocsin) -> None:
    """Which word counted, how much, what turned it, and who knows it."""
    done = tocsin("score", "--explain", "I do not love this phone")
    assert "  because    love  +3.2 → -2.37   VADER, denied by “not”" in done.output.splitlines()
    french = tocsin("score", "--explain", "Très déçu, trois semaines d'attente et personne ne répond").output
    assert re.search(r"^  because +déçu +-0\.\d+ +the model$", french, re.MULTILINE)
    assert re.search(r"^ +personne +\+0\.\d+ +the complaint model$", french, re.MULTILINE)
    russian = tocsin("score", "--explain", "Сегодня с утра нет связи").output
    assert "no word of it is known" in russian
    assert "complaint" not in russian


def test_a_newcomer_gets_what_a_person_would_say(tocsin: Tocsin) -> None:
    """A French customer who waits and hears nothing is unhappy, and complains, about the support."""
    told = json.loads(tocsin("score", "--json", "Très déçu, trois semaines d'attente et personne ne répond").output)
    assert (told["label"], told["language"]) == ("negative", "fr")
    assert told["sentiment"] < -0.5
    assert told["complaint"] > 0.8


def test_what_cannot_be_told_is_said(tocsin: Tocsin) -> None:
    """Never a zero."""
    assert "cannot tell (looks most like ar, 3 % sure)" in tocsin("score", "").output
    assert "sentiment  cannot tell" in tocsin("score", "Сегодня с утра нет связи").output


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_every_text_has_its_line_of_json(tocsin: Tocsin, text: str) -> None:
    """One object on one line, with the documented keys, whatever was written."""
    done = tocsin("score", "--json", text)
    assert done.exit_code == 0, done.output
    (line,) = done.output.splitlines()
    facts = json.loads(line)
    assert list(facts) == KEYS
    assert (facts["sentiment"] is None) == (facts["label"] is None) == (facts["confidence"] is None)
    assert tocsin("score", "--explain", text).exit_code == 0


def test_standard_input_has_a_text_on_each_line(tocsin: Tocsin) -> None:
    """As many answers as lines, in their order, an empty one included; `-` says the same."""
    typed = "I love it\n\nC'est vraiment nul, je suis déçu\nI hate it"
    done = tocsin("score", "--json", typed=typed)
    told = [json.loads(line) for line in done.output.splitlines()]
    assert [each["label"] for each in told] == ["positive", None, "negative", "negative"]
    assert [each["language"] for each in told][::2] == ["en", "fr"]
    assert tocsin("score", "--json", "-", typed=typed).output == done.output


def test_a_pipe_gets_tabs(tocsin: Tocsin, tmp_path: Path) -> None:
    """Label, sentiment, confidence, language, complaint and the whole text; what could not be told is empty."""
    path = tmp_path / "posts.txt"
    path.write_text(f"I love it\twell\nСегодня с утра нет связи {'очень ' * 50}\n")
    first, second = tocsin("score", str(path)).output.splitlines()
    *cells, complaint, text = first.split("\t")
    assert cells == ["positive", "+0.74", "0.73", "en"]
    assert 0 <= float(complaint) < 0.5
    assert text == "I love it well"
    assert second.split("\t")[:5] == ["", "", "", "ru", ""]
    assert second.endswith("очень очень")


def test_records_bring_their_language(tocsin: Tocsin, tmp_path: Path) -> None:
    """The field `text` is scored, and `language` is what the network claims."""
    path = tmp_path / "posts.jsonl"
    path.write_text('{"text": "good", "language": "en"}\n{"text": "good"}\n')
    told = [json.loads(line)["language"] for line in tocsin("score", "--json", str(path)).output.splitlines()]
    assert told == ["en", "und"]


@pytest.mark.parametrize("text", ["I LOVE it, but not the awful support 😡!!", "Très déçu :(", "", ODD[5][:3000]], ids=range(4))
def test_vader_alone_prints_its_four_numbers_in_full(tocsin: Tocsin, text: str) -> None:
    """To the last digit what vaderSentiment says, of whatever language."""
    oracle = SentimentIntensityAnalyzer().polarity_scores(text)
    facts = json.loads(tocsin("score", "--engine", "vader", "--json", text).output)
    assert {name: repr(facts[name]) for name in oracle} == {name: repr(value) for name, value in oracle.items()}
    line = tocsin("score", "--engine", "vader", "-", typed=f"{text}\n").output.splitlines()[0]
    assert [ast.literal_eval(each) for each in line.split("\t")[:4]] == [
        oracle[name] for name in ("compound", "neg", "neu", "pos")
    ]
    assert f"compound {oracle['compound']!r}, neg" in tocsin("score", "--engine", "vader", text).output


@pytest.mark.parametrize("more", [[], ["--engine", "vader"]])
def test_a_terminal_gets_columns_of_its_width(tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch, more: list[str]) -> None:
    """No line is longer than the terminal is wide, whatever letters are in it."""
    told = io.StringIO()
    monkeypatch.setattr(score, "out", Console(file=told, width=80, force_terminal=True, highlight=False, color_system=None))
    typed = "I love it\nTrès déçu, trois semaines sans réponse et personne ne répond au téléphone\n" + "我爱它" * 40 + "\n"
    assert tocsin("score", *more, typed=typed).exit_code == 0
    lines = told.getvalue().splitlines()
    assert len(lines) == 4
    assert lines[0].endswith("text")
    assert all(Console().measure(line).maximum <= 80 for line in lines)
    assert lines[2].endswith("…")


def test_a_bar_shows_how_far_a_long_file_has_come(tocsin: Tocsin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the terminal while the results go elsewhere; it leaves nothing behind in them."""
    told = io.StringIO()
    monkeypatch.setattr(score, "err", Console(file=told, width=80, force_terminal=True))
    path = tmp_path / "posts.txt"
    path.write_text("I love it\n" * 300)
    done = tocsin("score", str(path))
    assert len(done.stdout.splitlines()) == 300
    assert "posts.txt" in told.getvalue()


def test_a_configuration_brings_its_languages(tocsin: Tocsin) -> None:
    """Basque is recognised where it is configured."""
    basque = "Gaur goizetik ez dut sarerik eta inork ez du telefonoa hartzen, lotsagarria da"
    assert json.loads(tocsin("score", "--json", basque).output)["language"] != "eu"
    path = tocsin.config / "monitor.yaml"
    path.write_text(path.read_text() + "sentiment: {languages: [eu, fr]}\n")
    assert json.loads(tocsin.at("score", "--json", basque).output)["language"] == "eu"


def test_what_is_wrong_has_its_exit_code(tocsin: Tocsin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown engine is a matter of usage, a broken file of input, a missing folder of configuration."""
    for words, error in (
        (["--engine", "oracle", "x"], UsageError),
        (["--config", str(tmp_path / "nowhere"), "x"], ConfigError),
    ):
        assert isinstance(tocsin("score", *words).exception, error)
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{")
    assert isinstance(tocsin("score", str(broken)).exception, InputError)
    monkeypatch.setattr("monitor.cli.score.Path.is_file", lambda _: True)
    found = tocsin("score", "nowhere.txt").exception
    assert isinstance(found, InputError)
    assert str(found) == "nowhere.txt cannot be read: No such file or directory"
