"""`tocsin postbox`: a mail server for trying things out, which shows each e-mail on the terminal and passes none on."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.app import BEGIN, app
from monitor.cli.context import creating, plural, say
from monitor.domain.errors import UsageError

if TYPE_CHECKING:
    from email.message import EmailMessage

_SHOWN = 14  # lines of an e-mail: what happened, and what is asked of its reader


@app.command(rich_help_panel=BEGIN)
def postbox(
    folder: Annotated[Path, typer.Argument(help="Where the e-mails are kept.")] = Path("inbox"),
    port: Annotated[int, typer.Option(help="The port on this machine at which it takes them.", min=1, max=65535)] = 8025,
) -> None:
    """Take e-mails on this machine and show how each begins, until Ctrl+C: what your people would read. None is sent on.

    Each is kept, as it came (.eml) and as a mail program shows it (.html, for a browser).
    """
    if find_spec("aiosmtpd") is None:
        raise UsageError("the postbox needs the extra `demo`: pip install 'tocsin[demo]'")
    with creating(folder):
        folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_stand(folder, port))


async def _stand(folder: Path, port: int) -> None:
    from monitor.demo.servers import Postbox

    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(Postbox(folder, port=port, emptied=False, shown=_show))
        except OSError as error:
            raise UsageError(f"the port cannot be had: {error.strerror}. Name another one with --port.") from None
        say(f"E-mails to 127.0.0.1:{port} are shown here, and kept in {folder}. Ctrl+C ends it.")
        with suppress(asyncio.CancelledError):  # which is what Ctrl+C does
            await asyncio.Event().wait()


def _show(path: Path, mail: EmailMessage) -> None:
    """How one e-mail begins, and where to look at it whole."""
    say("")
    say((f"── {path} ", "dim"), (f"to {mail['To']}", "dim"))
    say((str(mail["Subject"]), "bold"))
    say("")
    body = mail.get_body(("plain",))
    lines = body.get_content().splitlines() if body is not None else []
    for line in lines[:_SHOWN]:
        say(line)
    more = f"{plural(len(lines) - _SHOWN, 'more line')}, " if len(lines) > _SHOWN else ""
    page = path.with_suffix(".html")
    say((f"── {more}as a mail program shows it: {page}" if page.exists() else f"── {more}whole: {path}", "dim"))
