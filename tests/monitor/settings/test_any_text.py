"""Whatever stands in the files: settings, or a `ConfigError`, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.domain.errors import ExitCode
from monitor.settings import check, render, schemas

Write = Callable[[Mapping[str, str]], Path]
# Files of one's own, so that the shipped ones, which are long, are not read a hundred times.
SMALL = {
    "contacts.yaml": "version: 1\n",
    "rules/a.yaml": "version: 1\nrules: [{id: a, kind: mention, plan: p, notify: me}]\n",
    "plans/a.yaml": "version: 1\nplan: {id: p, title: {en: P}, notify: [me], steps: [{id: s, title: {en: S}, action: notify, "
    "receiver: me}]}\n",
}
FILES = {"monitor": "monitor.yaml", "contacts": "contacts.yaml", "rules": "rules/a.yaml", "plans": "plans/a.yaml"}


def _names(schema: object) -> set[str]:
    """All names of settings and all choices in a schema: what a file is likely to hold."""
    if isinstance(schema, list):
        return {name for item in schema for name in _names(item)}
    if not isinstance(schema, dict):
        return set()
    choices = {str(value) for value in [*schema.get("enum", ()), schema.get("const", "x")]}
    return {*schema.get("properties", ()), *choices, *(name for item in schema.values() for name in _names(item))}


NAMES = {name: sorted(_names(schema)) for name, schema in schemas().items()}
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.sampled_from(["5m", "0s", "1", "${X}"])
)


def _data(name: str) -> st.SearchStrategy[object]:
    words = st.sampled_from(NAMES[name])
    return st.recursive(
        SCALARS | words,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words | st.text(max_size=5), inner, max_size=6),
        max_leaves=25,
    )


ANY = st.sampled_from(sorted(FILES)).flatmap(lambda name: st.tuples(st.just(FILES[name]), _data(name)))
YAML = st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@`,? \n\t\\0é"), max_size=60)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def _ends_in_words(folder: Path) -> None:
    report = check(folder, environ={})
    assert bool(report.problems) is (report.exit_code != ExitCode.OK)
    assert "\x00" not in render(report)


@settings(max_examples=80)
@given(name=st.sampled_from(sorted(FILES.values())), text=YAML | TEXT)
@example(name="monitor.yaml", text='a: "\\uDFFF"')
@example(name="rules/a.yaml", text="version: 1\nrules: [{id: a, kind: mention, where: {sentiment: {gte: " + "9" * 400 + "}}}]")
def test_any_text_is_settings_or_a_config_error(write: Write, name: str, text: str) -> None:
    """A typing error at three in the morning must not show a traceback."""
    _ends_in_words(write({**SMALL, name: text}))


@settings(max_examples=120)
@given(written=ANY)
def test_any_structure_of_known_names_is_settings_or_a_config_error(write: Write, written: tuple[str, object]) -> None:
    """Right names in wrong places reach every check of every model."""
    name, data = written
    _ends_in_words(write({**SMALL, name: yaml.safe_dump(data, allow_unicode=True)}))


@pytest.mark.parametrize("path", ["monitor.yaml", "contacts.yaml", "rules/a.yaml", "plans/a.yaml"])
def test_the_deepest_nesting_ends_in_words_in_every_file(write: Write, path: str) -> None:
    """A hundred thousand brackets are not a hundred thousand calls."""
    assert "is nested more than 40 levels deep" in render(check(write({path: "[" * 100_000}), environ={}))
