"""The message for chats, SMS and push: at most 500 characters, what happened first, the next action always there."""

from __future__ import annotations

from notifiers.message import Message, Post
from notifiers.safe import link, one_line, quiet, shorten
from notifiers.voice import Voice
from notifiers.wording import headline, next_action

LIMIT = 500
_HEADLINE = 240
_ACTION = 160
_SIGNS = {"critical": "🔴", "warning": "🟠", "info": "🔵"}


def short(message: Message) -> str:
    """Headline, the loudest post, the next action: in that order, each on its line."""
    first = f"{_sign(message)} {shorten(quiet(headline(message)), _HEADLINE)}"
    action = shorten(quiet(next_action(message)), _ACTION)
    room = LIMIT - len(first) - len(action) - 2
    post = _post(Voice(message), message.posts[0], room) if message.posts and message.kind not in {"resolved", "step"} else ""
    return "\n".join(part for part in (first, post, f"→ {action}"[:LIMIT]) if part)[:LIMIT]


def _sign(message: Message) -> str:
    if message.kind == "resolved":
        return "🟡" if Voice(message).unfinished else "🟢"
    return "⚪" if message.kind == "test" else _SIGNS[message.severity]


def _post(voice: Voice, post: Post, room: int) -> str:
    """The post between quotation marks and its link, as far as there is room; a link is whole or absent."""
    url = link(post.url) or ""
    url = url if len(url) + 1 <= room // 2 else ""
    room -= len(url) + 8
    said = voice.say("post.sensitive") if post.sensitive else quiet(one_line(post.text, 300))
    if room < 20 or not said:  # noqa: PLR2004 fewer characters say nothing
        return url
    opening, closing = ("«\u00a0", "\u00a0»") if voice.message.language == "fr" else ("“", "”")
    return f"{opening}{shorten(said, room)}{closing} {url}".rstrip()
