"""`replay`, the plans, the requests of the law, and what every command does when it is typed wrongly."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

import monitor.cli
from monitor.cli import context
from monitor.domain.errors import ExitCode, InputError, StorageError, UsageError
from monitor.domain.plan import StepState, UnreadableRunError
from monitor.storage.tables import plan_run
from monitor.telemetry import metrics
from monitor.web.server import CannotListenError

Tocsin = Any
Line = Callable[..., str]


def test_replay_as_json_ends_with_one_object(tocsin: Tocsin) -> None:
    """Mentions, alerts, deliveries and plan runs, with the fields that scripts rely on."""
    done = tocsin.at("replay", str(tocsin.config / "posts.jsonl"), "--json")
    found = json.loads(done.output.splitlines()[-1])
    assert set(found) == {"seconds", "mentions", "alerts", "deliveries", "plan_runs"}
    assert found["mentions"] == {"read": 8, "stored": 8, "duplicates": 0, "rejected": 0}
    crisis = next(each for each in found["alerts"] if each["rule"] == "crisis")
    assert crisis["fired_at"] == "2026-03-02T08:04:00+00:00"
    assert crisis["resolved_at"] is not None
    assert set(crisis) == {"rule", "key", "severity", "fired_at", "resolved_at"}
    assert {each["state"] for each in found["deliveries"]} == {"dry_run"}
    assert [(each["plan"], each["state"]) for each in found["plan_runs"]] == [("outage", "awaiting_confirmation")]


def test_replay_for_people_is_a_table_and_a_summary(tocsin: Tocsin) -> None:
    """What would have rung, when, and how much was read; nothing wider than a terminal."""
    shown = tocsin.at("replay", str(tocsin.config / "posts.jsonl")).output
    assert "2026-03-02 08:04" in shown
    assert "8 read, 8 stored, 0 seen before, 0 not understood" in shown
    assert "1 plan opened. Times are UTC." in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_replay_of_an_empty_file_rings_nothing(tocsin: Tocsin, tmp_path: Path) -> None:
    """And says so."""
    (tmp_path / "empty.jsonl").write_text("")
    assert tocsin.at("replay", str(tmp_path / "empty.jsonl")).output.startswith("Nothing would have rung.")


FOREIGN = "titre,avis,le\nCassée,Ma lampe est cassée,2026-03-02\n" + "".join(f"Titre,Avis {n},2026-03-02\n" for n in range(4))


def test_replay_of_a_file_that_cannot_be_understood_says_what_to_write(tocsin: Tocsin, tmp_path: Path) -> None:
    """Nothing was judged: that is an error of its own, with the fields there are and the line that is missing."""
    (tmp_path / "avis.csv").write_text(FOREIGN)
    done = tocsin("replay", "avis.csv")
    assert done.exit_code == ExitCode.INPUT_OUTPUT
    assert "Nothing would have rung" not in done.output
    assert "5 read, 0 stored, 0 seen before, 5 not understood" in done.output
    missing = (
        "no text and no time among the fields titre, avis, le; say which holds it: `mapping: {text: FIELD, written_at: FIELD}`"
    )
    assert done.stderr.splitlines()[:3] == [f"not understood: line {number}: {missing}" for number in (2, 3, 4)]
    assert "Nothing in the file could be understood, so nothing was judged." in done.stderr
    as_json = tocsin("replay", "avis.csv", "--json")
    assert as_json.exit_code == ExitCode.INPUT_OUTPUT
    assert json.loads(as_json.stdout)["mentions"]["rejected"] == 5
    assert missing in as_json.stderr


def test_replay_says_why_some_were_not_understood(tocsin: Tocsin) -> None:
    """The first three; the rest is judged as usual, and a script's JSON stays alone on standard output."""
    posts = tocsin.config / "posts.jsonl"
    posts.write_text('{[red]\n{"text": "x"}\n{"text": "x", "date": "soon"}\n4\n' + posts.read_text())
    done = tocsin.at("replay", str(posts), "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["mentions"] == {"read": 12, "stored": 8, "duplicates": 0, "rejected": 4}
    why = done.stderr.splitlines()
    assert [line.split(":")[1].strip() for line in why] == ["line 1", "line 2", "line 3"]
    assert "no time among the fields text; say which holds it: `mapping: {written_at: FIELD}`" in why[1]
    assert "written_at: the time 'soon'" in why[2]


def test_a_replay_that_goes_on_counts_what_the_store_holds(tocsin: Tocsin, tmp_path: Path, line: Line) -> None:
    """Stored are those of both runs, as the alerts are; read are those of this one."""
    posts = tocsin.config / "posts.jsonl"
    database = ("--database", f"sqlite:///{tmp_path}/two.db")
    tocsin.at("replay", str(posts), *database)
    posts.write_text(posts.read_text() + line(9, "My Acme is awful") + "\n")
    found = json.loads(tocsin.at("replay", str(posts), *database, "--json").stdout)
    assert found["mentions"] == {"read": 1, "stored": 9, "duplicates": 0, "rejected": 0}
    assert "0 read, 9 stored, an interrupted replay's included" in tocsin.at("replay", str(posts), *database).output


def test_replay_without_configuration_uses_the_shipped_rules(tocsin: Tocsin, tmp_path: Path, line: Line) -> None:
    """All of the recording is about the brand that is named, or that the file is named after."""
    (tmp_path / "lumen.jsonl").write_text(line(1, "This is awful, I want a refund!") + "\n")
    for options in ((), ("--brand", "Café Lumen")):
        found = json.loads(tocsin("replay", "lumen.jsonl", *options, "--json").output.splitlines()[-1])
        assert [each["rule"] for each in found["alerts"]] == ["complaint"]


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (("replay", "nowhere.jsonl"), InputError, "nowhere.jsonl: there is no such file"),
        (("replay", "here.jsonl", "--deliver"), UsageError, "--deliver needs --config"),
        (
            ("replay", "here.jsonl", "--config", "brand", "--brand", "Acme"),
            UsageError,
            "--brand is for a replay without --config",
        ),
        (("replay", "here.jsonl", "--database", "mysql://x"), UsageError, "--database: 'mysql' is no database"),
        (("replay", "here.jsonl", "--database", "sqlite:////nowhere/at/all/x.db"), StorageError, ""),
    ],
)
def test_replay_says_what_cannot_be_done(tocsin: Tocsin, words: tuple[str, ...], error: type[Exception], said: str) -> None:
    """Before any work has begun."""
    Path("here.jsonl").write_text("")
    done = tocsin(*words)
    assert isinstance(done.exception, error), done.exception
    assert str(done.exception).startswith(said)


def test_plans_are_listed_shown_confirmed_and_closed(rung: Tocsin) -> None:
    """Each command says what is so now; said again, that it was so already."""
    assert "outage" in rung.at("plan", "list").output
    shown = rung.at("plan", "show", "1").output
    assert "Outage [red]  waits for a confirmation" in shown
    assert "waits for the confirmation pause        Pause the queue" in shown
    assert "to do                    say          Publish the holding statement" in shown
    assert shown.endswith("Next: tocsin plan confirm 1, tocsin plan done 1 say\n")
    assert "[en, approved] We are looking into it." in shown
    assert "Timeline" in shown
    assert "Plan opened" in shown
    assert shown.count("Alert “complaint”") == 1, "those in a row are one line"
    assert "run 1: the automatic steps begin now.\nNext: " in rung.at("plan", "confirm", "1", "--by", "ines").output
    assert "run 1: nothing waited for a confirmation." in rung.at("plan", "confirm", "1").output
    assert "Crisis confirmed, by ines" in rung.at("plan", "show", "1").output
    assert rung.at("plan", "close", "1").output == "Plan outage, run 1: stood down.\nNext: tocsin plan report 1\n"
    assert rung.at("plan", "close", "1").output == "Plan outage, run 1: it was stood down already.\nNext: tocsin plan report 1\n"
    assert "not done                 say          Publish the holding statement" in rung.at("plan", "show", "1").output
    assert "is closed" in str(rung.at("plan", "confirm", "1").exception)


def test_people_tick_off_their_steps(rung: Tocsin) -> None:
    """Before the confirmation, too; the last step done, the plan can be closed. What Tocsin does itself is not theirs."""
    done = rung.at("plan", "done", "1", "say", "--by", "ines", "--note", "published at nine")
    assert done.output == "Plan outage, run 1: step say is done.\nNext: tocsin plan confirm 1\n"
    assert rung.at("plan", "done", "1", "say").output.startswith("Plan outage, run 1: step say was already done.")
    shown = rung.at("plan", "show", "1").output
    assert "done                     say          Publish the holding statement\n    published at nine\n" in shown
    assert "Done: “Publish the holding statement”, by ines" in shown
    assert "plan outage has no step `sya`; did you mean `say`?" in str(rung.at("plan", "done", "1", "sya").exception)
    assert "Tocsin carries out the step `pause` itself" in str(rung.at("plan", "done", "1", "pause").exception)
    rung.at("plan", "confirm", "1")
    assert rung.at("plan", "show", "1").output.endswith("Next: tocsin plan close 1\n")
    rung.at("plan", "close", "1")
    assert rung.at("plan", "show", "1").output.endswith("Next: tocsin plan report 1\n")
    assert "is closed: nothing is left to do" in str(rung.at("plan", "done", "1", "pause").exception)


def test_what_is_shown_of_a_run_is_what_holds_now(rung: Tocsin) -> None:
    """Words that somebody changed are shown as they are now, with who changed them; they are not the approved ones any more."""
    assert "[en, approved] We are looking into it." in rung.at("plan", "show", "1").output
    rung.at("plan", "edit", "1", "say", "en", "{{brand}} looks into it.", "--by", "ines")
    shown = rung.at("plan", "show", "1").output
    assert "[en, changed by ines, not approved] Acme looks into it." in shown
    assert "[en, as it was prepared] We are looking into it." in shown
    assert "'de' is not one of 'fr', 'en'" in rung.at("plan", "edit", "1", "say", "de", "Nein.").output
    assert "there are no words" in str(rung.at("plan", "edit", "1", "say", "en", "").exception)
    assert "`hub` is no person or role of contacts.yaml" in str(rung.at("plan", "assign", "1", "hub").exception)
    assert rung.at("plan", "assign", "1", "ada").output.startswith("Plan outage, run 1: the run is ada's.")


def test_changed_words_are_approved_by_the_fingerprint_beside_them(rung: Tocsin) -> None:
    """By somebody else, who has read them; an older fingerprint is refused with the command that names those of now."""
    first = _fingerprint(rung)
    edited = rung.at("plan", "edit", "1", "say", "en", "We are sorry.", "--by", "ines")
    second = _fingerprint(rung)
    assert f"tocsin plan approve 1 say {second}" in edited.output
    for given in ((), (first,)):
        assert f"type `tocsin plan approve 1 say {second}`" in str(rung.at("plan", "approve", "1", "say", *given).exception)
    assert "you changed the words" in str(rung.at("plan", "approve", "1", "say", second, "--by", "ines").exception)
    assert "the words of say are approved" in rung.at("plan", "approve", "1", "say", second, "--by", "zoe").output
    assert "[en, approved by zoe] We are sorry." in rung.at("plan", "show", "1").output


def _fingerprint(rung: Tocsin) -> str:
    return str(rung.at("plan", "show", "1").output.split("fingerprint ")[1].split()[0])


def test_the_evidence_of_a_run_is_shown_with_its_proof(rung: Tocsin) -> None:
    """Nothing was captured in a plan without that step, and that is said."""
    assert "No post was captured" in rung.at("plan", "show", "1", "--evidence").output


def test_a_drill_is_marked_as_one(rung: Tocsin) -> None:
    """In the list and on its page: nobody takes it for a crisis."""
    assert "opened as a drill" in rung.at("plan", "drill", "outage").output
    assert "(a drill)" in rung.at("plan", "list").output
    assert "under way (a drill)" in rung.at("plan", "show", "2").output
    assert "there is no plan `outrage`; did you mean `outage`?" in str(rung.at("plan", "open", "outrage", "--why", "x").exception)
    assert "say why" in str(rung.at("plan", "open", "outage").exception)


async def test_a_person_may_do_what_failed_by_itself(rung: Tocsin) -> None:
    """The publishing queue did not answer, somebody stopped it by hand: the plan says so."""
    async with context.opened(rung.config) as (_, store), store.begin() as tx:
        found = await tx.plans.get(1)
        assert found is not None
        failed = replace(found.step("pause"), state=StepState.FAILED, detail="hub: no answer")
        begun = replace(found.step("say"), state=StepState.RUNNING)
        await tx.plans.save(found, found.with_step(failed).with_step(begun))
        await tx.commit()
    shown = (await rung.beside("plan", "show", "1")).output
    assert "failed                   pause        Pause the queue\n    hub: no answer\n" in shown
    assert "under way                say" in shown
    assert shown.endswith("tocsin plan done 1 pause\n")
    assert (await rung.beside("plan", "done", "1", "pause", "--by", "ines")).output.startswith(
        "Plan outage, run 1: step pause is done."
    )
    assert "by ines" in (await rung.beside("plan", "show", "1")).output


def test_a_checklist_is_shown_with_what_is_on_it(tocsin: Tocsin, tmp_path: Path) -> None:
    """In the language of the configuration."""
    plan = tocsin.config / "plans" / "outage.yaml"
    facts = "    - {id: facts, action: checklist, title: {en: Facts, fr: Les faits}, items: [{en: Who, fr: Qui}]}\n"
    plan.write_text(plan.read_text().replace("  statements:", f"{facts}  statements:"))
    tocsin.write("monitor.yaml", (tocsin.config / "monitor.yaml").read_text().replace("language: en", "language: fr"))
    tocsin.at("replay", str(tocsin.config / "posts.jsonl"), "--database", f"sqlite:///{tmp_path}/tocsin.db")
    shown = tocsin.at("plan", "show", "1").output
    assert "Panne  waits" in shown
    assert "facts        Les faits\n    [ ] 1. Qui\n" in shown


async def test_a_run_that_only_another_version_understands_is_listed_and_closed(rung: Tocsin) -> None:
    """After an upgrade was taken back: what cannot be shown says so, and whoever carries it out by hand can close it."""
    newer = {"id": "outage", "title": {"en": "Outage"}, "notify": ["hub"], "steps": [{"id": "evidence", "action": "teleport"}]}
    async with context.opened(rung.config) as (_, store), store.begin() as tx:
        await tx.plans._session.run(update(plan_run).values(snapshot=newer))
        await tx.commit()
    assert "outage" in (await rung.beside("plan", "list")).output
    for command in (("show", "1"), ("done", "1", "evidence")):
        error = (await rung.beside("plan", *command)).exception
        assert isinstance(error, UnreadableRunError)
        assert str(error).startswith("plan run 1 (outage) was opened by another version of Tocsin, and this one does not")
    assert (await rung.beside("plan", "close", "1")).output == "Run 1 is closed.\n"


def test_without_plans_the_list_says_so(tocsin: Tocsin) -> None:
    """And a run that is not there is a usage error."""
    assert tocsin.at("plan", "list").output == "No plan was ever opened.\n"
    for command in (("show", "3"), ("confirm", "3"), ("done", "3", "say"), ("close", "3")):
        assert isinstance(tocsin.at("plan", *command).exception, UsageError)


def test_export_and_erase_one_person(rung: Tocsin, tmp_path: Path) -> None:
    """All that is kept, then nothing: erasing asks first; what comes of that person again is kept out, and counted."""
    found = json.loads(rung.at("export", "file", "user3").output)
    assert found["mentions"][0]["text"] == "My Acme is broken, part 3"
    assert rung.at("erase", "file", "user3", typed="n\n").exit_code == 1
    assert json.loads(rung.at("export", "file", "user3").output) == found
    erased = rung.at("erase", "file", "user3", "--yes")
    assert erased.output.startswith("Erased: 1 mention emptied, quotes in 2 alerts removed.")
    assert isinstance(rung.at("export", "file", "user3").exception, UsageError)
    kept_out = {"source": "posts", "outcome": "kept_out"}
    before = metrics.registry.get_sample_value("tocsin_mentions_total", kept_out) or 0.0
    again = (rung.config / "posts.jsonl").read_text().splitlines()[3]
    rung.write("again.jsonl", again + "\n")
    rung.at("replay", str(rung.config / "again.jsonl"), "--database", f"sqlite:///{tmp_path}/tocsin.db")
    assert metrics.registry.get_sample_value("tocsin_mentions_total", kept_out) == before + 1


def type_for_real(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command."""
    command = [str(Path(sys.executable).parent / "tocsin"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environ})


def test_exit_codes_are_those_of_sysexits(tocsin: Tocsin, tmp_path: Path) -> None:
    """Help is 0, what is typed wrongly 64, a bad configuration 78, and a missing file 74; errors go to standard error."""
    assert type_for_real("--version").stdout.startswith("tocsin 0.")
    for words in (("bogus",), ("alerts", "--bogus"), ("ack", "seven")):
        assert type_for_real(*words).returncode == ExitCode.USAGE
    missing = type_for_real("check", "--config", str(tmp_path / "nowhere"))
    assert missing.returncode == ExitCode.CONFIGURATION
    replayed = type_for_real("replay", "nowhere.jsonl")
    assert replayed.returncode == ExitCode.INPUT_OUTPUT
    assert replayed.stderr == "tocsin: nowhere.jsonl: there is no such file\n"
    assert type_for_real("alerts", TOCSIN_CONFIG=str(tocsin.config)).stdout == "Nothing rings.\n"


def test_run_reads_the_configuration_and_serves_it(tocsin: Tocsin) -> None:
    """Here until it finds its port taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        text = (tocsin.config / "monitor.yaml").read_text().replace("port: 0", f"port: {taken.getsockname()[1]}")
        tocsin.write("monitor.yaml", text)
        assert isinstance(tocsin.at("run").exception, CannotListenError)
    assert tocsin("--version").output.startswith("tocsin 0.")


@pytest.mark.parametrize(
    ("ends_with", "code", "said"),
    [
        (UsageError("no \x1b[31mrule\nsecond line"), 64, "tocsin: no \\x1b[31mrule\nsecond line\n"),
        (BrokenPipeError(), 74, ""),
        (SystemExit(2), 64, ""),
        (SystemExit(69), 69, ""),
    ],
)
def test_whatever_a_command_ends_with_has_its_exit_code(
    ends_with: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """An error is told without its control characters; nobody reading on is no traceback."""

    def end() -> None:
        raise ends_with

    monkeypatch.setattr(monitor.cli, "app", end)
    with pytest.raises(SystemExit) as ending:
        monitor.cli.main()
    assert ending.value.code == code
    assert capfd.readouterr().err == said


def test_a_reader_that_goes_away_is_no_error_of_ours() -> None:
    """`tocsin schema | head -1` prints one line and no traceback."""
    done = subprocess.run(
        [f"{Path(sys.executable).parent / 'tocsin'} schema | head -1"], shell=True, capture_output=True, text=True, check=False
    )
    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr


def test_help_imports_nothing_that_takes_long() -> None:
    """No database driver, no HTTP client, no language model: `tocsin --help` is there at once."""
    heavy = {"sqlalchemy", "aiohttp", "alembic", "apprise", "numpy", "py3langid", "pydantic", "feedparser", "jinja2"}
    script = f"import sys, monitor.cli; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_commands_that_score_nothing_load_no_language_model(tocsin: Tocsin) -> None:
    """Half a second that only the daemon and a replay need."""
    script = f"""
import sys
from typer.testing import CliRunner
from monitor.cli import app
assert CliRunner().invoke(app, ["status", "--config", {str(tocsin.config)!r}]).exit_code == 0
print(sorted({{"py3langid", "numpy"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
