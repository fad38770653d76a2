"""What the feed shows of mentions and of its filters: pure, from what the store and the configuration say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.console.feed.filters import Asked
from monitor.console.feed.why import Why
from monitor.console.feed.words import FORMS, INTENTS, NAMES, PARTS, PERIODS, STATES, TONES, TOPICS
from monitor.console.tongue import tongue
from monitor.domain.account import Visitor
from monitor.domain.feed import POSITIVE
from monitor.domain.handling import Handling
from monitor.domain.mention import NEGATIVE, Observed
from monitor.settings import Settings
from monitor.web.desk import Desk
from notifiers.reader import Reader

Options = Mapping[str, Mapping[str, str]]
"""By filter its values, each with what it is called."""


@dataclass(frozen=True, slots=True)
class Item:
    """One mention of the list. `link` is where its network shows it, only http(s); `whose` is what its assignee is called."""

    mention: Observed
    handling: Handling
    tone: str
    link: str | None
    whose: str
    why: Why | None


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on: what it is, its value in words, and the address without it."""

    name: str
    value: str
    off: str


def item(desk: Desk, mention: Observed, handling: Handling, why: Why | None) -> Item:
    """One mention."""
    return Item(mention, handling, tone_of(mention.sentiment), web_link(mention.page), desk.called(handling.assignee), why)


def tone_of(sentiment: float | None) -> str:
    """The name of a sentiment, as the filter `tone` has it."""
    if sentiment is None:
        return "unscored"
    if sentiment <= NEGATIVE:
        return "negative"
    return "positive" if sentiment >= POSITIVE else "neutral"


def web_link(page: str | None) -> str | None:
    """An address that a browser may be sent to; None: it has none."""
    return page if page and page.lower().startswith(("http://", "https://")) else None


def options(settings: Settings, visitor: Visitor, reader: Reader) -> Options:
    """The filters that are lists, with what may be chosen."""
    say = tongue(reader.language).gettext
    networks = {name for each in settings.sources.values() for name in each.networks() or ()}
    known = reader.locale.languages
    return {
        "subject": {name: named(name, settings) for name in settings.subjects},
        "network": {name: name.capitalize() for name in sorted(networks)},
        "tone": {name: say(word) for name, (word, _) in TONES.items()},
        "intent": _called(say, INTENTS, settings.sentiment.intents),
        "topic": _called(say, TOPICS, settings.sentiment.topics),
        "form": {name: say(word) for name, word in FORMS.items()},
        "language": {name: known.get(name, name) for name in settings.sentiment.languages},
        "assignee": whom(settings, visitor),
        "source": {name: name for name in sorted(settings.sources)},
        "state": {name: say(word) for name, (word, _) in STATES.items()},
        "period": {name: say(word) for name, (word, _) in PERIODS.items()},
    }


def whom(settings: Settings, visitor: Visitor) -> Mapping[str, str]:
    """To whom a mention may be given: the visitor first, then people, then roles."""
    people = {name: each.name for name, each in settings.contacts.people.items()}
    roles = {role: role for role in settings.contacts.roles}
    return {visitor.account: people.get(visitor.account, visitor.name)} | people | roles


def chips(asked: Asked, known: Options, reader: Reader) -> list[Chip]:
    """The filters that are on, but for the words and the state: these have places of their own."""
    say = tongue(reader.language).gettext
    return [
        Chip(say(NAMES[name]), known.get(name, {}).get(value, value), asked.without((name, value)))
        for name, value in asked.pairs
        if name not in {"q", "state"}
    ]


def labels(names: Iterable[str], words: Mapping[str, str], reader: Reader) -> Sequence[str]:
    """Intents or topics in words; a part (`delivery/late`) stands for its whole as well."""
    say, found = tongue(reader.language).gettext, sorted(names)
    parts = {name.partition("/")[0] for name in found if "/" in name}
    return [_label(name, words, say) for name in found if name not in parts]


def _label(name: str, words: Mapping[str, str], say: Callable[[str], str]) -> str:
    whole, _, part = name.partition("/")
    said = say(words[whole]) if whole in words else whole
    return f"{said} / {say(PARTS[name]) if name in PARTS else part}" if part else said


def named(name: str, settings: Settings) -> str:
    """What a subject is called; one that is not listened for any more by its short name."""
    subject = settings.subjects.get(name)
    return subject.names[0] if subject is not None and subject.names else name


def _called(say: Callable[[str], str], shipped: Mapping[str, str], own: Iterable[str]) -> Mapping[str, str]:
    return {name: say(word) for name, word in shipped.items()} | {name: name for name in own if name not in shipped}
