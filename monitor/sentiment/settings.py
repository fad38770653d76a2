"""What can be set about scoring."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from monitor.sentiment.extras import missing
from monitor.sentiment.language import KNOWN
from monitor.sentiment.lexicon import LexiconSetting
from rules.words import BadEntryError, parse_entry


def _known(code: str) -> str:
    if code not in KNOWN:
        raise ValueError(f"'{code}' is no language the detector knows: write ISO 639-1 codes in lower case, such as en, fr or de")
    return code


def _can_be_looked_for(entry: str) -> str:
    try:
        parse_entry(entry)
    except BadEntryError as bad:
        raise ValueError(str(bad)) from None
    return entry


def _installed(engine: str) -> str:
    if problem := missing(engine):
        raise ValueError(problem)
    return engine


ASKED_BY_AUTO = ("vader", "multilingual")  # in this order, until one can tell
# Those of `engines.ENGINES`, and `onnx`, which needs a folder.
Engine = Annotated[
    Literal["auto", "vader", "multilingual", "embeddings", "accurate", "onnx"],
    AfterValidator(_installed),
]
SecondEngine = Annotated[
    Literal["vader", "multilingual", "embeddings", "accurate", "onnx"],
    AfterValidator(_installed),
]
Language = Annotated[str, AfterValidator(_known)]
# `delivery`, or `delivery/late`: a part of it.
PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}(/[a-z0-9][a-z0-9_-]{0,63})?$"
Name = Annotated[str, StringConstraints(pattern=PATTERN)]
Entry = Annotated[str, Field(coerce_numbers_to_str=True), AfterValidator(_can_be_looked_for)]
Entries = tuple[Entry, ...]
File = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
# Words for texts in every language, or by language. The path of a words file stands for its words until the files are read.
Words = Entries | File | Mapping[Language, Entries | File]


class SentimentSettings(BaseModel):
    """How mentions are scored. The defaults suit a brand that is spoken of in English and French."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    languages: tuple[Language, ...] = Field(
        ("en", "fr"),
        min_length=1,
        description="the languages people write about you in; beside the most spoken ones, which are always recognised,"
        " so that a German post is not taken for an English one",
    )
    engine: Engine = Field(
        "auto",
        description="who scores the sentiment: `vader` (English); `multilingual`, the small model of eight languages; `auto` asks"
        " these two in this order, until one can tell; `embeddings` and `accurate` know what sentences mean, and need the extra"
        " of the same name (`pip install 'tocsin[accurate]'`); `onnx` is the model in the folder `model`, with the extra `onnx`",
    )
    model: Path | None = Field(
        None,
        description="the folder of a text classifier of yours, as Hugging Face's tools export one for ONNX: `model.onnx`,"
        " `tokenizer.json`, and `config.json`, whose `id2label` names negative, neutral and positive. Nothing is downloaded",
    )
    second_opinion: SecondEngine | None = Field(
        None,
        description="a slower engine that scores again, beside the daemon, what would ring a rule of kind `mention` because of"
        " its sentiment; its answer counts. Where it gives none within ten seconds, the first score stands and the alert says so",
    )
    max_chars: int = Field(
        5000,
        ge=100,
        le=20_000,
        description="only this much of a text is scored, and by the models no more than its first 5,000 characters: VADER's time"
        " grows with the square of its length",
    )
    workers: int = Field(
        1,
        ge=0,
        le=64,
        description="processes that score what would hold up the daemon: pages of posts, long texts. Each is started when there"
        " is such work, takes 160 MB while it loads and 111 MB from then on, never more than 512 MB, and ends after five minutes"
        " without any; with 0 the daemon scores all by itself",
    )
    lexicon: LexiconSetting = Field(
        default_factory=dict,
        description="what words, phrases and emoji weigh when they are said of you, from -4 to 4, as in"
        " `{panne: -2.5, au top: 3}`, for all languages, or by language, as in `{fr: {panne: -2.5}}`; `rembours*` covers all"
        " endings, 0 silences a word that only sounds like a feeling, and a negation turns each",
    )
    topics: Mapping[Name, Words] = Field(
        default_factory=dict,
        description="what people talk about, by a name of yours such as `lockers` or `delivery/lockers`: words as in rules, for"
        " texts in any language or by language (`{fr: [consigne*], en: [locker*]}`), or the path of a words file. A topic that"
        " exists gets these words, too; an empty list takes it away",
    )
    shipped_topics: bool = Field(True, description="whether the topics that come with Tocsin are looked for; `false`: only yours")
    intents: Mapping[Name, Words] = Field(
        default_factory=dict,
        description="what authors want, likewise: more words for `refund`, `question`, `purchase`, `praise`, `suggestion`,"
        " `churn`, `recommendation`, `press`, `threat`, `spam` and `doxxing`, or intents of your own",
    )

    @model_validator(mode="after")
    def _asks_for_what_is_there(self) -> Self:
        asked = "onnx" in {self.engine, self.second_opinion}
        if asked and self.model is None:
            raise ValueError("the engine `onnx` needs a model: name its folder in `model`")
        if self.model is not None and not asked:
            raise ValueError("nothing uses `model`: write `engine: onnx` or `second_opinion: onnx`, or leave it out")
        if self.second_opinion in (ASKED_BY_AUTO if self.engine == "auto" else (self.engine,)):
            raise ValueError("`second_opinion` is an engine that gave the first one: name another, or leave it out")
        return self
