"""A form that is sent twice, by a double click or because nobody knew whether it came through, is one act."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from monitor.domain.account import Visitor
from monitor.pipeline.operations import Once


def once(means: str, what: list[str | int], form: Mapping[str, str], visitor: Visitor) -> Once | None:
    """The mark of one form of one page: `means` is under what the store remembers it, which no source can be called.

    None: the form carries no key of its page in `once`, so that nothing tells a repeat from a second act.
    """
    if not form.get("once"):
        return None
    said = json.dumps([*what, visitor.account, sorted(form.items())], ensure_ascii=False)
    return Once(means, hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest())
