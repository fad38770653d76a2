"""What a weekly or monthly report measures: figures beside those of the period before, night wakes, noisy rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from monitor.digest.value import Digest, Measured, Noise, Review
from monitor.domain.alert import OBSERVED
from monitor.domain.plan import EventKind
from monitor.domain.tally import Tally
from monitor.figures.answers import Speed, speeds
from monitor.figures.course import course, net, total
from monitor.figures.engagement import top_posts
from monitor.figures.span import Span
from monitor.figures.voice import Share, share_of_voice
from monitor.settings import Settings
from monitor.settings.digests import DigestSettings
from monitor.storage import UnitOfWork

_NIGHT, _MORNING = time(22), time(7)
_TOP: Final = 8
_LONGEST_MONTH: Final = 31  # days
_WAKING: Final = frozenset({"first", "worse", "plan", "call", "reminder"})  # messages that somebody gets up for
_RANG: Final = (EventKind.ALERT_OPENED, EventKind.ALERT_REOPENED)


async def review(tx: UnitOfWork, settings: Settings, digest: DigestSettings, span: Span, found: Digest) -> Review:
    """Everything that a report has and a morning has not."""
    before = earlier(span)
    wakes, woken_before = await _wakes(tx, settings, span), await _wakes(tx, settings, before)
    noise, noise_before = await _noise(tx, span), await _noise(tx, before)
    voice = await share_of_voice(tx, span, _all_voices(settings, found.subjects))
    whole, whole_before = total(found.points), total(await course(tx, before, "subject", subjects=found.subjects))
    goals = digest.objectives
    quick, quick_before = [_seconds(await speeds(tx, each, "subject", found.subjects)) for each in (span, before)]
    wanted = goals.response_time.total_seconds() if goals.response_time else None
    measured = [
        Measured("mentions", whole.mentions, whole_before.mentions),
        Measured("net_sentiment", net(whole), net(whole_before), goals.net_sentiment),
        Measured("share_of_voice", *_ours(voice, found.subjects), goals.share_of_voice),
        Measured("complaints", whole.complaints, whole_before.complaints),
        Measured("answered", whole.answered, whole_before.answered),
        Measured("response_time", quick, quick_before, wanted, at_least=False),
        Measured("engagement", _drew(whole), _drew(whole_before)),
        Measured("alerts", sum(each.rang for each in noise), sum(each.rang for each in noise_before)),
        Measured("false_alarms", _false(noise), _false(noise_before), goals.false_alarms, at_least=False),
    ]
    if _rostered(settings):
        woken = sum(wakes.values()), sum(woken_before.values())
        measured.append(Measured("night_wakes", *woken, goals.night_wakes, at_least=False))
    top = [each for each in await top_posts(tx, span, found.subjects[0], limit=_TOP) if not each.is_erased]
    return Review(measured, voice if len(voice) > 1 else [], top, wakes, noise)


def earlier(span: Span) -> Span:
    """The period before: as many days, or, of a whole month, the month."""
    last = span.first - timedelta(days=1)
    whole = (span.first.day, span.until.day) == (1, 1) and (span.until - span.first).days <= _LONGEST_MONTH
    return Span(last.replace(day=1), span.first, span.zone) if whole else span.before


def _all_voices(settings: Settings, subjects: Sequence[str]) -> list[str]:
    """Ours and our competitors'."""
    return [*subjects, *(name for name, each in settings.subjects.items() if each.competitor and name not in subjects)]


def _ours(voice: Sequence[Share], subjects: Sequence[str]) -> tuple[float | None, float | None]:
    """Our share, now and before; nobody has one who is compared with nobody."""
    ours = [each for each in voice if each.subject in subjects]
    if len(ours) == len(voice):
        return None, None
    before = [each.before for each in ours if each.before is not None]
    return sum(each.share for each in ours), sum(before) if before else None


def _seconds(found: Sequence[Speed]) -> float | None:
    """The middle answer of the first subject, in seconds; None of too few."""
    median = next((each.median for each in found if each.median is not None), None)
    return median.total_seconds() if median is not None else None


def _drew(tally: Tally) -> float:
    return float(tally.own_engagement)


def _false(noise: Sequence[Noise]) -> int:
    return sum(each.false for each in noise)


def _rostered(settings: Settings) -> set[str]:
    """Who is on call by turns: nobody else is counted."""
    return {name for role in settings.contacts.roles.values() if role.roster for name in role.people}


async def _wakes(tx: UnitOfWork, settings: Settings, span: Span) -> Mapping[str, int]:
    """How many messages reached people on call between ten in the evening and seven in the morning, by their clock."""
    people = {name: settings.contacts.people[name] for name in sorted(_rostered(settings)) if name in settings.contacts.people}
    whose = {receiver: name for name, person in people.items() for receiver in (name, *person.receivers)}
    found = Counter(dict.fromkeys(people, 0))
    for event in await tx.timeline.between(span.begins, span.ends, (EventKind.DELIVERY_DELIVERED,)):
        detail = event.detail or {}
        name = whose.get(str(detail.get("receiver")))
        if name is None or detail.get("message") not in _WAKING:
            continue
        hour = event.at.astimezone(ZoneInfo(people[name].timezone or settings.timezone)).time()
        found[name] += hour >= _NIGHT or hour < _MORNING
    return found


async def _noise(tx: UnitOfWork, span: Span) -> list[Noise]:
    """By rule, the loudest first; false is what somebody called so, or whose run somebody ended as such, then or later."""
    events = await tx.timeline.between(span.begins, span.ends, _RANG)
    found = (await tx.alerts.many({each.alert_id for each in events if each.alert_id is not None})).values()
    alerts = [each for each in found if OBSERVED not in each.labels]
    false = await tx.timeline.called_false([each.id for each in alerts])
    ended = await tx.timeline.ended_false({each.incident_id for each in alerts})
    rang, taken, wrong = Counter[str](), Counter[str](), Counter[str]()
    for each in alerts:
        rang[each.rule] += 1
        taken[each.rule] += each.acknowledged_at is not None
        wrong[each.rule] += each.id in false or each.incident_id in ended
    return [Noise(rule, number, taken[rule], wrong[rule]) for rule, number in rang.most_common()]
