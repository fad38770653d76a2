"""The weekly and the monthly report in words: figures against objectives, what our posts achieved, crises, noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from monitor.charts.bars import share_of_voice
from monitor.charts.chart import Table
from monitor.charts.courses import net_sentiment, volume
from monitor.charts.flights import engagement
from monitor.digest.caucus import flown
from monitor.digest.naming import Names
from monitor.digest.paper import Line, Section, Told, Tone
from monitor.digest.tongue import N_
from monitor.digest.value import Digest, Measured, Review
from monitor.domain.plan import PlanRun, RunState
from notifiers.safe import one_line

_LABELS = {
    "mentions": N_("Mentions"),
    "net_sentiment": N_("Net sentiment"),
    "share_of_voice": N_("Share of voice"),
    "complaints": N_("Complaints"),
    "answered": N_("Answers given"),
    "response_time": N_("Half of the answers within"),
    "engagement": N_("Reactions to our posts"),
    "alerts": N_("Alerts"),
    "false_alarms": N_("False alarms"),
    "night_wakes": N_("Messages by night to those on call"),
}
_OWN = 5


def told(digest: Digest, names: Names) -> Told:
    """What was reached first: everything else explains it."""
    review = digest.review
    assert review is not None, "only a report is told here"
    return Told(_headline(review, digest, names), _checked(digest, names), "", list(_sections(digest, review, names)))


def _headline(review: Review, digest: Digest, names: Names) -> str:
    tongue = names.tongue
    held = [each.met for each in review.measured if each.met is not None]
    met, mentions = sum(held), next(each for each in review.measured if each.name == "mentions")
    said = tongue.ngettext("%(n)s mention", "%(n)s mentions", int(mentions.now or 0))
    crises = tongue.ngettext("%(n)s plan opened", "%(n)s plans opened", len(digest.runs)) if digest.runs else ""
    reached = tongue.ngettext(
        "%(met)s of %(n)s objective reached", "%(met)s of %(n)s objectives reached", len(held), met=names.reader.count(met)
    )
    return ", ".join(filter(None, (reached if held else "", said, crises)))


def _checked(digest: Digest, names: Names) -> str:
    tongue, count = names.tongue, names.reader.count
    about = ", ".join(names.subject(each) for each in digest.subjects)
    return tongue.ngettext(
        "About %(about)s, from %(n)s source that brought %(heard)s mentions.",
        "About %(about)s, from %(n)s sources that brought %(heard)s mentions.",
        len(digest.sources),
        about=about,
        heard=count(digest.heard),
    )


def _sections(digest: Digest, review: Review, names: Names) -> Iterator[Section]:
    say = names.tongue.gettext
    called = {each: names.subject(each) for each in names.settings.subjects}
    table, verdicts = _figures(review.measured, names)
    yield Section("figures", say("Figures"), table=table, verdicts=verdicts)
    if any(each.tally.mentions for each in digest.points):
        yield Section("volume", say("Volume"), draw=lambda look: volume(digest.points, look, called))
        yield Section("sentiment", say("Sentiment"), draw=lambda look: net_sentiment(digest.points, look, called))
    if review.voice:
        yield Section("voice", say("Share of voice"), draw=lambda look: share_of_voice(review.voice, look, called))
    own = sorted(digest.own, key=lambda each: -each.engagement)[:_OWN]
    drawn = (lambda look: engagement(digest.own, look)) if len(digest.own) > 1 else None
    yield Section("own", say("What our own posts achieved"), [flown(each, names) for each in own], draw=drawn)
    yield Section("top", say("What drew most"), [names.post(each) for each in review.top])
    yield Section("praise", say("Praise"), [names.post(each) for each in digest.praise])
    yield Section("ambassadors", say("Ambassadors"), table=_fans(digest, names))
    yield Section("crises", say("Crises"), [_crisis(each, names) for each in digest.runs])
    yield Section("wakes", say("Woken by night, of those on call"), table=_wakes(review, names))
    yield Section("noise", say("What rang, by rule"), table=_noise(review, names))


def _figures(measured: Sequence[Measured], names: Names) -> tuple[Table, Sequence[Tone]]:
    say = names.tongue.gettext
    rows = [
        (say(_LABELS[each.name]), _amount(each.name, each.now, names), _amount(each.name, each.before, names), _goal(each, names))
        for each in measured
    ]
    verdicts: list[Tone] = ["" if each.met is None else "good" if each.met else "warning" for each in measured]
    return Table((say("Figure"), say("Now"), say("Period before"), say("Objective")), rows), verdicts


def _amount(name: str, value: float | None, names: Names) -> str:
    if value is None:
        return "–"
    if name == "response_time":
        return names.reader.span(timedelta(seconds=max(round(value / 60), 1) * 60), short=True)
    if name == "share_of_voice":
        return names.reader.percent(value)
    return names.reader.decimal(value) if name == "net_sentiment" else names.reader.count(value)


def _goal(measured: Measured, names: Names) -> str:
    if measured.objective is None:
        return ""
    bound = f"{'≥' if measured.at_least else '≤'}\u00a0{_amount(measured.name, measured.objective, names)}"
    if measured.met is None:
        return bound
    word = names.tongue.gettext("reached") if measured.met else names.tongue.gettext("missed")
    return f"{bound} · {word}"


def _fans(digest: Digest, names: Names) -> Table | None:
    say, count = names.tongue.gettext, names.reader.count
    rows = [
        (one_line(each.name, 80), one_line(each.network, 40), count(each.posts), "–" if each.reach is None else count(each.reach))
        for each in digest.fans
    ]
    return Table((say("Who"), say("Network"), say("Kind posts"), say("Followers")), rows) if rows else None


def _crisis(run: PlanRun, names: Names) -> Line:
    tongue = names.tongue
    lasted = names.reader.span(run.closed_at - run.opened_at, short=True) if run.closed_at else ""
    said = tongue.gettext("lasted %(time)s", time=lasted) if lasted else tongue.gettext("not over yet")
    opened = tongue.gettext("opened at %(at)s", at=names.at(run.opened_at))
    asks = run.state is RunState.STOOD_DOWN
    review = tongue.gettext("the review is to be signed") if asks else ""
    command = tongue.gettext("after-action report: tocsin plan report %(n)s", n=run.id)
    under = " · ".join(filter(None, (opened, said, review, command)))
    return Line(f"{names.plan(run)} ({run.id})", under, tone="critical", page=f"/runs/{run.id}")


def _wakes(review: Review, names: Names) -> Table | None:
    """Everybody on call, those who slept through, too: the burden is to be shared."""
    say, count = names.tongue.gettext, names.reader.count
    rows = [(names.person(name), count(number)) for name, number in review.wakes.items()]
    return Table((say("Who"), say("Messages from 22:00 to 07:00")), rows) if rows else None


def _noise(review: Review, names: Names) -> Table | None:
    say, count = names.tongue.gettext, names.reader.count
    rows = [(names.rule(each.rule), count(each.rang), count(each.taken), count(each.false)) for each in review.noise]
    return Table((say("Rule"), say("Rang"), say("Taken by somebody"), say("False alarms")), rows) if rows else None
