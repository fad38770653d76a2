"""`tocsin postbox`: e-mails are shown on the terminal as they arrive."""

from __future__ import annotations

import asyncio
import smtplib
import socket
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest

from monitor.cli import postbox
from monitor.cli.context import say
from monitor.demo.servers import free_port
from monitor.domain.errors import CannotCreateError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.monitor.cli.conftest import Tocsin


def mail(words: str, html: str | None = None) -> EmailMessage:
    """An e-mail to Léa."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "tocsin@acme.example", "lea@acme.example", "À vous"
    made.set_content(words)
    if html is not None:
        made.add_alternative(html, subtype="html")
    return made


def send(port: int, *mails: EmailMessage) -> None:
    """Hand them in."""
    with smtplib.SMTP("127.0.0.1", port) as server:
        for each in mails:
            server.send_message(each)


async def test_each_e_mail_is_shown_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words with nothing that moves the cursor, and where its page lies; what lay in the folder stays there."""
    (tmp_path / "07-lea.eml").touch()
    port, stands = free_port(), asyncio.Event()

    def heard(*parts: str | tuple[str, str]) -> None:
        say(*parts)
        stands.set()

    monkeypatch.setattr(postbox, "say", heard)
    standing = asyncio.create_task(postbox._stand(tmp_path, port))
    await stands.wait()
    assert f"127.0.0.1:{port}" in capsys.readouterr().out
    await asyncio.to_thread(send, port, mail("Écran \x1b[2J\n  [bold]fin", "<p>fin</p>"), mail("\n".join(map(str, range(20)))))
    standing.cancel()
    await standing
    shown = capsys.readouterr().out.splitlines()
    page = tmp_path / "08-lea.html"
    assert [line.rstrip() for line in shown if line] == [
        f"── {tmp_path / '08-lea.eml'} to lea@acme.example",
        "À vous",
        "Écran \\x1b[2J",
        "  [bold]fin",
        f"── as a mail program shows it: {page}",
        f"── {tmp_path / '09-lea.eml'} to lea@acme.example",
        "À vous",
        *map(str, range(14)),
        f"── 6 more lines, whole: {tmp_path / '09-lea.eml'}",
    ]
    assert "<p>fin</p>" in page.read_text("utf-8")
    assert (tmp_path / "07-lea.eml").exists()


def test_what_it_cannot_have_is_said(tocsin: Tocsin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that is taken, a folder that is a file, an extra that is not installed."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        error = tocsin("postbox", str(tmp_path / "inbox"), "--port", str(taken.getsockname()[1])).exception
    assert isinstance(error, UsageError)
    assert str(error).endswith("Name another one with --port.")
    (tmp_path / "file").touch()
    assert isinstance(tocsin("postbox", str(tmp_path / "file")).exception, CannotCreateError)
    monkeypatch.setattr(postbox, "find_spec", lambda _: None)
    assert "tocsin[demo]" in str(tocsin("postbox").exception)
