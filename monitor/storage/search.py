"""What is looked for, in the words of each database: one expression of FTS5, or conditions that PostgreSQL's index answers."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, Text, bindparam, column, literal_column, or_, select, table, type_coerce
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from monitor.domain.search import Search, Term
from monitor.storage.bulk import holds
from monitor.storage.search_index import FACETS, FOLDED
from monitor.storage.tables import mention

INDEX = table("mention_search", column("rowid"), column("mention_search"))
"""The index on SQLite; its `rowid` is the mention's id."""

Labels = Mapping[str, Sequence[str]]
"""Alternatives by the column of `mention` that holds them, or lists them."""

LISTS = frozenset({"subjects", "topics", "intents"})


def matches(words: Search, labels: Labels) -> ColumnElement[bool] | None:
    """What FTS5 is asked for; None: nothing. A label is found as the words in it: ask `exactly`, too."""
    parts = [f"{name} : ({' OR '.join(map(_quoted, values))})" for name, values in labels.items() if values]
    if words.wanted:
        parts.append(f"{{title text}} : ({' AND '.join(map(_fts5, words.wanted))})")
    if not parts:
        return None
    unwanted = f" NOT ({_unwanted(words)})" if words.unwanted else ""
    return _match(f"({' AND '.join(parts)}){unwanted}")


def without(words: Search, first: int, last: int) -> ColumnElement[bool]:
    """That a mention between two ids holds nothing unwanted, where FTS5 is asked for nothing else: it cannot only say no."""
    within = INDEX.c.rowid.between(first, last)
    return mention.c.id.not_in(select(INDEX.c.rowid).where(_match(_unwanted(words)), within))


def _match(asked: str) -> ColumnElement[bool]:
    return INDEX.c.mention_search.op("MATCH")(bindparam(None, asked, type_=Text))


def _unwanted(words: Search) -> str:
    return f"{{title text}} : ({' OR '.join(map(_fts5, words.unwanted))})"


def exactly(labels: Labels, *, postgresql: bool) -> list[ColumnElement[bool]]:
    """Conditions on a mention: of each column, one of the values. On PostgreSQL the index answers them."""
    return [or_(*_each(name, values, postgresql=postgresql)) for name, values in labels.items() if values]


def _each(name: str, values: Sequence[str], *, postgresql: bool) -> Iterable[ColumnElement[bool]]:
    if name in LISTS:
        return [holds(mention.c[name], value, postgresql=postgresql) for value in values]
    if not postgresql:
        return [mention.c[name].in_(values)]
    facets = type_coerce(literal_column(FACETS), ARRAY(Text))
    return [facets.contains([f"{name}:{value}"]) for value in values]


def said(words: Search) -> list[ColumnElement[bool]]:
    """PostgreSQL's conditions on a text."""
    parts = [_tsquery(term) for term in words.wanted] + [f"!{_tsquery(term)}" for term in words.unwanted]
    if not parts:
        return []
    given = sql_cast(bindparam(None, " & ".join(parts), type_=Text), Text)
    return [literal_column(FOLDED).op("@@")(sql_cast(given, TSQUERY()))]


def _fts5(term: Term) -> str:
    return _quoted(" ".join(term.words)) + (" *" if term.begins else "")


def _quoted(said: str) -> str:
    """A string of FTS5, in which nothing but the quotation mark means anything."""
    return '"' + said.replace('"', '""') + '"'


def _tsquery(term: Term) -> str:
    """Words hold letters and digits alone, so that no quotation mark can be in them."""
    words = [f"'{unicodedata.normalize('NFD', word)}'" for word in term.words]
    return "(" + " <-> ".join(words) + (":*" if term.begins else "") + ")"
