"""Copies are found whatever was changed around them, and people who say the same in their own words stay people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sentiment import alike
from monitor.sentiment.alike import FEWEST, WITHIN, Placed, RecentTexts

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CALL = "Acme laisse ses clients sans réseau depuis trois jours, partagez ce message pour que tout le monde le sache"
OTHER = "Le service après-vente d'Acme m'a rappelé dans l'heure pour réparer ma ligne, merci à eux"


def _placed(texts: Sequence[str], *, recent: RecentTexts | None = None, apart: timedelta = timedelta(seconds=1)) -> list[Placed]:
    recent = recent or RecentTexts()
    return [recent.add(number, NOON + number * apart, text) for number, text in enumerate(texts, 1)]


def _together(*texts: str) -> bool:
    placed = _placed(texts)
    return placed[0].cluster is not None and len({each.cluster for each in placed}) == 1


@pytest.mark.parametrize(
    "copy",
    [
        CALL.upper(),
        f"@acme {CALL} https://example.org/1",
        f"@lea @tom {CALL}",
        CALL.replace("é", "e") + " !!! 😡",
        CALL.replace("trois", "quatre"),
        f"RT {CALL}",
        f"{CALL} #acme",
    ],
)
def test_a_copy_is_found(copy: str) -> None:
    """With other capitals, accents, handles and links, another word, or a tag at its end."""
    assert _together(CALL, copy)


@pytest.mark.parametrize(
    "other",
    [
        "Chez Acme plus de réseau depuis trois jours, et personne ne répond au téléphone",
        "Acme laisse ses clients sans réseau pour le troisième jour",
        OTHER,
    ],
)
def test_what_somebody_says_in_his_own_words_is_no_copy(other: str) -> None:
    """Nor is a part of the text."""
    assert not _together(CALL, other)


@pytest.mark.parametrize(
    "short",
    [
        "",
        "merci",
        "Acme en panne",
        "Acme est en panne depuis ce matin",
        "😡" * 40,
        "🔥 😡 👎 💔 🤬 😤 😭 🙄 💩 🤮",
        "https://example.org/1",
        "non non non non non non non non non non non",
        "@lea @tom @zoe @max @ana @ben @eva @ugo @ida",
    ],
)
def test_what_is_short_is_nobodys_copy(short: str) -> None:
    """« Acme en panne » comes to many people by itself; emoji, links and handles are no words, and a word said twice is one."""
    assert _placed([short] * 3) == [Placed(None)] * 3


def test_from_eight_different_words_on_a_text_can_be_a_copy() -> None:
    """The documented number, to the word."""
    words = ["un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit"]
    assert len(words) == FEWEST
    assert _together(" ".join(words), " ".join(words))
    assert not _together(" ".join(words[:-1]), " ".join(words[:-1]))


def test_copies_are_counted_and_the_first_is_told_once() -> None:
    """The first of a cluster is one of it from the beginning; who it was is said with the second, which makes it a cluster."""
    placed = _placed([CALL, OTHER, f"{CALL} !", CALL])
    assert [each.copies for each in placed] == [0, 0, 1, 2]
    assert [each.first for each in placed] == [None, None, 1, None]
    assert placed[0].cluster == placed[2].cluster == placed[3].cluster != placed[1].cluster


def test_small_changes_lead_from_no_text_to_another() -> None:
    """Each copy is compared with the text that began the cluster: the last of a chain has nothing in common with it."""
    words = CALL.split()
    chain = [" ".join(f"w{n}" if n < changed else word for n, word in enumerate(words)) for changed in range(len(words) + 1)]
    placed = _placed(chain)
    assert placed[0].cluster == placed[1].cluster
    assert placed[0].cluster != placed[-1].cluster


def test_a_day_later_it_is_news_again() -> None:
    """While copies keep coming the campaign goes on, however long ago it began."""
    recent = RecentTexts()
    assert recent.add(1, NOON, CALL).copies == 0
    assert recent.add(2, NOON + WITHIN, CALL).copies == 1
    assert recent.add(3, NOON + 2 * WITHIN, CALL).copies == 1
    assert recent.add(4, NOON + 3 * WITHIN + timedelta(seconds=1), CALL).copies == 0


def test_only_so_many_are_remembered() -> None:
    """The oldest go first, with all that was known of them."""
    recent = RecentTexts(kept=3)
    assert [each.copies for each in _placed([CALL, OTHER, OTHER, "", CALL], recent=recent)] == [0, 0, 1, 0, 0]


def test_a_stream_of_forms_is_compared_with_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that share half of their words and are no copies must not make each new one as dear as all of them."""
    monkeypatch.setattr(alike, "_COMPARED", 0)
    assert [each.copies for each in _placed([CALL, f"RT {CALL}", CALL])] == [0, 0, 1]  # the very same words need no comparison


_texts = st.lists(
    st.text(st.characters(exclude_categories=()), max_size=60)
    | st.sampled_from([CALL, OTHER, f"RT {CALL}", f"{CALL} encore", OTHER.upper(), "merci"]),
    max_size=25,
)


@given(texts=_texts, kept=st.integers(1, 12), hours=st.integers(0, 12))
def test_every_text_has_its_place(texts: list[str], kept: int, hours: int) -> None:
    """Whatever it holds, lone surrogates included: copies have a cluster, and each cluster one first."""
    placed = _placed(texts, recent=RecentTexts(kept), apart=timedelta(hours=hours))
    assert all(each.cluster is not None for each in placed if each.copies)
    assert all(each.copies < kept for each in placed)
    assert all(each.copies == 1 for each in placed if each.first is not None)


@given(texts=_texts, kept=st.integers(1, 12), hours=st.integers(0, 12), data=st.data())
def test_a_restart_changes_nothing(texts: list[str], kept: int, hours: int, data: st.DataObject) -> None:
    """Read back at any moment from what was stored of the last mentions: the same places from then on."""
    moments = [NOON + timedelta(hours=hours) * number for number in range(1, len(texts) + 1)]
    through = _placed(texts, recent=RecentTexts(kept), apart=timedelta(hours=hours))
    cut = data.draw(st.integers(0, len(texts)))
    stored: dict[int, int] = {}  # as the store has it: members of clusters of two or more
    for number, each in enumerate(through[:cut], 1):
        if each.copies and each.cluster is not None:
            stored |= {number: each.cluster} | ({each.first: each.cluster} if each.first else {})
    began = {cluster: texts[number - 1] for number, cluster in sorted(stored.items(), reverse=True)}
    again = RecentTexts(kept)
    for number in range(max(1, cut - kept + 1), cut + 1):
        cluster = stored.get(number)
        again.restore(number, moments[number - 1], texts[number - 1], cluster, began.get(cluster or 0, ""))
    later = [again.add(number, moments[number - 1], texts[number - 1]) for number in range(cut + 1, len(texts) + 1)]
    assert later == through[cut:]


@given(data=st.data())
def test_the_very_same_words_are_one_text_in_whatever_order_they_come(data: st.DataObject) -> None:
    """The number of a cluster follows from words alone."""
    order = data.draw(st.permutations([CALL, CALL, OTHER]))
    placed = dict(zip(order, _placed(order), strict=True))
    assert placed[CALL].cluster == _placed([CALL])[0].cluster
    assert placed[OTHER].cluster == _placed([OTHER])[0].cluster


def test_long_texts_are_compared_by_their_beginning() -> None:
    """So that those of any length are compared in no time."""
    beginning = " ".join(f"mot{n}" for n in range(300))
    assert _together(beginning, beginning + " autre fin" * 10_000)
