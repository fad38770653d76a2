"""A small HTTP proxy, as companies have them: it asks for a password, looks names up itself, and tunnels TLS."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_CHUNK = 64 * 1024


@dataclass
class ForwardProxy:
    """`hosts`: where a name leads that only the proxy knows. `asked`: the first line of every request, in order."""

    hosts: Mapping[str, int]
    login: str = ""
    url: str = ""
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry out one connection."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(head.split(b"\r\n", 1)[0].decode())
            if self.login and base64.b64encode(self.login.encode()) not in head:
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            method, target, _ = self.asked[-1].split(" ")
            name = target.removeprefix("http://").split("/")[0].split(":")[0]
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self.hosts[name])
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                to_server.write(head)
            await asyncio.gather(_pump(reader, to_server), _pump(from_server, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # one of the two left
        finally:
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def forwarding(hosts: Mapping[str, int], login: str = "") -> AsyncIterator[ForwardProxy]:
    """A proxy that listens on loopback; its `url` holds the login."""
    proxy = ForwardProxy(hosts, login)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy.url = f"http://{login}@127.0.0.1:{port}" if login else f"http://127.0.0.1:{port}"
    try:
        yield proxy
    finally:
        server.close()
