"""The morning caucus in words: what happened overnight, what is said, what comes today, what to answer first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from monitor.charts.chart import Chart
from monitor.charts.courses import volume
from monitor.charts.look import Look
from monitor.digest.naming import Names
from monitor.digest.paper import Line, Section, Told
from monitor.digest.tongue import N_
from monitor.digest.value import Digest, Heat, Morning
from monitor.domain.alert import SEVERITIES, Alert
from monitor.domain.plan import Due, PlanRun, RunState, localized
from monitor.figures.engagement import Flight, Flown
from notifiers.safe import one_line

_HOT = 1.5  # times as much as usual
_FEW = 5  # mentions, below which nothing is hot
_POSTS = 3
_STATES = {
    RunState.AWAITING_CONFIRMATION: N_("waits for a yes"),
    RunState.RUNNING: N_("under way"),
    RunState.OBSERVING: N_("only observed"),
    RunState.STOOD_DOWN: N_("stood down, the review is to be signed"),
}
_CONDITIONS = {
    "quiet": N_("brings nothing although it usually does"),
    "failing": N_("fails"),
    "stopped": N_("is not asked any more until somebody mends it"),
}
_DUES = {
    "review": N_("%(plan)s is to be read through since %(day)s"),
    "drill": N_("%(plan)s is to be rehearsed since %(day)s"),
    "statement": N_("%(plan)s: a statement expires on %(day)s"),
}
_OVER = N_("over")
_FLIGHTS = {Flight.SOARS: N_("soars"), Flight.FLAT: N_("falls flat")}


def told(digest: Digest, names: Names) -> Told:
    """The most pressing first. On a quiet day the headline is enough, and says what was checked."""
    morning = digest.morning
    assert morning is not None, "only a morning is told here"
    headline = _calm(digest, names) if digest.calm else _headline(digest, morning, names)
    return Told(headline, _checked(digest, names), _urgent(morning, names), list(_sections(digest, morning, names)), headline)


def _calm(digest: Digest, names: Names) -> str:
    """« Tout est calme : 14 sources saines, 07:58 »."""
    n = digest.well
    return names.tongue.ngettext(
        "All is calm: %(n)s healthy source, %(at)s", "All is calm: %(n)s healthy sources, %(at)s", n, at=names.at(digest.until)
    )


def _headline(digest: Digest, morning: Morning, names: Names) -> str:
    tongue = names.tongue
    open_ones, rang, waiting = len(morning.open_alerts), len(digest.alerts), morning.waiting
    parts = [
        tongue.ngettext("%(n)s alert rang", "%(n)s alerts rang", rang) if rang else "",
        tongue.ngettext("%(n)s is open", "%(n)s are open", open_ones) if open_ones else "",
        tongue.ngettext("%(n)s post waits for an answer", "%(n)s posts wait for an answer", waiting) if waiting else "",
        tongue.ngettext("%(n)s source in trouble", "%(n)s sources in trouble", len(digest.troubled)) if digest.troubled else "",
    ]
    said = ", ".join(filter(None, parts))
    if said:
        return said
    if digest.runs or morning.dues:
        return tongue.gettext("Plans ask for you")
    return tongue.gettext("No source has brought anything yet")


def _checked(digest: Digest, names: Names) -> str:
    """That somebody listened: silence alone is no peace."""
    tongue, count = names.tongue, names.reader.count
    return tongue.ngettext(
        "Checked: %(well)s of %(n)s source, %(heard)s mentions, open alerts, plans, what waits for an answer.",
        "Checked: %(well)s of %(n)s sources, %(heard)s mentions, open alerts, plans, what waits for an answer.",
        len(digest.sources),
        well=count(digest.well),
        heard=count(digest.heard),
    )


def _urgent(morning: Morning, names: Names) -> str:
    first = next(iter(morning.answer), None)
    if first is None:
        return ""
    line = names.post(first)
    return names.tongue.gettext("To be answered first: %(who)s", who=line.under.partition(" · ")[0])


def _sections(digest: Digest, morning: Morning, names: Names) -> Iterator[Section]:
    say = names.tongue.gettext
    yield Section("answer", say("To be answered first"), list(_answers(morning, names)))
    night = [*(_run(run, names) for run in digest.runs), *rang(digest.alerts, names)]
    yield Section("night", say("What happened"), night)
    yield Section("today", say("Today"), list(_today(morning, names)))
    yield Section("risks", say("Risks"), list(_risks(digest, morning, names)))
    yield Section(
        "trends", say("What is said"), list(_trends(morning, names)), draw=None if digest.calm else _chart(digest, names)
    )
    yield Section("audience", say("With our audience"), list(_audience(digest, names)))
    yield Section("opportunities", say("Opportunities"), list(_opportunities(digest, morning, names)))


def _answers(morning: Morning, names: Names) -> Iterator[Line]:
    for post in morning.answer:
        risky = (post.safety_risk or 0) >= 0.5  # noqa: PLR2004 likelier than not
        asks = names.tongue.gettext("question") if "question" in post.intents else names.tongue.gettext("complaint")
        yield names.post(post, mark=names.tongue.gettext("danger") if risky else asks, tone="critical" if risky else "warning")
    rest = morning.waiting - len(morning.answer)
    if rest > 0:
        yield Line(names.tongue.ngettext("and %(n)s more", "and %(n)s more", rest))


def _run(run: PlanRun, names: Names) -> Line:
    tongue = names.tongue
    state = tongue.gettext(_STATES.get(run.state, _OVER))
    lead = tongue.gettext("led by %(who)s", who=names.person(run.lead)) if run.lead else ""
    opened = tongue.gettext("opened at %(at)s", at=names.at(run.opened_at))
    said = " · ".join(filter(None, (opened, state, lead)))
    return Line(names.plan(run), said, mark=tongue.gettext("plan"), tone="critical", page=f"/runs/{run.id}")


def _today(morning: Morning, names: Names) -> Iterator[Line]:
    for each in morning.planned:
        hour = names.at(each.at) if each.at is not None else names.tongue.gettext("all day")
        yield Line(one_line(each.title, 200) or names.tongue.gettext("without a title"), one_line(each.source, 80), mark=hour)
    for said in morning.unreadable:
        yield Line(names.tongue.gettext("A calendar could not be read"), one_line(said, 200), mark="!", tone="warning")


def _risks(digest: Digest, morning: Morning, names: Names) -> Iterator[Line]:
    tongue = names.tongue
    night = {each.id for each in digest.alerts}
    yield from rang([each for each in morning.open_alerts if each.id not in night], names)
    for source in digest.troubled:
        said = tongue.gettext(_CONDITIONS[source.condition])
        since = tongue.gettext("last answer: %(at)s", at=names.at(source.answered_at)) if source.answered_at else ""
        yield Line(f"{source.name} {said}", since, mark=tongue.gettext("source"), tone="warning")
    yield from (_due(plan, due, names) for plan, due in morning.dues)


def rang(alerts: Sequence[Alert], names: Names) -> Iterator[Line]:
    """A line for each rule and subject, the gravest first: a crowd of complaints is a number, not a list."""
    alike: dict[tuple[str, str], list[Alert]] = {}
    for each in sorted(alerts, key=lambda each: (-SEVERITIES.index(each.severity), -each.id)):
        alike.setdefault((each.rule, each.labels.get("subject", "")), []).append(each)
    for several in alike.values():
        yield names.alert(several[0]) if len(several) == 1 else names.alerts(several)


def _due(plan: str, due: Due, names: Names) -> Line:
    title = one_line(localized(names.settings.plans[plan].title, names.reader.language), 80)
    said = names.tongue.gettext(_DUES[due.what], plan=title, day=names.reader.day(due.on))
    return Line(said, due.statement, mark=names.tongue.gettext("plan"), tone="warning")


def _trends(morning: Morning, names: Names) -> Iterator[Line]:
    yield from (_heat(each, names) for each in morning.heat)
    if morning.terms:
        words = ", ".join(f"{one_line(each.term, 40)} ({names.reader.count(each.now)})" for each in morning.terms)
        yield Line(words, names.tongue.gettext("far more people say these than in the seven days before"), quoted=True)


def _heat(heat: Heat, names: Names) -> Line:
    tongue, subject = names.tongue, names.subject(heat.subject)
    said = tongue.ngettext("%(subject)s: %(n)s mention", "%(subject)s: %(n)s mentions", heat.mentions, subject=subject)
    if heat.usual is None:
        return Line(said, tongue.gettext("nobody knows yet what is usual"))
    usual = tongue.gettext("usual at these hours: %(usual)s", usual=names.reader.number(heat.usual))
    if heat.mentions >= _FEW and heat.mentions >= _HOT * heat.usual:
        return Line(said, usual, mark=tongue.gettext("hot"), tone="warning")
    return Line(said, usual)


def _chart(digest: Digest, names: Names) -> Callable[[Look], Chart] | None:
    if not any(each.tally.mentions for each in digest.points):
        return None
    called = {name: names.subject(name) for name in digest.subjects}
    return lambda look: volume(digest.points, look, called)


def _audience(digest: Digest, names: Names) -> Iterator[Line]:
    own = sorted(digest.own, key=lambda each: -each.engagement)[:_POSTS]
    yield from (flown(each, names) for each in own)


def flown(each: Flown, names: Names) -> Line:
    """What a post of ours drew."""
    drew = names.tongue.ngettext("%(n)s reaction", "%(n)s reactions", each.engagement)
    word = names.tongue.gettext(_FLIGHTS[each.flight]) if each.flight in _FLIGHTS else ""
    return names.post(each.post, drew, mark=word, tone="good" if each.flight is Flight.SOARS else "")


def _opportunities(digest: Digest, morning: Morning, names: Names) -> Iterator[Line]:
    tongue = names.tongue
    yield from (names.post(each, mark=tongue.gettext("praise"), tone="good") for each in digest.praise[:_POSTS])
    if morning.questions:
        said = tongue.ngettext("%(n)s question waits for an answer", "%(n)s questions wait for an answer", morning.questions)
        yield Line(said, tongue.gettext("an answer is read by everybody who wonders the same"))
    for fan in digest.fans[:_POSTS]:
        said = tongue.ngettext("%(n)s post", "%(n)s posts", fan.posts)
        yield Line(
            one_line(fan.name, 80), f"{said} · {one_line(fan.network, 40)}", mark=tongue.gettext("ambassador"), tone="good"
        )
