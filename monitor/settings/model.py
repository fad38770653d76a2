"""The one frozen tree of settings: `MonitorFile` is monitor.yaml, `Settings` adds contacts, rules, plans and word lists."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from monitor.domain.alert import Silence
from monitor.domain.plan import Id, Plan
from monitor.mailbox import RepliesSettings
from monitor.sentiment import SentimentSettings
from monitor.settings.campaigns import CampaignSettings
from monitor.settings.console import ConsoleSettings
from monitor.settings.contacts import Contacts, Person
from monitor.settings.duty import on_duty
from monitor.settings.fingerprints import Fingerprints, fingerprint
from monitor.settings.inhibition import Inhibition
from monitor.settings.kinds import Names, Text, Texts
from monitor.settings.observing import ObservingSettings
from monitor.settings.quiet import QuietHours
from monitor.settings.silences import SilenceName, SilenceSettings
from monitor.settings.web import CallerSettings, WebSettings
from monitor.sources import SourceUnion
from monitor.sources.connecting import HttpSettings
from monitor.storage import StorageSettings
from notifiers import EmailSettings, ReceiverUnion, SmtpSettings
from notifiers.message import Language
from rules import AlertWhere, Campaign, Rule
from rules.duration import Duration
from rules.wall_clock import Zone

# Names that stand for what `routing` says; nobody and nothing else may have them.
RESERVED = ("default", "ops")


def _unmarked(names: Any) -> Any:
    """`@acme` and `#acme` mean the same as `acme`."""
    written = [names] if isinstance(names, str) else names
    return [name.lstrip("@#") if isinstance(name, str) else name for name in written] if isinstance(written, list) else written


_Unmarked = Annotated[tuple[Text, ...], BeforeValidator(_unmarked, json_schema_input_type=Text | list[Text])]


class Subject(BaseModel):
    """Something people talk about: the brand, a product, a rival. The short form is a name or a list of names."""

    # A brand may be called 1664: a number is as good a name as any.
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    names: Texts = Field((), description="what it is called, the display name first; the default is its id")
    aliases: Texts = Field((), description="other spellings, nicknames and frequent misspellings")
    handles: _Unmarked = Field(
        (),
        description="its accounts, with or without @: a mention of one is a mention of it."
        " Those of the first subject, the brand, are our own: what they post never counts as somebody else's words",
    )
    hashtags: _Unmarked = Field((), description="its hashtags, with or without #")
    exclusions: Texts = Field((), description="words and phrases that show that another thing of the same name is meant")
    competitor: bool = Field(False, description="whether it is a rival, whose share of voice ours is compared with")


def _subject(written: Any) -> Any:
    if written is None:
        return {}
    return {"names": written} if isinstance(written, str | int | float | list) and not isinstance(written, bool) else written


_Subject = Annotated[Subject, BeforeValidator(_subject, json_schema_input_type=Text | list[Text] | Subject | None)]


def _one_or_more(written: Any) -> Any:
    return [written] if isinstance(written, dict) else written


class Route(BaseModel):
    """Where one matter goes. The first route that matches an alert decides, in the order of the file."""

    # What is written is `continue`, which Python keeps for itself.
    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Text | None = Field(None, description="what the matter is called where it is said why somebody is told")
    where: AlertWhere = Field(
        default_factory=AlertWhere,
        description="which alerts take it: the conditions of rules, and `rule`, `kind`, `severity` and `category` of the alert;"
        " none means all",
    )
    to: Annotated[Names, Field(min_length=1)] = Field(description="who is told: receivers, people or roles")
    continue_: bool = Field(False, alias="continue", description="whether later routes are asked, too, and their people join")


class Routing(BaseModel):
    """Who is told, and how messages of one incident are gathered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    routes: tuple[Route, ...] = Field(
        (), description="who is told of what, where a rule names nobody itself: the first route that matches decides"
    )
    default: Names = Field(
        (), description="told of every alert whose rule names nobody and which no route matches: receivers, people, roles"
    )
    ops: Names = Field((), description="told when a source or a receiver stops working; the default is `default`")
    group_wait: Duration = Field(
        timedelta(seconds=30), description="after the first message, which leaves at once: how long further news is gathered"
    )
    group_interval: Duration = Field(
        timedelta(minutes=5), description="at most one more message per incident and receiver in this time"
    )
    digest_after: int = Field(
        20,
        ge=1,
        description="so many messages a receiver gets within `group_interval`; in a storm the rest comes in one digest across"
        " incidents, the critical ones first",
    )
    quiet_hours: Annotated[
        tuple[QuietHours, ...],
        BeforeValidator(_one_or_more, json_schema_input_type=QuietHours | list[QuietHours]),
    ] = Field((), description="when what is not critical is held and told later, such as at night; a list for several")
    inhibit: Annotated[
        tuple[Inhibition, ...],
        BeforeValidator(_one_or_more, json_schema_input_type=Inhibition | list[Inhibition]),
    ] = Field((), description="what is not told while something else rings; a list for several")


def _web_address(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("https://", "http://")):
        raise ValueError("write a whole address, https://host/path")
    return value


class HeartbeatSettings(BaseModel):
    """An address elsewhere that is asked (GET) while the work progresses, and that tells somebody when nobody asks any more."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[SecretStr, AfterValidator(_web_address)] = Field(
        description="the address that such a service gave you; whoever knows it can pretend that all is well"
    )
    every: Annotated[Duration, Field(ge=timedelta(seconds=10))] = Field(
        timedelta(minutes=1), description="how often; let the service wait for five times as long before it tells anybody"
    )


def _one_language(written: Any) -> Any:
    return (written,) if isinstance(written, str) else written


class CardSettings(BaseModel):
    """The cards of the plans: a page or two on paper, for the hour in which nothing else answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(True, description="false keeps none on disk; `tocsin plan card` makes one all the same")
    folder: Text = Field(
        "cards",
        description="where they are kept up to date, such as a folder that laptops copy by themselves; what is no absolute path"
        " begins where the store is. Only their owner can read the files: telephone numbers stand in them",
    )
    languages: Annotated[
        tuple[Language, ...], BeforeValidator(_one_language, json_schema_input_type=Language | list[Language])
    ] = Field((), description="fr, en or both; the default is `language`")


class LoggingSettings(BaseModel):
    """How the daemon logs, to standard error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["console", "json"] = Field("console", description="`console` for people, `json` for machines")
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least that is logged")


class MonitorFile(BaseModel):
    """`monitor.yaml`. A useful file has ten lines; all else has defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(description="the version of this file's format: 1")
    brand: Text = Field("", description="the name at the head of every message; the default is the first subject's name")
    language: Language = Field("en", description="of messages: fr or en; a receiver or person may have another")
    timezone: Zone = Field("UTC", description="in which times are shown: an IANA name; a receiver or person may have another")
    subjects: dict[Id, _Subject] = Field(min_length=1, description="what to listen for, by a short name that rules use")
    sources: dict[Id, SourceUnion] = Field(default_factory=dict, description="where to listen, by a name of your choice")
    own_accounts: tuple[str, ...] = Field(
        (),
        description="our own accounts, as if each source named them: best with their server, as `@acme@mastodon.social`, for"
        " `@acme` is ours on every server",
    )
    smtp: SmtpSettings | None = Field(None, description="the server that takes the e-mails")
    replies: RepliesSettings | None = Field(
        None, description="the mailbox where answers to our e-mails arrive: « OK » acknowledges"
    )
    receivers: dict[Id, ReceiverUnion] = Field(
        default_factory=dict, description="how people are reached, by a name of your choice"
    )
    routing: Routing = Field(default_factory=Routing, description="who is told")
    campaigns: dict[Id, CampaignSettings] = Field(
        default_factory=dict, description="when more is said because of us, and windows need more before they ring, by a name"
    )
    silences: dict[SilenceName, SilenceSettings] = Field(
        default_factory=dict, description="alerts of which nobody is told at some times, by a name; others are made by command"
    )
    observing: ObservingSettings = Field(
        default_factory=ObservingSettings, description="the daily account of what would have rung, and a first while of only that"
    )
    storage: StorageSettings = Field(default_factory=StorageSettings, description="where everything is kept, and for how long")
    web: WebSettings = Field(default_factory=WebSettings, description="inbound webhooks and links; metrics, health and reload")
    console: ConsoleSettings = Field(default_factory=ConsoleSettings, description="the pages for people, and how they sign in")
    callers: dict[Id, CallerSettings] = Field(
        default_factory=dict, description="programs that may act in plan runs by signed calls, by a name that the timeline shows"
    )
    heartbeat: HeartbeatSettings | None = Field(None, description="how somebody elsewhere notices that this machine is gone")
    cards: CardSettings = Field(default_factory=CardSettings, description="the printable cards of the plans, kept on disk")
    http: HttpSettings = Field(default_factory=HttpSettings, description="how servers are asked: proxy, certificates, limits")
    sentiment: SentimentSettings = Field(default_factory=SentimentSettings, description="how texts are scored")
    logging: LoggingSettings = Field(default_factory=LoggingSettings, description="what the daemon says about itself")

    @model_validator(mode="before")
    @classmethod
    def _brand_is_the_first_subject(cls, written: Any) -> Any:
        """Fill in what is read off the subjects' names: it is easier before they are frozen."""
        if not isinstance(written, dict) or not isinstance(written.get("subjects"), dict) or not written["subjects"]:
            return written
        subjects = {name: _named(name, _subject(subject)) for name, subject in written["subjects"].items()}
        first = next(iter(subjects.values()))
        names = first.get("names") if isinstance(first, dict) else getattr(first, "names", None)
        brand = names if isinstance(names, str) else str(next(iter(names), "")) if isinstance(names, list | tuple) else ""
        return {"brand": brand or next(iter(subjects)), **written, "subjects": subjects}


def _named(name: str, subject: Any) -> Any:
    return {"names": [name], **subject} if isinstance(subject, dict) else subject


class Settings(MonitorFile):
    """Everything the daemon goes by. `receivers` also holds one e-mail receiver per person with an address."""

    contacts: Contacts = Field(default_factory=Contacts)
    rules: tuple[Rule, ...] = ()
    plans: dict[Id, Plan] = Field(default_factory=dict)
    own_plans: tuple[Id, ...] = ()  # those that somebody has made theirs; the others are shipped, and lie ready
    lists: dict[Id, tuple[str, ...]] = Field(default_factory=dict)
    places: dict[str, str] = Field(default_factory=dict)  # `file:line` of each rule and plan; of an observed one, of that word

    def resolve(self, name: str, at: datetime | None = None) -> tuple[str, ...]:
        """The receivers behind a receiver, person, role, `default` or `ops`, each once.

        With `at` (aware), those of a role who are told then; without it all who ever have it, backups aside. A name that is gone
        (an alert or a plan opened before it was removed may still use it) means `default`: nobody is never the answer.
        """
        return tuple(dict.fromkeys(self._behind(name, at)))

    def _behind(self, name: str, at: datetime | None) -> Iterable[str]:
        if name in self.receivers and name not in self.contacts.people:
            return (name,)
        if name in self.contacts.people:
            person = self.contacts.people[name]
            return (*((name,) if person.email else ()), *person.receivers)
        if name in self.contacts.roles:
            return (receiver for person in self._on_duty(name, at) for receiver in self._behind(person, at))
        routes = self.routing.ops if name == "ops" and self.routing.ops else self.routing.default
        return (receiver for route in routes for receiver in self._behind(route, at))

    def _on_duty(self, role: str, at: datetime | None) -> tuple[str, ...]:
        if at is None:
            return self.contacts.roles[role].people
        return tuple(each.person for each in on_duty(self.contacts, role, at, self.timezone))

    def observes_all(self, now: datetime) -> bool:
        """Whether every rule and plan is only observed at a moment (aware), whatever they say themselves."""
        return self.observing.holds(now, self.timezone)

    @property
    def observed_by_themselves(self) -> tuple[tuple[Literal["rule", "plan"], str], ...]:
        """The rules and plans with `mode: observe`, each as what it is and its id."""
        rules = (rule.id for rule in self.rules if rule.mode == "observe")
        plans = (plan.id for plan in self.plans.values() if plan.activation.mode == "observe")
        return (*(("rule", name) for name in rules), *(("plan", name) for name in plans))

    def ringing(self) -> Settings:
        """The same without a first while of observing: for whoever asks what would ring."""
        return self.model_copy(update={"observing": self.observing.model_copy(update={"until": None})})

    @property
    def calendar(self) -> tuple[Campaign, ...]:
        """The campaigns, for the rules."""
        return tuple(each.campaign(name, self.timezone) for name, each in self.campaigns.items())

    @property
    def standing_silences(self) -> tuple[Silence, ...]:
        """The silences of the configuration."""
        return tuple(each.silence(name, self.timezone) for name, each in self.silences.items())

    @property
    def card_folder(self) -> Path:
        """Where the cards of the plans are kept."""
        return self.storage.folder / Path(self.cards.folder).expanduser()

    @property
    def ours(self) -> tuple[str, ...]:
        """Whose posts are our own, whichever source sees them: what is named for all, or by any source, and the brand's handles.

        The brand is the first subject; of other subjects nobody knows whether they are ours, for rivals have accounts, too.
        """
        named = (account for source in self.sources.values() for account in source.own_accounts)
        return tuple(dict.fromkeys((*self.own_accounts, *named, *next(iter(self.subjects.values())).handles)))

    @property
    def reply_to(self) -> str | None:
        """Where answers to our e-mails go; None: to their sender."""
        return self.replies.reply_to if self.replies is not None else None

    @property
    def fingerprints(self) -> Fingerprints:
        """A short hash per source and receiver: another hash means that somebody changed its settings."""
        return Fingerprints(
            sources={name: fingerprint(source) for name, source in self.sources.items()},
            receivers={
                name: fingerprint(receiver, self.smtp if isinstance(receiver, EmailSettings) else None)
                for name, receiver in self.receivers.items()
            },
        )

    def __repr__(self) -> str:
        """Short on purpose: what is filled in from the environment must not reach a log through a repr."""
        held = f"{len(self.sources)} sources, {len(self.receivers)} receivers, {len(self.rules)} rules"
        return f"Settings(brand={self.brand!r}, {held})"

    __str__ = __repr__


@dataclass(frozen=True)
class Outline:
    """What commands about the store go by: all that is certain of a configuration whose secrets are not all here.

    `sources` says of each whether it is asked, `replies` whether a mailbox is read; of `receivers` the names are known. `rules`
    and their `lists` are empty unless they were asked for. `source_settings` are those of `sources` where they have no fault but
    a secret that is missing: whoever asks a source by them is refused.
    """

    storage: StorageSettings
    language: Language
    timezone: str
    subjects: Mapping[str, Subject]
    sources: Mapping[str, bool]
    receivers: Collection[str]
    replies: bool = False
    brand: str = ""
    contacts: Contacts = field(default_factory=Contacts)
    rules: tuple[Rule, ...] = ()
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    calendar: tuple[Campaign, ...] = ()
    standing_silences: tuple[Silence, ...] = ()
    observing: ObservingSettings = field(default_factory=ObservingSettings)
    source_settings: Mapping[str, SourceUnion] = field(default_factory=dict)
    http: HttpSettings = field(default_factory=HttpSettings)
    web: WebSettings = field(default_factory=WebSettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)


def implicit_receiver(email: str, person: Person) -> EmailSettings:
    """The receiver that a person with an address is."""
    return EmailSettings(kind="email", to=(email,), language=person.language, timezone=person.timezone, fallback=person.fallback)
