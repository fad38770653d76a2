"""A real mail server that keeps what it takes, for tests that end in a mail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import Message

from aiosmtpd.smtp import SMTP, Envelope, Session


class Post:
    """What a mail server has taken."""

    def __init__(self) -> None:
        self.taken: list[Message] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's name
        """Keep it."""
        del server, session
        self.taken.append(message_from_bytes(envelope.original_content or b""))
        return "250 taken"


@asynccontextmanager
async def delivering() -> AsyncIterator[tuple[Post, int]]:
    """A mail server, and its port."""
    post, loop = Post(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(post, loop=loop), "127.0.0.1", 0)
    async with server:
        yield post, server.sockets[0].getsockname()[1]
