"""How a card is laid out: as an HTML page, which reads on a telephone and prints on A4, and as data for a PDF of the same."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import date
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from monitor.cards.card import Card
from monitor.cards.tongue import Tongue
from notifiers.message import Language
from notifiers.reader import Reader

OURS = b'<meta name="generator" content="Tocsin card">'
"""By this the file of a card that is in force is known."""


LAYOUT = Path(__file__).with_name("templates") / "card.typ"
"""The layout of the PDF, for `monitor.paper`."""


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("monitor.cards"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["dialled"] = _dialled
    return made


def html(card: Card) -> bytes:
    """The whole page."""
    return _environment().get_template("card.html.j2").render(card=card, w=card.words).encode()


def data(card: Card) -> str:
    """All that stands on a card, as its layout on paper reads it."""
    return json.dumps(asdict(card), ensure_ascii=False)


def withdrawn(plan: str, language: Language, day: date) -> bytes:
    """What stands in the place of a card whose plan is no longer there: whoever opens it knows, and no number is left in it."""
    tongue = Tongue(Reader(language, "UTC"))
    why = tongue.say("withdrawn.why", plan=plan, day=tongue.day(day))
    page = _environment().get_template("withdrawn.html.j2")
    return page.render(language=language, title=tongue.say("withdrawn"), why=why).encode()


def _dialled(phone: str) -> str:
    """The number as a telephone dials it: « +33 (0)6 12 » has no nought from abroad."""
    return re.sub(r"[^+0-9]", "", phone.replace("(0)", "") if phone.startswith("+") else phone)
