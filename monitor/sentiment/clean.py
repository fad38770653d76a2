"""Takes out of a text what is not anybody's words: addresses and handles. Emoji, case and punctuation carry feeling and stay."""

from __future__ import annotations

import re

_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w@/])@\w+(?:[.-]\w+)*(?:@\w+(?:[.-]\w+)*)?")
_HASHTAG = re.compile(r"#\w+")


def for_scoring(text: str) -> str:
    """The text without web addresses and handles; a handle's words ("@GreatBrand") are not the writer's."""
    if "@" not in text and "://" not in text and "www." not in text.lower():
        return text
    return _HANDLE.sub(" ", _URL.sub(" ", text))


def for_language(cleaned: str) -> str:
    """Hashtags go too: they are brands' names and English words in every language."""
    return _HASHTAG.sub(" ", cleaned) if "#" in cleaned else cleaned
