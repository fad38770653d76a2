"""What a message shows, decided once for text and HTML: every string is cleaned and in the reader's language, none is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from notifiers import account, calls, drills, standing
from notifiers.message import SEVERITIES, AlertFacts, Message, PlanFacts, PlanStepFacts, Post, StatementFacts
from notifiers.reasons import worded
from notifiers.safe import clean, host, link, one_line
from notifiers.voice import Voice, nature
from notifiers.wording import amount, describe, headline, next_step, other_step, others, stands_out, topic, why

_POST = 600  # characters of a post that are shown; the link has the rest
_STATEMENT = 20_000  # prepared by the brand's own people: shown whole
_LINE = 200
_WORD = 40
_SUBJECT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MEASURES = ("authors", "texts", "mentions", "share")
_MOST_LINKS = 4
# The links that have words of their own. What the message asks for comes first, the page where all stands comes last.
_LINKS = ("approve", "reject", "acknowledge", "ack", "console", "room", "run")
_FEW_IDS = 6
_ENDED = frozenset({"resolved", "over", "test", "account", "digest"})  # kinds that ring for nothing
_ASK_WHO_HAS_IT = frozenset({"untaken", "unconfirmed", "escalated", "level", "assigned"})  # the calls that « OK » answers
_MILD = 0.3  # tone words start here, either side of nought
# The step states that are over, and that the checklist draws as ticked or struck.
_DONE = frozenset({"done", "skipped"})
_UNDONE = "undone"  # of a step that nobody had ended when the run was closed
_PAST = _DONE | {"failed", _UNDONE}
_STATEMENTS = {"approval": "statement.approval", "approved": "statement.approved", "rejected": "statement.rejected"}


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
    """One step of the checklist. `here` marks the step this message is about; `statement` is text ready to copy.

    `items` are (text, ticked).
    """

    number: int
    title: str
    state: str
    state_label: str
    meta: str
    done: bool
    here: bool
    items: Sequence[tuple[str, bool]]
    note: str
    statement: str
    statement_label: str
    approved: bool


@dataclass(frozen=True, slots=True)
class PlanView:
    """The plan: how it stands, its steps in order, and what nobody does."""

    title: str
    about: str
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
    otherwise: str
    other_command: str
    reply: str
    links: Sequence[tuple[str, str]]
    new_words: str
    posts_title: str
    posts: Sequence[PostView]
    more_posts: str
    answers: Sequence[AnswerView]
    read_first: bool  # the answers stand above what to do: nobody says yes to what they have not read
    sections: Sequence[tuple[str, Sequence[account.Line]]]  # where a run stands, or the account: in the place of `plan`
    plan: PlanView | None
    others: Sequence[str]
    details: Sequence[str]
    technical: str
    footer: Sequence[str]
    commands: Sequence[tuple[str, str]]
    words: dict[str, str]

    @property
    def colon(self) -> str:
        """What stands between a label and what it is for."""
        return "\u00a0: " if self.language == "fr" else ": "


def view(message: Message) -> View:
    """Decide everything a message shows."""
    voice = Voice(message)
    line, reason = headline(message), why(message)
    action, command = next_step(message)
    second, other_command = other_step(message)
    brief = calls.brief(voice)
    posts = () if message.kind == "over" else message.posts
    details, technical = _details(voice)
    return View(
        language=message.language,
        theme=_theme(voice),
        brand=one_line(message.brand, _LINE),
        badge=_badge(voice),
        kind=_kind(voice),
        headline=line,
        preheader=reason if stands_out(message) or topic(message) == line else line,
        why=reason,
        bars=_bars(voice),
        action=_before(voice, action, command),
        command=command,
        otherwise=_before(voice, second, other_command),
        other_command=other_command,
        reply=_reply(voice),
        links=links(voice),
        new_words=_new_words(voice),
        posts_title=voice.say("posts.one" if len(posts) == 1 else "posts.other"),
        posts=[_post(voice, post) for post in posts],
        more_posts=voice.count("posts.more", message.more_posts) if message.more_posts > 0 and posts else "",
        answers=_answers(voice),
        read_first=calls.words_first(voice),
        sections=_sections(voice),
        plan=_plan(voice, message.plan) if message.plan and message.kind != "resolved" and not message.plan.standing else None,
        others=[] if brief or standing.is_report(voice) else others(voice),
        details=details,
        technical=technical,
        footer=_footer(voice),
        commands=_commands(voice),
        words={"others": voice.say("others.held" if message.kind == "held" else "others")}
        | {word: voice.say(word) for word in ("plan", "plan.never")}
        | {"details": voice.say("drilled.answers" if drills.concerns(voice) else "details")}
        | {"answers": _answers_title(voice)}
        | {"now": voice.say("now.calm" if _asks_nothing(voice) else "now")},
    )


def _sections(voice: Voice) -> Sequence[tuple[str, Sequence[account.Line]]]:
    told = voice.message.account
    if told is not None:
        return account.sections(voice, told, describe)
    return [(title, [(line, ()) for line in lines]) for title, lines in standing.sections(voice)]


def _before(voice: Voice, action: str, command: str) -> str:
    """The action as it stands above its command."""
    return voice.say("command", action=action, command="").rstrip() if command else action


def _asks_nothing(voice: Voice) -> bool:
    return (voice.message.kind in _ENDED and not voice.unfinished) or standing.is_report(voice)


def _kind(voice: Voice) -> str:
    """What sort of message it is; nothing where its badge says so."""
    if voice.message.kind in _ENDED:
        return ""
    if standing.hands_over(voice) or standing.is_report(voice):
        return voice.say("kind.handover" if standing.hands_over(voice) else "kind.situation")
    return voice.say("kind.step" if voice.undoes else f"kind.{voice.message.kind}")


def _answers_title(voice: Voice) -> str:
    if standing.reports(voice):
        return voice.say("standing.words")
    return voice.say("text" if calls.words_first(voice) else "answers")


def _reply(voice: Voice) -> str:
    """What answering OK does: where somebody reads answers, and nobody has taken what the message is about."""
    message = voice.message
    if not message.answered or message.replay or message.kind in _ENDED:
        return ""
    if message.plan is not None:  # « OK » to words that wait for a yes must not seem to be that yes
        called = message.kind == "call" and message.plan.why in _ASK_WHO_HAS_IT and not message.plan.step
        asks = message.kind == "plan" or called
        return voice.say("reply.plan") if asks and message.plan.wants_answers else ""
    waits = any(not alert.acknowledged and alert.resolved_at is None for alert in message.alerts)
    unread = any(alert.kind == "mailbox_health" for alert in message.alerts)
    return voice.say("reply.alerts") if waits and not unread else ""


def _is_drill(voice: Voice) -> bool:
    return bool(voice.message.plan and voice.message.plan.drill)


def _theme(voice: Voice) -> str:
    message = voice.message
    if _is_drill(voice):
        return "test"
    if voice.unfinished:
        return max((alert.severity for alert in (*message.still_open, *voice.unwatched)), key=SEVERITIES.index, default="info")
    if message.kind == "test" and not message.alerts:
        return "test"
    if message.kind in {"resolved", "over"} or (message.account is not None and message.account.calm and message.account.heard):
        return "calm"
    if message.alerts and all(alert.category == "opportunity" for alert in message.alerts):
        return "praise"
    return message.severity


def _badge(voice: Voice) -> str:
    if _is_drill(voice):
        return voice.say("kind.drill")
    if voice.unfinished:
        return voice.say("kind.unwatched" if voice.unwatched else "kind.unfinished")
    if voice.message.kind in _ENDED:  # how grave it was is no longer the news
        return voice.say(f"kind.{voice.message.kind}")
    return voice.say("opportunity") if _theme(voice) == "praise" else voice.say(f"severity.{voice.message.severity}")


def _bars(voice: Voice) -> list[Bar]:
    lead = voice.lead
    if lead is None or lead.measure not in _MEASURES or lead.personal or not _shows_figures(voice):
        return []
    if lead.expected is None or lead.learning:
        return []
    largest = max(lead.observed, lead.expected)
    window = voice.reader.span(lead.window, short=voice.message.language == "fr") if lead.window else ""
    first = voice.say("observed.window", window=window) if window else voice.say("observed")
    return [_bar(voice, lead, first, lead.observed, largest), _bar(voice, lead, voice.say("expected"), lead.expected, largest)]


def _shows_figures(voice: Voice) -> bool:
    """Whether the message is about what is going on, and not about a step or an end."""
    return voice.message.kind not in {"resolved", "step"} and not calls.brief(voice)


def _bar(voice: Voice, lead: AlertFacts, label: str, value: float, largest: float) -> Bar:
    percent = round(100 * value / largest) if largest > 0 else 0
    return Bar(label, amount(voice, lead, value), min(max(percent, 2), 100))


def links(voice: Voice) -> list[tuple[str, str]]:
    """The links of the message as (label, address): known names get their phrase, others are shown by name."""
    plan = voice.message.plan
    given = ({"run": plan.page} if plan and plan.page else {}) | dict(voice.message.links)
    order = [name for name in _LINKS if name in given and name != "run"] + [name for name in given if name not in _LINKS]
    safe = ((name, link(given[name])) for name in [*order, *(["run"] if "run" in given else [])])
    return [(_link_label(voice, name), url) for name, url in safe if url][:_MOST_LINKS]


def _link_label(voice: Voice, name: str) -> str:
    return voice.say(f"link.{'ack' if name == 'acknowledge' else name}") if name in _LINKS else one_line(name, 60)


def _post(voice: Voice, post: Post) -> PostView:
    url = None if post.deleted else link(post.url)
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


def _meta(voice: Voice, post: Post) -> tuple[str, ...]:
    when = voice.reader.moment(post.written_at, voice.message.created_at)
    copies = voice.count("post.copies", post.copies) if post.copies > 0 else ""
    return one_line(post.network, 40), when, _tone(voice, post.sentiment), copies, fate(voice, post)


def fate(voice: Voice, post: Post) -> str:
    """What became of it since, in a word; empty where it stands as it was."""
    return voice.say("post.deleted") if post.deleted else voice.say("post.edited") if post.edited else ""


def _tone(voice: Voice, sentiment: float | None) -> str:
    if sentiment is None:
        return ""
    if abs(sentiment) < _MILD:
        return voice.say("tone.neutral")
    return voice.say("tone.negative" if sentiment < 0 else "tone.positive")


def _plan(voice: Voice, plan: PlanFacts) -> PlanView:
    level, lead = one_line(plan.level, 80), one_line(plan.lead, 80)
    read = voice.message.kind == "read"
    about = (
        voice.say("plan.version", version=plan.version) if read else "",
        voice.say("plan.level", level=level) if level else "",
        "" if read else voice.progress(plan),
        voice.say("plan.lead", lead=lead) if lead else "",
    )
    return PlanView(
        title=one_line(plan.title, _LINE),
        about=" · ".join(said for said in about if said),
        steps=[_step(voice, number, step, plan) for number, step in enumerate(plan.steps, 1)],
        never=[] if voice.message.kind == "over" else [one_line(rule, _LINE) for rule in plan.never],
    )


def _step(voice: Voice, number: int, step: PlanStepFacts, plan: PlanFacts) -> StepView:
    here, state = step.id == plan.step, _stands(plan, step)
    named = calls.brief(voice) and not here
    text = "" if named or _stands_above(voice, step) else clean(step.text, _STATEMENT)
    return StepView(
        number=number,
        title=voice.title(step.title, _LINE),
        state=state,
        state_label=_state(voice, state),
        meta=" · ".join(said for said in _step_meta(voice, step, open_=state not in _PAST) if said),
        done=state in _DONE,
        here=here,
        items=[] if named else [(one_line(item, _LINE), _ticked(step, place)) for place, item in enumerate(step.items)],
        note=one_line(step.note, _LINE),
        statement=text,
        statement_label=_statement_label(voice, step) if text else "",
        approved=step.approved,
    )


def _stands(plan: PlanFacts, step: PlanStepFacts) -> str:
    """Where a step stands. Once the run is closed, nothing is to be done any more."""
    return _UNDONE if plan.state == "closed" and step.state not in _PAST else step.state


def _step_meta(voice: Voice, step: PlanStepFacts, *, open_: bool) -> tuple[str, str, str, str, str]:
    by = voice.reader.moment(step.deadline, voice.message.created_at) if step.deadline and open_ else ""
    return (
        voice.say("state.overdue") if step.late and open_ and step.state != "overdue" else "",
        voice.say("plan.due", by=by) if by else "",
        _phase(voice, step.phase),
        one_line(step.owner, 80),
        voice.say("plan.automatic") if step.automatic else "",
    )


def _ticked(step: PlanStepFacts, place: int) -> bool:
    return step.state == "done" or place in step.checked


def _stands_above(voice: Voice, step: PlanStepFacts) -> bool:
    """Whether the words of this step stand on top of the message already."""
    if calls.words_first(voice):
        return step is voice.step
    return voice.step is not None and voice.step.action == "notify" and not calls.word(voice)


def _answers(voice: Voice) -> list[AnswerView]:
    """The words a call is about; or what the plan gives to answer with, when it tells people to: what is approved first."""
    plan, step = voice.message.plan, voice.step
    if plan is not None and plan.standing is not None:
        return _said(voice, plan)
    if plan is None or step is None:
        return []
    if calls.words_first(voice):
        return _in_every_language(voice, step, calls.word(voice))
    if not _stands_above(voice, step):
        return []
    return [
        AnswerView(_statement_label(voice, each), clean(each.text, _STATEMENT), each.approved)
        for each in sorted(plan.statements, key=lambda each: not each.approved)
    ]


def _said(voice: Voice, plan: PlanFacts) -> list[AnswerView]:
    """The words that were used so far: whoever was not there must know what we have said."""
    if plan.why == "waiting":
        return []
    used = [step for step in plan.steps if step.action == "statement" and step.state == "done" and step.text]
    return [AnswerView(standing.said_at(voice, each), clean(each.text, _STATEMENT), approved=True) for each in used]


def _in_every_language(voice: Voice, step: PlanStepFacts, chosen: str) -> list[AnswerView]:
    """The words of a step, the reader's language first: a yes is one to all of them."""
    texts = step.words if len(step.words) > 1 else {voice.message.language: step.text}
    label = voice.say(_STATEMENTS[chosen])
    views = [
        AnswerView(
            voice.say("statement.in", label=label, spoken=voice.say(f"language.{language}")) if len(texts) > 1 else label,
            clean(texts[language], _STATEMENT),
            chosen == "approved",
        )
        for language in sorted(texts, key=lambda each: each != voice.message.language)
    ]
    return [each for each in views if each.text]


def _statement_label(voice: Voice, words: PlanStepFacts | StatementFacts) -> str:
    if words.expired is not None and not words.approved:
        return voice.say("statement.expired", day=voice.reader.day(words.expired))
    return voice.say("statement.approved" if words.approved else "statement.draft")


def _phase(voice: Voice, phase: str) -> str:
    return voice.say(f"phase.{phase}") if phase in {"contain", "assess", "respond", "recover"} else one_line(phase, 40)


def _state(voice: Voice, state: str) -> str:
    known = {"waiting", "ready", "running", "done", "failed", "skipped", "overdue", _UNDONE}
    return voice.say(f"state.{state}") if state in known else one_line(state, 40)


def _details(voice: Voice) -> tuple[list[str], str]:
    """The engine's own account, for whoever tunes the rule: what can be said in words, and the rest as it stands.

    Of a drill, who answered.
    """
    if drills.concerns(voice) and voice.message.plan:
        return drills.lines(voice, voice.message.plan), ""
    if not _shows_figures(voice) or voice.lead is None or len(voice.peers) > 1:  # of many posts each had its own
        return [], ""
    said = [(reason, worded(voice, reason)) for reason in voice.lead.reasons]
    rest = [one_line(reason, _LINE) for reason, words in said if words is None]
    return [one_line(words, _LINE) for _, words in said if words], " · ".join(rest)


def _footer(voice: Voice) -> list[str]:
    message = voice.message
    reason = (
        voice.say("footer.why", receiver=one_line(message.receiver, 80)) if message.receiver else voice.say("footer.why.bare")
    )
    drill = [voice.say("footer.drill")] if _is_drill(voice) else []
    replay = [voice.say("footer.replay")] if message.replay else []
    return [
        *drill,
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
    if plan and calls.word(voice):
        return calls.commands(voice, plan)
    if plan and standing.is_report(voice):
        return [(voice.say("footer.plan"), f"tocsin plan show {plan.run_id}")]
    if lead is None or voice.message.kind in _ENDED or voice.over(lead):
        return []
    commands = calls.take(voice, plan) if plan and voice.message.kind == "plan" else []
    commands.append((voice.say("footer.ack"), voice.ack))
    if silence := _silence(voice, lead):
        commands.append((voice.say("footer.silence"), silence))
    return [*commands, (voice.say("footer.plan"), f"tocsin plan show {plan.run_id}")] if plan else commands


def _silence(voice: Voice, lead: AlertFacts) -> str:
    """The command that keeps quiet what is known, and nothing besides: of one customer's post that customer alone."""
    if (
        lead.kind.endswith(("_health", "_quiet")) or nature(lead) == "safety"
    ):  # what watches over us is repaired; a danger is never silenced
        return ""
    if lead.personal or lead.kind == "new_term":
        return f'tocsin silence --alert {lead.id} --for 2h --reason "…"' if len(voice.message.alerts) == 1 else ""
    subject = lead.labels.get("subject", "")
    # A subject's id goes on a command line that somebody will paste: only what such an id can be.
    about = f" --subject {subject}" if _SUBJECT_ID.fullmatch(subject) else ""
    return f'tocsin silence --rule {lead.rule}{about} --for 2h --reason "…"'
