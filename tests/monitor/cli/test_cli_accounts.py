"""Accounts on the command line: who may enter, as what, and how they begin."""

from __future__ import annotations

import json
import re
from typing import Any

from monitor.access.secret import is_token

Tocsin = Any
_LINK = re.compile(r"^http://127\.0\.0\.1:0/welcome\?link=[\w-]{43}$", re.MULTILINE)


def _typed(tocsin: Tocsin, *words: str) -> str:
    done = tocsin.at("account", *words)
    assert done.exit_code == 0, (done.output, done.exception)
    return str(done.output)


def _refused(tocsin: Tocsin, *words: str) -> str:
    done = tocsin.at("account", *words)
    assert done.exit_code != 0
    return str(done.exception)


def test_the_first_account_begins_with_a_link(tocsin: Tocsin) -> None:
    """The list says so; once there is an account, a link needs a name."""
    assert "tocsin account link" in _typed(tocsin)
    assert _LINK.search(_typed(tocsin, "link"))
    _typed(tocsin, "add", "Ada", "--role", "admin", "--by", "root")
    assert "tocsin account link NAME" in _refused(tocsin, "link")
    assert _LINK.search(_typed(tocsin, "link", "ada", "--without-codes"))


def test_accounts_are_made_changed_and_listed(tocsin: Tocsin) -> None:
    """Each command says what it did and how to take it back; an unknown name, which there are."""
    assert _LINK.search(_typed(tocsin, "add", "ada", "--role", "admin", "--called", "Ada L."))
    assert _LINK.search(_typed(tocsin, "add", "claire"))
    assert "claire was viewer, and is manager now." in _typed(tocsin, "role", "claire", "manager")
    assert "tocsin account enable claire" in _typed(tocsin, "disable", "claire")
    found = json.loads(_typed(tocsin, "list", "--json"))
    assert [(each["name"], each["called"], each["role"], bool(each["disabled_at"])) for each in found] == [
        ("ada", "Ada L.", "admin", False),
        ("claire", "claire", "manager", True),
    ]
    assert "claire may enter again." in _typed(tocsin, "enable", "claire")
    assert "invited" in _typed(tocsin, "list")
    assert "there is `ada`, `claire`" in _refused(tocsin, "role", "clair", "admin")
    assert "nobody would be left" in _refused(tocsin, "disable", "ada")
    assert "claire is not signed in." in _typed(tocsin, "sessions", "claire")
    assert "0 sessions ended." in _typed(tocsin, "sessions", "claire", "--end")


def test_a_token_is_shown_once(tocsin: Tocsin) -> None:
    """The list names what it may, and not the token; ended, it is gone."""
    _typed(tocsin, "add", "ada", "--role", "admin")
    secret = _typed(tocsin, "token", "ada", "--make", "grafana", "--scope", "look", "--for", "30d").splitlines()[-1]
    assert is_token(secret)
    listed = _typed(tocsin, "token")
    assert "grafana" in listed
    assert secret not in listed
    assert "may not administer" in (
        _typed(tocsin, "add", "eve") and _refused(tocsin, "token", "eve", "--make", "x", "--scope", "administer")
    )
    assert "works no more" in _typed(tocsin, "token", "--end", "1")
    assert "There are no tokens" in _typed(tocsin, "token", "ada")
    for odd in (("ada", "--make", "x", "--end", "1"), ("--make", "x"), ("ada", "--make", "x", "--for", "soon"), ("--end", "7")):
        _refused(tocsin, "token", *odd)


def test_the_audit_log_tells_what_was_done(tocsin: Tocsin) -> None:
    """By whom, through what; and never a link or a token."""
    link = _typed(tocsin, "add", "ada", "--role", "admin", "--by", "root").splitlines()[-1]
    secret = _typed(tocsin, "token", "ada", "--make", "grafana", "--by", "root").splitlines()[-1]
    told = json.loads(_typed(tocsin, "audit", "--json"))
    assert [(each["actor"], each["through"], each["action"], each["whom"]) for each in told] == [
        ("root", "cli", "token.made", "ada"),
        ("root", "cli", "account.added", "ada"),
    ]
    assert secret not in json.dumps(told)
    assert link.partition("=")[2] not in json.dumps(told)
    assert "account.added" in _typed(tocsin, "audit", "ada")
    assert "Nothing was done yet." in _typed(tocsin, "audit", "eve")
