"""How an API that answers with JSON is described: what to ask, where in an answer stands what, and what it means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from monitor.domain.errors import Trouble
from monitor.sources.budget import Budget
from monitor.sources.mapping import at

# `{path}`; `{path|before:X}` and `{path|after:X}` are what stands before and after the first X, `{path|to:X}` up to the last.
_HOLE = re.compile(r"\{([\w.@+-]+)((?:\|(?:before|after|to):[^|}])*)\}")
_SETTING, _NAMED = re.compile(r"\{settings\.(\w+)\}"), re.compile(r"\{(\w+)\}")


def _one_or_more(written: Any) -> Any:
    return [written] if isinstance(written, str | int) else written


Template = Annotated[str, Field(coerce_numbers_to_str=True)]
Templates = Annotated[tuple[Template, ...], BeforeValidator(_one_or_more, json_schema_input_type=str | int | list[str | int])]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Setting(_Part):
    """Something that whoever uses the description must say, or may."""

    description: str = Field(description="what it is, and where to get it")
    default: str | None = Field(None, description="what it is when nobody says; without one it must be said")
    optional: bool = Field(False, description="whether it may be missing")
    secret: bool = Field(False, description="whether it must not be seen")


class Auth(_Part):
    """How a secret is sent, where it is given."""

    secret: str = Field(description="the setting that holds it")
    place: Literal["header", "address"] = Field("header", description="where it stands in a request")
    name: str = Field("Authorization", description="what the header or the parameter is called")
    scheme: str = Field("Bearer ", description="what stands before it in the header")


class Paging(_Part):
    """Where the next page is; without any of it there is one page."""

    number_from: int | None = Field(None, description="pages are numbered from this on: `{at}` is the number")
    token: str | None = Field(None, description="path, in the answer, of what to send for the next page: `{at}`")
    last: str | None = Field(None, description="path, in the last entry of a page, of what to send for the next: `{at}`")
    next: str | None = Field(None, description="path, in the answer, of the next page's whole address")
    link: bool = Field(False, description="the header Link names the next page (rel=next)")
    size: int | None = Field(None, description="a page with fewer entries is the last")
    more: str | None = Field(None, description="path, in the answer, of whether there are more pages")


class Question(_Part):
    """What is asked, and where in the answer stands what."""

    url: str = Field(description="the address")
    params: dict[str, Templates] = Field(
        default_factory=dict,
        description="what to ask; a part with something unknown in it is left out, several are joined by commas",
    )
    items: Templates = Field(
        (),
        description="path of the list of entries in an answer, of several the first that is there; none: the answer is the list",
    )
    fields: dict[str, Templates] = Field(
        default_factory=dict, description="as `fields` of the whole API; these come before those"
    )
    paging: Paging = Field(default_factory=Paging, description="where the next page is")


class Stream(Question):
    """One list of an API. Templates hold settings (`{query}`), and of the reading: `{since}`, `{since_iso}` and `{at}`."""

    order: str | None = Field(
        None, description="path of the time by which the list is sorted, where it is not when it was written"
    )
    newest_first: bool = Field(True, description="how the list is sorted")


class Ask(Question):
    """One question about a thread; one page of its answer is read, and `paging` says whether there are more."""

    items: Templates = Field(
        (),
        description="path of the list of posts in an answer, or of one post, of several the first that is there; the empty path"
        " is the whole answer; none: only `take` is read",
    )
    take: dict[str, Templates] = Field(
        default_factory=dict,
        description="a name for what stands at a path in the answer, of several the first that is there: later questions and"
        " `fields` may use it",
    )


def _addresses(written: tuple[str, ...]) -> tuple[str, ...]:
    for each in written:
        try:
            addressed(each, "", {})
        except re.error as error:
            raise ValueError(f"{each} is no address ({error.msg}): each `{{name}}` may stand in it once") from None
    return written


class Thread(_Part):
    """A way to what stands above and below a post. Templates hold settings, what the address says, what was taken, `{uri}`."""

    address: Annotated[Templates, AfterValidator(_addresses)] = Field(
        min_length=1,
        description="what the addresses of such posts have in them, one or several; a hole `{name}` stands for letters, digits,"
        " `.` and `-`, `{settings.name}` for a setting",
    )
    asks: tuple[Ask, ...] = Field(min_length=1, max_length=4, description="what to ask, one after another")
    fields: dict[str, Templates] = Field(
        default_factory=dict,
        description="as `fields` of the whole API; these come before those. A `parent` may be the `id` of another post",
    )


class Error(_Part):
    """What an answer means that its status does not say. All that is named must fit."""

    status: int | None = Field(None, description="its status")
    path: str | None = Field(None, description="a path in the answer, where something stands")
    header: str | None = Field(None, description="a header that it has, in lower case")
    value: Templates = Field((), alias="is", description="what stands there, one of these; without: anything but nothing")
    means: Trouble = Field(description="what it means: throttled, credentials, refused, gone or unavailable")
    wait: str | None = Field(None, description="path of how many seconds to wait")
    say: str = Field("", description="what to do about it")


class Description(_Part):
    """An API. `versions` are tried in their order where the first stream's address is not there (404)."""

    about: str = Field(description="what it brings, in one sentence")
    network: str = Field(max_length=32, description="the network of its mentions")
    where: str = Field("", description="where its key comes from, in one sentence")
    page: str = Field("", description="its page below docs/how-to")
    documents: tuple[str, ...] = Field((), description="addresses of what the network itself says of its API")
    example: dict[str, Any] = Field(
        default_factory=dict, description="settings to begin with, where those it requires are not enough"
    )
    settings: dict[str, Setting] = Field(default_factory=dict, description="what its user says")
    headers: dict[str, Template] = Field(default_factory=dict, description="sent with every request")
    auth: Auth | None = Field(None, description="how the secret is sent")
    html: bool = Field(False, description="whether texts are HTML")
    overlap: timedelta = Field(timedelta(0), description="how far back each look reaches, for what comes late")
    backoff: str | None = Field(None, description="path, in an answer, of how many seconds to leave it alone")
    budget: tuple[Budget, ...] = Field((), description="how many calls it grants")
    errors: tuple[Error, ...] = Field((), description="what answers mean that their status does not say")
    fields: dict[str, Templates] = Field(
        default_factory=dict,
        description="of each field of a mention (as in `mapping`) its path in an entry, or a template with paths; of several the"
        " first that is there. `{settings.NAME}` is a setting",
    )
    versions: tuple[dict[str, Stream], ...] = Field(
        min_length=1, description="its lists, by a name; of several versions of the API"
    )
    threads: tuple[Thread, ...] = Field(
        (),
        description="how `tocsin thread` asks for the thread around a post: the first of these ways that shows the post counts",
    )

    def every_field(self) -> set[str]:
        """The fields of a mention that it says anything of."""
        lists = [each.fields for version in self.versions for each in version.values()]
        threads = [fields for thread in self.threads for fields in (thread.fields, *(ask.fields for ask in thread.asks))]
        return set().union(self.fields, *lists, *threads)


def read(path: Path) -> Description:
    """A shipped description. Raises what pydantic and YAML raise: a test reads them all."""
    with path.open("rb") as stream:
        return Description.model_validate(yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # noqa: S506 - safe


def filled(template: str, known: Mapping[str, Any]) -> str | None:
    """A template with its holes filled; None where something is unknown."""
    missing = False

    def value(hole: re.Match[str]) -> str:
        nonlocal missing
        found = at(known, hole[1])
        said = "" if found is None or isinstance(found, dict | list) else _cut(str(found), hole[2])
        missing = missing or not said
        return said

    said = _HOLE.sub(value, template)
    return None if missing else said


def _cut(said: str, parts: str) -> str:
    for part in parts.split("|")[1:]:
        name, mark = part[:-2], part[-1]
        said = said.rpartition(mark)[0] if name == "to" else said.partition(mark)[0 if name == "before" else 2]
    return said


def addressed(template: str, uri: str, settings: Mapping[str, str]) -> dict[str, str] | None:
    """What an address says in the holes of a template; None where it is no such address."""
    with_settings = _SETTING.sub(lambda hole: settings.get(hole[1], ""), template)
    parts = _NAMED.split(with_settings)
    pattern = "".join(rf"(?P<{part}>\w[\w.-]*)" if odd % 2 else re.escape(part) for odd, part in enumerate(parts))
    found = re.search(pattern + r"(?![\w-])", uri, re.IGNORECASE)
    return found.groupdict() if found else None


def params(stream: Question, known: Mapping[str, Any]) -> dict[str, str]:
    """What to ask for; what is unknown is left out."""
    parts = {name: [filled(each, known) for each in templates] for name, templates in stream.params.items()}
    return {name: ",".join(each for each in said if each is not None) for name, said in parts.items() if any(said)}


def record(
    fields: Mapping[str, Templates], item: Mapping[str, Any], settings: Mapping[str, Any], taken: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """An entry as the fields of a mention, by their names. `taken` is what is known besides."""
    known = {**(taken or {}), **item, "settings": settings}
    found = {name: first(templates, known) for name, templates in fields.items()}
    return {name: value for name, value in found.items() if value is not None}


def first(templates: Sequence[str], known: Any) -> Any:
    """What the first of some paths and templates says that says anything."""
    values = (filled(each, known) if "{" in each else at(known, each) for each in templates)
    return next((value for value in values if value not in (None, "")), None)
