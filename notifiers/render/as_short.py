"""The message for chats, SMS and push: at most 500 characters, what happened first, the next action always there."""

from __future__ import annotations

from notifiers import calls
from notifiers.message import Message, PlanStepFacts, Post
from notifiers.render.view import fate, links
from notifiers.safe import link, one_line, quiet, shorten
from notifiers.voice import Voice
from notifiers.wording import headline, next_action

LIMIT = 500
_HEADLINE = 240
_ACTION = 160
_SIGNS = {"critical": "🔴", "warning": "🟠", "info": "🔵"}


def short(message: Message) -> str:
    """Headline, the words or the loudest post, the next action: in that order, each on its line."""
    voice = Voice(message)
    first = f"{_sign(voice)} {shorten(quiet(headline(message)), _HEADLINE)}"
    action = shorten(quiet(next_action(message)), _ACTION)
    room = LIMIT - len(first) - len(action) - 4
    tap = _tap(voice, room)
    between = _between(voice, room - len(tap) - 1 if tap else room)
    return "\n".join(part for part in (first, between, f"→ {action}"[:LIMIT], tap) if part)[:LIMIT]


def _sign(voice: Voice) -> str:
    message = voice.message
    if message.plan and message.plan.drill:
        return "⚪"
    if message.letter is not None and message.letter.calm:
        return "🟢"
    if message.kind in {"resolved", "over"}:
        return "🟡" if voice.unfinished else "🟢"
    return "⚪" if message.kind == "test" else _SIGNS[message.severity]


def _tap(voice: Voice, room: int) -> str:
    """The first link: nobody types a command on a telephone. It is whole or absent."""
    page = voice.message.letter.page if voice.message.letter else ""
    url = link(page) or next((url for _, url in links(voice)), "")
    return url if len(url) <= room // 2 else ""


def _between(voice: Voice, room: int) -> str:
    """What there is to read: the words or the list that somebody is called to, or the loudest post."""
    if calls.brief(voice):
        return _step(voice, voice.step, room) if voice.step is not None else ""
    silent = voice.message.kind in {"resolved", "step"}
    return _post(voice, voice.message.posts[0], room) if voice.message.posts and not silent else ""


def _step(voice: Voice, step: PlanStepFacts, room: int) -> str:
    """Its words, or what is left of its list, as far as there is room."""
    if step.text:
        return _quoted(voice, quiet(one_line(step.text, LIMIT)), room)
    left = [f"{place + 1}. {one_line(item, 200)}" for place, item in enumerate(step.items) if place not in step.checked]
    return shorten(quiet(" · ".join(left)), room) if room > 0 else ""


def _post(voice: Voice, post: Post, room: int) -> str:
    """The post between quotation marks, what became of it, and its link: as far as there is room; a link is whole or absent."""
    url = "" if post.deleted else link(post.url) or ""
    after = f"({known})" if (known := fate(voice, post)) else ""
    after = f"{after} {url if len(url) + 1 <= room // 2 else ''}".strip()
    said = voice.say("post.sensitive") if post.sensitive else quiet(one_line(post.text, 300))
    return f"{_quoted(voice, said, room - len(after))} {after}".strip()


def _quoted(voice: Voice, said: str, room: int) -> str:
    """Somebody's words between quotation marks, cut where there is no more room; empty when hardly any would be left."""
    room -= 8
    if room < 20 or not said:  # noqa: PLR2004 fewer characters say nothing
        return ""
    opening, closing = ("«\u00a0", "\u00a0»") if voice.message.language == "fr" else ("“", "”")
    return f"{opening}{shorten(said, room)}{closing}"
