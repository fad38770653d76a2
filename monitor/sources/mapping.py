"""From one record of somebody's data to a mention: which of its fields says what."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from monitor.domain.mention import Author, Engagement, Form, Mention
from monitor.sources.text import html_to_text, is_own, one_line, slug, whole
from monitor.sources.times import parse_time

# What people commonly call these things, best guess first. A path is dotted: `user.name`, `entities.0.id`.
GUESSES: Mapping[str, Sequence[str]] = {
    "text": ("text", "full_text", "content", "body", "message", "comment", "review", "tweet", "description", "summary"),
    "title": ("title", "headline", "subject_line"),
    "written_at": ("written_at", "created_at", "published_at", "date", "datetime", "timestamp", "published", "created", "time"),
    "uri": ("uri", "url", "link", "permalink"),
    "id": ("id", "id_str", "guid", "post_id", "tweet_id", "status_id", "comment_id", "review_id"),
    "author.id": ("author.id", "author_id", "user.id", "user_id", "author", "user", "username", "handle", "from"),
    "author.handle": (
        "author.handle",
        "author.username",
        "handle",
        "username",
        "user.screen_name",
        "screen_name",
        "author",
        "user",
    ),
    "author.name": ("author.name", "author_name", "user.name", "display_name", "name"),
    "author.reach": ("author.reach", "author.followers", "user.followers_count", "followers_count", "followers", "reach"),
    "author.verified": ("author.verified", "user.verified", "verified"),
    "author.own": ("own", "own_account", "is_own", "author.own"),
    "network": ("network", "platform"),
    "form": ("form",),
    "language": ("language", "lang"),
    "subject": ("subject", "brand", "company"),
    "parent": ("parent", "in_reply_to", "in_reply_to_uri", "reply_to", "in_reply_to_id", "in_reply_to_status_id", "parent_id"),
    "thread": ("thread", "conversation", "thread_id", "conversation_id"),
    "engagement.replies": ("replies", "replies_count", "reply_count"),
    "engagement.shares": ("shares", "shares_count", "reposts", "reblogs_count", "retweet_count", "retweets"),
    "engagement.likes": ("likes", "likes_count", "like_count", "favourites_count", "favorite_count"),
    "hashtags": ("hashtags", "tags"),
}
_ALIASES = {"own": "author.own", "author": "author.id", "shares": "engagement.shares", "likes": "engagement.likes"}
_ALIASES |= {"replies": "engagement.replies", "created_at": "written_at", "url": "uri"}
_LONGEST_NAME = 200
_LONGEST_SHOWN, _MOST_SHOWN = 40, 12
_FORMS = frozenset(Form)
_ADDRESSES = ("http://", "https://")
_MAX_PLANS = 100  # kinds of record remembered at a time

_Found = Mapping[str, Any]
_Plan = Sequence[tuple[str, Sequence[str | Sequence[str]]]]

_YES, _NO = frozenset({"true", "yes", "1", "oui", "vrai"}), frozenset({"false", "no", "0", "non", "faux", ""})


class UnreadableError(ValueError):
    """A record that cannot be a mention; the text says why."""


def _zone_exists(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no time zone is called {name!r}; use an IANA name such as Europe/Paris") from None
    return name


def _fields_exist(mapping: dict[str, str]) -> dict[str, str]:
    unknown = sorted(set(mapping) - set(GUESSES) - set(_ALIASES))
    if unknown:
        raise ValueError(f"a mention has no {', '.join(unknown)}; it has {', '.join(GUESSES)}")
    return mapping


class MappingSettings(BaseModel):
    """How to read records that are not ours. Common field names are guessed; what is named here is taken as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mapping: Annotated[dict[str, str], AfterValidator(_fields_exist)] = Field(
        default_factory=dict,
        description="mention field -> dotted path in a record, for instance `author.id: user.screen_name`;"
        " fields left out are guessed from common names",
    )
    network: str = Field("file", min_length=1, max_length=32, description="the network of records that do not name theirs")
    language: str | None = Field(None, description="the language of records that do not name theirs, for instance fr")
    timezone: Annotated[str, AfterValidator(_zone_exists)] = Field("UTC", description="the zone of times written without one")
    time_format: str | None = Field(None, description="strptime pattern of the times, when they are in no common form")
    subject_map: dict[str, str] = Field(
        default_factory=dict,
        description="value in the data -> id of a subject; a value not listed counts if it is a name or an id of a subject",
    )
    html: bool = Field(False, description="true when the texts are HTML: tags are stripped and entities decoded")


class Mapper:
    """Turns records into mentions. `own_accounts` are those of the source."""

    def __init__(self, settings: MappingSettings, *, own_accounts: Sequence[str] = ()) -> None:
        self._settings = settings
        self._own = own_accounts
        self._zone = ZoneInfo(settings.timezone)
        said = {_ALIASES.get(field, field): path for field, path in settings.mapping.items()}
        self._paths = {field: (said[field],) if field in said else guesses for field, guesses in GUESSES.items()}
        self._plans: dict[tuple[str, ...], _Plan] = {}

    def mention(self, record: object, *, default_time: datetime | None = None) -> Mention:
        """The mention in a record. `default_time` dates a record without a time. Raises `UnreadableError`."""
        if not isinstance(record, Mapping):
            raise UnreadableError("the record is not an object with fields")
        found = self._look(record)
        network = _text(found, "network") or self._settings.network
        text = self._body(found)
        self._require(record, text=bool(text.strip()), time=bool(default_time or found.get("written_at") not in (None, "")))
        return Mention(
            network=network,
            text=text,
            written_at=self._time(found, default_time),
            uri=self._uri(found, network),
            form=self._form(found),
            title=_text(found, "title"),
            author=self._author(found),
            language=_text(found, "language") or self._settings.language,
            parent=_there(_text(found, "parent"), network),
            thread=_there(_text(found, "thread"), network),
            engagement=self._engagement(found),
            hashtags=self._hashtags(found),
            subjects=self._subjects(found),
        )

    def _look(self, record: Mapping[str, Any]) -> _Found:
        """What the record says of each field: the first of its paths that holds a plain value or a list."""
        found = {}
        for field, paths in self._plan(tuple(record)):
            for path in paths:
                value = record[path] if isinstance(path, str) else walk(record, path)
                if value is not None and not isinstance(value, dict):
                    found[field] = value
                    break
        return found

    def _plan(self, names: tuple[str, ...]) -> _Plan:
        """Which paths are worth a look in a record with these names. Records of one file mostly have the same."""
        plan = self._plans.get(names)
        if plan is None:
            if len(self._plans) >= _MAX_PLANS:
                self._plans.clear()
            plan = self._plans[names] = _planned(self._paths, frozenset(names))
        return plan

    def _body(self, found: _Found) -> str:
        text = _text(found, "text")
        return html_to_text(text) if self._settings.html else text

    def _require(self, record: Mapping[str, Any], *, text: bool, time: bool) -> None:
        """A mention needs words and a time: who has called them otherwise is told what there is to choose from."""
        lacking = [(name, field) for name, field, there in (("text", "text", text), ("time", "written_at", time)) if not there]
        if lacking:
            known = [field for _, field in lacking if field in self._settings.mapping]
            looked = f" (looked at {', '.join(self._settings.mapping[field] for field in known)})" if known else ""
            raise UnreadableError(
                f"no {' and no '.join(name for name, _ in lacking)}{looked} among the fields {_names(record)}; say which holds"
                f" it: `mapping: {{{', '.join(f'{field}: FIELD' for _, field in lacking)}}}`"
            )

    def _time(self, found: _Found, default: datetime | None) -> datetime:
        value = found.get("written_at")
        if default is not None and value in (None, ""):
            return default
        try:
            return parse_time(value, self._zone, self._settings.time_format)
        except ValueError as error:
            raise UnreadableError(f"written_at: {error}") from None

    def _uri(self, found: _Found, network: str) -> str | None:
        """The address, else a name made of the network's own id, which is just as unique."""
        uri, external = _text(found, "uri"), _text(found, "id")
        if uri.startswith(_ADDRESSES) or not (uri or external):
            return uri or None
        return named(network, external or uri)

    def _form(self, found: _Found) -> Form:
        said = _text(found, "form").lower()
        if said in _FORMS:
            return Form(said)
        return Form.REPLY if _text(found, "parent") else Form.POST

    def _author(self, found: _Found) -> Author | None:
        who, handle = _text(found, "author.id"), _text(found, "author.handle")
        if not (who or handle):
            return None
        own = _flag(found.get("author.own"))
        return Author(
            id=who or handle,
            handle=handle or who,
            name=_text(found, "author.name"),
            reach=whole(found.get("author.reach")),
            verified=_flag(found.get("author.verified")),
            own=bool(own) or is_own(handle or who, self._own),
        )

    def _engagement(self, found: _Found) -> Engagement:
        replies, shares, likes = (whole(found.get(f"engagement.{what}")) for what in ("replies", "shares", "likes"))
        return Engagement(replies=replies, shares=shares, likes=likes)

    def _hashtags(self, found: _Found) -> frozenset[str]:
        said = found.get("hashtags")
        listed = said if isinstance(said, list) else str(said or "").replace(",", " ").split()
        return frozenset(tag.removeprefix("#").casefold() for tag in listed if isinstance(tag, str) and tag.strip("# "))

    def _subjects(self, found: _Found) -> frozenset[str]:
        said = found.get("subject")
        values = [v.strip() for v in (said if isinstance(said, list) else [said]) if isinstance(v, str) and v.strip()]
        return frozenset(self._settings.subject_map.get(value, value) for value in values)


def named(network: str, external_id: str) -> str:
    """The identity of something that has an id within its network, but no address."""
    plain = external_id.isalnum() and len(external_id) <= _LONGEST_NAME
    name = external_id if plain else hashlib.sha256(external_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"urn:tocsin:{slug(network)}:{name}"


def _there(said: str, network: str) -> str | None:
    """Where another record stands, as that one is known: by its address, else by its id."""
    if not said:
        return None
    return said if said.startswith(_ADDRESSES) else named(network, said)


def _names(record: Mapping[str, Any]) -> str:
    """What a person could name in a mapping: the fields of a record, and those one step further in."""
    names: list[str] = []
    for name, value in record.items():
        names += [f"{name}.{part}" for part in value] if isinstance(value, Mapping) else [str(name)]
    shown = [one_line(name, _LONGEST_SHOWN) for name in names[:_MOST_SHOWN]]
    return ", ".join([*shown, "…"] if len(names) > _MOST_SHOWN else shown) or "(there are none)"


def _planned(paths: Mapping[str, Sequence[str]], names: frozenset[str]) -> _Plan:
    plan = []
    for field, guesses in paths.items():
        split = (path if path in names else path.split(".") for path in guesses)
        if likely := [path for path in split if isinstance(path, str) or (len(path) > 1 and path[0] in names)]:
            plan.append((field, likely))
    return plan


def _text(found: _Found, field: str) -> str:
    value = found.get(field)
    if value is None or isinstance(value, str):
        return value or ""
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def walk(value: Any, steps: Sequence[str]) -> Any:
    """What stands at the end of a path through objects and lists; None when there is nothing."""
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and len(step) < 9 and int(step) < len(value):  # noqa: PLR2004
            value = value[int(step)]
        else:
            return None
    return value


def at(document: Any, path: str) -> Any:
    """What stands at a dotted path; the empty path is the whole."""
    return walk(document, path.split(".")) if path else document


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    if value is None:
        return None
    said = str(value).strip().lower()
    return True if said in _YES else False if said in _NO else None
