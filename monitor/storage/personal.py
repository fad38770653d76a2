"""The register of personal data: what every column holds about whom. Access, the documents and a test of erasure follow it.

A new column is listed here, or a test fails: somebody must have asked whether it says something about a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum


class Data(StrEnum):
    """What a column holds."""

    IDENTITY = "identity"  # names and addresses of who spoke
    WORDS = "words"  # what was said, and what quotes it
    FACTS = "facts"  # when, where and how it was said, and what scorers made of it
    LINK = "link"  # our number for a person, or for something they said
    STAFF = "staff"  # who of the team did something, and why
    OURS = "ours"  # nothing about a person


_I, _W, _F, _L, _S, _O = Data
_TABLES: Mapping[str, Mapping[Data, str]] = {
    "installation": {_O: "id created_at tombstone_key"},
    "author": {_I: "network external_id handle name", _F: "reach verified own first_seen_at last_seen_at erased_at", _L: "id"},
    "tombstone": {_O: "hash erased_at"},
    "erasure": {_L: "author_id", _F: "id requested_at done_at mentions alerts told", _S: "requested_by"},
    "mention": {
        _L: "id author_id",
        _W: "title text hashtags",
        _I: "key uri parent thread",
        _F: "network source form language written_at seen_at replies shares likes subjects topics intents sentiment confidence"
        " complaint safety_risk sensitive scorer answered_at cluster copies edited_at deleted_at edit_waits reach",
    },
    "sighting": {_L: "mention_id", _F: "source seen_at delay_seconds"},
    "source_state": {
        _O: "source cursor watermark first_attempt_at last_attempt_at last_success_at failures trouble detail backoff_until"
        " stopped settings_hash spent brought_at"
    },
    "source_hour": {_O: "source hour polls failed brought"},
    "inbox": {_W: "body", _F: "id source delivery_id received_at processed_at error"},
    "rule_state": {_L: "key state", _F: "rule updated_at", _O: "shape"},
    "evaluator": {_O: "partition offset lease_owner lease_until epoch"},
    "incident": {_O: "id subject open_key severity level opened_at resolved_at acknowledged_at", _S: "acknowledged_by"},
    "alert": {
        _L: "id key",
        _W: "reasons",
        _F: "incident_id rule kind category severity state labels fired_at opened_at last_seen_at told_at observed expected"
        " measure window_seconds learning coverage occurrences plan acknowledged_at resolved_at resolved_reason unscored copies"
        " silenced_by told_severity goes_to",
        _S: "acknowledged_by",
        _O: "fingerprint open_fingerprint",
    },
    "evidence": {_L: "alert_id mention_id", _F: "added_at"},
    "notification": {
        _L: "events",
        _F: "id receiver kind created_at",
        _O: "incident_id sequence more plan_run_id plan_step plan_about plan_why due_at",
    },
    "delivery": {
        _F: "state ended_at",
        _O: "id notification_id receiver attempts priority next_attempt_at lease_owner lease_until first_attempt_at"
        " handed_over_at reason detail",
    },
    "receiver_state": {
        _O: "receiver disabled_at disabled_reason last_success_at last_failure_at failures settings_hash",
    },
    "plan_run": {
        _O: "id plan incident_id state level snapshot opened_at confirmed_at closed_at confirm_by level_since asked_level"
        " asked_since proposed_level rung rung_at acknowledged_at touched_at stood_down_at drill wake_at owed version"
        " reopened_at calm_since lowered_from outside_since peak updates",
        _S: "confirmed_by acknowledged_by stood_down_by closed_by lead",
    },
    "plan_step": {
        _O: "run_id step position state deadline_at started_at ended_at ready_at next_at times late checked approval_by"
        " approved_at words",
        _S: "detail owner approved_by edited_by",
    },
    "timeline": {_W: "detail", _F: "id at kind alert_id incident_id", _S: "actor", _O: "through plan_run_id"},
    "silence": {_L: "matcher", _F: "id created_at starts_at ends_at every timezone", _S: "author reason"},
    "legal_hold": {
        _L: "author_id mention_id incident_id covers",
        _F: "id placed_at until released_at",
        _S: "reason placed_by released_by",
        _O: "evidence_hash",
    },
    "feedback": {_L: "mention_id", _F: "id kind value at text_hash", _S: "by note"},
    "mention_handling": {_L: "mention_id", _F: "state version at", _S: "assignee by"},
    "mention_deed": {_L: "mention_id", _F: "id verb at state", _S: "by assignee note", _O: "through"},
    "forgotten": {_O: "day kind name number"},
    "account": {
        _S: "name called role language timezone subject created_at seen_at disabled_at",
        _O: "id password code_secret code_pending code_step",
    },
    "recovery_code": {_O: "account_id hash"},
    "sign_in_link": {_O: "id hash account_id ends_at"},
    "sign_in_session": {_S: "began_at seen_at address agent", _O: "id hash account_id step ends_at"},
    "sign_in_try": {_S: "tried_at succeeded_at", _O: "key failures"},
    "api_token": {_S: "name made_at used_at", _O: "id hash account_id scopes ends_at"},
    "audit": {_S: "at actor through action whom address detail", _O: "id"},
    "tally": {
        _O: "subject topic hour network mentions negative neutral positive sentiment complaints reach engagement answered"
        " answer_seconds own_posts own_engagement"
    },
    "answer_hour": {_O: "subject hour network step number"},
    "tally_day": {
        _O: "subject topic day network mentions negative neutral positive sentiment complaints reach engagement answered"
        " answer_seconds own_posts own_engagement"
    },
    "digest_owed": {_O: "digest receiver day since until owed_at notification_id"},
}

REGISTER: Mapping[str, Mapping[str, Data]] = {
    table: {column: data for data, columns in parts.items() for column in columns.split()} for table, parts in _TABLES.items()
}
ABOUT_AUTHORS = frozenset({Data.IDENTITY, Data.WORDS, Data.FACTS, Data.LINK})


def about_authors(table: str) -> Iterator[str]:
    """The columns of a table that an access request is answered with."""
    return (column for column, data in REGISTER[table].items() if data in ABOUT_AUTHORS)
