"""Reads out of the code which events it logs, at which level, with which keys: nobody keeps such a list by hand."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EVENT = re.compile(r"[a-z_]+\.[a-z_]+")
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}
# What each says, for whoever meets it in the journal.
MEANS = {
    "access.header_ignored": "somebody sent the header by which our proxy says who people are, and is not that proxy",
    "access.header_twice": "the header by which our proxy says who people are came twice: one of the two is somebody else's",
    "access.not_admitted": "the proxy in front vouches for somebody who has no account or role here; `why` says which",
    "alert.held": "quiet hours hold what would be told; `until` says how long",
    "alert.inhibited": "another alert that rings keeps some from being told of this one; `alert show` names them",
    "alert.limited": "more alerts of a rule than its `limit` lets through one by one: this one is told in a digest",
    "alert.observed": "an alert was opened, and its rule, or everything, is only observed: nobody is told",
    "alert.opened": "an alert was opened, and people are told",
    "alert.released": "what kept some from being told of an alert is over: they are told now",
    "alert.reopened": "the same trouble came back within the rule's `realert`",
    "alert.resolved": "an alert is over; `reason` says why",
    "alert.silenced": "an alert rings under a silence: nobody is told until the silence is over",
    "alert.told": "what was opened under a silence, or was only observed, is told now",
    "alert.worse": "an alert became graver",
    "api.acted": "a program acted in a plan run, by a signed call",
    "api.not_done": "a program asked for what it may not do, or for what the run refuses; `why` says which",
    "api.refused": "a call about plan runs came in that is not signed as agreed",
    "api.store_away": "a call about plan runs could not be served, and was answered 503: its sender is asked to repeat it",
    "ballast.not_given_up": "the disk is full, and the file that holds its place could not be deleted",
    "ballast.not_taken": "the file that holds a place on the disk could not be written: there is none to give up",
    "cards.kept_again": "the cards of the plans on disk are up to date again",
    "cards.not_kept": "the cards of the plans could not all be written; `problem` says why, and it is tried again every hour",
    "clock.jumped": "the wall clock was set, or the machine slept: everything is due at once",
    "compose.no_new_words": "a fault of ours: new words could not be looked for; the message tells all else",
    "config.kept": "the configuration before is at work again: another was refused, or the store was away",
    "config.refused": "the files have faults, or could not be put to work: the configuration before stays in force",
    "config.reloaded": "a new configuration is at work",
    "chart.not_drawn": "a chart of the console could not be drawn; its table is there",
    "daemon.ready": "the daemon is at work for the first time since its start",
    "daemon.stopped": "the daemon ended in order",
    "daemon.store_away": "the store does not answer; the daemon tries again by itself",
    "delivery.bug": "a fault of ours stopped an attempt; it is tried again in plain words before it is given up",
    "delivery.cut_off": "messages were being sent when the daemon stopped: they are due again at once",
    "delivery.delivered": "a receiver took a message",
    "delivery.failed": "a message will not be tried again; somebody else is told of what must be known",
    "delivery.hurried": "the clock was set back: messages that waited for another try are due at once",
    "delivery.lease_lost": "an attempt outlasted its lease; whoever took it over records how it ended",
    "delivery.not_handed_over": "a fault of ours: whom to tell by the next channel could not be found out; what is due is sent",
    "delivery.not_written": "a fault of ours: a message could not be put into words, and is told in plain ones",
    "delivery.retry": "a receiver did not take a message; it is tried again",
    "erasure.not_listed": "the list of erasures cannot be written: a backup that is put back would bring people back. Give the"
    " folder of `path` to the daemon's user; the next start writes the list",
    "evaluator.lease_lost": "another process judges now",
    "heartbeat.beats_again": "the service elsewhere is pinged again",
    "heartbeat.silent": "the service elsewhere is not pinged; `why` says whether it or our work is to blame",
    "hook.not_stored": "a call could not be stored, and was answered 503: its sender is asked to repeat it",
    "hook.challenge_refused": "somebody asked whether an address takes calls, not as agreed: the verify tokens differ",
    "hook.refused": "a call came in that is not signed as agreed",
    "http.circuit_closed": "a host that failed answers again",
    "http.circuit_opened": "a host fails again and again, and is left alone for a while",
    "digest.not_drawn": "a chart of a digest could not be drawn; its table is in the mail",
    "lease.freed": "a process of this machine died with work in hand: it is due again at once",
    "lease.not_released": "a lease could not be given back; it ends by itself",
    "link.refused": "somebody followed a link that is not good; `why` says whether it is old, altered or of another installation",
    "link.store_away": "a page behind a link could not be shown: the store is away",
    "link.taken": "somebody took charge of a plan run, or of alerts, by the link in a message",
    "loop.blocked": "nothing else could be done for so long: the machine is too busy, or something of ours takes too long",
    "mailbox.failed": "the mailbox with answers to e-mails cannot be read; unless `for_good` it is tried again; ops are told",
    "source.not_listening": "its network does not say what comes, though it offers to: it is asked regularly all the same",
    "mailbox.not_listening": "the server does not say what comes, though it offers to: we look now and then all the same",
    "mailbox.recovered": "the mailbox is read again",
    "mention.rejected": "something that a source brought cannot be understood, and is lost; `where` says what",
    "mention.unjudged": "a fault of ours: a mention was passed over after some tries; ops are told, and must read it themselves",
    "mentions.rejected": "so many more of the same poll",
    "plan.opened": "an emergency plan was opened",
    "plan.reopened": "a crisis came back, and its plan with it",
    "plan.joined": "an alert joined a plan that was open about its subject already",
    "plan.stuck": "a fault of ours stopped a plan run; it is tried again, and the others go on",
    "console.forged": "a form came from a page of another site, or without the mark of its session: nothing was done",
    "console.nobody_yet": "nobody has an account: by the link in `open`, the first admin makes one; it works once",
    "console.store_away": "a page could not be shown, or nobody was told what is new: the store does not answer",
    "copies.failed": "a fault of ours: it could not be told whether a mention copies an earlier one; it is judged all the same",
    "oidc.refused": "somebody who left for the identity provider was not let in; `why` says the reason",
    "reply.read": "somebody answered one of our e-mails; `outcome` says what became of it, `by` who it was, if we know them",
    "reply.unreadable": "a letter that names one of our e-mails cannot be understood, and is passed over",
    "rules.ahead": "the clock was set back while nobody judged: what rules remember is built anew from the stored mentions",
    "rules.failed": "a fault of ours: the rules tripped over a mention; the others are judged",
    "rules.not_swept": "a fault of ours: keys long silent could not be let go; the next try comes hours later",
    "rules.not_rebuilt": "a fault of ours: the memory of edited rules was not built anew; they learn until the next start",
    "rules.rebuilt": "what new or edited rules remember was built anew from so many stored mentions",
    "scorer.failed": "a fault of ours: texts could not be scored all at once, or one not at all",
    "second_opinion.failed": "the slower engine gave no answer, or none in time: the first scores stand",
    "sign_in.refused": "a password or a code was wrong; `account` is shown where there is one of the name that was typed",
    "sign_in.waits": "somebody tries again before `until`, after too many failures: nothing was checked",
    "silence.not_understood": "a silence asks what this version does not know, or names a list that is gone: it silences nothing",
    "source.bug": "a fault of ours in reading a source",
    "source.failed": "a source gave no answer that can be used",
    "source.not_stored": "the store is away: what a source said is asked for again",
    "source.recovered": "a source answers again",
    "storage.backed_up": "the store was backed up before its upgrade",
    "storage.migrated": "the store has the tables of this version now",
    "store.damaged": "some of the store cannot be read: nothing new is taken in until a backup was restored",
    "store.failing": "the store takes no changes: its disk fails or is read-only, its server is away; `problem` says what to do",
    "store.frozen_ended": "a process stood still in the middle of a statement and held others up: its transaction was ended",
    "store.full": "the disk is full: nothing new is taken in until there is room",
    "store.has_room": "there is room on the disk again, and everything goes on",
    "store.works_again": "the store takes changes again",
    "watchdog.fed_again": "work ends again, and systemd is told so",
    "watchdog.not_fed": "work does not end, or fails for too long: systemd will start the daemon anew",
    "web.failed": "a fault of ours in answering a request",
    "web.listening": "a door is open; `door` says which",
    "web.request": "a request was answered; those of monitoring are logged at `debug` unless they fail",
    "web.store_silent": "`/-/ready` was asked, and the store did not answer in time",
    "worker.abandoned": "a worker ignored that it was to end; nothing waits for it",
    "worker.cancelled": "a worker had not ended in time, and was told to",
    "worker.died": "a worker ended that never should: a fault of ours",
    "worker.failed": "a worker's step failed; it is tried again",
}
# Those whose name is put together when they happen: what alerting and the plans write into the timeline.
COMPOSED = frozenset(
    {
        "alert.held",
        "alert.inhibited",
        "alert.limited",
        "alert.observed",
        "alert.opened",
        "alert.released",
        "alert.reopened",
        "alert.resolved",
        "alert.silenced",
        "alert.told",
        "alert.worse",
        "plan.opened",
        "plan.reopened",
        "plan.joined",
    }
)
COUNTED = {"config.kept", "config.reloaded", "daemon.ready"}  # with the keys of `**counts`
COMPOSED_KEYS = frozenset({"incident", "alert", "plan_run", "rule", "plan", "reason", "silence"})


@dataclass
class Event:
    """What one event is logged with, wherever that happens. `keys` that stand only at some places are among them."""

    levels: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)


def events() -> dict[str, Event]:
    """By name."""
    found: defaultdict[str, Event] = defaultdict(Event)
    for package in ("monitor", "notifiers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for name, level, keys in _logged(ast.parse(path.read_text("utf-8"))):
                found[name].levels.add(level)
                found[name].keys |= keys
    for name in COMPOSED:
        found[name].levels.add("info")
        found[name].keys |= COMPOSED_KEYS
    for name in COUNTED:
        found[name].keys |= {"sources", "rules", "receivers"}
    return dict(sorted(found.items()))


def _logged(tree: ast.Module) -> Iterator[tuple[str, str, set[str]]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        level = _level(node.func)
        for name in _constants(node.args[0]) if level else ():
            yield name, str(level), {keyword.arg for keyword in node.keywords if keyword.arg not in {None, "exc_info"}}  # type: ignore[misc]


def _level(function: ast.expr) -> str | None:
    """The level of `log.info` and its like; `say`, which is one of them by circumstance, is told at info."""
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "log":
        return LEVELS.get(function.attr)
    return "info" if isinstance(function, ast.Name) and function.id == "say" else None


def _constants(argument: ast.expr) -> Iterator[str]:
    """The name, or both of `"a" if … else "b"`."""
    for node in ast.walk(argument):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and EVENT.fullmatch(node.value):
            yield node.value


def page(note: str) -> str:
    """The page of the reference."""
    lines = [
        note,
        "",
        "# Log events",
        "",
        "One event is one line on standard error; with `logging: {format: json}` one JSON object with `at` (UTC), `level`,",
        "`event`, `logger`, the event's own keys, and `exception` with the traceback when there is one. Secrets, newlines and",
        "control characters are taken out of every value. Libraries' own lines have their words as `event`.",
        "",
        "| event | says | level | keys |",
        "| --- | --- | --- | --- |",
    ]
    for name, event in events().items():
        keys = ", ".join(f"`{key}`" for key in sorted(event.keys)) or "–"
        lines.append(f"| `{name}` | {MEANS[name]} | {', '.join(sorted(event.levels))} | {keys} |")
    return "\n".join(lines) + "\n"
