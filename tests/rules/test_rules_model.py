"""The shape of a rule file, and what is said of a wrong one."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from rules import MentionRule, RuleFile, WindowRule
from rules.base import Settings, suggest
from rules.where import Where

_COMPLAINT = {"id": "complaint", "kind": "mention", "where": {"text": {"any_of": "panne"}}}
_CRISIS = {"id": "crisis", "kind": "window", "window": "1h", "measure": {"distinct": "author"}, "fire": {"at_least": 15}}


def _file(*rules: dict[str, Any], **more: Any) -> RuleFile:
    return RuleFile.model_validate({"version": 1, "rules": list(rules), **more})


def _errors(*rules: dict[str, Any], **more: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as wrong:
        _file(*rules, **more)
    return {".".join(map(str, error["loc"])): error["msg"] for error in wrong.value.errors()}


def test_little_needs_to_be_said() -> None:
    """A rule has an id, a kind and what its kind cannot guess; the rest has defaults."""
    complaint, crisis = _file(_COMPLAINT, _CRISIS).rules
    assert isinstance(complaint, MentionRule)
    assert isinstance(crisis, WindowRule)
    assert complaint.key == ("author",)
    assert crisis.key == ("subject",)
    assert complaint.severity == "warning"
    assert complaint.realert == timedelta(hours=6)
    assert complaint.resolve.after == timedelta(hours=24)
    assert crisis.keep_firing_for == timedelta(minutes=30)
    assert crisis.baseline.min_history == timedelta(days=1)
    assert crisis.for_ == timedelta(0)


def test_one_receiver_may_stand_without_brackets() -> None:
    """`notify: care` is a list of one."""
    (rule,) = _file(_COMPLAINT | {"notify": "care"}).rules
    assert rule.notify == ("care",)


def test_defaults_fill_what_a_rule_leaves_open() -> None:
    """What a rule says itself wins over the defaults of its file."""
    file = _file(_COMPLAINT, _CRISIS | {"realert": "1h"}, defaults={"realert": "2h", "notify": "care", "severity": "info"})
    complaint, crisis = file.effective()
    assert (complaint.realert, complaint.notify, complaint.severity) == (timedelta(hours=2), ("care",), "info")
    assert (crisis.realert, crisis.notify) == (timedelta(hours=1), ("care",))


def test_a_file_survives_being_written_and_read() -> None:
    """Dumped to JSON under its own names, and read again, it is the same file."""
    file = _file(
        _COMPLAINT | {"where": {"author.own": {"not": True}, "any": [{"not": {"language": "fr"}}, {"sentiment": {"lte": -0.4}}]}},
        _CRISIS | {"for": "5m", "measure": {"share": {"sentiment": {"lt": 0}}}, "fire": {"at_least": 3, "share": 0.4}},
        lists={"tags": ["a", "b"], "words": "words/fr.txt"},
    )
    dumped = json.loads(file.model_dump_json(by_alias=True, exclude_none=True))
    assert RuleFile.model_validate(dumped) == file


def test_a_misspelt_key_is_answered_with_the_right_one() -> None:
    """Fields, operators and settings: each unknown one is named where it stands, with what was probably meant."""
    errors = _errors(
        _COMPLAINT
        | {"where": {"author.reech": 5, "sentiment": {"lteq": 0}, "any": [{"txt": {"any_of": "x"}}]}, "serverity": "info"},
        defualts={},
    )
    assert errors == {
        "rules.0.mention.where.author.reech": "`author.reech` is not known here; did you mean `author.reach`?",
        "rules.0.mention.where.sentiment.lteq": "`lteq` is not known here; did you mean `lte`?",
        "rules.0.mention.where.any.0.txt": "`txt` is not known here; did you mean `text`?",
        "rules.0.mention.serverity": "`serverity` is not known here; did you mean `severity`?",
        "defualts": "`defualts` is not known here; did you mean `defaults`?",
    }


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"network": ["a", "b"]}, "a list needs an operator: write {in: [...]}"),
        ({"network": None}, "there is no value here"),
        ({"text": "panne"}, "text takes an operator: write {any_of: …}"),
        ({"sentiment": {}}, "an empty test asks nothing: use one of between, exists"),
        ({"sentiment": {"between": [1, -1]}}, "between [1, -1] can never hold"),
        ({"sentiment": "bad"}, "valid number"),
        ({"author.own": "no"}, "valid boolean"),
        ({"language": False}, "valid string"),
        ({"any": []}, "at least 1 item"),
    ],
)
def test_a_condition_that_means_nothing_is_refused(where: dict[str, Any], says: str) -> None:
    """The error says what to write instead."""
    (message,) = _errors(_COMPLAINT | {"where": where}).values()
    assert says in message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"measure": {"share": {"sentiment": {"lt": 0}}}}, "say in `fire` from which share it rings"),
        ({"fire": {"at_least": 5, "share": 0.5}}, "`fire.share` needs `measure: {share: …}`"),
        ({"fire": {"at_least": 6000}}, "`fire.at_least` can be 5000 authors at most"),
        ({"fire": {}}, "Field required"),
        ({"window": "30s"}, "write one from 1m to 30d"),
        ({"window": "60"}, "is not a duration"),
        ({"key": ["subject", "subject"]}, "key names a part twice: subject, subject"),
        ({"key": []}, "at least 1 item"),
        ({"measure": "sum"}, "'count'"),
        ({"measure": {"distinct": "network"}}, "'author'"),
        ({"kind": "flat"}, "does not match any of the expected tags: 'mention', 'window', 'sentiment_drop', 'flatline'"),
        ({"id": "Crisis!"}, "String should match pattern"),
    ],
)
def test_a_window_that_cannot_ring_is_refused(change: dict[str, Any], says: str) -> None:
    """Floors, measures and durations have to fit each other."""
    assert any(says in message for message in _errors(_CRISIS | change).values())


def test_every_field_is_described() -> None:
    """The descriptions are the reference: a setting without one would be missing from the docs."""
    schema = RuleFile.model_json_schema(by_alias=True)
    models = [schema, *schema["$defs"].values()]
    bare = [name for model in models for name, field in model.get("properties", {}).items() if "description" not in field]
    assert set(bare) <= {"kind"}


def test_editors_see_durations_as_they_are_written() -> None:
    """Defaults read `6h`, not ISO 8601."""
    schema = RuleFile.model_json_schema(by_alias=True)["$defs"]
    assert schema["WindowRule"]["properties"]["realert"]["default"] == "6h"
    assert schema["WindowRule"]["properties"]["for"]["default"] == "0s"
    assert '"PT' not in json.dumps(schema)


def test_a_condition_shows_only_what_it_says() -> None:
    """Thirty unset fields would hide the two that matter."""
    assert repr(Where.model_validate({"sentiment": {"lt": 0}})) == "Where(sentiment=NumberTest(lt=0.0))"


def test_suggestions_name_the_nearest_or_all() -> None:
    """Nothing near: the known names, a dozen at most."""
    assert suggest("colour", ["color", "size"]) == "did you mean `color`?"
    assert suggest("zzz", ["color", "size"]) == "known: color, size"
    assert suggest("zzz", map(str, range(20))).endswith(", …")
    assert suggest("zzz", []) == "there are none"


def test_an_unknown_key_below_another_model_is_explained_once() -> None:
    """Each model explains its own keys, and passes on what those below it have explained."""

    class Inner(Settings):
        depth: int = 0

    class Outer(BaseModel):
        inner: Inner

    with pytest.raises(ValidationError) as wrong:
        Outer.model_validate({"inner": {"dpeth": 1, "depth": "deep"}})
    assert {error["loc"]: error["type"] for error in wrong.value.errors()} == {
        ("inner", "dpeth"): "unknown_key",
        ("inner", "depth"): "int_parsing",
    }
