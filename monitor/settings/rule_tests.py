"""Files of rule tests, read like all other files: what is wrong in one comes with its file, line, field and fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from monitor.settings.convert import convert
from monitor.settings.load import folder_of
from monitor.settings.model import Settings
from monitor.settings.names import entries
from monitor.settings.problems import ConfigError, choices, suggest
from monitor.settings.reading import Document, Path_, at, read
from monitor.settings.secrets import Filled
from monitor.settings.shape import shape_of
from monitor.settings.translate import Translator
from rules import AnyRule, FlatlineRule, RuleTestFile, WindowRule
from rules.cases import Expected, History, RuleTest, Said
from rules.model import AnyKeyPart, Share
from rules.where import Where

_ENDING = ".test"
_FIELDS = {field.alias or name for name, field in Where.model_fields.items()} - {"any", "all", "not"}
_Rules = Mapping[str, AnyRule]


@dataclass(frozen=True)
class RuleTests:
    """One file of tests, and the rules that are in force in it."""

    path: Path
    strict: bool
    rules: tuple[AnyRule, ...]
    tests: tuple[RuleTest, ...]


def rule_test_files(directory: Path) -> list[Path]:
    """The files of rule tests of a configuration, in order; none where there is no such folder."""
    folder = folder_of(directory, "rules")
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    yaml = (path for path in found if path.suffix in {".yaml", ".yml"} and not path.name.startswith("."))
    return [path for path in yaml if path.stem.endswith(_ENDING)]


def read_rule_tests(directory: Path, settings: Settings, paths: Sequence[Path]) -> list[RuleTests]:
    """The tests of these files, for the rules of `settings`, which were read from `directory`.

    Raises `ConfigError` with every problem of every file.
    """
    readers = [_Reader(path, folder_of(directory, "rules"), settings) for path in paths]
    found = [reader.read() for reader in readers]
    problems = [problem for reader in readers for problem in reader.problems]
    if problems:
        raise ConfigError(sorted(set(problems)))
    return [each for each in found if each is not None]


class _Reader:
    """Reads one file, collecting problems on the way."""

    def __init__(self, path: Path, folder: Path, settings: Settings) -> None:
        self._path, self._folder, self._settings = path, folder, settings
        self._document, self.problems = read(path)

    def read(self) -> RuleTests | None:
        """What it holds; None, or only part of it, after noting what is wrong."""
        model = None if self.problems else self._validated()
        if model is None:
            return None
        rules = self._in_force(model)
        if not self.problems:  # else nobody knows which rules there are
            self._check(model, {rule.id: rule for rule in rules})
        return RuleTests(self._path, model.strict, rules, model.tests)

    def _validated(self) -> RuleTestFile | None:
        filled, shape = Filled(self._document.data), shape_of(RuleTestFile)
        data, problems = convert(self._document, filled, shape, self._path.parent)
        self.problems += problems
        try:
            model = RuleTestFile.model_validate(data)
        except ValidationError as error:
            known = {(problem.line, problem.field) for problem in self.problems}
            found = Translator(self._document, filled, shape).translate(error.errors(include_url=False))
            self.problems += [each for each in found if (each.line, each.field) not in known]
            return None
        return None if self.problems else model

    def _note(self, path: Path_, what: str, fix: str = "") -> None:
        self.problems.append(self._document.problem(path, what, fix))

    def _in_force(self, model: RuleTestFile) -> tuple[AnyRule, ...]:
        ids: set[str] = set()
        for index, name in enumerate(model.rule_files):
            path = (self._path.parent / name).resolve()
            if not path.is_file():
                self._note(("rule_files", index), f"there is no file {name} beside this one.", "Check its name.")
            elif path.parent != self._folder.resolve() or path.stem.endswith(_ENDING):
                self._note(
                    ("rule_files", index), f"{name} is no rule file of this configuration.", f"Name one of {self._folder}."
                )
            else:
                ids |= _ids(read(path)[0])
        return tuple(rule for rule in self._settings.rules if rule.id in ids)

    def _check(self, model: RuleTestFile, rules: _Rules) -> None:
        """Names that nobody knows: a test with one would say nothing."""
        names = [test.name for test in model.tests]
        for index, test in enumerate(model.tests):
            path: Path_ = ("tests", index)
            if names.index(test.name) < index:
                self._note((*path, "name"), f"there are two tests called `{test.name}`.", "Rename one of them.")
            for where, said in _all_said(test, path):
                self._check_said(said, where)
            self._check_histories(test.history, (*path, "history"), rules)
            for place, expected in enumerate(test.expect or ()):
                self._check_expected(expected, (*path, "expect", place), rules)
            if test.explain is not None:
                self._known("rule", test.explain.rule, (*path, "explain", "rule"), rules, " in `rule_files`")
                if test.explain.failed_at is not None:
                    self._known("field", test.explain.failed_at, (*path, "explain", "failed_at"), _FIELDS)

    def _check_said(self, said: Said, path: Path_) -> None:
        if said.source is not None:
            self._known("source", said.source, (*path, "source"), self._settings.sources)
        for index, subject in enumerate(said.subjects or ()):
            self._known("subject", subject, (*path, "subjects", index), self._settings.subjects)

    def _check_expected(self, expected: Expected, path: Path_, rules: _Rules) -> None:
        self._known("rule", expected.rule, (*path, "rule"), rules, " in `rule_files`")
        if expected.plan is not None:
            self._known("plan", expected.plan, (*path, "plan"), self._settings.plans)
        rule = rules.get(expected.rule)
        if expected.key is not None and rule is not None:
            self._check_key(expected.key, rule, (*path, "key"))

    def _check_key(self, key: Mapping[AnyKeyPart, str] | Mapping[str, str], rule: AnyRule, path: Path_) -> None:
        if set(key) != set(rule.key):
            self._note(path, f"the key of `{rule.id}` is made of {choices(rule.key)}.", "Name all of it, and no more.")
        elif "subject" in key:
            self._known("subject", key["subject"], (*path, "subject"), self._settings.subjects)

    def _check_histories(self, histories: Sequence[History], path: Path_, rules: _Rules) -> None:
        """A past that the rule could not have had, or two of one key, would have the test say nothing."""
        several = isinstance(at(self._document.data, path), list)
        for index, past in enumerate(histories):
            here = (*path, index) if several else path
            self._known("rule", past.rule, (*here, "rule"), rules, " in `rule_files`")
            if (rule := rules.get(past.rule)) is not None:
                self._check_history(past, rule, here)
            key = past.of(self._settings.subjects)
            if any((other.rule, other.of(self._settings.subjects)) == (past.rule, key) for other in histories[:index]):
                self._note(here, f"this key of `{past.rule}` has a history already.", "Remove one of the two.")

    def _check_history(self, past: History, rule: AnyRule, path: Path_) -> None:
        if not isinstance(rule, WindowRule | FlatlineRule):
            what = f"`{rule.id}` is a rule of the kind `{rule.kind}`: it does not learn how much is usual."
            self._note((*path, "rule"), what, "Name one of the kind `window` or `flatline`, or remove the history.")
            return
        self._check_key(past.of(self._settings.subjects), rule, (*path, "key"))
        if "author" in past.of(self._settings.subjects):
            what = "authors are not known before they have said something."
            self._note((*path, "key", "author"), what, "Let the story begin earlier, with what they said.")
        if past.dispersion is not None and not rule.asks_for_surprise:
            what = f"`{rule.id}` does not ask for `surprise`, and nothing else goes by it."
            self._note((*path, "dispersion"), what, "Remove it, or write `fire: {surprise: …}` in the rule.")
        if isinstance(rule.measure, Share) and past.level > 1:
            self._note((*path, "level"), f"the measure of `{rule.id}` is a share, which is 1 at most.", "Write 0.2 for a fifth.")

    def _known(self, noun: str, name: str, path: Path_, known: Mapping[str, object] | set[str], where: str = "") -> None:
        if name not in known:
            self._note(path, f"there is no {noun} called `{name}`{where}.", suggest(name, set(known)))


def _ids(document: Document) -> set[str]:
    found = (at(each, ("id",)) for each in entries(document.data, "rules"))
    return {name for name in found if isinstance(name, str)}


def _all_said(test: RuleTest, path: Path_) -> Iterator[tuple[Path_, Said]]:
    for index, said in enumerate(test.mentions):
        yield (*path, "mentions", index), said
    if test.explain is not None:
        yield (*path, "explain", "mention"), test.explain.mention
