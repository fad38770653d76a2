"""A report in the words of one reader: what both the page and the Markdown show, as plain texts that they escape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Final

from monitor.domain.plan import TOCSIN, EventKind, Localized, TimelineEvent, localized
from monitor.plans.story import reason, told
from monitor.report import words
from monitor.report.drawing import chart
from monitor.report.measuring import ENOUGH
from monitor.report.steps import is_trouble
from monitor.report.value import Action, Asked, Column, Lack, Moment, Report, Span, StepLine
from notifiers.reader import Reader
from notifiers.safe import one_line

_LONG, _NAME, _BAR = 600, 120, 10  # letters
_EVER: Final = datetime(1, 1, 2, tzinfo=UTC)  # against which every moment has its day and its year


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure with what it is; `missed`: it took longer than the plan gives it."""

    name: str
    value: str
    how: str
    within: str = ""
    missed: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the chronicle; `grave`: it stands out. `by_hand`: a person did it."""

    at: str
    what: str
    who: str
    grave: bool = False
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step as it is shown."""

    title: str
    state: str
    owner: str
    ended: str
    why: str
    trouble: bool


_GRAVE = frozenset({EventKind.STEP_FAILED, EventKind.STEP_LATE, EventKind.STEP_UNAPPROVED})
_GRAVE |= {EventKind.PLAN_UNCONFIRMED, EventKind.PLAN_STUCK}


class Telling:
    """What templates ask for. `t` is a phrase; all else is text, in order."""

    def __init__(self, report: Report, reader: Reader) -> None:
        self.report = report
        self._reader = reader

    def t(self, key: str, **values: str) -> str:
        """A phrase in the reader's language."""
        return words.say(self._reader.language, key, **values)

    @property
    def language(self) -> str:
        """`fr` or `en`."""
        return self._reader.language

    # --- the head --------------------------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """What the page is called, a drill's prefix first."""
        return " ".join(filter(None, (self._name(self.report.prefix), self.t("title", plan=self.plan))))

    @property
    def plan(self) -> str:
        """What people call the plan."""
        return self._name(self._localized(self.report.title))

    @property
    def about(self) -> str:
        """Of what, and from when to when."""
        report = self.report
        subject = self._name(report.subject)
        known = {"subject": subject, "of_subject": self._reader.of(subject), "zone": self._reader.zone}
        known["since"] = self._dated(report.opened_at)
        if report.closed_at is None:
            return self.t("about.open", **known)
        return self.t("about", **known, until=self._at(report.closed_at))

    @property
    def notices(self) -> Sequence[str]:
        """What must be known before anything else is read."""
        return list(self._notices())

    def _notices(self) -> Iterator[str]:
        report = self.report
        if report.prefix:
            yield self.t("drill")
        if not report.over:
            yield self.t("open", at=self._dated(report.made_at))
        if report.observed:
            yield self.t("observed")
        if report.false_alarm:
            yield self.t("false")

    @property
    def circumstances(self) -> Sequence[str]:
        """How it came to be opened, and how grave it became."""
        why, level = self.report.why, self._localized(self.report.level)
        said = [self.t("by_hand", why=one_line(why, _LONG))] if why else []
        return [*said, *([self.t("highest", level=self._name(level))] if level else [])]

    @property
    def made(self) -> str:
        """Since when it says what it says."""
        return self.t("made", at=self._dated(self.report.made_at), run=str(self.report.run), plan=self.report.plan)

    # --- in figures ------------------------------------------------------------------------------------------------------

    @property
    def facts(self) -> Sequence[Fact]:
        """The times, then the peaks."""
        return [*map(self._span, self.report.spans), self._angriest(), self._loudest()]

    def _span(self, span: Span) -> Fact:
        length = span.length
        value = self._reader.span(length, short=True) if length is not None else self._never
        elapsed = length if length is not None else self.report.made_at - span.since
        late = span.within is not None and elapsed > span.within
        how = self.t(f"{span.name}.how" if self.report.rang else f"{span.name}.hand")
        return Fact(self.t(span.name), value, how, self._within(span, late=late), missed=late)

    @property
    def _never(self) -> str:
        return self.t("never.over" if self.report.over else "never")

    def _within(self, span: Span, *, late: bool) -> str:
        if span.within is None:
            return ""
        key = "within.missed" if late else "within" if span.until is None else "within.met"
        return self.t(key, within=self._reader.span(span.within, short=True))

    def _angriest(self) -> Fact:
        name, column = self.t("peak.share"), self.report.angriest
        if column is None or column.share is None:
            return Fact(name, self.t("unknown"), self.t("peak.share.none"))
        counts = {"negative": self._reader.count(column.negative), "scored": self._reader.count(column.scored)}
        return Fact(name, self._reader.percent(column.share), self.t("peak.share.how", **counts, at=self._stretch(column)))

    def _loudest(self) -> Fact:
        name, column = self.t("peak.volume"), self.report.loudest
        if column is None:
            return Fact(name, self.t("unknown"), self.t("peak.volume.none"))
        each, authors = self._reader.span(self.report.course.each), self._reader.count(column.authors)
        how = self.t("peak.volume.how", each=each, authors=authors, at=self._stretch(column))
        return Fact(name, self._reader.count(column.mentions), how)

    def _stretch(self, column: Column) -> str:
        until = column.since + self.report.course.each
        return self.t("until", since=self._at(column.since), until=self._reader.moment(until, column.since))

    # --- the course ------------------------------------------------------------------------------------------------------

    @property
    def chart(self) -> str:
        """The chart as SVG; empty where nothing is kept."""
        course = self.report.course
        if self.report.loudest is None:
            return ""
        return chart(course, self.report.marks, self._reader, self.t("chart.title"))

    @property
    def hollow(self) -> str:
        """What hollow points of the chart mean, where it has any."""
        has = any(0 < each.scored < ENOUGH for each in self.report.course.columns)
        return self.t("chart.hollow", n=str(ENOUGH)) if has else ""

    @property
    def marks(self) -> Sequence[Line]:
        """What the numbers on the chart stand for."""
        return [self._line(mark, at=self._at(mark.until)) for mark in self.report.marks]

    @property
    def columns(self) -> Sequence[Sequence[str]]:
        """The table behind the chart."""
        return [self._column(each) for each in self.report.course.columns]

    @property
    def bars(self) -> Sequence[Sequence[str]]:
        """The same where there is no chart: without the stretches in which nobody spoke, and with the share drawn in letters."""
        spoken = [each for each in self.report.course.columns if each.mentions]
        shown = [(self._column(each), "▇" * round((each.share or 0.0) * _BAR)) for each in spoken]
        return [[*figures[:-1], f"{bar} {figures[-1]}".strip()] for figures, bar in shown]

    def _column(self, column: Column) -> Sequence[str]:
        counts = (column.mentions, column.authors, column.scored, column.negative)
        share = self._reader.percent(column.share) if column.share is not None else self.t("unknown")
        return [self._at(column.since), *map(self._reader.count, counts), share]

    # --- what happened ---------------------------------------------------------------------------------------------------

    @property
    def story(self) -> Sequence[Line]:
        """The chronicle."""
        return [self._line(each, at=self._when(each)) for each in self.report.moments]

    def _line(self, moment: Moment, *, at: str) -> Line:
        event = TimelineEvent(moment.at, moment.kind, moment.by, detail=moment.said)
        said = told(event, self.report.titles, self._who, self._reader.language)
        what = self.t("many", said=said.what, n=self._reader.count(moment.times)) if moment.times > 1 else said.what
        what = self.t("reason", said=what, why=said.note) if said.note else what
        return Line(at, what, self._who(moment.by), grave=moment.kind in _GRAVE, by_hand=event.by_hand)

    def _when(self, moment: Moment) -> str:
        since, until = self._at(moment.at), self._at(moment.until)
        if since == until:
            return since
        return self.t("until", since=since, until=self._reader.moment(moment.until, moment.at))

    # --- the steps -------------------------------------------------------------------------------------------------------

    @property
    def steps(self) -> Sequence[StepRow]:
        """All of them."""
        return [self._step(each) for each in self.report.steps]

    @property
    def trouble(self) -> Sequence[StepRow]:
        """Those that did not go as planned."""
        return [each for each in self.steps if each.trouble]

    def _step(self, step: StepLine) -> StepRow:
        state = self.t(f"state.{step.state}")
        if step.late_by is not None:
            state = self.t("late", state=state, late=self._reader.span(step.late_by, short=True))
        ended = self._at(step.ended_at) if step.ended_at is not None else ""
        owner = self._who(step.owner) if step.owner else ""
        return StepRow(
            self._titled("step", step.step), state, owner, ended, reason(step.why, self._reader.language), is_trouble(step)
        )

    # --- people, and what is left ----------------------------------------------------------------------------------------

    @property
    def asked(self) -> Sequence[tuple[str, str, str]]:
        """Who was called, how often, and whether they answered."""
        return [(self._who(each.who), self._reader.count(each.times), self._answer(each)) for each in self.report.asked]

    def _answer(self, asked: Asked) -> str:
        if asked.answered is None:
            return self.t("answered.shared")
        if not asked.answered and not asked.arrived:
            return self.t("answered.undelivered")
        return self.t("answered.yes" if asked.answered else "answered.no")

    @property
    def lacks(self) -> Sequence[str]:
        """What the plan lacked."""
        return [self._lack(each) for each in self.report.lacks]

    def _lack(self, lack: Lack) -> str:
        told = self._who if lack.code == "undelivered" else partial(self._titled, "step")
        return self.t(f"lack.{lack.code}", about=", ".join(map(told, lack.about)))

    @property
    def actions(self) -> Sequence[tuple[str, str, str, str]]:
        """Number, what, who, and until when or since when it is done."""
        return [
            (str(each.number), one_line(each.text, _LONG), self._answerable(each.owner), self._due(each))
            for each in self.report.actions
        ]

    def _due(self, action: Action) -> str:
        if action.done_at is not None:
            return self.t("done.at", at=self._day(action.done_at.date()))
        late = self.report.made_at.date() > action.due
        return f"{self._day(action.due)} ({self.t('overdue')})" if late else self._day(action.due)

    @property
    def evidence(self) -> str:
        """How many posts are behind it."""
        posts, gone = self.report.posts, self.report.deleted
        if not posts:
            return self.t("evidence.none")
        told = self.t(f"evidence.gone.{self._reader.plural(gone)}", n=self._reader.count(gone)) if gone else ""
        return self.t(f"evidence.how.{self._reader.plural(posts)}", n=self._reader.count(posts), gone=told)

    @property
    def signature(self) -> str:
        """Who stands for it, or who is to."""
        report = self.report
        if report.signed is not None:
            return self.t("signed", by=self._answerable(report.signed.by), at=self._dated(report.signed.at))
        if report.due is None:
            return self.t("unsigned")
        key = "unsigned.late" if report.made_at > report.due else "unsigned.due"
        return self.t(key, owner=self._answerable(report.owner), due=self._dated(report.due))

    # --- words -----------------------------------------------------------------------------------------------------------

    def _who(self, name: str) -> str:
        """A role, in plain letters."""
        if not name:
            return self.t("somebody")
        return self.t("tocsin") if name == TOCSIN else self._name(name.replace("-", " ").replace("_", " "))

    def _answerable(self, name: str) -> str:
        """Somebody who answers for something: by their own name, where it is known."""
        return self._name(self.report.people.get(name) or name.replace("-", " "))

    def _titled(self, what: str, name: str | None) -> str:
        title = self.report.titles.get(f"{what}:{name}")
        return self._name(self._localized(title) if title else name or self.t("unknown"))

    def _localized(self, texts: Localized) -> str:
        return localized(texts, self._reader.language)

    @staticmethod
    def _name(text: str) -> str:
        return one_line(text, _NAME)

    def _at(self, moment: datetime) -> str:
        """The hour alone on the day of the opening, with its day otherwise."""
        return self._reader.moment(moment, self.report.opened_at)

    def _dated(self, moment: datetime) -> str:
        return self._reader.moment(moment, _EVER)

    def _day(self, day: date) -> str:
        return self._reader.day(day)
