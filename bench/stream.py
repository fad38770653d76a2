"""A stream of mentions of a brand that does not exist, made from a seed: the same bytes every time."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

BEGAN = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
LASTED = timedelta(days=10)
SEED = 20260302
STORM = 60  # people who complain within forty minutes, on the eighth day
CALM_PEOPLE = 6_000
COMPLAINTS = 0.012  # of all others

_CALM = {
    "fr": (
        ("Bonjour", "Petite question :", "Dites,", "Ce matin", "Hier soir", "Depuis lundi", "En passant", "Au fait,"),
        (
            "je regarde le nouveau catalogue de Lumora",
            "la boutique Lumora de {town} a changé de vitrine",
            "mon frère a choisi une lampe Lumora pour son bureau",
            "le site de @lumora affiche de nouvelles teintes",
            "on a installé trois appliques Lumora dans le couloir",
            "j’ai croisé l’équipe de Lumora au salon de {town}",
            "ma voisine parle de Lumora à chaque repas de famille",
            "le podcast sur l’histoire de Lumora est passé à la radio",
        ),
        (
            "et je me demande quelle taille prendre.",
            "c’était une belle surprise, merci !",
            "quelqu’un connaît les horaires du samedi ?",
            "le rendu est superbe le soir 😍",
            "on verra bien ce que cela donne cet hiver.",
            "vous préférez le laiton ou le verre ?",
            "je vous montre des photos demain #deco",
            "https://exemple.example/p/{number}",
        ),
    ),
    "en": (
        ("Hello,", "Quick question:", "So", "This morning", "Last night", "Since Monday", "By the way", "Well,"),
        (
            "I am looking at the new Lumora catalogue",
            "the Lumora shop in {town} has a new window",
            "my brother picked a Lumora lamp for his desk",
            "the website of @lumora shows new colours",
            "we put three Lumora wall lights in the corridor",
            "I met the people of Lumora at the fair in {town}",
            "my neighbour talks about Lumora at every dinner",
            "the podcast on the history of Lumora was on the radio",
        ),
        (
            "and I wonder which size to take.",
            "what a lovely surprise, thank you!",
            "does anybody know when they open on Saturday?",
            "it looks wonderful in the evening 😍",
            "we shall see how it does next winter.",
            "would you take brass or glass?",
            "pictures tomorrow #interiors",
            "https://example.example/p/{number}",
        ),
    ),
}
_UNHAPPY = {
    "fr": (
        "Ma lampe Lumora est en panne depuis {number} jours et le service client ne répond pas",
        "Commande Lumora jamais reçue, aucune réponse, je veux être remboursé",
        "@lumora c’est une honte, la lampe achetée à {town} ne marche plus",
    ),
    "en": (
        "My Lumora lamp is broken after {number} days and customer service does not answer",
        "Lumora order never arrived, nobody answers, I want a refund",
        "@lumora this is unacceptable, the lamp I bought in {town} stopped working",
    ),
}
_TOWNS = ("Lille", "Nantes", "Lyon", "Metz", "Pau", "Dijon", "Leeds", "York", "Bath", "Derby", "Truro", "Perth")


def write(path: Path, mentions: int) -> None:
    """Write `mentions` records of JSON Lines in the order of their time: half French, half English, one storm among them."""
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records(mentions)), encoding="utf-8")


def records(mentions: int) -> Iterator[dict[str, object]]:
    """The records themselves. Six thousand people speak, the loudest most often; `lang` is there for two in three."""
    dice = random.Random(SEED)
    storm = BEGAN + LASTED * 0.75
    moments = [(BEGAN + LASTED * dice.random(), False) for _ in range(mentions - STORM)]
    moments += [(storm + timedelta(minutes=40) * dice.random(), True) for _ in range(STORM)]
    for number, (at, angry) in enumerate(sorted(moments), 1):
        yield _record(dice, number, at, angry=angry or dice.random() < COMPLAINTS)


def number_of(record: dict[str, object]) -> int:
    """The number of whoever said it; from `CALM_PEOPLE` on they complain."""
    author = record["author"]
    assert isinstance(author, dict)
    return int(str(author["id"])[1:])


def _record(dice: random.Random, number: int, at: datetime, *, angry: bool) -> dict[str, object]:
    language = dice.choice(("fr", "en"))
    author = int(CALM_PEOPLE * dice.random() ** 2) if not angry else dice.randrange(CALM_PEOPLE, 20_000)
    said = dice.choice(_UNHAPPY[language]) if angry else " ".join(map(dice.choice, _CALM[language]))
    record: dict[str, object] = {
        "id": f"{number:07}",
        "url": f"https://social.example/@person{author}/{number}",
        "created_at": at.isoformat(timespec="seconds"),
        "author": {"id": f"p{author}", "handle": f"person{author}", "followers": author * 7919 % 3_000},
        "text": said.format(town=dice.choice(_TOWNS), number=dice.randrange(2, 30)),
        "likes": dice.randrange(20),
    }
    return record | ({"lang": language} if dice.random() < 2 / 3 else {})
