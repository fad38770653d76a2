"""Training makes, from labelled posts, models that the daemon can load; this one learns from a few invented posts."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.domain.errors import InputError
from monitor.domain.feedback import text_hash
from monitor.sentiment import reading
from monitor.sentiment.complaint import Complaints
from monitor.sentiment.linear import LinearModel
from monitor.sentiment.multilingual import Multilingual
from monitor.sentiment.signals import signals
from monitor.sentiment.training import __main__ as command
from monitor.sentiment.training import corpora, recipes, vocabulary
from monitor.sentiment.training.corpora import FOLDERS, Labelled
from monitor.sentiment.training.features import posts
from monitor.sentiment.training.fit import Fitted, Recipe, Words, calibrated, folds_by_group, probabilities, trades
from monitor.sentiment.valence import LANGUAGES

SMALL = Recipe(shared_bits=10, own_bits=8)
SAID = {0: ("awful", "broken"), 1: ("table", "seven"), 2: ("lovely", "splendid")}


def encode(words: Sequence[str]) -> NDArray[np.float32]:
    """Stands in for the encoder: a word's length and whether it is one of the glad ones."""
    return np.array([[len(word), word in SAID[2], 1] for word in words], np.float32)


def invented(languages: Sequence[str], labels: Sequence[int], count: int = 8) -> list[Labelled]:
    """Posts whose one telling word names their class."""
    return [
        Labelled(f"post {at} is {SAID[label][at % 2]} today", language, label, f"trade {at % 3}")
        for language in languages
        for label in labels
        for at in range(count)
    ]


def write(folder: Path, part: str) -> None:
    """Invented tweets, in files like the real ones."""
    for language, name in FOLDERS.items():
        told = invented([language], [0, 1, 2])
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / f"{part}_text.txt").write_text("".join(each.text + "\n" for each in told), encoding="utf-8")
        (folder / name / f"{part}_labels.txt").write_text("".join(f"{each.label}\n" for each in told), encoding="utf-8")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder laid out like the real one."""
    for part in ("train", "val"):
        write(tmp_path / "umsab", part)
    (tmp_path / "complaints").mkdir()
    with (tmp_path / "complaints" / "english-train.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "complaint", "domain"])
        rows.writerows([each.text, each.label // 2, each.group] for each in invented(["en"], [0, 2]))
        rows.writerows([f"a walk {at}", 0, "random_tweet"] for at in range(6))
    (tmp_path / "streams").mkdir()
    french = [each._replace(text=f"@brand {each.text}") for each in invented(["fr"], [0, 2])]
    stream = "".join(json.dumps({"text": each.text}) + "\n" for each in french)
    (tmp_path / "streams" / "brand-fr-2020.jsonl").write_text(stream, encoding="utf-8")
    with (tmp_path / "french.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["hash", "source", "split", "complaint"])
        for at, each in enumerate(french):
            rows.writerow([text_hash(each.text), f"brand {at % 2}", "test" if at == 0 else "train", each.label // 2])
        rows.writerow([text_hash("post 0 is table today"), "umsab", "train", 0])
    return tmp_path


@pytest.fixture
def command_with_small_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command without its encoder and word lists."""
    monkeypatch.setattr(vocabulary, "universal_sentence_encoder", lambda: encode)
    monkeypatch.setattr(vocabulary, "common", lambda _language, _count: ["awful", "lovely"])
    monkeypatch.setattr(recipes, "SENTIMENT", SMALL)
    monkeypatch.setattr(recipes, "COMPLAINTS", SMALL)


@pytest.mark.usefixtures("command_with_small_tables")
def test_the_command_trains_sentiment(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file can be loaded and knows what was taught; the figures are printed; vectors are kept for the next run."""
    asked = ["sentiment", str(data), "--to", str(data / "made.npz"), "--cache", str(data), "--version", "7"]
    assert command.main(asked) == 0
    assert command.main(asked) == 0
    model = Multilingual(data / "made.npz")
    assert model.version == "multilingual 7"
    opinion = model.feeling("this is lovely", "fr")
    assert opinion
    assert opinion.label == "positive"
    assert "| fr | 100.0% | 100.0% |" in capsys.readouterr().out
    assert len(list(data.glob("words-*.npy"))) == 1


@pytest.mark.usefixtures("command_with_small_tables")
@pytest.mark.parametrize(("french", "languages"), [(False, ("en",)), (True, ("en", "fr"))])
def test_the_command_trains_complaints(data: Path, french: bool, languages: tuple[str, ...]) -> None:
    """In English, and together with French where there are labels."""
    more = ["--french", str(data / "french.csv")] if french else []
    (data / "feedback.jsonl").write_text('{"text": "so broken", "language": "en", "complaint": false}\n')
    more += ["--feedback", str(data / "feedback.jsonl")]
    assert command.main(["complaint", str(data), "--to", str(data / "made.npz"), *more]) == 0
    model = Complaints(data / "made.npz")
    assert model.languages == languages
    probability = model.probability("splendid post", languages[-1])
    assert probability is not None
    assert probability > 0.5


def test_posts_kept_for_checking_are_not_taught(data: Path) -> None:
    """Only the splits that were asked for are read, each text once, wherever it stands."""
    taught = corpora.labelled_by_hash(data / "french.csv", data, "fr", splits=frozenset({"train"}))
    kept = corpora.labelled_by_hash(data / "french.csv", data, "fr", splits=frozenset({"test"}))
    assert (len(taught), len(kept)) == (16, 1)
    assert {each.text for each in taught}.isdisjoint(each.text for each in kept)
    assert {each.group for each in taught} == {"fr:brand 0", "fr:brand 1", "fr:umsab"}


def test_what_a_brand_says_of_itself_is_not_taught(data: Path) -> None:
    """A label whose text is its own, or nowhere, is an error, and so is told."""
    (data / "streams" / "brand-fr-2020.jsonl").write_text('{"text": "@brand post 1 is broken today", "own_account": true}\n')
    with pytest.raises(InputError, match=r"french\.csv: 15 of 16 labels have no text in"):
        corpora.labelled_by_hash(data / "french.csv", data, "fr", splits=frozenset({"train"}))


def test_the_words_of_the_team_are_taught_and_are_the_last(tmp_path: Path) -> None:
    """What was exported teaches each model what was said for it; a text that was labelled otherwise changes sides."""
    said: list[dict[str, object]] = [
        {"text": "post 0 is awful today", "language": "en", "label": None, "complaint": False, "not_about": [], "hash": "0"},
        {"text": "quelle honte", "language": "fr-FR", "label": "negative", "complaint": True},
        {"text": "aivan kamala", "language": "fi", "label": "negative", "complaint": True},
        {"text": "awful, awful", "language": None, "label": "negative", "complaint": True},
    ]
    file = tmp_path / "feedback.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in said), encoding="utf-8")
    before = invented(["en"], [0])
    assert corpora.corrected(before, [], corpora.complained) == before
    assert corpora.corrected(before, [file], corpora.complained) == [
        *before[1:],
        Labelled("post 0 is awful today", "en", 0, "en:feedback"),
        Labelled("quelle honte", "fr", 1, "fr:feedback"),
    ]
    assert corpora.corrected(before, [file], corpora.felt) == [*before, Labelled("quelle honte", "fr", 0, "fr:feedback")]


def test_a_packed_model_says_what_the_learnt_one_said() -> None:
    """Looked up in small integers, the answers differ by no more than rounding; of languages together, and of one alone."""
    for languages in (LANGUAGES, ("en",)):
        read = posts(invented(languages, [0, 1, 2]), languages)
        rows = {word: at for at, word in enumerate(dict.fromkeys(word for words in read.words for word in words))}
        words = Words(rows, encode(list(rows)), {})
        fitted = Fitted(read, words, languages, SMALL)
        answers = fitted.answers(read)
        calibration = calibrated(answers, fitted.shared_answers(read), read, len(languages))
        model = LinearModel(fitted.tables(calibration), languages)
        for at, each in enumerate(invented(languages, [0, 1, 2])):
            words_of = reading.read(each.text)
            packed = model.answers(words_of, signals(words_of, each.language), each.language)
            place = read.places[at]
            exact = answers[at] * calibration.slope[place] + calibration.shift[place]
            assert packed == pytest.approx(exact.tolist(), abs=0.2)


def test_a_trade_is_asked_about_by_a_model_that_never_saw_it() -> None:
    """What is about no company is no trade, and is spread over all; so are the posts of a language with few trades."""
    told = [*invented(["en"], [0, 2]), *(Labelled(f"a walk {at}", "en", 0, "random") for at in range(30))]
    told += [each._replace(group=f"fr:{each.group}") for each in invented(["fr"], [0, 2]) if each.group != "trade 2"]
    read = posts(told, ("en", "fr"))
    for learn, ask in folds_by_group(read):
        assert not (learn & ask).any()
        assert len({group for group in read.groups[ask] if group.startswith("trade")}) == 1
        assert 0 < (read.groups[ask] == "random").sum() < 30
        assert 0 < (read.places[ask] == 1).sum() < (read.places == 1).sum()


def test_invented_posts_are_learnt_from_and_nothing_is_measured_on_them() -> None:
    """They are of no trade, so that some of them are taught in every fold, and are told from real ones."""
    made = corpora.invented("fr")
    assert {each.label for each in made} == {0, 1}
    assert len({each.text for each in made}) == len(made)
    read = posts([*invented(["fr"], [0, 2]), *made], ("fr",))
    assert read.real.sum() == 16
    assert trades(read) == ["trade 0", "trade 1", "trade 2"]
    assert all((learn & ~read.real).any() for learn, _ in folds_by_group(read))


def test_probabilities_of_two_and_of_three_classes() -> None:
    """They add up to 1, and a logit of 0 favours nobody."""
    assert probabilities(np.zeros((1, 1), np.float32))[0] == pytest.approx([0.5, 0.5])
    assert probabilities(np.zeros((1, 2), np.float32))[0] == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_common_words_of_a_language() -> None:
    """The commonest first; none of a language without a list, and none if none are wanted."""
    assert vocabulary.common("fr", 200)[0] in {"de", "je", "est"}
    assert len(vocabulary.common("en", 50)) == 50
    assert vocabulary.common("hi", 50) == vocabulary.common("fr", 0) == []


def test_the_real_encoder_knows_that_words_mean_the_same() -> None:
    """Across languages."""
    good, bon, broken = vocabulary.universal_sentence_encoder()(["good", "bon", "broken"])
    assert good @ bon > good @ broken
