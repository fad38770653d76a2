"""The kinds of sources there are: ours, and those of installed packages (entry points of the group `tocsin.sources`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Generic, Literal, TypeVar, cast, get_args

from pydantic import ConfigDict, Field, create_model, model_validator

from monitor.domain.clock import Clock
from monitor.sources.base import Source, SourceSettings
from monitor.sources.http import HttpClient
from monitor.sources.webhook import Inbox
from monitor.telemetry import one_line
from monitor.workshop.pool import Workshop

GROUP = "tocsin.sources"
_Settings = TypeVar("_Settings", bound=SourceSettings)


@dataclass(frozen=True, slots=True)
class Kit:
    """What a source is built with: its name in the configuration, the way out to the web, and what else there is to use."""

    name: str
    http: HttpClient
    clock: Clock
    inbox: Inbox
    workshop: Workshop


@dataclass(frozen=True, slots=True)
class Kind(Generic[_Settings]):
    """One kind of source: what can be set (its field `kind` is a `Literal` of one word), and how one is built.

    For people: `where` says in a sentence where its key comes from, `page` is its page below docs/how-to, `documents` are the
    addresses of what the network itself says of its API, and `example` holds settings to begin with: what is no secret and
    required, and what it does not work without; `{brand}` in them is the brand, `{tag}` the same as a hashtag.
    """

    settings: type[_Settings]
    build: Callable[[Any, Kit], Source]
    where: str = ""
    page: str = ""
    documents: tuple[str, ...] = ()
    example: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The word that stands for it in monitor.yaml."""
        return str(get_args(self.settings.model_fields["kind"].annotation)[0])


def gathered(ours: Iterable[Kind[Any]]) -> tuple[dict[str, Kind[Any]], list[str]]:
    """Every kind by its name, and what is wrong with packages: a kind of theirs that is broken is wrong wherever it is used."""
    kinds = {kind.name: kind for kind in ours}
    problems = []
    for point in sorted(entry_points(group=GROUP), key=lambda each: (each.name, each.value)):
        kind, problem = _loaded(point, taken=kinds)
        if kind is not None:
            kinds[kind.name] = kind
        if problem is not None:
            problems.append(problem)
    return kinds, problems


def _loaded(point: EntryPoint, *, taken: Iterable[str]) -> tuple[Kind[Any] | None, str | None]:
    """The kind that a package brings, and what is wrong with it."""
    whose = f"the package {point.dist.name if point.dist else point.value} brings the source kind `{point.name}`"
    if point.name in taken:
        return None, f"{whose}, and another has that name"
    try:
        kind = point.load()
        if not isinstance(kind, Kind):
            raise TypeError(f"{point.value} is no monitor.sources.Kind")  # noqa: TRY301 - told like what the package raises itself
        if kind.name != point.name:
            raise TypeError(f"{point.value} calls itself `{kind.name}`")  # noqa: TRY301
    except Exception as error:  # noqa: BLE001 - whatever a stranger's module does, the others work
        problem = f"{whose}, which cannot be used: {type(error).__name__}: {one_line(str(error))[:200]}"
        return _broken(point.name, problem), problem
    return kind, None


def _broken(name: str, problem: str) -> Kind[Any]:
    """Stands in for a kind that cannot be used: whoever configures it is told why."""
    model: Any = create_model(
        f"{name.title().replace('-', '')}Unusable",
        __base__=_Unusable,
        problem=(ClassVar[str], problem),
        kind=(cast("Any", Literal[name]), Field(description="it cannot be used")),
    )
    return Kind(model, _never)


class _Unusable(SourceSettings):
    """Whatever may be set for a kind that cannot be used."""

    model_config = ConfigDict(extra="allow")
    problem: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _refuse(cls, written: Any) -> Any:
        del written
        raise ValueError(f"{cls.problem}; install a version that fits")


def _never(settings: object, kit: Kit) -> Source:
    raise AssertionError(f"{kit.name}: settings of {settings!r} are never valid")
