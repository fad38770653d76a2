"""`tocsin score`: what Tocsin makes of texts, word by word."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer
from rich.text import Text

from monitor.cli.app import LISTENS, app
from monitor.cli.context import err, loaded, out, said, say, unknown
from monitor.domain.errors import InputError, UsageError

if TYPE_CHECKING:
    from rich.progress import Progress

    from monitor.domain.mention import Scores
    from monitor.sentiment import Explanation, Scorer, SentimentSettings, Weighed
    from monitor.sentiment.labelled import Example
    from monitor.sentiment.vader import Vader

Engine = Annotated[
    str, typer.Option(help="Who scores the sentiment: auto (as the configuration says), or one engine alone, such as vader.")
]
OwnConfig = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The folder that holds monitor.yaml, for its `sentiment`; without it, the defaults."),
]
AUTO = "auto"

_AT_ONCE = 125  # texts: their languages are named side by side
_LONGEST_PATH = 1_000
_WORTH_SAYING = 0.05  # of a danger: every text that names none has a hundredth
_SHOWN = 400  # characters of a text that is told of at length
_COLOURS = {"negative": "red", "neutral": "", "positive": "green", None: "dim"}
_VADERS = ("compound", "neg", "neu", "pos")


@app.command(rich_help_panel=LISTENS)
def score(
    text: Annotated[
        str | None,
        typer.Argument(
            help="What somebody wrote; or a file with a text on each line (.jsonl and .csv: with a field `text`);"
            " or - for standard input, a text on each line.",
            show_default=False,
        ),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say which words counted, and why.")] = False,
    engine: Engine = AUTO,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a text, on a line of its own.")] = False,
    config: OwnConfig = None,
) -> None:
    """Say what language a text is in, how it feels, and whether that can be told at all.

    Several texts are told one a line. Where the output is no terminal, tabs stand between label, sentiment, confidence,
    language, complaint and text; an empty field is what could not be told. With `--engine vader` the sentiment is told by
    VADER's own four numbers, whatever the language.
    """
    settings = settings_of(config)
    scorer = scorer_of(settings, engine)
    shown = _Shown(explain=explain, as_json=as_json, vader=_vader(settings) if engine == "vader" else None)
    if text is not None and not _is_file(text):
        shown.one(text, scorer)
        return
    if text is None and sys.stdin.isatty():
        raise UsageError('nothing to score: give a text, as in `tocsin score "So happy"`, a file, or - for standard input')
    with _batches(Path(text or "-")) as several:
        for some in several:
            shown.many(some, scorer)


def settings_of(config: Path | None) -> SentimentSettings:
    """How a configuration has texts scored; without one, the defaults."""
    from monitor.sentiment import SentimentSettings

    return loaded(config).sentiment if config else SentimentSettings()


def scorer_of(settings: SentimentSettings, engine: str) -> Scorer:
    """The scorer that was asked for."""
    from monitor.sentiment import Scorer
    from monitor.sentiment.engines import ENGINES, ONNX

    if engine not in {AUTO, *ENGINES, ONNX}:
        raise unknown("engine", engine, (AUTO, *ENGINES, ONNX))
    return Scorer(settings, engine)


def _vader(settings: SentimentSettings) -> Vader:
    """VADER, with the words of a configuration."""
    from monitor.sentiment.lexicon import Lexicon
    from monitor.sentiment.vader import Vader

    made = Vader()
    if settings.lexicon:
        made.learn(Lexicon(settings.lexicon))
    return made


def _is_file(text: str) -> bool:
    """Whether the argument names a file, `-` for standard input, rather than being the text itself."""
    try:
        return text == "-" or (len(text) < _LONGEST_PATH and Path(text).is_file())
    except (OSError, ValueError):  # no path is so long, or has these characters
        return False


@contextmanager
def open_texts(path: Path) -> Iterator[BinaryIO]:
    """A file to read, `-` for standard input. What the system says against it becomes words and the exit code 74."""
    try:
        stream = sys.stdin.buffer if str(path) == "-" else path.open("rb")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    with stream:
        yield stream


@contextmanager
def _batches(path: Path) -> Iterator[Iterator[Sequence[Example]]]:
    """The texts of a file, some at a time. A bar is for whoever does not see the results pass by."""
    from monitor.sentiment.labelled import batches

    hidden = not err.is_terminal or out.is_terminal or str(path) == "-"
    with open_texts(path) as stream, _bar(hidden=hidden) as bar:
        task = bar.add_task(path.name, total=None if hidden else path.stat().st_size)

        def passing() -> Iterator[Sequence[Example]]:
            for some in batches(path, stream, _AT_ONCE):
                yield some
                if not hidden:
                    bar.update(task, completed=stream.tell())

        yield passing()


def _bar(*, hidden: bool) -> Progress:
    """On standard error, and nowhere near the results."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err, transient=True, disable=hidden, redirect_stdout=False, redirect_stderr=False)


class _Shown:
    """How results are printed."""

    def __init__(self, *, explain: bool, as_json: bool, vader: Vader | None) -> None:
        self._explain, self._as_json, self._vader = explain, as_json, vader
        self._begun = False

    def one(self, text: str, scorer: Scorer) -> None:
        """Tell of a text at length."""
        if self._as_json:
            _line(self._facts(text, scorer.score(text, None), scorer.explain(text, None) if self._explain else None))
        else:
            self._at_length(text, scorer.explain(text, None))

    def many(self, texts: Sequence[Example], scorer: Scorer) -> None:
        """Tell of each text on a line of its own, unless it is to be explained."""
        if self._explain and not self._as_json:
            for each in texts:
                self._at_length(each.text, scorer.explain(each.text, each.language))
                say("")
            return
        for each, scores in zip(texts, scorer.score_all([(each.text, each.language) for each in texts]), strict=True):
            if self._as_json:
                why = scorer.explain(each.text, each.language) if self._explain else None
                _line(self._facts(each.text, scores, why))
            else:
                self._in_short(each.text, scores)
        sys.stdout.flush()

    def _facts(self, text: str, scores: Scores, why: Explanation | None) -> Mapping[str, Any]:
        from monitor.sentiment import label

        facts: dict[str, Any] = {
            "language": scores.language,
            "sentiment": scores.sentiment,
            "confidence": scores.confidence,
            "label": label(scores.sentiment),
            "complaint": scores.complaint,
            "intents": sorted(scores.intents),
            "topics": sorted(scores.topics),
            "safety_risk": scores.safety_risk,
            "scorer": scores.scorer,
        }
        if self._vader:
            polarity = self._vader.polarity(text)
            facts |= {name: polarity[name] for name in _VADERS}
        if why:
            facts["looks_like"] = {"language": why.looks_like, "probability": round(why.probability, 4)}
            facts["words"] = [each._asdict() for each in why.weighed]
            facts["complaint_words"] = [each._asdict() for each in why.complained]
        return facts

    def _at_length(self, text: str, found: Explanation) -> None:
        say((said(text, _SHOWN) or "(no text)", "bold"))
        scores = found.scores
        if self._vader:
            polarity = self._vader.polarity(text)
            _fact("vader", ", ".join(f"{name} {polarity[name]!r}" for name in _VADERS))
        _fact("sentiment", *_feeling(scores))
        if scores.complaint is not None:
            _fact("complaint", _percent(scores.complaint))
        if scores.safety_risk is not None and scores.safety_risk >= _WORTH_SAYING:
            _fact("danger", _percent(scores.safety_risk))
        for name, labels in (("intents", scores.intents), ("topics", scores.topics)):
            if labels:
                _fact(name, ", ".join(sorted(labels)))
        _fact("language", _language(found))
        _fact("scored by", scores.scorer)
        if self._explain:
            self._because(found)

    def _because(self, found: Explanation) -> None:
        if not found.weighed:
            _fact("because", "no word of it is known to a scorer that speaks its language")
        for first, weighed in (("because", found.weighed), ("complaint", found.complained)):
            width = max((len(each.words) for each in weighed), default=0)
            for name, each in zip([first, *[""] * len(weighed)], weighed, strict=False):
                _fact(name, f"{said(each.words):<{width}}  {_weight(each)}")

    def _in_short(self, text: str, scores: Scores) -> None:
        if self._vader:
            polarity = self._vader.polarity(text)
            numbers = [repr(polarity[name]) for name in _VADERS]
            self._tell(text, numbers, (7, 5, 5, 5), "", _VADERS)
        else:
            self._tell(text, *_cells(scores), ("label", "score", "sure", "lang", "complaint"))

    def _tell(self, text: str, cells: Sequence[str], widths: Sequence[int], style: str, heads: Sequence[str]) -> None:
        if not out.is_terminal:
            sys.stdout.write("\t".join([*cells, said(text, len(text) + 1)]) + "\n")
            return
        if not self._begun:
            out.print(_row([*heads, "text"], widths, "bold"))
            self._begun = True
        out.print(_row([*cells, said(text)], widths, style))


def _line(facts: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(facts, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n")


def _fact(name: str, words: str, style: str = "") -> None:
    say(f"  {name:<11}", (words, style))


def _feeling(scores: Scores) -> tuple[str, str]:
    from monitor.sentiment import label

    name = label(scores.sentiment)
    if scores.sentiment is None or name is None:
        return "cannot tell", _COLOURS[None]
    return f"{name} {scores.sentiment:+z.2f}, {_percent(scores.confidence or 0.0)} sure", _COLOURS[name]


def _language(found: Explanation) -> str:
    seen = f"{found.looks_like}, {_percent(found.probability)} sure"
    if found.scores.language == found.looks_like:
        return seen
    named = "cannot tell" if found.scores.language == "und" else found.scores.language
    return f"{named} (looks most like {seen})"


def _weight(each: Weighed) -> str:
    """`+3.2 → -2.37  VADER, denied by “not”`."""
    turned = f" → {each.valence:+.3g}" if each.why else ""
    return f"{f'{each.own:+.3g}{turned}':<13}  {', '.join((each.known_to, *each.why))}"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _cells(scores: Scores) -> tuple[list[str], Sequence[int], str]:
    from monitor.sentiment import label

    name = label(scores.sentiment)
    numbers = ("" if each is None else f"{each:{form}}" for each, form in (
        (scores.sentiment, "+z.2f"), (scores.confidence, ".2f"), (scores.language, ""), (scores.complaint, ".2f")
    ))  # fmt: skip
    return [name or "", *numbers], (8, 5, 4, 4, 9), _COLOURS[name]


def _row(cells: Sequence[str], widths: Sequence[int], style: str) -> Text:
    """Cells of these widths, and what is left of the line for the last: a letter may be two columns wide, or none."""
    line = Text(style=style)
    for cell, width in zip(cells, widths, strict=False):
        line.append(f"{cell or '–':<{width}}  ")
    words = Text(cells[-1])
    words.truncate(max(out.width - line.cell_len, 8), overflow="ellipsis")
    return line + words
