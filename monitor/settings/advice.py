"""What no single file can know: settings that cannot work together, and settings that work and are unwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from monitor.domain.errors import TocsinError
from monitor.settings.contacts import Contacts
from monitor.settings.model import MonitorFile, Settings
from monitor.settings.problems import Problem, choices
from monitor.settings.reading import Data, Document, Path_, at
from monitor.settings.routes import Routes
from monitor.settings.secrets import OTHERS, Filled
from monitor.settings.shape import Schemas, Shape, holds_secret
from monitor.settings.silences import may_cover
from monitor.sources import unusable
from monitor.sources.connecting import trust
from monitor.sources.guard import Guard
from notifiers import AppriseSettings, EmailSettings, WebhookSettings
from notifiers.chat import names_a_host, problems
from rules import AlertSeen, Rule, RuleFile, WindowRule
from rules.alert_condition import AlertCondition
from rules.duration import format_duration
from rules.recurrence import clock
from rules.wall_clock import parse_zone

_SMTP = "Add `smtp: {host: …, sender: …}`."
_LONG_NIGHT = timedelta(hours=12)
_TOKEN = re.compile(r"[\w-]{20,}")


def impossible(document: Document, monitor: MonitorFile, contacts: Contacts) -> Iterator[Problem]:
    """Settings that contradict each other."""
    if monitor.smtp is None:
        for name, receiver in monitor.receivers.items():
            if isinstance(receiver, EmailSettings) and receiver.smtp is None:
                yield document.problem(("receivers", name), "is told by e-mail, and there is no mail server.", _SMTP)
        if any(person.email for person in contacts.people.values()):
            yield document.problem(("smtp",), "people of contacts.yaml have e-mail, and there is no mail server.", _SMTP)
    yield from _bad_zones(document, monitor)
    yield from _forgotten_links(document, monitor)
    yield from _shared_secrets(document, monitor)
    yield from _unreachable(document, monitor)
    try:
        trust(monitor.http)
    except TocsinError as error:
        yield document.problem(("http", "ca_bundle"), f"{error}.")
    known = {*monitor.receivers, *contacts.people, *contacts.roles}
    if known and not monitor.routing.default:
        fix = f"Name one or more of {choices(known)}."
        yield document.problem(("routing", "default"), "is missing: nobody would be told.", fix)


def _forgotten_links(document: Document, monitor: MonitorFile) -> Iterator[Problem]:
    """Links that outlive the marks of those that were used: each works once."""
    lasting, kept = monitor.web.links_last, monitor.storage.retention.raw
    if lasting > kept:
        what = f"links last {format_duration(lasting)}, and which of them were used is known for {format_duration(kept)}."
        yield document.problem(("web", "links_last"), what, "Write a shorter time, or raise `storage.retention.raw`.")


def _shared_secrets(document: Document, monitor: MonitorFile) -> Iterator[Problem]:
    """Callers that nobody could tell from each other."""
    known: dict[str, str] = {}
    for name, caller in monitor.callers.items():
        others = [known[key] for key in caller.keys if known.setdefault(key, name) != name]
        if others:
            what = f"has the secret of `{others[0]}`: nobody could tell which of them calls."
            yield document.problem(("callers", name, "secret"), what, "Give each a secret of its own.")


def outlives(document: Document, file: RuleFile, kept: timedelta) -> Iterator[Problem]:
    """Windows that look back on mentions that are kept no longer: what they show could be shown to nobody."""
    for index, rule in enumerate(file.rules):
        if isinstance(rule, WindowRule) and rule.window > kept:
            what = f"looks back {format_duration(rule.window)}, and mentions are kept for {format_duration(kept)}."
            fix = "Write a shorter window, or keep them longer: `storage.retention` in monitor.yaml."
            yield document.problem(("rules", index, "window"), what, fix)


def unusable_models(document: Document, settings: Settings) -> Iterator[Problem]:
    """Models that score nothing, shipped ones and the user's own: their files are loaded to find out."""
    from monitor.sentiment.complaint import Complaints  # noqa: PLC0415 numpy is for those who score
    from monitor.sentiment.engines import ONNX, Panel  # noqa: PLC0415 likewise

    chosen = settings.sentiment
    asked: dict[str, Callable[[], object]] = {
        engine: partial(Panel, engine, model=chosen.model) for engine in (chosen.engine, chosen.second_opinion) if engine
    }
    for name, load in {**asked, "complaint": Complaints}.items():
        try:
            load()
        except TocsinError as error:
            yield document.problem(("sentiment", "model") if name == ONNX else ("sentiment",), f"{error}.")


def _bad_zones(document: Document, monitor: MonitorFile) -> Iterator[Problem]:
    """Receivers in time zones that do not exist: better told now than in the middle of a crisis."""
    for name, receiver in monitor.receivers.items():
        try:
            parse_zone(receiver.timezone or "UTC")
        except ValueError as error:
            yield document.problem(("receivers", name, "timezone"), f"{error}.".replace("?.", "?"))


def _unreachable(document: Document, monitor: MonitorFile) -> Iterator[Problem]:
    """Private addresses that the guard would refuse: better told now than by the first alarm that does not arrive."""
    guard = Guard(monitor.http.allow)
    for path, url in _asked(monitor):
        if refused := guard.forbids(url):
            fix = f'Add `http: {{allow: ["{refused}"]}}` if it is meant.'
            what = f"leads to a private address ({refused}); those are called only where `http.allow` names them."
            yield document.problem(path, what, fix)


def _asked(monitor: MonitorFile) -> Iterator[tuple[Path_, str]]:
    """Where in the file an address stands that will be called, and which."""
    for name, source in monitor.sources.items():
        if source.enabled:
            yield from ((("sources", name, setting), url) for setting, url in source.asked().items())
    for name, receiver in monitor.receivers.items():
        if isinstance(receiver, WebhookSettings):
            yield ("receivers", name, "url"), receiver.url.get_secret_value()
        elif isinstance(receiver, AppriseSettings):
            urls = (url.get_secret_value() for url in receiver.urls)
            yield from ((("receivers", name, "urls"), url) for url in urls if names_a_host(url))
    if monitor.heartbeat is not None:
        yield ("heartbeat", "url"), monitor.heartbeat.url.get_secret_value()


def unwise(document: Document, settings: Settings) -> Iterator[Problem]:
    """Settings that work, and that somebody may regret."""
    for what in unusable():
        yield document.problem(("sources",), what, "Install a version that fits, or remove the package.")
    if not settings.sources:
        yield document.problem(("sources",), "there are no sources: nothing is watched.", "Add one, for instance a feed.")
    if not settings.rules:
        fix = "Remove the empty folder `rules` to use the shipped rules."
        yield document.problem((), "there are no rules: nothing ever rings.", fix)
    elif not any(rule.exempt for rule in settings.rules):
        what = (
            "no rule is about danger to people: a folder `rules` of one's own takes the place of the shipped ones, `safety` too."
        )
        fix = "Copy the shipped ones into it with `tocsin rules copy`, and keep `safety.yaml` at least."
        yield document.problem((), what, fix)
    if not settings.routing.default:
        fix = "Add one, for instance an e-mail address."
        yield document.problem(("receivers",), "there are no receivers: nobody is told.", fix)
    if settings.heartbeat is None:
        fix = "Add `heartbeat: {url: …}` with an address that a service elsewhere gives you."
        yield document.problem(("heartbeat",), "is not set: nobody notices when this machine is gone.", fix)
    yield from _unlinked(document, settings)
    yield from _alone_in_two_names(document, settings)
    for name, receiver in settings.receivers.items():
        if isinstance(receiver, WebhookSettings) and not receiver.secret:
            what = "has no secret: what receives it cannot tell our messages from a forger's."
            yield document.problem(("receivers", name), what, "Add `secret: ${…}` and check the signature at the other end.")


def _unlinked(document: Document, settings: Settings) -> Iterator[Problem]:
    """E-mails whose readers must find a terminal to take charge, or whose links travel in clear."""
    address = settings.web.public_url
    if address is None and any(isinstance(each, EmailSettings) for each in settings.receivers.values()):
        what = "is not set: e-mails have no links, and whoever reads one at night takes charge by typing a command."
        fix = "Set `web: {public_url: https://…}` to where your proxy reaches `web.port`."
        yield document.problem(("web", "public_url"), what, fix)
    elif address is not None and address.startswith("http:") and urlsplit(address).hostname not in {"127.0.0.1", "localhost"}:
        what = "is no https://: whoever listens on the way can take charge in your people's place."
        yield document.problem(("web", "public_url"), what, "Put a proxy with TLS in front.")


def _alone_in_two_names(document: Document, settings: Settings) -> Iterator[Problem]:
    """Programs that could change words in one name and approve them in another: two people would be one secret."""
    for name, caller in settings.callers.items():
        if len(settings.contacts.behind(caller.acts_as)) > 1 and (not caller.verbs or {"edit", "approve"} <= {*caller.verbs}):
            what = "may change words in one name and approve them in another: that is one secret, and not two people."
            fix = "Leave `edit` or `approve` out of its `verbs`, or let it act as one person."
            yield document.problem(("callers", name, "acts_as"), what, fix)


def quiet_alarms(document: Document, settings: Settings) -> Iterator[Problem]:
    """Emergencies that may wake nobody: told by e-mail alone, or by one channel with none behind it."""
    routes = Routes(settings)
    for names, place in dict(_told_of_emergencies(settings, routes)).items():
        told = tuple(dict.fromkeys(receiver for name in names for receiver in settings.resolve(name)))
        who = ", ".join(f"`{name}`" for name in told)
        if told and all(isinstance(settings.receivers[name], EmailSettings) for name in told):
            what = f"what is critical goes to {who} by e-mail alone, and e-mail wakes nobody."
            yield document.problem(place, what, "Add a receiver that rings, for instance a telephone by `kind: apprise`.")
        elif len(told) == 1 and not settings.receivers[told[0]].fallback:
            what = f"what is critical goes to {who} alone, and no other channel is behind it."
            yield document.problem(place, what, f"Add a receiver, or give {who} a `fallback`.")


def _told_of_emergencies(settings: Settings, routes: Routes) -> Iterator[tuple[tuple[str, ...], Path_]]:
    """Who is told of what is critical as far as the rule alone decides it, and where that is said."""
    for rule in settings.rules:
        if rule.severity != "critical":
            continue
        itself = {"rule": rule.id, "kind": rule.kind, "severity": rule.severity, "category": rule.category}
        taken = () if rule.notify else routes.of(AlertSeen(itself))
        yield from ((route.to, ("routing", "routes", route.number - 1, "to")) for route in taken)
        if rule.notify:
            yield rule.notify, ("receivers",)
        elif not taken:
            yield ("default",), ("routing", "default")


def unknown_services(document: Document, settings: Settings) -> Iterator[Problem]:
    """Addresses that Apprise does not understand. Slow: it imports Apprise."""
    chats = {name: each for name, each in settings.receivers.items() if isinstance(each, AppriseSettings)}
    for name, receiver in chats.items():
        for said in problems(receiver):
            yield document.problem(("receivers", name, "urls"), f"{said}.")


def contacts_permissions(path: Path) -> Iterator[Problem]:
    """A contacts file that others than its owner can read."""
    if path.exists() and path.stat().st_mode & OTHERS:
        yield Problem(str(path), 0, "", "can be read by others: it holds personal data.", f"chmod 600 {path}")


def odd_times(document: Document, contacts: Contacts, today: date) -> Iterator[Problem]:
    """Hours that look reversed, and holidays that nobody wrote down for this year."""
    for name, person in contacts.people.items():
        for index, hours in enumerate(person.hours):
            if hours.end < hours.begin and hours.lasting > _LONG_NIGHT:
                begin, end = clock(hours.begin), clock(hours.end)
                what = f"from {begin} past midnight until {end} is {_hours(hours.lasting)} of work."
                fix = f"If the day is meant, write {end}-{begin}."
                several = isinstance(at(document.data, ("people", name, "hours")), list)
                yield document.problem(("people", name, "hours", *((index,) if several else ())), what, fix)
    years = [day.year for day in contacts.holidays if day.year is not None]
    if years and max(years) < today.year:
        what = f"the last ones written are those of {max(years)}: everybody counts as at work on those of {today.year}."
        yield document.problem(("holidays",), what, f"Add those of {today.year} that do not come on the same day every year.")


def _hours(length: timedelta) -> str:
    return f"{length / timedelta(hours=1):g} hours"


def idle_campaigns(document: Document, settings: Settings, today: date) -> Iterator[Problem]:
    """Campaigns that change nothing (any more): those that are over, and rules whose thresholds are never raised."""
    morning = datetime.combine(today, time(), UTC)
    for name, campaign in settings.campaigns.items():
        if campaign.is_over(morning, settings.timezone):
            what = f"is over since {campaign.to}: it raises nothing any more."
            yield document.problem(("campaigns", name), what, "Remove it, or move its dates.")
        for rule in settings.rules:
            if isinstance(campaign.times, Mapping) and rule.id in campaign.times and _untouched(rule):
                what = f"`{rule.id}` is a rule of kind `mention`, or about safety: no campaign raises what it asks."
                yield document.problem(("campaigns", name, "times", rule.id), what, "Remove the line.")


def observed_no_more(document: Document, settings: Settings, now: datetime) -> Iterator[Problem]:
    """A first while that is over: whoever reads `until` must not believe that nothing rings."""
    ends = settings.observing.ends(settings.timezone)
    if ends is not None and ends <= now:
        what = f"is over since {settings.observing.until}: everything rings but what has `mode: observe`."
        yield document.problem(("observing", "until"), what, "Remove it, or move the day.")


def silenced_dangers(document: Document, settings: Settings) -> Iterator[Problem]:
    """Silences that may cover a danger to people."""
    for name, silence in settings.silences.items():
        condition = AlertCondition(silence.where, settings.lists)
        for rule in settings.rules:
            if rule.exempt and may_cover(condition, rule):
                what = f"may silence `{rule.id}`, which nothing else holds back."
                yield document.problem(("silences", name, "where"), what, f"Add `rule: {{not: {rule.id}}}` unless it is meant.")


def _untouched(rule: Rule) -> bool:
    return rule.kind == "mention" or rule.exempt


def written_in_clear(document: Document, filled: Filled, shape: Shape) -> Iterator[Problem]:
    """Secrets that stand in the file itself."""
    for path, value, schemas in _leaves(filled.data, shape.root(filled.data), shape, ()):
        if not isinstance(value, str) or path in filled.paths:
            continue
        if _has_password(value) or (holds_secret(schemas) and not _harmless(value)):
            fix = "Write ${NAME} and set NAME in the environment, or use file:PATH or credential:NAME."
            yield document.problem(path, "a secret is written in clear.", fix)


def _leaves(data: Data, schemas: Schemas, shape: Shape, path: Path_) -> Iterator[tuple[Path_, Data, Schemas]]:
    inside = data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, list) else None
    if inside is None:
        yield path, data, schemas
        return
    for part, item in inside:
        yield from _leaves(item, shape.below(schemas, part, item), shape, (*path, part))


def _has_password(value: str) -> bool:
    """Whether it is an address with a password in it, of whatever setting."""
    try:
        return "://" in value and bool(urlsplit(value).password)
    except ValueError:
        return False


def _harmless(value: str) -> bool:
    """An address without a password, a query, or a part long enough to be a token is no secret."""
    if "://" not in value:
        return False
    try:
        address = urlsplit(value)
    except ValueError:
        return False
    return not (address.password or address.query or _TOKEN.search(f"{address.netloc}/{address.path}"))
