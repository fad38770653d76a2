"""Keeps the cards of all plans up to date on disk: whole files, for their owner alone, and no card of a plan that is gone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from monitor.cards.card import Card
from monitor.cards.page import OURS, html, withdrawn
from notifiers.message import Language

_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600
_NAMED = re.compile(r"(?P<plan>[a-z0-9][a-z0-9_-]{0,63})\.(?P<language>fr|en)\.html")
_HEAD = 1024  # bytes of a file in which it says that it is ours


@dataclass(frozen=True, slots=True)
class Kept:
    """A card whose page was written anew, or has no PDF: where the PDF belongs."""

    card: Card
    pdf: Path


def keep(folder: Path, cards: Iterable[Card], today: date) -> list[Kept]:
    """Write every page that says something else than the file there, and withdraw the others. Raises `OSError`."""
    wanted = {f"{each.plan}.{each.language}.html": each for each in cards}
    if not wanted and not folder.exists():
        return []
    folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    for name, plan, language in _withdrawn(folder, wanted):
        write(folder / name, withdrawn(plan, language, today))
        (folder / name).with_suffix(".pdf").unlink(missing_ok=True)
    return [each for name, card in wanted.items() if (each := _kept(folder / name, card)) is not None]


def _kept(page: Path, card: Card) -> Kept | None:
    made, pdf = html(card), page.with_suffix(".pdf")
    if _read(page) != made:
        pdf.unlink(missing_ok=True)  # better none than one that says something else
        write(page, made)
    return Kept(card, pdf) if not pdf.exists() else None


def _withdrawn(folder: Path, wanted: Iterable[str]) -> Iterator[tuple[str, str, Language]]:
    """Our files of plans that are no longer there. What somebody else keeps in the folder is none of ours."""
    for path in sorted(folder.iterdir()):
        found = _NAMED.fullmatch(path.name)
        if found and path.name not in {*wanted} and OURS in _read(path)[:_HEAD]:
            yield path.name, found["plan"], "fr" if found["language"] == "fr" else "en"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, readable by its owner alone. Raises `OSError`."""
    new = path.with_name(f".{path.name}.new")
    with suppress(FileNotFoundError):
        new.unlink()
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise
