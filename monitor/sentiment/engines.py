"""Which scorers of sentiment there are, and which of them speaks for a text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import copysign, log, sqrt
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from vaderSentiment.vaderSentiment import normalize

from monitor.sentiment.feeling import Feeling
from monitor.sentiment.labels import label
from monitor.sentiment.lexicon import Lexicon
from monitor.sentiment.post import Post
from monitor.sentiment.settings import ASKED_BY_AUTO
from monitor.sentiment.vader import Vader, agreement
from monitor.sentiment.weighing import Weighed, by_a_model

AUTO = "auto"
ONNX = "onnx"  # the engine whose model is a folder of the user's
_ALPHA = 15  # VADER's: how fast a score nears its end as words add up
_NEARLY = 0.999  # a score at the very end would not move, whatever is added


class Engine(Protocol):
    """Measures the feeling of texts. `version` names it and what it was trained on: it is stored with each score."""

    version: str

    def feelings(self, posts: Sequence[Post]) -> Sequence[Feeling | None]:
        """One for each; None where it cannot tell."""
        ...


@runtime_checkable
class Explains(Protocol):
    """An engine that can say which words its answer came from."""

    def weigh(self, post: Post) -> Sequence[Weighed]:
        """The words that counted, in their order."""
        ...


@runtime_checkable
class Learns(Protocol):
    """An engine that takes a brand's words among its own; the scores of any other are shifted by them."""

    def learn(self, lexicon: Lexicon) -> None: ...


class SmallModel:
    """The model of eight languages as an engine: what it is not sure of is left open."""

    def __init__(self) -> None:
        """Raises `ModelFileError` where its file cannot be used."""
        from monitor.sentiment import multilingual  # noqa: PLC0415 numpy is for those who score

        self._model = multilingual.shipped()
        self.version = self._model.version

    def feelings(self, posts: Sequence[Post]) -> Sequence[Feeling | None]:
        """Where the text stands between bad and good, and the probability of the likeliest label."""
        return [each and each.feeling(post.language) for each, post in zip(self._model.of_posts(posts), posts, strict=True)]

    def weigh(self, post: Post) -> Sequence[Weighed]:
        """The few words that said most, in their order, and what all else in the text came to."""
        (told,) = self._model.of_posts([post])
        if told is None:
            return ()
        leanings = self._model.leanings(post.reading, post.language)
        return by_a_model("the model", post.reading.tokens, leanings, log(told.positive / told.negative))


def _embedded(name: str) -> Engine:
    from monitor.sentiment.embedded import Embedded  # noqa: PLC0415 numpy is for those who score

    return Embedded(name)


def _onnx(folder: Path | None) -> Engine:
    from monitor.sentiment.local_model import LocalModel, LocalModelError  # noqa: PLC0415 likewise

    if folder is None:
        raise LocalModelError(
            "the engine `onnx` needs a model: name its folder under `sentiment: model`, and give that configuration"
        )
    return LocalModel(folder)


# Another scorer is one more line here.
ENGINES: Mapping[str, Callable[[], Engine]] = {
    "vader": Vader,
    "multilingual": SmallModel,
    "embeddings": partial(_embedded, "embeddings"),
    "accurate": partial(_embedded, "accurate"),
}
_ASKED = ASKED_BY_AUTO


def shifted(feeling: Feeling | None, by: float) -> Feeling:
    """A feeling with what a brand's words come to: added where VADER adds, before the sum is bent into [-1, 1]."""
    before = 0.0 if feeling is None else feeling.sentiment
    bounded = copysign(min(abs(before), _NEARLY), before)
    sentiment = round(normalize(bounded * sqrt(_ALPHA / (1 - bounded * bounded)) + by, _ALPHA), 4)
    if feeling is not None and label(sentiment) == label(before):
        return Feeling(sentiment, feeling.confidence)
    return Feeling(sentiment, agreement(sentiment))


class _Shifted:
    """Any engine, or none, shifted by a brand's words: it is given the text without them, so that each counts once."""

    def __init__(self, lexicon: Lexicon, engine: Engine | None = None) -> None:
        self._lexicon, self._engine = lexicon, engine
        self.version = engine.version if engine else ""

    def feelings(self, posts: Sequence[Post]) -> Sequence[Feeling | None]:
        felt = self._engine.feelings(list(map(self._without, posts))) if self._engine else [None] * len(posts)
        by = (self._lexicon.adjustment(post.cleaned, post.language) for post in posts)
        return [shifted(feeling, each) if each else feeling for feeling, each in zip(felt, by, strict=True)]

    def weigh(self, post: Post) -> Sequence[Weighed]:
        return [*_weighed(self._engine, self._without(post)), *self._lexicon.weigh(post.cleaned, post.language)]

    def _without(self, post: Post) -> Post:
        posted = self._lexicon.without(post.posted, post.language)
        if posted == post.posted:
            return post
        return replace(post, posted=posted, cleaned=self._lexicon.without(post.cleaned, post.language))


class Told(NamedTuple):
    """What was felt, if anything could be told, and the version of what told it."""

    feeling: Feeling | None
    by: str


class Panel:
    """The chosen engines: each text is given to the first, and what it cannot tell to the next; the brand's words come last."""

    def __init__(self, chosen: str = AUTO, lexicon: Lexicon | None = None, model: Path | None = None) -> None:
        """`chosen` is `auto`, `onnx` (of the folder `model`) or a name of `ENGINES`; raises `KeyError` for any other."""
        self._lexicon = lexicon or Lexicon()
        known: Mapping[str, Callable[[], Engine]] = {**ENGINES, ONNX: partial(_onnx, model)}
        self._engines = [self._taught(known[name]()) for name in (_ASKED if chosen == AUTO else (chosen,))]
        self.version = self._named(", ".join(engine.version for engine in self._engines))
        if self._lexicon and chosen == AUTO:
            self._engines.append(_Shifted(self._lexicon))

    def _taught(self, engine: Engine) -> Engine:
        if not self._lexicon:
            return engine
        if not isinstance(engine, Learns):
            return _Shifted(self._lexicon, engine)
        engine.learn(self._lexicon)
        return engine

    def _named(self, version: str) -> str:
        return " + ".join(filter(None, (version, self._lexicon.version)))

    def ask(self, posts: Sequence[Post]) -> list[Told]:
        """What is felt in each post."""
        told = [Told(None, self.version)] * len(posts)
        for engine in self._engines:
            open_ = [at for at, each in enumerate(told) if each.feeling is None]
            found = engine.feelings([posts[at] for at in open_]) if open_ else ()
            for at, feeling in zip(open_, found, strict=True):
                if feeling is not None:
                    told[at] = Told(feeling, self._named(engine.version))
        return told

    def weigh(self, post: Post, by: str) -> Iterable[Weighed]:
        """Which words the engine of this version went by, if it can say so."""
        told = (engine for engine in self._engines if self._named(engine.version) == by)
        return (each for engine in told for each in _weighed(engine, post))


def _weighed(engine: object, post: Post) -> Sequence[Weighed]:
    return engine.weigh(post) if isinstance(engine, Explains) else ()
