"""What can be set about scoring."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from monitor.sentiment.language import KNOWN


def _known(code: str) -> str:
    if code not in KNOWN:
        raise ValueError(f"'{code}' is no language the detector knows: write ISO 639-1 codes in lower case, such as en, fr or de")
    return code


class SentimentSettings(BaseModel):
    """How mentions are scored. The defaults suit a brand that is spoken of in English and French."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    languages: tuple[Annotated[str, AfterValidator(_known)], ...] = Field(
        ("en", "fr"),
        min_length=1,
        description="the languages people write about you in; beside the most spoken ones, which are always recognised,"
        " so that a German post is not taken for an English one",
    )
    max_chars: int = Field(
        5000,
        ge=100,
        le=20_000,
        description="only this much of a text is scored: VADER's time grows with the square of its length",
    )
