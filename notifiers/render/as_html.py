"""The message as an HTML mail: tables and inline styles, nothing fetched, no script, readable in the dark and on a telephone."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from notifiers.message import Message
from notifiers.render.view import view

# Per theme: the ink (white on it reaches 4.5:1) and a pale ground, by day; both again by night.
THEMES = {
    "critical": {"ink": "#b3261e", "ground": "#fdf0ee", "night_ink": "#ff8a80", "night_ground": "#3a1d1b"},
    "warning": {"ink": "#a04a00", "ground": "#fdf3e7", "night_ink": "#ffb870", "night_ground": "#38291a"},
    "info": {"ink": "#1f5f9e", "ground": "#edf4fb", "night_ink": "#8ec5ff", "night_ground": "#1b2b3b"},
    "calm": {"ink": "#1b7048", "ground": "#ecf6f0", "night_ink": "#7fd8a9", "night_ground": "#1a3226"},
    "praise": {"ink": "#1b7048", "ground": "#ecf6f0", "night_ink": "#7fd8a9", "night_ground": "#1a3226"},
    "test": {"ink": "#5f4b9b", "ground": "#f3f0fb", "night_ink": "#c3b3ff", "night_ground": "#2a2440"},
}


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("notifiers"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def html(message: Message) -> str:
    """The whole HTML document. Everything a stranger wrote is cleaned by `view` and escaped here."""
    if message.letter is not None:
        return message.letter.html
    shown = view(message)
    return _environment().get_template("message.html.j2").render(v=shown, c=THEMES[shown.theme])
