"""`tocsin evaluate`: how well texts are scored, against what people said of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.app import LISTENS, app
from monitor.cli.context import AsJson, opened, out, plural, row, say, show_json, table
from monitor.cli.score import AUTO, Engine, OwnConfig, open_texts, scorer_of, settings_of
from monitor.domain.errors import InputError, UsageError

if TYPE_CHECKING:
    from monitor.domain.mention import Scores
    from monitor.sentiment import Scorer
    from monitor.sentiment.evaluation import Calibration, ComplaintReport, Quality, SentimentReport
    from monitor.sentiment.labelled import Example

Scored = tuple["Example", "Scores"]
_SAID = {
    ("complaint", "yes"): "complaint",
    ("complaint", "no"): "not a complaint",
    ("not_about", ""): "not about us",
    **{("sentiment", name): f"really {name}" for name in ("negative", "neutral", "positive")},
}
_AT_ONCE = 125
_FEW = 20  # texts of a language, below which its figures say little: they are shown together


@app.command(rich_help_panel=LISTENS)
def evaluate(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Labelled texts: JSON Lines or CSV with `text`, `label` (negative, neutral, positive; or 0, 1, 2) and, if known,"
            " `language` and `complaint` (0, 1); or NAME_text.txt beside NAME_labels.txt.",
            show_default=False,
        ),
    ] = None,
    feedback: Annotated[
        bool, typer.Option("--feedback", help="Also what the team said of stored mentions; needs --config.")
    ] = False,
    engine: Engine = AUTO,
    language: Annotated[str, typer.Option(help="What the network claims about texts that do not say it, such as fr.")] = "",
    as_json: AsJson = False,
    config: OwnConfig = None,
) -> None:
    """Measure the scoring against labelled texts: macro-F1, confusion, calibration, each language, and what was not told.

    An abstention is a miss in `macro-F1`; the other figures look only at what was told, and take it for neutral.
    """
    if not files and not feedback:
        raise UsageError("evaluate what? Give a labelled file, or --feedback with --config")
    scorer = scorer_of(settings_of(config), engine)
    examples = [each for path in files or () for each in _read(path)]
    given = _given(config) if feedback else None
    examples += given.examples if given else ()
    scored = _scored(scorer, [each._replace(language=each.language or language or None) for each in examples])
    facts = Figures(scored)
    if files and not facts.sentiment and not facts.complaint:
        raise InputError(f"{files[0]} has no label: add `label` (negative, neutral, positive) or `complaint` (0, 1) to its texts")
    if as_json:
        more = {"feedback": given.counts} if given else {}
        show_json({"scorer": scorer.version, **facts.as_json(), **more})
        return
    say("scored by ", (scorer.version, "bold"))
    if given:
        say(f"Feedback on {plural(len(given.examples), 'mention')}: {_counted(given.counts) or 'none was given yet'}.")
    facts.show()


@dataclass(frozen=True)
class _Given:
    """What the team said: as labelled texts, and how often it said what."""

    examples: Sequence[Example]
    counts: Mapping[str, int]


def _given(config: Path | None) -> _Given:
    """The feedback in the store of a configuration."""
    if config is None:
        raise UsageError("--feedback needs --config: the team's words are in the store that monitor.yaml names")

    async def read() -> _Given:
        from monitor.sentiment.labelled import Example
        from monitor.sentiment.labels import LABELS

        async with opened(config) as (_, store), store.read() as tx:
            corrected, counts = await tx.feedback.corrected(), await tx.feedback.counts()
        labels = {str(name): name for name in LABELS}
        examples = [Example(each.text, labels.get(each.sentiment or ""), each.language, each.complaint) for each in corrected]
        return _Given(examples, {_SAID[key]: number for key, number in counts.items()})

    return asyncio.run(read())


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} × {words}" for words, number in counts.items())


def _read(path: Path) -> Sequence[Example]:
    from monitor.sentiment.labelled import examples

    with open_texts(path) as stream:
        return list(examples(path, stream))


def _scored(scorer: Scorer, examples: Sequence[Example]) -> list[Scored]:
    scores: list[Scores] = []
    for at in range(0, len(examples), _AT_ONCE):
        scores += scorer.score_all([(each.text, each.language) for each in examples[at : at + _AT_ONCE]])
    return list(zip(examples, scores, strict=True))


class Figures:
    """All that can be said of these texts; `sentiment` and `complaint` are None where nobody labelled them."""

    def __init__(self, scored: Sequence[Scored]) -> None:
        self.sentiment = _sentiment(scored)
        self.complaint = _complaint(scored)
        by_language: dict[str, list[Scored]] = {}
        for each in scored:
            by_language.setdefault(_base(each[0].language) or each[1].language, []).append(each)
        self.by_language = {name: (_sentiment(some), _complaint(some)) for name, some in sorted(by_language.items())}
        few = [each for some in by_language.values() if len(some) < _FEW for each in some]
        self._few = (_sentiment(few), _complaint(few))

    def as_json(self) -> Mapping[str, Any]:
        reports = {name: (sentiment, complaint) for name, (sentiment, complaint) in self.by_language.items()}
        return _as_json(self.sentiment, self.complaint) | {
            "languages": {name: _as_json(*each) for name, each in reports.items()},
        }

    def show(self) -> None:
        """Print tables that fit into 80 columns."""
        if self.sentiment:
            _show_sentiment(self.sentiment)
        if self.complaint:
            _show_complaint(self.complaint)
        if len(self.by_language) > 1:
            self._show_languages()

    def _show_languages(self) -> None:
        _title("Languages")
        rows = table("language", "texts", "told", "macro-F1", "of told", "complaint F1", "AUC")
        shown = {name: each for name, each in self.by_language.items() if _texts(each) >= _FEW}
        for name, (sentiment, complaint) in {**shown, **({"others": self._few} if any(self._few) else {})}.items():
            row(
                rows,
                name,
                str(_texts((sentiment, complaint))),
                _percent(sentiment.coverage) if sentiment else "–",
                *((_points(sentiment.macro_f1), _points(sentiment.macro_f1_told)) if sentiment else ("–", "–")),
                *((_points(complaint.quality.f1), _points(complaint.auc)) if complaint and complaint.told else ("–", "–")),
            )
        out.print(rows)


def _base(language: str | None) -> str | None:
    """`fr-FR` is `fr`."""
    from monitor.sentiment.language import claimed_code

    return claimed_code(language)


def _texts(reports: tuple[SentimentReport | None, ComplaintReport | None]) -> int:
    return max((each.texts for each in reports if each), default=0)


def _sentiment(scored: Iterable[Scored]) -> SentimentReport | None:
    from monitor.sentiment import evaluation, label

    labelled = [(each.label, scores) for each, scores in scored if each.label is not None]
    if not labelled:
        return None
    told = [label(scores.sentiment) for _, scores in labelled]
    return evaluation.sentiment([truth for truth, _ in labelled], told, [scores.confidence for _, scores in labelled])


def _complaint(scored: Iterable[Scored]) -> ComplaintReport | None:
    from monitor.sentiment import evaluation

    labelled = [(each.complaint, scores.complaint) for each, scores in scored if each.complaint is not None]
    return evaluation.complaint([truth for truth, _ in labelled], [told for _, told in labelled]) if labelled else None


def _as_json(sentiment: SentimentReport | None, complaint: ComplaintReport | None) -> dict[str, Any]:
    return {
        "sentiment": asdict(sentiment) | {"coverage": sentiment.coverage} if sentiment else None,
        "complaint": asdict(complaint) if complaint else None,
    }


def _show_sentiment(report: SentimentReport) -> None:
    from monitor.sentiment.labels import LABELS

    _title("Sentiment")
    abstained = report.texts - report.told
    say(f"{plural(report.texts, 'text')}, {report.told} told ({_percent(report.coverage)}), {abstained} abstained.")
    told, neutral = _points(report.macro_f1_told), _points(report.macro_f1_neutral)
    say(("macro-F1 ", "bold"), (_points(report.macro_f1), "bold"), ", abstentions being misses;")
    say(f"{told} of what was told; {neutral} with abstentions taken for neutral.")
    say("")
    rows = table("readers said", *(f"told {name}" for name in LABELS), "abstained")
    for name, counts in zip(LABELS, report.confusion, strict=True):
        row(rows, name, *map(str, counts))
    out.print(rows)
    say("")
    _show_qualities(report.labels)
    _show_calibration(report.calibration, "how sure")


def _show_complaint(report: ComplaintReport) -> None:
    from monitor.sentiment.evaluation import COMPLAINS

    _title("Complaint")
    if not report.told:
        say(f"{plural(report.texts, 'text')}, {report.complaints} of them complaints: this scorer does not tell complaints.")
        return
    say(f"{plural(report.texts, 'text')}, {report.complaints} of them complaints; {report.told} told.")
    called = f", called a complaint from {_percent(COMPLAINS)} on; AUC {_points(report.auc)}."
    say(("F1 ", "bold"), (_points(report.quality.f1), "bold"), called)
    say("")
    _show_qualities({"complaint": report.quality})
    _show_calibration(report.calibration, "probability")


def _show_qualities(qualities: Mapping[Any, Quality]) -> None:
    rows = table("", "precision", "recall", "F1")
    for name, each in qualities.items():
        row(rows, str(name), _points(each.precision), _points(each.recall), _points(each.f1))
    out.print(rows)


def _show_calibration(found: Calibration | None, promise: str) -> None:
    if found is None:
        return
    say("")
    rows = table(promise, "texts", "on average", "right")
    for each in found.bins:
        row(rows, f"{each.low:.1f}–{each.high:.1f}", str(each.texts), _percent(each.promised), _percent(each.right))
    out.print(rows)
    say(f"Promise and truth are {_points(found.ece)} points apart on average (expected calibration error).")


def _title(words: str) -> None:
    say("")
    say((words, "bold"))


def _points(share: float | None) -> str:
    """In hundredths, with one decimal, as papers print them."""
    return "–" if share is None else f"{share * 100:.1f}"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")
