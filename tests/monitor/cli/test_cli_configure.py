"""Write a configuration, check it, describe it, and try its sources and receivers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from monitor.cli import configure
from monitor.demo.servers import Postbox
from monitor.domain.clock import SystemClock
from monitor.domain.errors import CannotCreateError, ExitCode, SourceError, TocsinError, UsageError
from monitor.sentiment import complaint, multilingual
from monitor.sources.nobody import Nobody
from monitor.testing import serving

Tocsin = Any
Line = Callable[..., str]

FEED = """<rss version="2.0"><channel><title>News</title>
<item><title>Acme recalls lamps</title><link>https://news.example/1</link><guid>1</guid>
<pubDate>Mon, 02 Mar 2026 08:00:00 GMT</pubDate><description>All of them.</description></item></channel></rss>"""


def test_init_asks_three_questions_and_what_it_writes_works(tocsin: Tocsin, tmp_path: Path, line: Line) -> None:
    """The answers become ten lines that pass the check; the next steps are named."""
    (tmp_path / "posts.csv").write_text("text,created_at\nAcme is fine,2026-03-02T08:00:00Z\n")
    done = tocsin("init", "mine", typed="Café Lumen\nposts.csv\nme@example.org\n\n")
    assert done.exit_code == 0, done.output
    assert "wrote mine/monitor.yaml" in done.output
    steps = ["check", "sources try first", "receivers try me", "run"]
    assert done.output.splitlines()[-5:] == ["Next:", *(f"  tocsin {step} --config mine" for step in steps)]
    assert "localhost:25" in done.output
    assert "E-mail wakes nobody" in done.output
    assert len(Path("mine/monitor.yaml").read_text().splitlines()) <= 10
    checked = tocsin("check", "--config", "mine")
    assert checked.exit_code == 0
    assert "1 source, 1 receiver" in checked.output


def test_init_prepares_networks(tocsin: Tocsin) -> None:
    """A fourth question, which Enter answers; the lines are comments until a person has the key."""
    done = tocsin("init", "mine", typed="Acme\nhttps://x.example/feed\nhttps://x.example/hook\nReddit, youtube,\n")
    assert done.exit_code == 0, done.output
    assert "Prepared, as comments: reddit, youtube." in done.output
    written = Path("mine/monitor.yaml").read_text()
    assert "  # reddit:\n  #   kind: reddit\n" in written
    assert "  #   key: ${YOUTUBE_KEY}\n" in written
    assert tocsin("check", "--config", "mine").exit_code == 0


def test_init_says_nothing_of_mail_to_who_uses_none(tocsin: Tocsin) -> None:
    """A webhook needs no mail server, and may ring a telephone."""
    done = tocsin("init", "mine", "--brand", "Acme", "--source", "https://x.example/feed", "--send-to", "https://x.example/hook")
    assert "E-mail" not in done.output


def test_init_never_overwrites(tocsin: Tocsin) -> None:
    """What is there stays as it is, and the exit code is 73."""
    before = (tocsin.config / "monitor.yaml").read_text()
    answers = ("--brand", "Acme", "--source", "https://news.example/feed", "--send-to", "me@example.org")
    done = tocsin("init", str(tocsin.config), *answers)
    assert isinstance(done.exception, TocsinError)
    assert done.exception.exit_code is ExitCode.CANNOT_CREATE
    assert (tocsin.config / "monitor.yaml").read_text() == before


def test_check_says_all_that_is_wrong_at_once(tocsin: Tocsin) -> None:
    """File, line and fix of every problem; the exit code is 78."""
    tocsin.write("monitor.yaml", "version: 1\nsubjects: {acme: {nmes: [Acme]}}\nrecievers: {}\n")
    done = tocsin.at("check")
    assert done.exit_code == 78
    assert "nmes" in done.output
    assert "recievers" in done.output


@pytest.mark.parametrize("model", [complaint, multilingual])
@pytest.mark.parametrize("kept", [None, 0, 1_000])
def test_check_tells_of_a_damaged_model(
    tocsin: Tocsin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: ModuleType, kept: int | None
) -> None:
    """A file that came with Tocsin and is gone or cut: the check says so in words, and no command with a traceback."""
    damaged = tmp_path / "model.npz"
    if kept is not None:
        damaged.write_bytes(model.SHIPPED.read_bytes()[:kept])
    monkeypatch.setattr(model, "SHIPPED", damaged)
    done = tocsin.at("check")
    assert done.exit_code == 78
    assert f"sentiment: {damaged} is " in done.output
    assert "install the package again" in done.output
    failed = tocsin("score", "so happy").exception
    assert isinstance(failed, TocsinError)
    assert failed.exit_code is ExitCode.INPUT_OUTPUT


def test_schema_prints_one_or_all_or_writes_files(tocsin: Tocsin, tmp_path: Path) -> None:
    """JSON for an editor, in whichever way it is wanted."""
    assert json.loads(tocsin("schema", "monitor").output)["properties"]["subjects"]
    assert set(json.loads(tocsin("schema").output)) == {"monitor", "contacts", "rules", "rule-tests", "plans"}
    written = tocsin("schema", "--out", str(tmp_path / "schemas"))
    assert written.output.count("wrote ") == 5
    assert json.loads((tmp_path / "schemas" / "plans.schema.json").read_text())
    assert str(tocsin("schema", "plan").exception) == "there is no schema `plan`; did you mean `plans`?"


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tocsin: Tocsin, tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "taken").write_text("")
    error = tocsin("schema", "--out", str(tmp_path / "taken")).exception
    assert isinstance(error, CannotCreateError)
    assert "cannot be written" in str(error)


def test_lists_of_nothing_say_what_to_do(tocsin: Tocsin) -> None:
    """Without sources or receivers there is no empty table."""
    tocsin.write("monitor.yaml", "version: 1\nsubjects: {acme: {}}\n")
    tocsin.write("rules/acme.yaml", "version: 1\nrules: []\n")
    for leftover in ("contacts.yaml", "plans/outage.yaml"):
        (tocsin.config / leftover).unlink()
    assert tocsin.at("sources", "list").output.startswith("There are no sources: add one")
    assert tocsin.at("receivers", "list").output.startswith("There are no receivers: add one")


async def test_sources_try_shows_what_was_understood_and_stores_nothing(tocsin: Tocsin, tmp_path: Path) -> None:
    """Time as the team reads it, network, author, link and words; then how many."""
    (tmp_path / "tocsin.db").unlink()
    async with serving() as site:
        site.says(200, FEED, Content_Type="application/rss+xml")
        tocsin.write("monitor.yaml", (tocsin.config / "monitor.yaml").read_text().replace("http://127.0.0.1:1", site.url))
        shown = (await tocsin.beside("sources", "try", "press")).output
    assert "2026-03-02 09:00" in shown
    assert "https://news.example/1" in shown
    assert "no date" not in shown
    assert "Acme recalls lamps — All of them." in shown
    assert shown.endswith("1 mention shown, 0 not understood. Nothing was stored.\n")
    assert not (tmp_path / "tocsin.db").exists()


def test_sources_try_shows_what_was_not_understood(tocsin: Tocsin, line: Line) -> None:
    """A bad line is named; `--limit` shortens the list, and the note says so."""
    tocsin.write(
        "posts.jsonl", "\n".join([line(1, "Acme one"), "{not [json]", line(2, "Acme two"), line(3, "Acme three")]) + "\n"
    )
    shown = tocsin.at("sources", "try", "posts", "--limit", "2").output
    assert "not understood: line 2" in shown
    assert "Acme two" in shown
    assert "Acme three" not in shown
    assert "Shown are the first 2 of 3." in shown


def test_sources_try_of_an_empty_source_says_so(tocsin: Tocsin) -> None:
    """Nothing is not a failure."""
    tocsin.write("posts.jsonl", "")
    done = tocsin.at("sources", "try", "posts")
    assert done.exit_code == 0
    assert "there is nothing in it at the moment" in done.output


def test_sources_try_of_a_webhook_reads_nothing_that_waits_for_the_daemon(tocsin: Tocsin) -> None:
    """A preview looks into an inbox of its own, which is empty."""
    text = (tocsin.config / "monitor.yaml").read_text()
    hook = "  tickets: {kind: webhook, secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3}\n"
    tocsin.write("monitor.yaml", text.replace("receivers:\n", hook + "receivers:\n"))
    assert "waits to be called" in tocsin.at("sources", "try", "tickets").output


async def test_a_previews_inbox_stays_empty() -> None:
    """It has nothing, and marks nothing as read."""
    inbox = Nobody()
    await inbox.processed(1, SystemClock().now())
    assert await inbox.pending("tickets", 10, 2**20) == ()


def test_sources_try_of_a_silent_server_ends_with_69(tocsin: Tocsin) -> None:
    """Nobody listens there: the error says what was tried."""
    error = tocsin.at("sources", "try", "press").exception
    assert isinstance(error, SourceError)
    assert error.exit_code == 69


@pytest.mark.parametrize("kind", ["sources", "receivers"])
def test_trying_a_name_that_does_not_exist_lists_those_that_do(tocsin: Tocsin, kind: str) -> None:
    """Nobody has to open the file to see them."""
    error = tocsin.at(kind, "try", "zzz").exception
    assert isinstance(error, UsageError)
    assert str(error) == f"there is no {kind[:-1]} `zzz`; known: {'posts, press' if kind == 'sources' else 'hub'}"


def test_receivers_list_shows_kind_and_language(tocsin: Tocsin) -> None:
    """A person with an e-mail address is a receiver too."""
    tocsin.write("contacts.yaml", "version: 1\npeople: {ines: {name: Inès, email: ines@acme.example, language: fr}}\n")
    smtp = "smtp: {host: 127.0.0.1, port: 1, security: none, sender: tocsin@acme.example}\n"
    tocsin.write("monitor.yaml", (tocsin.config / "monitor.yaml").read_text() + smtp)
    rows = [row.split() for row in tocsin.at("receivers", "list").output.splitlines()]
    assert rows == [["receiver", "kind", "language"], ["hub", "webhook", "en"], ["ines", "email", "fr"]]


async def test_receivers_try_sends_by_real_smtp(tocsin: Tocsin, tmp_path: Path) -> None:
    """The e-mail arrives, marked as a test, in the person's language."""
    tocsin.write("contacts.yaml", "version: 1\npeople: {ines: {name: Inès, email: ines@acme.example, language: fr}}\n")
    async with Postbox(tmp_path / "mail") as postbox:
        smtp = f"smtp: {{host: 127.0.0.1, port: {postbox.port}, security: none, sender: tocsin@acme.example}}\n"
        tocsin.write("monitor.yaml", (tocsin.config / "monitor.yaml").read_text() + smtp)
        done = await tocsin.beside("receivers", "try", "ines")
        assert (done.exit_code, done.output.startswith("ines took the message: ")) == (0, True)
        assert len(postbox.saved) == 1


async def test_receivers_try_sends_a_real_webhook(tocsin: Tocsin) -> None:
    """204 means taken; 500 means exit code 69 with the reason."""
    async with serving() as hub:
        tocsin.write("monitor.yaml", (tocsin.config / "monitor.yaml").read_text().replace("http://127.0.0.1:1/tocsin", hub.url))
        hub.says(204)
        assert (await tocsin.beside("receivers", "try", "hub")).exit_code == 0
        hub.says(500, "\x1b[31m[red]no")
        refused = await tocsin.beside("receivers", "try", "hub")
    assert refused.exit_code == 69
    assert refused.output.startswith("hub did not take the message: ")
    assert "\x1b" not in refused.output


async def test_receivers_try_does_not_wait_for_ever(tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that hangs past our patience did not take the message."""
    monkeypatch.setattr(configure, "_PATIENCE", 0)
    done = await tocsin.beside("receivers", "try", "hub")
    assert (done.exit_code, done.output) == (69, "hub did not take the message: no answer within 0 s\n")


def test_sources_try_says_what_a_post_would_come_to(tocsin: Tocsin, line: Line) -> None:
    """Whom it is about, its language and mood, and which rules of single posts it would ring."""
    posts = [
        line(1, "My Acme lamp is broken, this is terrible, I hate it and I want my money back!"),
        line(2, "Nice weather in the mountains today, we had a lovely walk and a good lunch."),
        line(3, "Acme: сегодня с утра нет связи"),
    ]
    tocsin.write("posts.jsonl", "\n".join(posts) + "\n")
    shown = [row for row in tocsin.at("sources", "try", "posts").output.splitlines() if row.startswith("  → ")]
    assert re.fullmatch(r"  → about Acme, en, sentiment -0\.\d\d, complaint [01]\.\d\d, rings complaint", shown[0])
    assert re.fullmatch(r"  → about nobody, en, sentiment \+0\.\d\d, complaint 0\.\d\d, rings no rule by itself", shown[1])
    assert shown[2] == "  → about Acme, ru, not scored, rings no rule by itself"


async def test_sources_try_marks_a_date_that_could_not_be_read(tocsin: Tocsin) -> None:
    """What a feed does not date is taken as new: better seen here than wondered about later."""
    async with serving() as site:
        site.says(200, re.sub("<pubDate>.*?</pubDate>", "", FEED), Content_Type="application/rss+xml")
        tocsin.write("monitor.yaml", (tocsin.config / "monitor.yaml").read_text().replace("http://127.0.0.1:1", site.url))
        shown = (await tocsin.beside("sources", "try", "press")).output
    assert "  no date: taken as now  web" in shown
