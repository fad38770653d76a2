"""What a rule may ask of a mention: the fields, the tests each takes, and the blocks that combine them."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from rules.base import Settings, some

_Value = Annotated[float, Field(strict=True)]
_Name = Annotated[str, Field(strict=True, min_length=1)]
_AtLeastOne = Field(json_schema_extra={"minItems": 1})
_Names = Annotated[tuple[_Name, ...], AfterValidator(some), _AtLeastOne]


def bare(value: Any) -> Any:
    """A bare value is the test for being that value."""
    if isinstance(value, list | tuple):
        raise ValueError("a list needs an operator: write {in: [...]} for any of these values")  # noqa: TRY004
    return {"is": value} if isinstance(value, str | int | float) else value


def _bare_words(value: Any) -> Any:
    """Text is never compared whole: say so where somebody tries."""
    if isinstance(value, str | list):
        raise ValueError("text takes an operator: write {any_of: …} with words, phrases or the names of lists")  # noqa: TRY004
    return value


def several(value: Any) -> Any:
    """One value where several may stand."""
    return [value] if isinstance(value, str | int | float) else value


_NameOrNames = Annotated[_Names, BeforeValidator(several, json_schema_input_type=_Name | _Names)]


class Asking(Settings):
    """What holds conditions. An empty one would ask nothing, and match everything: it is refused."""

    @field_validator("*", mode="before")
    @classmethod
    def _has_a_value(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("there is no value here: write one, or remove the line; {exists: false} asks for what is unknown")
        return value


class FieldTest(Asking):
    """What is asked of one field. Several operators hold together."""

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError(f"an empty test asks nothing: use one of {', '.join(sorted(operators(type(self))))}")
        return self


def operators(test: type[Settings]) -> list[str]:
    """The operators of a test, as they are written."""
    return [field.alias or name for name, field in test.model_fields.items()]


class NumberTest(FieldTest):
    """Tests of a number."""

    is_: _Value | None = Field(None, alias="is", description="equals this number; a bare number means the same")
    in_: Annotated[tuple[_Value, ...], AfterValidator(some), _AtLeastOne] | None = Field(
        None, alias="in", description="equals one of these"
    )
    not_: Annotated[tuple[_Value, ...], BeforeValidator(several)] | None = Field(
        None, alias="not", description="is known and equals none of these"
    )
    lt: _Value | None = Field(None, description="less than")
    lte: _Value | None = Field(None, description="at most")
    gt: _Value | None = Field(None, description="more than")
    gte: _Value | None = Field(None, description="at least")
    between: tuple[_Value, _Value] | None = Field(None, description="from the first to the second, both included")
    exists: bool | None = Field(None, description="true: the value is known; false: it is unknown")

    @model_validator(mode="after")
    def _low_before_high(self) -> Self:
        if self.between and self.between[0] > self.between[1]:
            raise ValueError(f"between [{self.between[0]:g}, {self.between[1]:g}] can never hold: write the lower number first")
        return self


class Near(Settings):
    """Misspellings: names that are close to one of a list, and are none of it."""

    list_: _Name = Field(alias="list", description="the list of this name")
    distance: int = Field(
        2, ge=1, le=4, description="letters at most that are missing, wrong, too many, or exchanged with their neighbour"
    )
    min_length: int = Field(6, ge=3, description="shorter names, of the list too, are not compared: many are close to each other")


class LabelTest(FieldTest):
    """Tests of a name, or of a set of names: a set passes when one of its elements does. Case and accents do not matter."""

    is_: _Name | None = Field(None, alias="is", description="is this name; a bare name means the same")
    in_: _Names | None = Field(None, alias="in", description="is one of these")
    not_: _NameOrNames | None = Field(
        None, alias="not", description="is known and none of these; a set passes when it holds none of them"
    )
    in_list: _Name | None = Field(None, description="stands in the list of this name")
    near: Near | None = Field(None, description="is a misspelling of a name of a list, as own hashtags happen to be")
    regex: _NameOrNames | None = Field(
        None, description="this RE2 pattern is found in it as it is written, or one of several; `(?i)` ignores case"
    )
    exists: bool | None = Field(None, description="true: known, or a set that is not empty; false: unknown, or an empty set")


class FlagTest(FieldTest):
    """Tests of something that is true, false or unknown."""

    is_: Annotated[bool, Field(strict=True)] | None = Field(
        None, alias="is", description="is this; a bare true or false means the same"
    )
    not_: Annotated[bool, Field(strict=True)] | None = Field(None, alias="not", description="is known and is not this")
    exists: bool | None = Field(None, description="true: it is known; false: it is unknown")


class WordsTest(FieldTest):
    """Tests of text by whole words and phrases; accents and case do not matter, `*` at a word's end stands for any ending.

    An entry may be the name of a list. Elisions and hyphens part words: `panne` is found in « d'une panne-éclair ». An entry
    that ends in ` ~`, like `panne ~` or `broken ~`, is not found where a negation of the same clause stands close before it:
    « jamais en panne », "it has never been broken". Without the mark it is found in any case, as `no answer` must be.
    """

    any_of: _NameOrNames | None = Field(None, description="says at least one of these")
    all_of: _NameOrNames | None = Field(None, description="says every one of these (of a list: at least one of its entries)")
    none_of: _NameOrNames | None = Field(None, description="says none of these")
    regex: _NameOrNames | None = Field(
        None,
        description="this RE2 pattern is found in the text as it is written, or one of several; `(?i)` ignores case, `\\p{L}` is"
        " any letter",
    )
    exists: bool | None = Field(None, description="true: there is text; false: there is none")


SCORES = frozenset({"sentiment", "confidence", "complaint", "safety_risk"})
"""Fields that a scorer fills, or leaves empty where it cannot tell."""

Number = Annotated[NumberTest, BeforeValidator(bare, json_schema_input_type=float | NumberTest)]
Label = Annotated[LabelTest, BeforeValidator(bare, json_schema_input_type=str | LabelTest)]
Flag = Annotated[FlagTest, BeforeValidator(bare, json_schema_input_type=bool | FlagTest)]
Words = Annotated[WordsTest, BeforeValidator(_bare_words)]


class Where(Asking):
    """Conditions on a mention; all must hold. What is unknown never matches, not even under `not`, except by `exists: false`."""

    subjects: Label | None = Field(None, description="what it is about: ids of subjects in monitor.yaml (a set)")
    hashtags: Label | None = Field(None, description="its hashtags without `#` (a set)")
    topics: Label | None = Field(None, description="its topics (a set)")
    intents: Label | None = Field(None, description="what its author wants: refund, question, purchase … (a set)")
    network: Label | None = Field(None, description="mastodon, web …")
    source: Label | None = Field(None, description="which of our sources saw it first")
    form: Label | None = Field(None, description="post, comment, reply, review, article or message")
    language: Label | None = Field(None, description="ISO 639-1 code, or und")
    url: Label | None = Field(None, description="its address")
    text: Words | None = Field(None, description="what is said: title and text together")
    title: Words | None = Field(None, description="the title alone")
    in_thread: Flag | None = Field(None, description="it answers something")
    is_own: Flag | None = Field(None, description="one of our own accounts wrote it")
    answered: Flag | None = Field(None, description="one of our own accounts has answered it")
    sentiment: Number | None = Field(None, description="from -1 (bad) to 1 (good), on one scale whatever the language")
    confidence: Number | None = Field(None, description="how sure the sentiment is, 0 to 1")
    complaint: Number | None = Field(None, description="probability that it complains, 0 to 1")
    safety_risk: Number | None = Field(None, description="probability that somebody may be hurt, 0 to 1")
    sensitive: Flag | None = Field(None, description="it speaks of health, politics, religion or the like")
    copies: Number | None = Field(
        None,
        description="how many posts of the last 24 hours said nearly the same before it; 0 for what has fewer than 8 different"
        " words",
    )
    author_id: Number | None = Field(None, alias="author.id", description="our pseudonym for its author: a number")
    author_handle: Label | None = Field(None, alias="author.handle", description="the author's handle on the network")
    author_reach: Number | None = Field(None, alias="author.reach", description="followers or subscribers; unknown is not 0")
    author_verified: Flag | None = Field(None, alias="author.verified", description="the network vouches for who the author is")
    author_own: Flag | None = Field(None, alias="author.own", description="the author is one of our own accounts")
    author_tier: Label | None = Field(None, alias="author.tier", description="media, expert … where configured")
    author_prior_mentions: Number | None = Field(
        None, alias="author.prior_mentions", description="how often the author spoke of us before"
    )
    engagement_replies: Number | None = Field(None, alias="engagement.replies", description="replies so far")
    engagement_shares: Number | None = Field(None, alias="engagement.shares", description="shares so far")
    engagement_likes: Number | None = Field(None, alias="engagement.likes", description="likes so far")
    any_: Annotated[tuple[Where, ...], AfterValidator(some), _AtLeastOne] | None = Field(
        None, alias="any", description="at least one of these holds"
    )
    all_: Annotated[tuple[Where, ...], AfterValidator(some), _AtLeastOne] | None = Field(
        None, alias="all", description="every one of these holds"
    )
    not_: Where | None = Field(None, alias="not", description="this does not hold; the unknown stays unknown")


def scores_asked(where: Where) -> frozenset[str]:
    """The scores that these conditions look at, inside their blocks, too."""
    asked: set[str] = set()
    for name in where.model_fields_set:
        value = getattr(where, name)
        blocks = value if isinstance(value, tuple) else (value,)
        asked.update({name} & SCORES, *(scores_asked(block) for block in blocks if isinstance(block, Where)))
    return frozenset(asked)


def sources_asked(where: Where) -> frozenset[str] | None:
    """The sources that these conditions name outside `any` and `not` blocks; None where they name none."""
    asked = where.source
    named = asked and ((asked.is_,) if asked.is_ is not None else asked.in_)
    if named:
        return frozenset(named)
    return next((inside for block in where.all_ or () if (inside := sources_asked(block)) is not None), None)
