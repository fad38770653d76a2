"""`tocsin sources`: how each source stands; and `tocsin sources add`."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from monitor.cli.context import local
from monitor.cli.sources import _details, in_words, short
from monitor.domain.clock import SystemClock
from monitor.domain.errors import CannotCreateError, UsageError
from monitor.domain.source import SourceState
from monitor.pipeline.source_standing import ErrorBudget, standing
from monitor.settings import outline
from monitor.settings.adding import settings_of
from monitor.storage import StorageSettings, Store
from monitor.testing.servers import serving
from tests.monitor.cli.conftest import Tocsin

FEED = '<rss version="2.0"><channel><item><title>Kettle</title><link>https://x.example/1</link></item></channel></rss>'
SECRET = "s3cr3t-w0rd"
FEDIVERSE = (
    "  fediverse: {kind: lemmy, url: 'https://l.example', token: '${NOWHERE_TO_BE_FOUND}', budget: {amount: 8, per: day}}\n"
)


async def _polled(tocsin: Tocsin, name: str, **failed: Any) -> None:
    """A poll of a source, a minute ago, that ended well, or so."""
    url = f"sqlite:///{tocsin.config.parent}/tocsin.db"
    store, at = await Store.open(StorageSettings(url=SecretStr(url))), SystemClock().now() - timedelta(minutes=1)
    async with store.begin() as tx:
        if failed:
            await tx.sources.failed(name, at=at, **failed)
        else:
            await tx.sources.succeeded(name, cursor=None, watermark=at - timedelta(hours=2), at=at)
        await tx.commit()
    await store.close()


def _rows(output: str) -> dict[str, list[str]]:
    """The cells of each row, by the first."""
    return {cells[0]: cells[1:] for line in output.splitlines() if (cells := line.split())}


async def test_sources_show_how_each_stands(tocsin: Tocsin) -> None:
    """Without a word more than `tocsin sources`; a secret that only the daemon has hinders nobody."""
    text = (tocsin.config / "monitor.yaml").read_text()
    tocsin.write("monitor.yaml", text.replace("receivers:\n", FEDIVERSE + "receivers:\n"))
    await _polled(tocsin, "posts")
    shown = await tocsin.beside("sources")
    rows = _rows(shown.stdout)
    assert list(rows)[:4] == ["source", "posts", "press", "fediverse"]
    assert rows["posts"] == ["file", "–", "fine", "1m", "ago", "2h", "100%", "in", rows["posts"][-2], "–"]
    assert rows["press"][:3] == ["feed", "web", "off"]
    assert rows["fediverse"] == ["lemmy", "lemmy", "never", "asked", "never", "–", "–", "–", "100%"]
    assert "fediverse: 8 of 8 calls left of this day." in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("failed", "state", "told"),
    [
        (
            {"trouble": "unavailable", "detail": "HTTP 503", "stopped": False},
            "backing off",
            ["posts: backing off until 20", "unavailable: HTTP 503."],
        ),
        (
            {"trouble": "credentials", "detail": "401", "stopped": True},
            "stopped",
            ["posts: stopped: access refused: 401.", "mend its settings or its key"],
        ),
    ],
)
async def test_a_source_that_is_ill_says_why(tocsin: Tocsin, failed: dict[str, Any], state: str, told: list[str]) -> None:
    """In plain words below the table, and that its error budget is overspent."""
    await _polled(tocsin, "posts", backoff_until=SystemClock().now() + timedelta(minutes=5), **failed)
    shown = (await tocsin.beside("sources", "list")).stdout
    assert state in shown
    for words in [*told, "posts: 1 of the last day's 1 polls failed; 5% may."]:
        assert words in shown


async def test_sources_as_json_are_for_scripts(tocsin: Tocsin) -> None:
    """Every figure, with seconds and ISO times."""
    await _polled(tocsin, "posts")
    posts, press = json.loads((await tocsin.beside("sources", "--json")).stdout)
    assert (posts["name"], posts["kind"], posts["condition"], posts["state"]) == ("posts", "file", "well", "fine")
    assert posts["lag_seconds"] == pytest.approx(7260, abs=30)
    assert posts["errors"] == {"polls": 1, "failed": 0, "allowed": 0.05, "left": 1.0}
    assert posts["answered_at"] < posts["next_poll"]
    assert press["condition"] == "off"


def test_before_the_first_start_no_source_was_ever_asked(tocsin: Tocsin) -> None:
    """There is no store yet, and that is no fault."""
    (tocsin.config.parent / "tocsin.db").unlink()
    assert _rows(tocsin.at("sources").stdout)["posts"][2:4] == ["never", "asked"]


@pytest.mark.parametrize(
    ("lasts", "said"), [(0, "0s"), (-5, "0s"), (59, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (90_000, "1d")]
)
def test_a_length_of_time_is_shown_in_its_largest_unit(lasts: int, said: str) -> None:
    """A column is narrow."""
    assert short(timedelta(seconds=lasts)) == said


def test_sources_add_without_a_kind_shows_the_kinds(tocsin: Tocsin) -> None:
    """Each with what it brings."""
    shown = tocsin.at("sources", "add").output
    assert {"feed", "mastodon", "reddit", "discourse"} <= _rows(shown).keys()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("fed",), "there is no kind of source `fed`; did you mean `feed`"),
        (("feed", "--name", "posts", "--set", "url=x"), "a source called `posts` exists already"),
        (("feed", "--name", "A b", "--set", "url=x"), "`A b` is no name"),
        (("feed", "--set", "ulr=x"), "feed has no setting `ulr`; did you mean `url`"),
        (("feed", "--set", "url"), "--set wants KEY=VALUE"),
        (("feed", "--set", "network=web"), "url: is missing"),
        (("feed", "--set", "url=https://x.example", "--set", "every=soon"), "every: "),
        (("reddit", "--set", "budget={amount"), "--set budget: "),
        (("lemmy", "--set", "url=https://l.example", "--set", f"token={SECRET}"), "--set 'token=${NAME}'"),
        (("feed", "--set", f"url=https://me:{SECRET}@x.example/rss"), "`url` holds a secret"),
    ],
)
def test_sources_add_says_what_is_wrong(tocsin: Tocsin, words: tuple[str, ...], error: str) -> None:
    """A kind, a name, a setting, a value; a secret on the command line is refused with the right way, and not repeated."""
    before = (tocsin.config / "monitor.yaml").read_text()
    done = tocsin.at("sources", "add", *words, "--write")
    assert isinstance(done.exception, UsageError)
    assert error in str(done.exception)
    assert SECRET not in str(done.exception) + done.output
    assert (tocsin.config / "monitor.yaml").read_text() == before


def test_sources_add_needs_a_configuration(tocsin: Tocsin, tmp_path: Path) -> None:
    """Where there is none it says how to begin."""
    error = tocsin("sources", "add", "feed", "--set", "url=x", "--config", str(tmp_path / "nowhere")).exception
    assert "tocsin init" in str(error)


async def test_sources_add_tries_and_prints_what_belongs_into_the_file(tocsin: Tocsin) -> None:
    """Without --write nothing is changed."""
    before = (tocsin.config / "monitor.yaml").read_text()
    async with serving() as site:
        site.says(body=FEED, Content_Type="application/rss+xml")
        done = await tocsin.beside("sources", "add", "feed", "--set", f"url={site.url}/rss".replace("127.0.0.1", "localhost"))
    assert done.exit_code == 0
    assert "It answers: 1 mention shown." in done.output
    assert "sources:\n  feed:\n    kind: feed\n    url: http://localhost:" in done.output
    assert "Nothing was written" in done.output
    assert (tocsin.config / "monitor.yaml").read_text() == before


def test_sources_add_keeps_a_typed_secret_in_a_file_of_its_own(tocsin: Tocsin) -> None:
    """Asked one by one, a wrong value again; the secret is nowhere but in a file that its owner alone reads."""
    before = (tocsin.config / "monitor.yaml").read_text()
    # A name that is taken, a right one; an address that is none, a right one; the token; no budget.
    typed = f"posts\ntalk\n\nnot an address\nhttps://l.example\n{SECRET}\n\n"
    done = tocsin.at("sources", "add", "lemmy", "--write", "--untried", typed=typed)
    assert done.exit_code == 0, done.output
    assert "exists already" in done.output
    kept, text = tocsin.config / "secrets" / "talk-token", (tocsin.config / "monitor.yaml").read_text()
    assert (kept.read_text(), stat.S_IMODE(kept.stat().st_mode)) == (f"{SECRET}\n", 0o600)
    assert yaml.safe_load(text)["sources"]["talk"] == {
        "kind": "lemmy",
        "url": "https://l.example",
        "token": "file:secrets/talk-token",
    }
    assert SECRET not in text + done.output
    assert all(line in text for line in before.splitlines())
    assert tocsin.at("sources").exit_code == 0


def test_sources_add_names_a_variable_where_nothing_is_written(tocsin: Tocsin) -> None:
    """A secret that was typed and is not kept is named as what the environment must hold."""
    done = tocsin.at("sources", "add", "lemmy", "--name", "my-talk", "--untried", typed=f"https://l.example\n{SECRET}\n\n")
    assert "token: ${MY_TALK_TOKEN}" in done.output
    assert "put it into the environment as MY_TALK_TOKEN" in done.output
    assert SECRET not in done.output


def test_sources_add_asks_again_where_settings_do_not_fit_together(tocsin: Tocsin) -> None:
    """Nothing to watch: it says so, and what was said before needs only Enter."""
    kept = "\n" * (len(settings_of("mastodon")) - 3)  # Enter for all that follows the address, the token and the hashtags
    first, again = f"https://m.example\n\n\n{kept}", f"\n\nacme\n{kept}"
    done = tocsin.at("sources", "add", "mastodon", "--name", "m", "--untried", typed=first + again)
    assert "Once more" in done.output
    assert "    hashtags: [acme]\n" in done.output


@pytest.mark.parametrize(("answer", "written"), [("y\n", True), ("n\n", False)])
def test_sources_add_offers_what_does_not_answer_yet(tocsin: Tocsin, answer: str, written: bool) -> None:
    """It says why, and whoever knows better writes it all the same."""
    typed = f"http://localhost:1/rss\n\n\n{answer}"
    done = tocsin.at("sources", "add", "feed", "--name", "late", "--write", typed=typed)
    assert "It does not answer as it should: unavailable" in done.output
    assert ("late" in (tocsin.config / "monitor.yaml").read_text()) is written
    assert done.exit_code == (0 if written else 69)


def test_sources_add_without_questions_writes_only_what_answers(tocsin: Tocsin) -> None:
    """A script that wants it otherwise says --untried."""
    done = tocsin.at("sources", "add", "feed", "--set", "url=http://localhost:1/rss", "--write")
    assert (done.exit_code, "--untried" in done.output) == (69, True)
    assert tocsin.at("sources", "add", "feed", "--set", "url=http://localhost:1/rss", "--write", "--untried").exit_code == 0
    assert "\n  feed:\n" in (tocsin.config / "monitor.yaml").read_text()


def test_sources_add_does_not_try_what_has_no_key_yet(tocsin: Tocsin) -> None:
    """A variable that is not set here may be set where the daemon runs."""
    done = tocsin.at("sources", "add", "lemmy", "--set", "url=https://l.example", "--set", "token=${NOT_SET_HERE}")
    assert "Not tried: the environment variable NOT_SET_HERE is not set." in done.output
    assert "token: ${NOT_SET_HERE}" in done.output


def test_sources_add_that_cannot_write_changes_nothing(tocsin: Tocsin) -> None:
    """A secret that could not be kept stops all: what is written must be whole."""
    before = (tocsin.config / "monitor.yaml").read_text()
    (tocsin.config / "secrets").write_text("a file where the folder should be")
    done = tocsin.at("sources", "add", "lemmy", "--name", "l", "--write", "--untried", typed=f"https://l.example\n{SECRET}\n\n")
    assert isinstance(done.exception, CannotCreateError)
    assert "Nothing was changed" in str(done.exception)
    assert (tocsin.config / "monitor.yaml").read_text() == before


def test_sources_that_have_faults_are_named(tocsin: Tocsin) -> None:
    """Nobody is told that there are none."""
    text = (tocsin.config / "monitor.yaml").read_text()
    tocsin.write("monitor.yaml", text.replace("{kind: file, path: posts.jsonl}", "{kind: file, paht: posts.jsonl}"))
    shown = tocsin.at("sources").stdout
    assert shown == "Not shown, because `sources` has faults: posts, press. `tocsin check` says which.\n"


def test_a_source_that_is_quiet_says_since_when(tocsin: Tocsin) -> None:
    """It answers: only its habit shows that something is wrong."""
    now = SystemClock().now()
    state = SourceState("posts", last_attempt_at=now, last_success_at=now, watermark=now, brought_at=now - timedelta(days=1))
    settings, errors = outline(tocsin.config)[0], ErrorBudget(720, 0, 0.05)
    each = replace(standing(state, settings.source_settings["posts"], SystemClock(), quiet=True), errors=errors)
    assert in_words(each) == "quiet"
    assert list(_details(each, settings)) == [
        f"posts: answers, and has brought nothing since {local(each.brought_at, settings)}: too long for it."
    ]
