"""Links: what is signed comes back as it was, and nothing else does; and which messages have which."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from monitor.pipeline import operations
from monitor.pipeline.links import AlteredLinkError, ExpiredLinkError, ForeignLinkError, LinkError, Links
from monitor.pipeline.operations import Actor
from monitor.settings import Settings, WebSettings
from monitor.storage import Store
from tests.monitor.pipeline.conftest import COMPLAINT, CRISIS

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def links(installation: str = "0f" * 16, key: bytes = b"k" * 32, **web: Any) -> Links:
    """Links of an installation."""
    store = cast("Store", SimpleNamespace(installation=installation, link_key=key))
    settings = Settings.model_construct(version=1, subjects={}, web=WebSettings(public_url="https://t.example/", **web))
    return Links(settings, store)


def test_a_link_says_what_it_is_for_and_until_when() -> None:
    """The same moment makes the same link, so that a message that is sent again is the same message."""
    address = links().address("take", 12, "ana", NOW)
    assert address == links().address("take", 12, "ana", NOW)
    page, _, written = address.partition("?link=")
    assert page == "https://t.example/take"
    link = links().read("take", written, NOW)
    assert (link.purpose, link.number, link.receiver, link.until) == ("take", 12, "ana", NOW + timedelta(days=3))
    assert len(address) < 200, "mail programs break what is longer"


def test_nobody_is_sent_where_nobody_can_go() -> None:
    """Without a public address there is no link."""
    store = cast("Store", SimpleNamespace(installation="a", link_key=b"k"))
    assert Links(Settings.model_construct(version=1, subjects={}), store).address("take", 1, "a", NOW) == ""


def test_a_link_ends() -> None:
    """At its moment; what it was is known, to tell its reader in their language."""
    written = links(links_last="1h").write("take", 1, "ana", NOW)
    assert links().read("take", written, NOW + timedelta(minutes=59)).number == 1
    with pytest.raises(ExpiredLinkError, match="good until 2026-03-02 09:00 UTC") as caught:
        links().read("take", written, NOW + timedelta(hours=1))
    assert caught.value.link.receiver == "ana"


def test_a_link_is_good_for_one_page_of_one_installation() -> None:
    """And another secret makes all that were sent before worthless."""
    written = links().write("run", 1, "ana", NOW)
    with pytest.raises(AlteredLinkError):
        links().read("take", written, NOW)
    with pytest.raises(ForeignLinkError):
        links("ab" * 16).read("run", written, NOW)
    with pytest.raises(AlteredLinkError):
        links(key=b"x" * 32).read("run", written, NOW)
    with pytest.raises(AlteredLinkError):
        links(secret="a secret of at least thirty-two letters").read("run", written, NOW)


OURS = links()


@given(place=st.integers(0, 200), letter=st.characters())
def test_no_letter_of_a_link_can_be_another(place: int, letter: str) -> None:
    """Whichever is changed, nothing opens; a link is read as it was made, or not at all."""
    written = OURS.write("take", 12, "ana", NOW)
    place %= len(written)
    changed = written[:place] + letter + written[place + 1 :]
    if changed == written:
        return
    try:
        link = OURS.read("take", changed, NOW)
    except LinkError:
        return
    # The last letter of base64 holds bits that say nothing: another one may stand for the same signature.
    assert link == OURS.read("take", written, NOW)


@given(written=st.text())
def test_whatever_is_written_is_refused_in_words(written: str) -> None:
    """Never an error of ours."""
    with pytest.raises(LinkError):
        OURS.read("take", written, NOW)


def test_a_public_address_is_a_whole_one() -> None:
    """Paths follow it: it has no query, no fragment, no password."""
    assert WebSettings(public_url="https://t.example/tocsin/").public_url == "https://t.example/tocsin"
    for odd in (
        "t.example",
        "ftp://t.example",
        "https://u:p@t.example",
        "https://t.example?a=b",
        "https://t.example#a",
        "https://t:0",
    ):
        with pytest.raises(ValueError, match="write a whole address"):
            WebSettings(public_url=odd)
    with pytest.raises(ValueError, match="at least 32 characters"):
        WebSettings(secret=SecretStr("short"))


_PLAN: dict[str, Any] = {
    "id": "storm",
    "title": {"en": "Storm"},
    "notify": ["mail", "hook"],
    "steps": [{"id": "check", "action": "checklist", "role": "ana", "items": [{"en": "True?"}]}],
}
_MAIL: dict[str, Any] = {
    "smtp": {"host": "localhost", "sender": "t@acme.example", "security": "none"},
    "receivers": {"mail": {"kind": "email", "to": "a@acme.example"}, "hook": {"kind": "webhook", "url": "https://h.example/"}},
    "routing": {"default": ["mail", "hook"]},
    "web": {"public_url": "https://t.example"},
    "people": {"people": {"ana": {"name": "Ana", "email": "ana@acme.example"}}},
}


async def test_messages_that_people_read_have_links_while_there_is_something_to_take(hut: Build) -> None:
    """An alert by its e-mail, as long as nobody has it; machines sign their calls, and get none."""
    home = hut(rules=[COMPLAINT], **_MAIL)
    await home.hears("my Acme is broken")
    await home.act()
    assert home.told("mail")[0].links["acknowledge"].startswith("https://t.example/take?link=")
    assert home.told("hook")[0].links == {}


async def test_somebody_may_have_been_faster_than_the_mail(hut: Build) -> None:
    """Then there is nothing to take."""
    home = hut(rules=[COMPLAINT], **_MAIL)
    await home.hears("my Acme is broken")
    await operations.acknowledge(home.store, 1, Actor("ana", "cli"), home.clock.now())
    await home.act()
    assert [message.links for message in home.told("mail")] == [{}]


async def test_messages_about_a_plan_lead_to_its_page(hut: Build) -> None:
    """Whoever is told that it was opened may take it, too; at its end there is nothing to take."""
    home = hut(rules=[CRISIS | {"plan": "storm", "notify": "mail"}], plans=[_PLAN], **_MAIL)
    await home.storm()
    await home.act()
    opened = next(message for message in home.told("mail") if message.kind == "plan")
    assert opened.plan is not None
    assert opened.plan.page.startswith("https://t.example/run?link=")
    assert opened.links["acknowledge"].startswith("https://t.example/take?link=")
    hooked = next(message for message in home.told("hook") if message.kind == "plan")
    assert (hooked.links, hooked.plan and hooked.plan.page) == ({}, "")
    await home.do("false_alarm", by="ana", text="a joke")
    await home.act()
    over = home.told("mail")[-1]
    assert (over.kind, over.links, bool(over.plan and over.plan.page)) == ("over", {}, True)


async def test_a_replay_has_no_links(hut: Build) -> None:
    """What is over is nobody's to take."""
    home = hut(rules=[COMPLAINT], drive=True, **_MAIL)
    await home.hears("my Acme is broken")
    await home.act()
    assert [message.links for message in home.told("mail")] == [{}]


async def test_a_test_of_an_alert_tests_its_link(hut: Build) -> None:
    """It is over from the beginning, and its link says so."""
    home = hut(rules=[COMPLAINT], **_MAIL)
    await operations.ring_for_test(home.store, "complaint", "mail", Actor("zoe", "cli"), home.clock.now())
    await home.act()
    assert home.told("mail")[0].links["acknowledge"].startswith("https://t.example/take?link=")
