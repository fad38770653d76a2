"""From one record of somebody's data to a mention: which of its fields says what."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from monitor.domain.mention import Author, Engagement, Form, Mention
from monitor.sources.text import hashtags, html_to_text, is_own, slug, whole
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
    "parent": ("parent", "in_reply_to", "in_reply_to_uri"),
    "thread": ("thread", "conversation"),
    "engagement.replies": ("replies", "replies_count", "reply_count"),
    "engagement.shares": ("shares", "shares_count", "reposts", "reblogs_count", "retweet_count", "retweets"),
    "engagement.likes": ("likes", "likes_count", "like_count", "favourites_count", "favorite_count"),
    "hashtags": ("hashtags", "tags"),
}
_ALIASES = {"own": "author.own", "author": "author.id", "shares": "engagement.shares", "likes": "engagement.likes"}
_ALIASES |= {"replies": "engagement.replies", "created_at": "written_at", "url": "uri"}
_LONGEST_NAME = 200
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
        self._find = {field: _finder(paths) for field, paths in self._paths.items()}

    def mention(self, record: object, *, default_time: datetime | None = None) -> Mention:
        """The mention in a record. `default_time` dates a record without a time. Raises `UnreadableError`."""
        if not isinstance(record, Mapping):
            raise UnreadableError("the record is not an object with fields")
        network = self._text(record, "network") or self._settings.network
        text = self._body(record)
        return Mention(
            network=network,
            text=text,
            written_at=self._time(record, default_time),
            uri=self._uri(record, network),
            form=self._form(record),
            title=self._text(record, "title"),
            author=self._author(record),
            language=self._text(record, "language") or self._settings.language,
            parent=self._text(record, "parent") or None,
            thread=self._text(record, "thread") or None,
            engagement=self._engagement(record),
            hashtags=self._hashtags(record) | hashtags(text),
            subjects=self._subjects(record),
        )

    def _body(self, record: Mapping[str, Any]) -> str:
        text = self._text(record, "text")
        text = html_to_text(text) if self._settings.html else text
        if not text.strip():
            raise UnreadableError(f"no text (looked at {', '.join(self._paths['text'])}); set `mapping: {{text: …}}`")
        return text

    def _time(self, record: Mapping[str, Any], default: datetime | None) -> datetime:
        value = self._find["written_at"](record)
        if value is None or value == "":
            if default is None:
                raise UnreadableError(
                    f"no time (looked at {', '.join(self._paths['written_at'])}); set `mapping: {{written_at: …}}`"
                )
            return default
        try:
            return parse_time(value, self._zone, self._settings.time_format)
        except ValueError as error:
            raise UnreadableError(str(error)) from None

    def _uri(self, record: Mapping[str, Any], network: str) -> str | None:
        """The address, else a name made of the network's own id, which is just as unique."""
        uri, external = self._text(record, "uri"), self._text(record, "id")
        if uri.startswith(("http://", "https://")) or not (uri or external):
            return uri or None
        return named(network, external or uri)

    def _form(self, record: Mapping[str, Any]) -> Form:
        said = self._text(record, "form").lower()
        if said in set(Form):
            return Form(said)
        return Form.REPLY if self._text(record, "parent") else Form.POST

    def _author(self, record: Mapping[str, Any]) -> Author | None:
        who, handle = self._text(record, "author.id"), self._text(record, "author.handle")
        if not (who or handle):
            return None
        own = _flag(self._find["author.own"](record))
        return Author(
            id=who or handle,
            handle=handle or who,
            name=self._text(record, "author.name"),
            reach=whole(self._find["author.reach"](record)),
            verified=_flag(self._find["author.verified"](record)),
            own=bool(own) or is_own(handle or who, self._own),
        )

    def _engagement(self, record: Mapping[str, Any]) -> Engagement:
        replies, shares, likes = (whole(self._find[f"engagement.{what}"](record)) for what in ("replies", "shares", "likes"))
        return Engagement(replies=replies, shares=shares, likes=likes)

    def _hashtags(self, record: Mapping[str, Any]) -> frozenset[str]:
        found = self._find["hashtags"](record)
        listed = found if isinstance(found, list) else str(found or "").replace(",", " ").split()
        return frozenset(tag.removeprefix("#").casefold() for tag in listed if isinstance(tag, str) and tag.strip("# "))

    def _subjects(self, record: Mapping[str, Any]) -> frozenset[str]:
        found = self._find["subject"](record)
        values = [v.strip() for v in (found if isinstance(found, list) else [found]) if isinstance(v, str) and v.strip()]
        return frozenset(self._settings.subject_map.get(value, value) for value in values)

    def _text(self, record: Mapping[str, Any], field: str) -> str:
        value = self._find[field](record)
        return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def named(network: str, external_id: str) -> str:
    """The identity of something that has an id within its network, but no address."""
    plain = external_id.isalnum() and len(external_id) <= _LONGEST_NAME
    name = external_id if plain else hashlib.sha256(external_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"urn:tocsin:{slug(network)}:{name}"


def _finder(paths: Sequence[str]) -> Callable[[Mapping[str, Any]], Any]:
    """A function that looks a record up under the first path that holds a plain value or a list."""
    parted = [(path, path.split(".")) for path in paths]

    def find(record: Mapping[str, Any]) -> Any:
        for path, steps in parted:
            value = record[path] if path in record else walk(record, steps) if len(steps) > 1 else None
            if value is not None and not isinstance(value, Mapping):
                return value
        return None

    return find


def walk(value: Any, steps: Sequence[str]) -> Any:
    """What stands at the end of a path through objects and lists; None when there is nothing."""
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and len(step) < 9 and int(step) < len(value):  # noqa: PLR2004
            value = value[int(step)]
        else:
            return None
    return value


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    said = str(value).strip().lower()
    return True if said in _YES else False if value is not None and said in _NO else None
