"""The card of a plan says all that people need when nothing answers, and its files on disk are those of the configuration."""

from __future__ import annotations

import json
import os
import re
import string
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from monitor import paper
from monitor.cards import Card, Keeper, card, folder
from monitor.cards.page import LAYOUT, data, html, withdrawn
from monitor.cards.words import PHRASES
from monitor.domain.clock import ManualClock
from monitor.domain.errors import UsageError
from monitor.domain.plan import Plan
from monitor.settings import Contacts, Settings
from monitor.settings.model import MonitorFile

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday
CONTACTS: dict[str, Any] = {
    "people": {
        "lea": {"name": "Léa Martin", "phone": "+33 (0)6 39 98 12 01", "hours": "mon-fri 08:30-18:30"},
        "marc": {"name": "Marc Œuvrard", "phone": "06 39 98 12 02", "away": "2026-03-01 to 2026-03-05"},
        "sam": {"name": "Sam", "email": "sam@acme.example"},
    },
    "roles": {
        "community-manager": {"primary": "lea", "backup": "marc"},
        "on-call": {"roster": {"people": ["marc", "sam"], "start": "2026-03-02", "at": "09:00"}, "backup": "lea"},
        "legal": "sam",
    },
}
PLAN: dict[str, Any] = {
    "id": "storm",
    "title": {"fr": "Bad buzz : une tempête", "en": "Negative storm"},
    "reviewed_on": "2026-02-01",
    "room": {"fr": "Salle 3, +33 1 99 00 12 34", "en": "Room 3"},
    "notify": ["community-manager"],
    "severity": [
        {
            "level": 2,
            "name": {"fr": "crise", "en": "crisis"},
            "ack_within": "10m",
            "approver": "legal",
            "when": {"any": [{"negative_share": {"gte": 0.4}, "scored": {"gte": 30}}, {"safety_risk": True}]},
        },
        {"level": 0, "name": {"fr": "veille", "en": "watch"}},
    ],
    "steps": [
        {
            "id": "pause",
            "action": "checklist",
            "role": "community-manager",
            "deadline": "15m",
            "title": {"fr": "Suspendre", "en": "Pause"},
            "items": [{"fr": "Publications programmées", "en": "Scheduled posts"}],
        },
        {"id": "hold", "action": "statement", "statement": "holding", "deadline": "20m"},
        {
            "id": "answer",
            "action": "statement",
            "statement": "answer",
            "needs": ["pause", "hold"],
            "min_level": 2,
            "approval": {"role": "legal"},
        },
        {"id": "board", "action": "notify", "receiver": "desk", "every": "2h"},
    ],
    "escalation": [
        {"at": 0.5, "unless": "acknowledged", "notify": "on-call"},
        {"at": 1, "notify": ["desk", "default"]},
        {"repeat_from": 0, "every": "15m", "max": 4, "then": "everyone"},
    ],
    "statements": [
        {
            "id": "holding",
            "status": "approved",
            "approved_by": "legal",
            "expires": "2026-05-01",
            "text": {"fr": "{{brand}} vérifie. Retour à {{next_update}}.", "en": "{{brand}} checks. Back at {{next_update}}."},
        },
        {"id": "answer", "text": {"fr": "Voici.", "en": "Here."}},
    ],
    "stakeholders": [{"group": "customers", "channel": "info-page", "update_every": "2h"}],
    "never": [{"fr": "Supprimer une critique", "en": "Delete criticism"}],
}


def settings(beside: Path | None = None, plans: tuple[dict[str, Any], ...] = (PLAN,), **cards: Any) -> Settings:
    """A configuration with one plan, as the loader puts it together."""
    monitor = MonitorFile.model_validate(
        {
            "version": 1,
            "language": "fr",
            "timezone": "Europe/Paris",
            "subjects": {"acme": ["Acme"]},
            "receivers": {"desk": {"kind": "webhook", "url": "https://hooks.example/desk"}},
            "routing": {"default": ["sam", "desk"]},
            "cards": cards,
        }
    )
    parts = {name: getattr(monitor, name) for name in MonitorFile.model_fields}
    read = [Plan.model_validate(plan) for plan in plans]
    more = {"contacts": Contacts.model_validate(CONTACTS), "plans": {plan.id: plan for plan in read}}
    made = Settings.model_construct(**(parts | more))
    return made.model_copy(update={"storage": made.storage.beginning_at(beside)}) if beside is not None else made


def made(**changes: Any) -> Card:
    """The card of the plan, in French."""
    return card(Plan.model_validate(PLAN | changes), settings(), "fr", NOW)


def plain(said: str) -> str:
    """Typographic spaces as plain ones."""
    return said.replace("\u00a0", " ").replace("\u202f", " ")


def test_the_tree_follows_the_ladder_with_telephones_hours_and_who_stands_in() -> None:
    """In the order in which Tocsin would tell them; the rung of a roster says whose turn it is, and whose it will be."""
    told = made().tree
    assert [plain(each.when) for each in told] == [
        "Dès l’ouverture",
        "Après 5 min si personne n’a pris en charge",
        "Après 10 min",
        "Ensuite, toutes les 15 min, 4 fois, en reprenant à « Après 5 min ». Enfin, tout le monde",
    ]
    lea, marc = told[0].calls
    assert (lea.name, lea.phone, lea.hours) == ("Léa Martin", "+33 (0)6 39 98 12 01", "lun-ven 08:30-18:30")
    assert (marc.phone, marc.hours) == ("06 39 98 12 02", "à toute heure")
    assert marc.note == "remplace Léa Martin, absence : 1er mars 2026 – 5 mars 2026".replace(" :", "\u00a0:")
    assert [each.note.split(",")[0] for each in told[1].calls[:2]] == [
        "d’astreinte jusqu’au 9 mars 2026",
        "d’astreinte dès le 9 mars 2026",
    ]
    assert [(each.name, each.receiver) for each in told[2].calls] == [("desk", True), ("Sam", False)]
    assert told[3].calls == ()


def test_whoever_has_no_telephone_has_room_for_one() -> None:
    """The card says so on paper, and names them to whoever makes it; a chat room is nobody to call."""
    assert made().without_phone == ("Sam",)
    assert html(made()).decode().count('class="phone empty"') == 2


def test_levels_and_steps_are_said_in_words() -> None:
    """What asks for a level, by when it is taken, and of a step when, who, after what and with whose yes."""
    levels, steps = made().levels, made().steps
    assert plain(levels[0].when) == "publications notées ≥ 30, part négative ≥ 40 % ou quelqu’un peut être en danger"
    assert plain(levels[0].asks) == "à prendre en charge sous 10 min · valide : Sam (legal)"
    assert levels[1].when == "dans tous les autres cas"
    assert plain(steps[0].meta) == "sous 15 min · Léa Martin (community-manager)"
    assert steps[0].items == ("Publications programmées",)
    assert plain(steps[2].meta) == "après 1 et 2 · dès le niveau « crise » · texte « answer » · validation : Sam (legal)"
    assert plain(steps[3].meta) == "toutes les 2 h · Tocsin le fait ; à la main s’il est muet"


def test_words_are_ready_to_copy_with_room_for_a_pen() -> None:
    """Those that need nothing or are approved; what only the hour tells stands in brackets."""
    (holding,) = made().statements
    assert holding.text == "Acme vérifie. Retour à [HEURE DU PROCHAIN POINT]."
    assert plain(holding.label) == "Validé par Sam (legal), à utiliser tel quel jusqu’au 1er mai 2026"
    old = PLAN["statements"][0] | {"expires": "2026-03-01"}
    (expired,) = made(statements=[old, PLAN["statements"][1]]).statements
    assert (expired.approved, plain(expired.label)) == (False, "Périmé le 1er mars 2026 : à faire valider de nouveau")


def test_the_page_has_everything_and_takes_no_word_for_markup() -> None:
    """Room, never, groups, commands; a title with brackets stays one, and numbers can be tapped."""
    page = html(made(title={"fr": "<script>alert(1)</script>"})).decode()
    assert "<script>" not in page
    for said in ("Salle 3", "Supprimer une critique", "clients", "tocsin plan open storm", 'href="tel:+33639981201"'):
        assert said in page
    assert 'href="tel:0639981202"' in page


def test_a_version_changes_with_what_readers_do_and_with_nothing_else() -> None:
    """A later review, another reader or a moved date asks nobody to read again; another deadline does."""
    version = Plan.model_validate(PLAN).version
    upkeep = {"reviewed_on": "2026-03-01", "read_by": ["lea"], "owner": "lea", "review_every": "90d"}
    later = [PLAN["statements"][0] | {"expires": "2027-01-01"}, PLAN["statements"][1]]
    assert Plan.model_validate(PLAN | upkeep | {"statements": later}).version == version
    assert Plan.model_validate(PLAN | {"never": []}).version != version
    assert Plan.model_validate(PLAN | {"remind_every": "2h"}).version != version
    assert Plan.model_validate(PLAN | {"remind_every": "1h"}).version == version  # which is the default


def test_both_languages_say_the_same() -> None:
    """No card can come to a phrase that one language lacks."""
    french, english = PHRASES["fr"], PHRASES["en"]
    assert french.keys() == english.keys()
    for key, said in french.items():
        named = [{name for _, name, _, _ in string.Formatter().parse(each) if name} for each in (said, english[key])]
        assert named[0] == named[1], key


# --- the PDF -------------------------------------------------------------------------------------------------------------


def test_a_pdf_is_the_same_twice_and_has_one_or_two_pages() -> None:
    """With accents, ligatures and quotes; hostile words are no commands of its layout."""
    pytest.importorskip("typst")
    hostile = made(title={"fr": '#panic("x") $x$ \\ "œ€é" <a>'})
    printed = paper.pdf(LAYOUT.read_bytes(), data(hostile))
    assert printed == paper.pdf(LAYOUT.read_bytes(), data(hostile))
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) in {1, 2}


def test_without_the_extra_a_pdf_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install, and that HTML needs nothing."""
    monkeypatch.setattr(paper, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'tocsin\[pdf\]'; --format html needs nothing"):
        paper.pdf(b"", "{}")


# --- the folder ----------------------------------------------------------------------------------------------------------


def test_files_are_for_their_owner_alone_and_written_whole(tmp_path: Path) -> None:
    """Whatever the umask; and one that says the same already is left alone."""
    place = tmp_path / "cards"
    before = os.umask(0)
    try:
        (first,) = folder.keep(place, [made()], date(2026, 3, 2))
    finally:
        os.umask(before)
    page = place / "storm.fr.html"
    assert (place.stat().st_mode & 0o777, page.stat().st_mode & 0o777) == (0o700, 0o600)
    assert first.pdf == place / "storm.fr.pdf"
    folder.write(first.pdf, b"paper")
    written = page.stat().st_ino
    assert folder.keep(place, [made()], date(2026, 3, 3)) == []
    assert page.stat().st_ino == written
    assert folder.keep(place, [made(never=[])], date(2026, 3, 3)) != []
    assert not first.pdf.exists()  # it said something else
    assert sorted(path.name for path in place.iterdir()) == ["storm.fr.html"]


def test_a_card_whose_plan_is_gone_is_withdrawn_and_others_files_are_left(tmp_path: Path) -> None:
    """Whoever opens it learns that, and no number is left in it; what somebody else keeps there is none of ours."""
    folder.keep(tmp_path, [made()], date(2026, 3, 2))
    (tmp_path / "storm.fr.pdf").write_bytes(b"paper")
    (tmp_path / "notes.fr.html").write_text("<p>mine</p>")
    folder.keep(tmp_path, [replace(made(), plan="other")], date(2026, 3, 4))
    gone = (tmp_path / "storm.fr.html").read_bytes()
    assert gone == withdrawn("storm", "fr", date(2026, 3, 4))
    assert b"39 98" not in gone
    assert not (tmp_path / "storm.fr.pdf").exists()
    assert (tmp_path / "notes.fr.html").read_text() == "<p>mine</p>"
    folder.keep(tmp_path, [replace(made(), plan="other")], date(2026, 3, 5))
    assert folder.keep(tmp_path / "nowhere", [], date(2026, 3, 5)) == []
    assert not (tmp_path / "nowhere").exists()  # without plans there is nothing to keep
    assert (tmp_path / "storm.fr.html").read_bytes() == gone  # it keeps the day on which it went


@pytest.fixture
def no_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    """As without the extra: pages alone."""
    monkeypatch.setattr(paper, "available", lambda: False)


async def test_the_keeper_writes_every_plan_in_every_language(tmp_path: Path, no_paper: None) -> None:
    """Beside the store, unless the configuration says where."""
    await Keeper(settings(tmp_path, languages=["fr", "en"]), ManualClock(NOW)).step()
    assert sorted(path.name for path in (tmp_path / "cards").iterdir()) == ["storm.en.html", "storm.fr.html"]
    elsewhere = tmp_path / "shelf"
    await Keeper(settings(tmp_path, folder=str(elsewhere)), ManualClock(NOW)).step()
    assert [path.name for path in elsewhere.iterdir()] == ["storm.fr.html"]


async def test_a_folder_that_cannot_be_written_is_told_once_and_stops_nothing(tmp_path: Path, no_paper: None) -> None:
    """A full or read-only disk is trouble enough; when it is over, that is told, too."""
    (tmp_path / "cards").write_text("in the way")
    keeper = Keeper(settings(tmp_path), ManualClock(NOW))
    with structlog.testing.capture_logs() as logs:
        await keeper.step()
        await keeper.step()
        (tmp_path / "cards").unlink()
        await keeper.step()
    assert [each["event"] for each in logs] == ["cards.not_kept", "cards.kept_again"]
    assert (tmp_path / "cards" / "storm.fr.html").exists()


async def test_the_keeper_lays_out_paper_in_a_process_of_its_own(tmp_path: Path) -> None:
    """The PDF stands beside the page, for its owner alone."""
    pytest.importorskip("typst")
    await Keeper(settings(tmp_path), ManualClock(NOW)).step()
    paper = tmp_path / "cards" / "storm.fr.pdf"
    assert paper.read_bytes().startswith(b"%PDF-")
    assert paper.stat().st_mode & 0o777 == 0o600


async def test_paper_that_cannot_be_laid_out_leaves_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the layout stumbles over is told, and tried again an hour later."""

    async def stumble(*_: object, **__: object) -> bytes:
        raise RuntimeError("a fault of the layout")

    monkeypatch.setattr(paper, "available", lambda: True)
    monkeypatch.setattr("monitor.cards.keeper.Workshop.run", stumble)
    with structlog.testing.capture_logs() as logs:
        await Keeper(settings(tmp_path), ManualClock(NOW)).step()
    assert logs[0]["problem"] == "storm.fr.pdf: it could not be laid out (RuntimeError)"
    assert (tmp_path / "cards" / "storm.fr.html").exists()


def test_the_layout_of_paper_needs_nothing_of_the_daemon() -> None:
    """Its process begins quickly: neither the settings nor the store are read there."""
    code = "import sys, json; import monitor.paper; print(json.dumps([name for name in sys.modules if 'sqlalchemy' in name]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
