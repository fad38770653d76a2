"""The mail of a digest, as a real server takes it and a mail program reads it back."""

from __future__ import annotations

import asyncio
import email
import re
from collections.abc import Mapping
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from monitor.charts.drawing import Drawer
from monitor.digest import Writer
from monitor.workshop.pool import WorkError
from notifiers import samples
from notifiers.email import Email, EmailSettings
from notifiers.message import Message
from notifiers.render import payload, short
from notifiers.smtp import SmtpSettings
from tests.monitor.digest.conftest import Desk

PNG = b"\x89PNG\r\n\x1a\n"


class Painter(Drawer):
    """Draws nothing: the worker's engine takes seconds to start. While `broken` it does as an engine does that died."""

    broken = False

    async def png(self, spec: Mapping[str, Any], *, scale: float = 2.0) -> bytes:
        """What begins like a picture."""
        if self.broken:
            raise WorkError("the worker ended")
        return PNG + str(spec["description"]).encode()


class Taker:
    """An SMTP handler that keeps what it takes."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's name
        """Keep it, as a mail program would read it."""
        self.taken.append(email.message_from_bytes(envelope.original_content or b"", policy=default))
        return "250 taken"


async def written(desk: Desk, name: str, language: str = "fr", painter: Painter | None = None) -> Message:
    """The message of a digest."""
    plain = samples.crisis("fr" if language == "fr" else "en")
    message = Message("d1", "digest", "info", plain.language, "Europe/Paris", desk.home.clock.now(), "c1", 1, "Acme")
    return await Writer(desk.home.settings, desk.home.store, desk.home.clock, painter or Painter()).message(
        desk.scope(name), message
    )


async def sent(message: Message) -> EmailMessage:
    """The mail after a real conversation on loopback."""
    taker = Taker()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(taker), "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        smtp = SmtpSettings(host="127.0.0.1", port=port, security="none", sender="tocsin@acme.example")
        settings = EmailSettings(kind="email", to=("ana@acme.example",))
        await Email(settings, smtp).send(message, attempted_at=message.created_at + timedelta(seconds=1))
    finally:
        server.close()
    (mail,) = taker.taken
    return mail


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    """Every element of a document, with its attributes."""
    parser = _Tags()
    parser.feed(html)
    return parser.found


def parts(mail: EmailMessage) -> tuple[str, str, dict[str, bytes]]:
    """Its text, its HTML, and its pictures by name."""
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    pictures = {
        str(each["Content-ID"]).strip("<>"): each.get_content() for each in mail.walk() if each.get_content_maintype() == "image"
    }
    return text.get_content(), html.get_content(), pictures


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_a_mail_has_text_html_and_its_pictures(loud: Desk, language: str) -> None:
    """Each picture that the HTML names is in the mail, by day and by night, with words for those who do not see it."""
    mail = await sent(await written(loud, "week", language))
    text, html, pictures = parts(mail)
    shown = [attributes for tag, attributes in tags(html) if tag == "img"]
    assert {str(each["src"]).removeprefix("cid:") for each in shown} == set(pictures)
    assert len(pictures) == 6  # volume, sentiment, share of voice: each twice
    assert all(each["alt"] for each in shown)
    assert all(content.startswith(PNG) for content in pictures.values())
    assert "------" in text
    assert mail["Content-Language"] == language
    assert mail["Subject"].startswith("Acme · ")
    assert mail["X-Tocsin-Kind"] == "digest"


async def test_hostile_text_is_text(loud: Desk) -> None:
    """No element and no link of a stranger's is in the mail."""
    _, html, _ = parts(await sent(await written(loud, "dawn", "en")))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert not {"script", "form", "iframe", "object", "link"} & {tag for tag, _ in tags(html)}
    links = [str(attributes.get("href")) for tag, attributes in tags(html) if tag == "a"]
    assert links
    assert all(link.startswith("https://") for link in links)
    assert not any(name.startswith("on") for _, attributes in tags(html) for name in attributes)
    assert all(str(each["src"]).startswith("cid:") for tag, each in tags(html) if tag == "img")


async def test_without_pictures_there_are_tables(loud: Desk) -> None:
    """A worker that dies takes no digest along."""
    painter = Painter()
    painter.broken = True
    text, html, pictures = parts(await sent(await written(loud, "week", "en", painter)))
    assert pictures == {}
    assert "img" not in {tag for tag, _ in tags(html)}
    assert "Mentions a day" in html or "days with" in html
    assert "VOLUME" in text


async def test_a_quiet_day_is_calm_in_the_subject(quiet: Desk) -> None:
    """Whoever reads the subject alone knows it, and a telephone has one line."""
    message = await written(quiet, "dawn", "fr")
    mail = await sent(message)
    assert mail["Subject"] == "Acme · Tout est calme : 1 source saine, 07:58"
    assert short(message).startswith("🟢 Acme · Tout est calme")
    assert parts(mail)[2] == {}


async def test_each_day_begins_a_conversation_of_its_own(loud: Desk) -> None:
    """Apart from incidents, and no answer to what was told before."""
    home = loud.home
    home.clock.advance(-timedelta(hours=9))
    home.restart()
    await home.stages.digests.step()
    home.clock.advance(timedelta(hours=9))
    await home.stages.digests.step()
    async with home.store.read() as tx:
        owed = next(each for each in await tx.digests.since(home.clock.now() - timedelta(days=1)) if each.notification_id)
        notification = await tx.notifications.get(owed.notification_id or 0)
    assert notification is not None
    assert notification.incident_id is None
    assert owed.digest == "dawn"


async def test_programs_are_told_the_figures(loud: Desk) -> None:
    """A webhook gets what a person reads, and the figures as they are."""
    data = payload(await written(loud, "week", "en"))["data"]
    assert data["digest"]["figures"]["kind"] == "weekly"
    assert data["kind"] == "digest"


async def test_times_are_those_of_the_reader(loud: Desk) -> None:
    """23:00 in Paris, whatever the server's clock says."""
    text, _, _ = parts(await sent(await written(loud, "dawn", "en")))
    assert re.search(r"rang at 1 Mar, 23:00", text)
    assert "Times in Europe/Paris." in text
