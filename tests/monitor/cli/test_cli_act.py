"""What the people on duty type: what rings, whose it is, keep it quiet, how is everything."""

from __future__ import annotations

import getpass
import json
import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.cli import act, context
from monitor.domain.errors import StorageError, UsageError
from monitor.pipeline import delivery
from monitor.testing import serving

Tocsin = Any
HOSTILE = "My Acme is broken \x1b[31m[bold red]RED[/]\x1b]0;title\x07\nsecond\u202e line"


def test_alerts_lists_what_rings_within_eighty_columns(rung: Tocsin) -> None:
    """One row an alert, the newest first, and no line that a terminal would break."""
    shown = rung.at("alerts", "--all")
    assert shown.exit_code == 0
    rows = shown.output.splitlines()
    assert rows[0].split() == ["id", "severity", "rule", "about", "since", "seen", "state"]
    assert "2026-03-02" in shown.output
    assert sum("complaint" in row for row in rows) == 8
    assert sum("crisis" in row for row in rows) == 1
    assert max(map(len, rows)) <= 80


def test_alerts_as_json_has_times_in_iso_8601(rung: Tocsin) -> None:
    """For scripts: every field of every alert."""
    found = json.loads(rung.at("alerts", "--all", "--json").output)
    assert {each["rule"] for each in found} == {"complaint", "crisis"}
    assert all(datetime.fromisoformat(each["fired_at"]).tzinfo for each in found)


def test_nothing_rings_in_a_new_store(tocsin: Tocsin) -> None:
    """An empty list says so in words."""
    assert tocsin.at("alerts").output == "Nothing rings.\n"
    assert tocsin.at("alerts", "--all").output == "No alert was ever raised.\n"
    assert json.loads(tocsin.at("alerts", "--json").output) == []


def test_alert_show_tells_the_whole_story(rung: Tocsin) -> None:
    """Why, which posts, who was told, and what happened since."""
    crisis = next(each["id"] for each in json.loads(rung.at("alerts", "--all", "--json").output) if each["rule"] == "crisis")
    shown = rung.at("alert", "show", str(crisis)).output
    assert "authors within 1h" in shown
    assert "user4: My Acme is broken, part 4  https://posts.example/4" in shown
    assert "hub: plan, dry_run after 1 attempt" in shown
    assert "Plan opened" in shown


def test_strangers_words_reach_the_terminal_as_plain_text(tocsin: Tocsin, line: Any, tmp_path: Path) -> None:
    """Escape sequences, markup, line breaks and direction marks of a post do nothing, wherever it is shown."""
    tocsin.write("posts.jsonl", line(1, HOSTILE, who="[link=https://evil.example]eve\x1b[2J") + "\n")
    tocsin.at("replay", str(tocsin.config / "posts.jsonl"), "--database", f"sqlite:///{tmp_path}/tocsin.db")
    for shown in (tocsin.at("alert", "show", "1").output, tocsin.at("sources", "try", "posts").output):
        assert "[bold red]RED[/]" in shown, "what looks like markup is shown as it was written"
        assert "[link=https://evil.example]eve" in shown
        assert not set(shown) & set("\x1b\x07\u202e")
        assert "RED[/] second line" in " ".join(shown.split()).replace("]0;title", "")
        assert not any(row.startswith("second") for row in shown.splitlines())


def test_an_alert_that_is_not_there_is_a_usage_error(tocsin: Tocsin) -> None:
    """And the error says which command lists them."""
    for command in (("alert", "show", "7"), ("ack", "7")):
        error = tocsin.at(*command).exception
        assert isinstance(error, UsageError)
        assert str(error) == "there is no alert 7; `tocsin alerts --all` lists them"


def test_ack_says_whose_the_alert_is(rung: Tocsin) -> None:
    """The first to take an alert has it; the second is told who; what is over is nobody's."""
    assert rung.at("ack", "1", "--by", "ines", "--note", "calling her").output.startswith("Alert 1 (complaint) is yours.")
    assert rung.at("ack", "1", "--by", "awa").output == "Alert 1 was already taken by ines.\n"
    assert "acknowledged" in rung.at("alerts").output
    assert rung.at("ack", "1", "1").output.count("already taken") == 2
    crisis = next(each for each in json.loads(rung.at("alerts", "--all", "--json").output) if each["rule"] == "crisis")
    assert crisis["state"] == "resolved"
    assert "is over" in rung.at("ack", str(crisis["id"])).output


def test_who_types_is_the_login_or_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container without a user database is no reason to fail."""
    assert context.actor("ines").name == "ines"
    assert context.me()

    def unknown() -> str:
        raise OSError("no user")

    monkeypatch.setattr(getpass, "getuser", unknown)
    assert context.actor("").name == "somebody"


def test_a_silence_is_made_listed_and_ended(tocsin: Tocsin) -> None:
    """From `silence` over `silences` to `unsilence`."""
    assert tocsin.at("silences").output == "No silence is in force.\n"
    made = tocsin.at(
        "silence", "--for", "2h", "--reason", "planned [work]", "--rule", "crisis", "--subject", "acme", "--by", "awa"
    )
    assert "End it early: tocsin unsilence 1" in made.output
    listed = tocsin.at("silences").output
    assert "rule crisis, subject acme" in " ".join(listed.split())
    assert "planned [work]" in " ".join(listed.split())
    assert json.loads(tocsin.at("silences", "--json").output)[0]["matcher"] == {"rule": "crisis", "subject": "acme"}
    assert tocsin.at("unsilence", "1").output == "Silence 1 has ended.\n"
    assert "not in force" in str(tocsin.at("unsilence", "1").exception)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--for", "2h", "--rule", "criss"), "there is no rule `criss`; did you mean `crisis`?"),
        (("--for", "2h", "--subject", "zzz"), "there is no subject `zzz`; known: acme"),
        (("--for", "2h"), "a silence must say what it covers: a rule, a subject, or both"),
        (("--for", "two hours", "--rule", "crisis"), "--for two hours: 'two hours' is not a duration"),
        (("--for", "0s", "--rule", "crisis"), "--for 0s: a silence must last, for instance 30m"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(tocsin: Tocsin, options: tuple[str, ...], said: str) -> None:
    """Unknown names are met with what was probably meant."""
    error = tocsin.at("silence", "--reason", "why", *options).exception
    assert isinstance(error, UsageError)
    assert str(error).startswith(said)


def test_status_shows_every_source_also_one_never_asked(rung: Tocsin) -> None:
    """Sources, mentions, alerts, messages and plans, in figures."""
    shown = rung.at("status").output
    assert "well" in next(row for row in shown.splitlines() if row.startswith("posts"))
    assert "not asked (enabled" in next(row for row in shown.splitlines() if row.startswith("press"))
    assert "8 mentions stored, 0 not judged yet." in shown
    assert "1 plan open" in shown
    assert "Messages owed: none." in shown
    found = json.loads(rung.at("status", "--json").output)
    assert found["mentions"] == {"stored": 8, "not_judged": 0}
    assert found["plan_runs"] == [{"id": 1, "plan": "outage", "state": "awaiting_confirmation"}]


def test_status_of_a_new_store_has_nothing_to_hide(tocsin: Tocsin) -> None:
    """Before the first start every source stands there, not asked yet; without sources there is no table."""
    assert "not asked yet" in tocsin.at("status").output
    tocsin.write("monitor.yaml", "version: 1\nsubjects: {acme: {}}\n" + _storage(tocsin))
    (tocsin.config / "contacts.yaml").unlink()
    for folder in ("rules", "plans"):
        for path in (tocsin.config / folder).iterdir():
            path.unlink()
    tocsin.write("rules/none.yaml", "version: 1\nrules: []\n")
    assert tocsin.at("status").output.startswith("0 mentions stored")


def _storage(tocsin: Tocsin) -> str:
    rows: list[str] = (tocsin.config / "monitor.yaml").read_text().splitlines()
    return next(row for row in rows if row.startswith("storage")) + "\n"


async def test_status_shows_trouble_in_the_words_of_the_server_without_its_tricks(tocsin: Tocsin) -> None:
    """A stopped source, one in trouble and a disabled receiver are shown with the reason, as plain text."""
    at = context.clock.now()
    async with context.opened(tocsin.config) as (_, store), store.begin() as tx:
        await tx.receivers.register(context.loaded(tocsin.config).fingerprints.receivers)
        await tx.receivers.disable("hub", "410 [bold]gone\x1b[2J", at)
        await tx.sources.failed("posts", trouble="timeout", detail="[red]slow\x1b[1m", at=at, backoff_until=at, stopped=False)
        await tx.commit()
    shown = (await tocsin.beside("status")).output
    assert "timeout" in shown
    assert "[red]slow" in shown
    assert "hub is disabled: 410 [bold]gone" in shown
    assert "\x1b" not in shown
    async with context.opened(tocsin.config) as (_, store), store.begin() as tx:
        await tx.sources.failed("posts", trouble="gone", detail="410", at=at, backoff_until=None, stopped=True)
        await tx.commit()
    assert "stopped" in (await tocsin.beside("status")).output


async def test_alert_test_rings_end_to_end(tocsin: Tocsin) -> None:
    """A role is rung through its person's receiver; the alert stands in the store, marked as a test."""
    async with serving() as hub:
        hub.says(204)
        tocsin.write("monitor.yaml", (tocsin.config / "monitor.yaml").read_text().replace("http://127.0.0.1:1/tocsin", hub.url))
        done = await tocsin.beside("alert", "test", "crisis", "--to", "duty", "--by", "ines")
        assert (done.output, done.exit_code) == ("hub: delivered after 1 attempt\n", 0)
        assert len(hub.asked) == 1
    listed = json.loads((await tocsin.beside("alerts", "--all", "--json")).output)
    assert [(each["rule"], each["category"], each["state"]) for each in listed] == [("crisis", "test", "resolved")]


def test_alert_test_that_is_not_delivered_ends_with_69(tocsin: Tocsin) -> None:
    """And says why: here nobody listens at the address."""
    done = tocsin.at("alert", "test", "crisis", "--to", "hub")
    assert done.exit_code == 69
    assert done.output.startswith("hub: pending after 1 attempt: ")


async def test_alert_test_waits_for_a_daemon_that_took_the_message_first(tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being sent by somebody else is looked at until it has ended."""
    monkeypatch.setattr(act, "_LOOK", 0.01)

    claimed: list[Any] = []

    async def taken_by_the_daemon(settings: Any, store: Any, clock: Any, receiver: str) -> None:
        async with store.begin() as tx:
            now = clock.now()
            claimed.extend(
                await tx.deliveries.claim(receiver, owner="daemon", now=now, wall=now, lease=timedelta(minutes=1), limit=1)
            )
            await tx.commit()

    looks = 0
    look = act._record

    async def delivered_at_the_third_look(store: Any, incident: int) -> Any:
        nonlocal looks
        looks += 1
        if looks == 3:
            async with store.begin() as tx:
                await tx.deliveries.delivered(claimed[0].id, "daemon", context.clock.now())
                await tx.commit()
        return await look(store, incident)

    monkeypatch.setattr(delivery, "send_now", taken_by_the_daemon)
    monkeypatch.setattr(act, "_record", delivered_at_the_third_look)
    done = await tocsin.beside("alert", "test", "crisis", "--to", "hub")
    assert (done.output, done.exit_code) == ("hub: delivered after 1 attempt\n", 0)


@pytest.mark.parametrize(
    ("rule", "to", "said"),
    [
        ("criss", "hub", "there is no rule `criss`; did you mean `crisis`?"),
        ("crisis", "hubb", "there is no receiver, person or role `hubb`; did you mean `hub`?"),
    ],
)
def test_alert_test_refuses_what_it_cannot_ring(tocsin: Tocsin, rule: str, to: str, said: str) -> None:
    """Unknown names are met with what was probably meant."""
    error = tocsin.at("alert", "test", rule, "--to", to).exception
    assert isinstance(error, UsageError)
    assert str(error).startswith(said)


def test_a_slow_receiver_is_not_waited_for_for_ever(tocsin: Tocsin, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a minute of looking, what is still being sent is called that."""
    monkeypatch.setattr(act, "_LOOKS", 0)

    async def taken(settings: Any, store: Any, clock: Any, receiver: str) -> None:
        async with store.begin() as tx:
            now = clock.now()
            await tx.deliveries.claim(receiver, owner="daemon", now=now, wall=now, lease=timedelta(minutes=1), limit=1)
            await tx.commit()

    monkeypatch.setattr(delivery, "send_now", taken)
    done = tocsin.at("alert", "test", "crisis", "--to", "hub")
    assert (done.output, done.exit_code) == ("hub: sending after 1 attempt\n", 69)


def test_the_same_store_is_found_from_every_folder(rung: Tocsin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an absolute path the store lies beside the configuration, wherever the command is typed."""
    rung.write("monitor.yaml", re.sub(r"sqlite:[^\"]*", "sqlite:///kept.db", (rung.config / "monitor.yaml").read_text()))
    shutil.move(tmp_path / "tocsin.db", rung.config / "kept.db")
    for folder in (tmp_path, rung.config, Path("/")):
        monkeypatch.chdir(folder)
        assert "complaint" in rung.at("alerts", "--all").output
    assert f"Store: {rung.config}/kept.db" in rung.at("status").output
    assert json.loads(rung.at("status", "--json").output)["store"] == f"{rung.config}/kept.db"


@pytest.mark.parametrize(
    "words",
    [
        ("alerts",),
        ("alert", "show", "1"),
        ("alert", "test", "crisis", "--to", "hub"),
        ("ack", "1"),
        ("silence", "--for", "1h", "--reason", "work", "--rule", "crisis"),
        ("silences",),
        ("status",),
        ("plan", "list"),
        ("export", "file", "user3"),
    ],
)
def test_asking_makes_no_store(tocsin: Tocsin, tmp_path: Path, words: tuple[str, ...]) -> None:
    """A store made by asking would say that nothing rings, however much does: the error says where it was looked for."""
    (tmp_path / "tocsin.db").unlink()
    error = tocsin.at(*words).exception
    assert isinstance(error, StorageError)
    assert error.exit_code == 69
    assert str(error).startswith(
        f"there is no store at {tmp_path}/tocsin.db yet. The daemon makes it: start it first, by `tocsin"
    )
    assert not list(tmp_path.glob("tocsin.db*"))


SAFETY = """
  - id: hurt
    title: {fr: Un danger est signalé, en: Somebody may be in danger}
    kind: mention
    where: {subjects: acme, text: {any_of: [fire]}}
    key: [author]
"""


def test_a_silence_of_one_alert_covers_more_of_the_same_and_nothing_else(rung: Tocsin) -> None:
    """Its rule and its key: another author's complaint still rings. The list names the author."""
    made = rung.at("silence", "--for", "2h", "--reason", "we talk to them", "--alert", "1")
    assert "End it early: tocsin unsilence 1" in made.output
    (kept,) = json.loads(rung.at("silences", "--json").output)
    first = next(each for each in json.loads(rung.at("alerts", "--all", "--json").output) if each["id"] == 1)
    assert kept["matcher"] == {"rule": "complaint", "key": first["key"]}
    assert "rule complaint, user0" in " ".join(rung.at("silences").output.split())


@pytest.mark.parametrize("more", [("--rule", "crisis"), ("--subject", "acme")])
def test_a_silence_of_an_alert_needs_no_other_names(rung: Tocsin, more: tuple[str, str]) -> None:
    """Both at once would leave open which one counts; an alert that is not there covers nothing."""
    silence = ("silence", "--for", "2h", "--reason", "why", "--alert")
    assert "leave out --rule and --subject" in str(rung.at(*silence, "1", *more).exception)
    assert "there is no alert 99" in str(rung.at(*silence, "99").exception)


def test_a_silence_of_a_danger_is_meant(tocsin: Tocsin) -> None:
    """A subject's silence would cover it as well: only who says so sleeps through an accident."""
    rules = tocsin.config / "rules" / "acme.yaml"
    rules.write_text(rules.read_text() + SAFETY)
    silence = ("silence", "--for", "2h", "--reason", "why")
    for covering in (("--rule", "hurt"), ("--subject", "acme")):
        error = tocsin.at(*silence, *covering).exception
        assert isinstance(error, UsageError)
        assert "this would also silence `hurt`" in str(error)
        assert "--including-safety" in str(error)
        assert tocsin.at(*silence, *covering, "--including-safety").exit_code == 0
    assert tocsin.at(*silence, "--rule", "complaint").exit_code == 0


def test_alerts_name_the_author_within_eighty_columns(rung: Tocsin) -> None:
    """A number of ours says nothing to anybody; who was forgotten stays so."""
    for shown in (rung.at("alerts", "--all").output, rung.at("replay", str(rung.config / "posts.jsonl")).output):
        assert "Acme, user3" in shown
        assert "author" not in shown
        assert max(map(len, shown.splitlines())) <= 80
    rung.at("erase", "file", "user3", "--yes")
    shown = rung.at("alerts", "--all").output
    assert "user3" not in shown
    assert "Acme, [erased]" in shown


def test_alert_show_keeps_to_its_own_alert(rung: Tocsin) -> None:
    """Not the other alerts of its incident; it ends with what to do."""
    found = json.loads(rung.at("alerts", "--all", "--json").output)
    late = next(each["id"] for each in found if each["rule"] == "complaint" and each["fired_at"].startswith("2026-03-02T08:07"))
    shown = rung.at("alert", "show", str(late)).output
    assert "user7: My Acme is broken, part 7" in shown
    assert "Alert “complaint”" in shown
    assert "plan" not in shown
    assert "crisis" not in shown
    assert shown.endswith(f"Next: tocsin ack {late}\n")
    rung.at("ack", str(late), "--by", "ines", "--note", "calling her")
    shown = rung.at("alert", "show", str(late)).output
    assert "Alert “complaint” acknowledged, by ines (cli) – calling her" in shown
    assert "Next:" not in shown


def test_a_post_that_was_erased_says_so(rung: Tocsin) -> None:
    """Instead of an empty line by nobody."""
    rung.at("erase", "file", "user0", "--yes")
    assert "  (erased on request)\n" in rung.at("alert", "show", "1").output
