"""The index of words and labels by which the shared inbox is searched: FTS5 on SQLite, GIN on PostgreSQL (decision 64)."""

from __future__ import annotations

from sqlalchemy import DDL, event

from monitor.storage.tables import metadata

__all__ = ["FACETS", "FOLDED", "metadata"]  # whoever makes the tables from here makes the index, too

# PostgreSQL: migration 16 makes one index of these expressions, and of the lists of names. What the parser would read as an
# address, a path, a number with a sign or a tag becomes words; accents go without the extension `unaccent`.
FOLDED = (
    "to_tsvector('simple'::regconfig, translate(regexp_replace(normalize(\"left\"(mention.title || ' '::text || mention.text,"
    " 40000), NFD), '[\\u0300-\\u036f]+'::text, ''::text, 'g'::text), '/.:@-_<&+~'::text, '          '::text))"
)
FACETS = (
    "ARRAY[('network:'::text || mention.network::text), ('source:'::text || mention.source::text),"
    " ('language:'::text || COALESCE(mention.language, ''::character varying)::text), ('form:'::text || mention.form::text)]"
)

# SQLite: columns of `mention` that triggers keep in an index without a copy of the texts. A migration that makes `mention` anew
# must make the triggers anew, too.
_INDEXED = ("title", "text", "subjects", "topics", "intents", "network", "source", "language", "form")
_NAMES = ", ".join(_INDEXED)
_OLD, _NEW = (", ".join(f"{which}.{name}" for name in _INDEXED) for which in ("old", "new"))
_ADDS = f"INSERT INTO mention_search(rowid, {_NAMES}) VALUES (new.id, {_NEW});"  # noqa: S608 our own names
_DROPS = f"INSERT INTO mention_search(mention_search, rowid, {_NAMES}) VALUES ('delete', old.id, {_OLD});"  # noqa: S608 our own names
_IS_ANOTHER = " OR ".join(f"old.{name} IS NOT new.{name}" for name in _INDEXED)
_OPTIONS = "content='mention', content_rowid='id', tokenize='unicode61 remove_diacritics 2'"
_ON_SQLITE = (
    f"CREATE VIRTUAL TABLE mention_search USING fts5({_NAMES}, {_OPTIONS})",
    f"CREATE TRIGGER mention_search_added AFTER INSERT ON mention BEGIN {_ADDS} END",
    f"CREATE TRIGGER mention_search_gone AFTER DELETE ON mention BEGIN {_DROPS} END",
    f"CREATE TRIGGER mention_search_changed AFTER UPDATE OF {_NAMES} ON mention WHEN {_IS_ANOTHER} BEGIN {_DROPS} {_ADDS} END",
)
for _statement in _ON_SQLITE:
    event.listen(metadata, "after_create", DDL(_statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]
