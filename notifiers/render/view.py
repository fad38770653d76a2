"""What a message shows, decided once for text and HTML: every string is cleaned and in the reader's language, none is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from notifiers.message import AlertFacts, Message, PlanFacts, PlanStepFacts, Post
from notifiers.reasons import worded
from notifiers.safe import clean, host, link, one_line
from notifiers.voice import Voice, nature
from notifiers.wording import amount, headline, next_step, others, stands_out, topic, why

_POST = 600  # characters of a post that are shown; the link has the rest
_STATEMENT = 20_000  # prepared by the brand's own people: shown whole
_LINE = 200
_WORD = 40
_SUBJECT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MEASURES = ("authors", "texts", "mentions", "share")
_MOST_LINKS = 3
_FEW_IDS = 6
_ENDED = frozenset({"resolved", "test"})  # kinds that ring for nothing
_GRAVITY = ("info", "warning", "critical")
_MILD = 0.3  # tone words start here, either side of nought
# The step states that are over, and that the checklist draws as ticked or struck.
_DONE = frozenset({"done", "skipped"})


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of observed against expected. `percent` is its length, 2 to 100."""

    label: str
    value: str
    percent: int


@dataclass(frozen=True, slots=True)
class PostView:
    """One post as a card: `meta` is network, time, tone and copies on one line; `url` is safe to follow or None."""

    author: str
    reach: str
    meta: str
    text: str
    masked: bool
    url: str | None
    open_label: str


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the checklist. `here` marks the step this message is about; `statement` is text ready to copy."""

    number: int
    title: str
    state: str
    state_label: str
    meta: str
    done: bool
    here: bool
    items: Sequence[str]
    statement: str
    statement_label: str
    approved: bool


@dataclass(frozen=True, slots=True)
class PlanView:
    """The plan: its steps in order, and what nobody does."""

    title: str
    progress: str
    steps: Sequence[StepView]
    never: Sequence[str]


@dataclass(frozen=True, slots=True)
class AnswerView:
    """Words of the plan to answer with."""

    label: str
    text: str
    approved: bool


@dataclass(frozen=True, slots=True)
class View:
    """Everything a message shows, from top to bottom."""

    language: str
    theme: str  # critical, warning, info, calm, praise, test
    brand: str
    badge: str
    kind: str
    headline: str
    preheader: str
    why: str
    bars: Sequence[Bar]
    action: str
    command: str
    links: Sequence[tuple[str, str]]
    new_words: str
    posts_title: str
    posts: Sequence[PostView]
    more_posts: str
    answers: Sequence[AnswerView]
    plan: PlanView | None
    others: Sequence[str]
    details: Sequence[str]
    technical: str
    footer: Sequence[str]
    commands: Sequence[tuple[str, str]]
    words: dict[str, str]


def view(message: Message) -> View:
    """Decide everything a message shows."""
    voice = Voice(message)
    line, reason = headline(message), why(message)
    action, command = next_step(message)
    details, technical = _details(voice)
    return View(
        language=message.language,
        theme=_theme(voice),
        brand=one_line(message.brand, _LINE),
        badge=_badge(voice),
        kind="" if message.kind in _ENDED else voice.say(f"kind.{message.kind}"),
        headline=line,
        preheader=reason if stands_out(message) or topic(message) == line else line,
        why=reason,
        bars=_bars(voice),
        action=voice.say("command", action=action, command="").rstrip() if command else action,
        command=command,
        links=_links(voice),
        new_words=_new_words(voice),
        posts_title=voice.say("posts.one" if len(message.posts) == 1 else "posts.other"),
        posts=[_post(voice, post) for post in message.posts],
        more_posts=voice.count("posts.more", message.more_posts) if message.more_posts > 0 and message.posts else "",
        answers=_answers(voice),
        plan=_plan(voice, message.plan) if message.plan and message.kind != "resolved" else None,
        others=others(voice),
        details=details,
        technical=technical,
        footer=_footer(voice),
        commands=_commands(voice),
        words={"others": voice.say("others.held" if message.kind == "held" else "others")}
        | {word: voice.say(word) for word in ("details", "answers", "plan", "plan.never")}
        | {"now": voice.say("now.calm" if message.kind in _ENDED and not voice.unfinished else "now")},
    )


def _theme(voice: Voice) -> str:
    message = voice.message
    if voice.unfinished:
        return max((alert.severity for alert in (*message.still_open, *voice.unwatched)), key=_GRAVITY.index, default="info")
    if message.kind == "test" and not message.alerts:
        return "test"
    if message.kind == "resolved":
        return "calm"
    if message.alerts and all(alert.category == "opportunity" for alert in message.alerts):
        return "praise"
    return message.severity


def _badge(voice: Voice) -> str:
    if voice.unfinished:
        return voice.say("kind.unwatched" if voice.unwatched else "kind.unfinished")
    if voice.message.kind in _ENDED:  # how grave it was is no longer the news
        return voice.say(f"kind.{voice.message.kind}")
    return voice.say("opportunity") if _theme(voice) == "praise" else voice.say(f"severity.{voice.message.severity}")


def _bars(voice: Voice) -> list[Bar]:
    lead = voice.lead
    if lead is None or lead.measure not in _MEASURES or lead.personal or voice.message.kind in {"resolved", "step"}:
        return []
    if lead.expected is None or lead.learning:
        return []
    largest = max(lead.observed, lead.expected)
    window = voice.reader.span(lead.window, short=voice.message.language == "fr") if lead.window else ""
    first = voice.say("observed.window", window=window) if window else voice.say("observed")
    return [_bar(voice, lead, first, lead.observed, largest), _bar(voice, lead, voice.say("expected"), lead.expected, largest)]


def _bar(voice: Voice, lead: AlertFacts, label: str, value: float, largest: float) -> Bar:
    percent = round(100 * value / largest) if largest > 0 else 0
    return Bar(label, amount(voice, lead, value), min(max(percent, 2), 100))


def _links(voice: Voice) -> list[tuple[str, str]]:
    """The operator's own links as (label, address): known names get their phrase, others are shown by name."""
    safe = ((name, link(url)) for name, url in voice.message.links.items())
    return [(_link_label(voice, name), url) for name, url in safe if url][:_MOST_LINKS]


def _link_label(voice: Voice, name: str) -> str:
    return voice.say(f"link.{name}") if name in {"ack", "console", "room"} else one_line(name, 60)


def _post(voice: Voice, post: Post) -> PostView:
    url = link(post.url)
    reach = "" if post.reach is None else voice.count("followers", post.reach)
    return PostView(
        author=one_line(post.author, 80) or voice.say("post.anonymous"),
        reach=reach,
        meta=" · ".join(said for said in _meta(voice, post) if said),
        text=voice.say("post.sensitive") if post.sensitive else clean(post.text, _POST) or voice.say("post.empty"),
        masked=post.sensitive,
        url=url,
        open_label=voice.say("post.open", host=host(url) or one_line(post.network, 40)) if url else "",
    )


def _new_words(voice: Voice) -> str:
    words = [said for word in voice.message.new_words if (said := one_line(word, _WORD))]
    return voice.say("new_words", words=", ".join(words)) if words else ""


def _meta(voice: Voice, post: Post) -> tuple[str, str, str, str]:
    when = voice.reader.moment(post.written_at, voice.message.created_at)
    copies = voice.count("post.copies", post.copies) if post.copies > 0 else ""
    return one_line(post.network, 40), when, _tone(voice, post.sentiment), copies


def _tone(voice: Voice, sentiment: float | None) -> str:
    if sentiment is None:
        return ""
    if abs(sentiment) < _MILD:
        return voice.say("tone.neutral")
    return voice.say("tone.negative" if sentiment < 0 else "tone.positive")


def _plan(voice: Voice, plan: PlanFacts) -> PlanView:
    done = sum(step.state in _DONE for step in plan.steps)
    return PlanView(
        title=one_line(plan.title, _LINE),
        progress=voice.count("plan.progress", done, total=str(len(plan.steps))),
        steps=[_step(voice, number, step, plan.step) for number, step in enumerate(plan.steps, 1)],
        never=[one_line(rule, _LINE) for rule in plan.never],
    )


def _step(voice: Voice, number: int, step: PlanStepFacts, here: str | None) -> StepView:
    meta = (_phase(voice, step.phase), one_line(step.owner, 80), voice.say("plan.automatic") if step.automatic else "")
    above = voice.step is not None and voice.step.action == "notify"  # what people are given to answer with stands there
    text = "" if above else clean(step.text, _STATEMENT)
    return StepView(
        number=number,
        title=voice.title(step.title, _LINE),
        state=step.state,
        state_label=_state(voice, step.state),
        meta=" · ".join(said for said in meta if said),
        done=step.state in _DONE,
        here=step.id == here,
        items=[one_line(item, _LINE) for item in step.items],
        statement=text,
        statement_label=_statement_label(voice, step.approved) if text else "",
        approved=step.approved,
    )


def _answers(voice: Voice) -> list[AnswerView]:
    """What the plan gives to answer with, when it tells people to: what is approved first."""
    statements = voice.message.plan.statements if voice.message.plan and voice.step and voice.step.action == "notify" else ()
    return [
        AnswerView(_statement_label(voice, each.approved), clean(each.text, _STATEMENT), each.approved)
        for each in sorted(statements, key=lambda each: not each.approved)
    ]


def _statement_label(voice: Voice, approved: bool) -> str:
    return voice.say("statement.approved" if approved else "statement.draft")


def _phase(voice: Voice, phase: str) -> str:
    return voice.say(f"phase.{phase}") if phase in {"contain", "assess", "respond", "recover"} else one_line(phase, 40)


def _state(voice: Voice, state: str) -> str:
    known = {"waiting", "ready", "running", "done", "failed", "skipped", "overdue"}
    return voice.say(f"state.{state}") if state in known else one_line(state, 40)


def _details(voice: Voice) -> tuple[list[str], str]:
    """The engine's own account, for whoever tunes the rule: what can be said in words, and the rest as it stands."""
    if voice.message.kind in {"resolved", "step"} or voice.lead is None or len(voice.peers) > 1:  # of many posts each had its own
        return [], ""
    said = [(reason, worded(voice, reason)) for reason in voice.lead.reasons]
    rest = [one_line(reason, _LINE) for reason, words in said if words is None]
    return [one_line(words, _LINE) for _, words in said if words], " · ".join(rest)


def _footer(voice: Voice) -> list[str]:
    message = voice.message
    reason = (
        voice.say("footer.why", receiver=one_line(message.receiver, 80)) if message.receiver else voice.say("footer.why.bare")
    )
    replay = [voice.say("footer.replay")] if message.replay else []
    return [
        *replay,
        reason,
        " · ".join(said for said in (_ids(voice), voice.say("footer.times", zone=voice.reader.zone)) if said),
    ]


def _ids(voice: Voice) -> str:
    message = voice.message
    if message.incident_id is None:
        return ""
    ids = sorted(alert.id for alert in message.alerts)
    alerts = ", ".join(map(str, ids)) if len(ids) <= _FEW_IDS else f"{ids[0]} … {ids[-1]}"
    if not alerts:
        return voice.say("footer.incident", incident=str(message.incident_id))
    return voice.count("footer.ids", len(message.alerts), incident=str(message.incident_id), alerts=alerts)


def _commands(voice: Voice) -> list[tuple[str, str]]:
    """What the reader may want to type, as (label, command)."""
    lead, plan = voice.lead, voice.message.plan
    if lead is None or voice.message.kind in _ENDED or voice.over(lead):
        return []
    commands = [(voice.say("footer.ack"), voice.ack)]
    if silence := _silence(voice, lead):
        commands.append((voice.say("footer.silence"), silence))
    return [*commands, (voice.say("footer.plan"), f"tocsin plan show {plan.run_id}")] if plan else commands


def _silence(voice: Voice, lead: AlertFacts) -> str:
    """The command that keeps quiet what is known, and nothing besides: of one customer's post that customer alone."""
    if lead.kind.endswith("_health") or nature(lead) == "safety":  # what watches over us is repaired; a danger is never silenced
        return ""
    if lead.personal or lead.kind == "new_term":
        return f'tocsin silence --alert {lead.id} --for 2h --reason "…"' if len(voice.message.alerts) == 1 else ""
    subject = lead.labels.get("subject", "")
    # A subject's id goes on a command line that somebody will paste: only what such an id can be.
    about = f" --subject {subject}" if _SUBJECT_ID.fullmatch(subject) else ""
    return f'tocsin silence --rule {lead.rule}{about} --for 2h --reason "…"'
