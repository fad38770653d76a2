"""`tocsin evaluate`: the figures of a labelled file, for people and for scripts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from monitor.cli import evaluate
from monitor.domain.errors import InputError, UsageError
from monitor.domain.mention import Scores
from monitor.sentiment import Scorer

if TYPE_CHECKING:
    from tests.monitor.cli.conftest import Tocsin

POSTS = [
    ("I love it, it is great", "positive", False),
    ("I hate this awful service", "negative", True),
    ("This is good for nothing, I want my money back", "negative", True),
    ("The parcel came on Tuesday at nine in the morning", "neutral", False),
    ("Je suis vraiment très déçu de ce service", "negative", True),
]


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    """Five labelled posts."""
    path = tmp_path / "posts.jsonl"
    lines = (json.dumps({"text": text, "label": label, "complaint": complaint}) for text, label, complaint in POSTS)
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def complaining(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scorer that takes whoever wants money back, or is disappointed, for somebody who complains."""
    plain = Scorer.score_all

    def score_all(self: Scorer, said: list[tuple[str, str | None]]) -> list[Scores]:
        sure = [0.9 if "money" in text or "déçu" in text else 0.2 for text, _ in said]
        return [
            Scores(s.language, s.sentiment, s.confidence, c, scorer=s.scorer)
            for s, c in zip(plain(self, said), sure, strict=True)
        ]

    monkeypatch.setattr(Scorer, "score_all", score_all)


@pytest.fixture
def knowing_no_complaint(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scorer that cannot tell of any text whether it complains."""
    plain = Scorer.score_all

    def score_all(self: Scorer, said: list[tuple[str, str | None]]) -> list[Scores]:
        return [replace(scores, complaint=None) for scores in plain(self, said)]

    monkeypatch.setattr(Scorer, "score_all", score_all)


def test_figures_for_scripts(tocsin: Tocsin, posts: Path) -> None:
    """All of them, and those of each language."""
    done = tocsin("evaluate", "--json", "--engine", "vader", str(posts))
    facts = json.loads(done.output)
    assert facts["scorer"].startswith("vader 3.3.2, complaint ")
    assert facts["sentiment"]["texts"] == 5
    assert facts["sentiment"]["told"] == 3
    assert facts["sentiment"]["coverage"] == 0.6
    assert facts["sentiment"]["confusion"] == [[1, 0, 1, 1], [0, 0, 0, 1], [0, 0, 1, 0]]
    assert facts["sentiment"]["labels"]["negative"] == {"precision": 1.0, "recall": 1 / 3, "f1": 0.5}
    assert facts["sentiment"]["calibration"]["bins"]
    assert facts["complaint"]["told"] == 5
    assert set(facts["languages"]) == {"en", "fr"}
    assert facts["languages"]["fr"]["sentiment"]["told"] == 0


def test_tables_for_people(tocsin: Tocsin, posts: Path, complaining: None) -> None:
    """They say what an abstention counts for, and fit into 80 columns."""
    done = tocsin("evaluate", "--engine", "vader", str(posts))
    assert done.exit_code == 0, done.output
    assert "5 texts, 3 told (60 %), 2 abstained." in done.output
    assert "of what was told;" in done.output
    assert "5 texts, 3 of them complaints; 5 told.\nF1 80.0, called a complaint from 50 % on; AUC 83.3." in done.output
    assert "expected calibration error" in done.output
    assert "others" in done.output  # languages with too few texts to speak of
    assert all(len(line.rstrip()) <= 80 for line in done.output.splitlines())


def test_a_scorer_that_does_not_tell_complaints_says_so(tocsin: Tocsin, posts: Path, knowing_no_complaint: None) -> None:
    """Rather than that it finds none."""
    assert "3 of them complaints: this scorer does not tell complaints." in tocsin("evaluate", str(posts)).output


def test_several_files_and_what_the_network_claims(tocsin: Tocsin, tmp_path: Path, posts: Path) -> None:
    """Together they are one set; `--language` is believed as a network's tag is."""
    (tmp_path / "val_text.txt").write_text("good\nbad\n")
    (tmp_path / "val_labels.txt").write_text("2\n0\n")
    words = ("evaluate", "--json", "--engine", "vader", "--language", "en-GB", str(tmp_path / "val_text.txt"), str(posts))
    facts = json.loads(tocsin(*words).output)
    assert facts["sentiment"]["texts"] == 7
    assert facts["languages"]["en"]["sentiment"]["told"] == 5


def test_many_languages_are_told_apart(tocsin: Tocsin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A language with enough texts has a line of its own, on a narrow terminal, too."""
    monkeypatch.setattr(evaluate, "out", Console(width=80, highlight=False))
    path = tmp_path / "posts.csv"
    path.write_text("text,label,language\n" + "so good,2,en\n" * 25 + "gut,2,de\n" * 25 + "bien,2,es\n")
    told = tocsin("evaluate", str(path)).output
    assert [line.split()[0] for line in told.splitlines()[-3:]] == ["de", "en", "others"]


def test_what_cannot_be_evaluated_is_said(tocsin: Tocsin, tmp_path: Path, posts: Path) -> None:
    """No labels, no file, no such engine."""
    plain = tmp_path / "plain.txt"
    plain.write_text("I love it\n")
    for words, error, says in (
        ([str(plain)], InputError, "plain.txt has no label: add `label`"),
        ([str(tmp_path / "gone.csv")], InputError, "gone.csv cannot be read"),
        ([str(tmp_path)], InputError, "cannot be read: Is a directory"),
        ([str(posts), "--engine", "oracle"], UsageError, "there is no engine `oracle`"),
    ):
        found = tocsin("evaluate", *words).exception
        assert isinstance(found, error)
        assert says in str(found)
