"""`tocsin thread`: what stands around a mention, of its network and of the store, and kept as evidence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from monitor.domain.errors import CannotCreateError, UsageError
from monitor.testing import Site, serving
from tests.monitor.cli.conftest import MORNING

if TYPE_CHECKING:
    from tests.monitor.cli.conftest import Tocsin

_THIRD = "My Acme is broken, part 3"


def status(number: int, acct: str, text: str, above: int | None = None, **more: Any) -> dict[str, Any]:
    """A status of a server with the Mastodon API; 3 is the fourth post of the recording."""
    at = (MORNING + timedelta(minutes=number)).isoformat()
    uri = f"https://posts.example/{number}"
    return {
        "id": str(number), "uri": uri, "created_at": at, "content": f"<p>{text}</p>", "account": {"acct": acct, "id": acct},
        "in_reply_to_id": None if above is None else str(above), "replies_count": 0, **more,
    }  # fmt: skip


class Server:
    """Knows one conversation: what stands above and below status 3."""

    def __init__(self, site: Site) -> None:
        self.post = status(3, "user3@far.example", _THIRD, 30)
        self.above = [status(30, "eve", "Whose kettle leaks?")]
        self.below = [status(31, "acme", "We are on it.", 3), status(32, "user3@far.example", "Thank you, <b>at last</b>.", 31)]
        site.answer = self.answer

    async def answer(self, request: web.Request) -> web.Response:
        """The search by an address, the status, and its context."""
        if request.path == "/api/v2/search":
            found = [self.post] if request.query["q"] == self.post["uri"] else []
            return web.json_response({"statuses": found, "accounts": [], "hashtags": []})
        if request.path.endswith("/context"):
            return web.json_response({"ancestors": self.above, "descendants": self.below})
        return web.json_response(self.post)


@pytest.fixture
async def server(rung: Tocsin) -> AsyncIterator[Server]:
    """A server of the network of the recording, and a source that may ask it."""
    async with serving() as site:
        text = (rung.config / "monitor.yaml").read_text()
        fedi = f'  fedi: {{kind: mastodon, url: "{site.url}", network: file, hashtags: [acme], own_accounts: ["@acme"]}}\n'
        rung.write("monitor.yaml", text.replace("receivers:\n", fedi + "receivers:\n", 1))
        yield Server(site)


async def test_a_thread_is_shown_above_and_below_its_mention(rung: Tocsin, server: Server) -> None:
    """Each post one step to the right of what it answers, in eighty columns; who of ours has answered is said."""
    server.below.append(status(33, "bob", "word " * 60, 3))
    done = await rung.beside("thread", "4")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == "As file shows it now (source fedi):"
    assert [line for line in lines if "2026-03-02" in line][:4] == [
        "2026-03-02 09:30  eve@127.0.0.1",
        "  2026-03-02 09:03  user3@far.example  ← this one  (mention 4)",
        "    2026-03-02 09:31  acme@127.0.0.1  OURS",
        "      2026-03-02 09:32  user3@far.example",
    ]
    assert "        Thank you, at last." in lines
    assert max(map(len, lines[:-1])) <= 80
    assert lines[-1] == "1 post above, 3 below. Ours have answered: acme@127.0.0.1 (2026-03-02 09:31)."


async def test_what_a_network_does_not_show_any_more_is_shown_from_the_store(rung: Tocsin, server: Server) -> None:
    """And says so: it was deleted since, or changed."""
    server.post["content"] = "<p>All is well.</p>"
    output = (await rung.beside("thread", "4")).output
    assert "← this one  (mention 4, edited)" in output
    server.below = [status(34, "ann", "why was it deleted?", 3)]
    server.post = status(9, "ann", "another")
    output = (await rung.beside("thread", "4")).output
    assert "As far as it is stored: this server does not have the post, or it was deleted." in output
    assert _THIRD in output
    assert output.endswith("Look at it yourself: https://posts.example/3\n")


async def test_a_thread_as_json(rung: Tocsin, server: Server) -> None:
    """For scripts: every post with its hash, which is that of the evidence where the mention is unchanged."""
    server.below[0]["sensitive"] = True
    said = json.loads((await rung.beside("thread", "4", "--json")).output)
    assert {name: said[name] for name in ("mention", "source", "whole", "answered_by_ours")} == {
        "mention": 4, "source": "fedi", "whole": True, "answered_by_ours": True
    }  # fmt: skip
    assert [(each["where"], each["number"], each["ours"], each["text"]) for each in said["posts"]] == [
        ("above", None, False, "Whose kettle leaks?"),
        ("here", 4, False, _THIRD),
        ("below", None, True, ""),
        ("below", None, False, "Thank you, at last."),
    ]
    hidden = (await rung.beside("thread", "4", "--with-sensitive", "--json")).output
    assert "We are on it." in hidden
    assert "(sensitive subject: read it at the source)" in (await rung.beside("thread", "4")).output


async def test_a_thread_is_kept_as_evidence(rung: Tocsin, server: Server, tmp_path: Path) -> None:
    """In a file for its owner alone; the timeline holds the file's hash, and no word of it."""
    file = tmp_path / "thread.json"
    done = await rung.beside("plan", "keep", "1", "4", "--thread", str(file))
    assert done.exit_code == 0, done.output
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert f"4 posts. SHA-256: {sha256}" in done.output
    assert (len(json.loads(file.read_text())["posts"]), file.stat().st_mode & 0o777) == (4, 0o600)
    assert "Thread around post 4 kept as evidence" in (await rung.beside("plan", "show", "1")).output
    store = (rung.config.parent / "tocsin.db").read_bytes()
    assert b"We are on it." not in store
    assert sha256.encode() in store


async def test_a_post_is_kept_although_its_network_does_not_answer(rung: Tocsin, server: Server, tmp_path: Path) -> None:
    """The file holds what is stored, and the command says why."""
    server.post = status(9, "ann", "another")
    done = await rung.beside("plan", "keep", "1", "4", "--thread", str(tmp_path / "thread.json"))
    assert "Post 4 is kept with run 1, by hold 1." in done.output
    assert "It holds what is stored, for this server does not have the post" in done.output


def test_a_post_is_kept_although_the_file_cannot_be_written(rung: Tocsin, tmp_path: Path) -> None:
    """Both are said."""
    done = rung.at("plan", "keep", "1", "1", "--thread", str(tmp_path / "none" / "thread.json"))
    assert "Post 1 is kept with run 1, by hold 1." in done.output
    assert isinstance(done.exception, CannotCreateError)
    assert "Thread around" not in rung.at("plan", "show", "1").output


def test_a_source_that_cannot_be_asked_says_so_with_the_address(rung: Tocsin) -> None:
    """What is stored of it is shown all the same."""
    output = rung.at("thread", "1").output
    assert "As far as it is stored: no source of file that is configured can be asked for conversations." in output
    assert "0 posts above, 0 below; of others nothing is known. Nobody of ours has answered, as far as this shows." in output
    assert output.endswith("Look at it yourself: https://posts.example/0\n")
    assert "As far as it is stored: nobody was asked." in rung.at("thread", "1", "--stored").output


def test_a_mention_that_is_not_there(rung: Tocsin) -> None:
    """Says where numbers come from."""
    error = rung.at("thread", "99").exception
    assert isinstance(error, UsageError)
    assert str(error) == "there is no mention 99; `tocsin alert show` names those behind an alert"


def test_whoever_asked_to_be_forgotten_is_not_shown(rung: Tocsin) -> None:
    """Of their mention nothing is left to ask about."""
    assert rung.at("erase", "file", "user3", "--yes").exit_code == 0
    error = rung.at("thread", "4").exception
    assert str(error) == "of mention 4 nothing is left: its author asked to be forgotten"
