"""The kinds of sources that are described: those of config/sources, each by its own name, and `json` for anybody's own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import AfterValidator, Field, SecretStr, create_model

from monitor.sources.base import Source
from monitor.sources.described import Description, read
from monitor.sources.feed import server_address
from monitor.sources.json_api import DescribedSettings, JsonSettings, JsonSource
from monitor.sources.json_threads import JsonThreads
from monitor.sources.kinds import Kind, Kit

_Server = Annotated[str, AfterValidator(server_address)]


def shipped_kinds(folder: Path) -> list[Kind[Any]]:
    """The descriptions of a folder, each a kind that is called like its file."""
    return [_kind(path.stem, read(path)) for path in sorted(folder.glob("*.yaml"))]


def _kind(name: str, api: Description) -> Kind[Any]:
    fields: dict[str, Any] = {"kind": (cast("Any", Literal[name]), Field(description=api.about))}
    for each, setting in api.settings.items():
        plain: Any = SecretStr if setting.secret else _Server if each == "url" else str
        default = setting.default if setting.default is not None or setting.optional else ...
        kind = plain | None if default is None else plain
        fields[each] = (kind, Field(default, description=setting.description))
    model: Any = create_model(
        f"{name.title()}Settings", __base__=_Shipped, __doc__=api.about, api_=(ClassVar[Description], api), **fields
    )
    return Kind(model, partial(_built, api), api.where, api.page, api.documents, api.example)


class _Shipped(DescribedSettings):
    """A description that is shipped, with its settings."""

    api_: ClassVar[Description]

    def described(self) -> Description:
        return self.api_


def _built(api: Description, settings: Any, kit: Kit) -> Source:
    said = {name: getattr(settings, name) for name in api.settings}
    given = {name: value for name, value in said.items() if isinstance(value, str)}
    return _source(settings, given, {name: each for name, each in said.items() if isinstance(each, SecretStr)}, kit)


def _source(settings: DescribedSettings, given: Mapping[str, str], secrets: Mapping[str, SecretStr], kit: Kit) -> Source:
    """One that can be asked for threads only where its description says how."""
    return (JsonThreads if settings.described().threads else JsonSource)(settings, given, secrets, kit)


JSON = Kind(
    JsonSettings,
    lambda settings, kit: _source(settings, settings.given, settings.secrets, kit),
    page="watch-forums-and-qa.md",
)
