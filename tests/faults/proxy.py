"""A small TCP proxy that breaks connections on purpose: put it before any server, and change `fault` while it runs."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Fault:
    """What happens to a connection once `after` bytes of the answer have passed. Applies to connections opened from then on."""

    kind: Literal["none", "hang", "cut", "reset", "trickle", "delay", "wrong"] = "none"
    after: int = 0
    pause: float = 0.0  # seconds: before the rest (delay), or between two bytes (trickle)
    data: bytes = b""  # what is said instead (wrong)


WELL = Fault()
BLACK_HOLE = Fault("hang")


def hang(after: int) -> Fault:
    """The answer stops, and the connection stays open."""
    return Fault("hang", after)


def truncate(after: int) -> Fault:
    """The answer ends early, as if it were whole."""
    return Fault("cut", after)


def reset(after: int = 0) -> Fault:
    """The connection is torn down in the middle of the answer."""
    return Fault("reset", after)


def trickle(after: int = 0, pause: float = 0.01) -> Fault:
    """One byte, a pause, one byte …: never silent for long, and never done."""
    return Fault("trickle", after, pause)


def delay(pause: float) -> Fault:
    """The whole answer, late."""
    return Fault("delay", 0, pause)


def wrong(data: bytes) -> Fault:
    """These bytes, whatever was asked; then the end."""
    return Fault("wrong", data=data)


@dataclass
class FaultProxy:
    """Listens on a free port of loopback and passes everything on to `host`:`port`, as far as `fault` lets it.

    `opened` counts the connections taken. `refuse` stops listening (connections are refused), `listen` begins again on the
    same port, `cut` resets every connection that is open.
    """

    host: str
    port: int
    fault: Fault = WELL
    opened: int = 0
    own_port: int = 0
    _server: asyncio.Server | None = None
    _live: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where to ask, by HTTP."""
        return f"http://127.0.0.1:{self.own_port}"

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.refuse()
        tasks = list(self._live)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def listen(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.own_port)
        self.own_port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Take none: whoever connects is refused. Those that are open go on."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def cut(self) -> None:
        """Reset every connection that is open."""
        for writers in list(self._live.values()):
            for writer in writers:
                _reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        task = asyncio.current_task()
        assert task is not None
        self._live[task] = [writer]
        try:
            await self._connect(reader, writer, self.fault, self._live[task])
        except (ConnectionError, asyncio.CancelledError):
            pass  # the other side left, or the test is over
        finally:
            for each in self._live.pop(task):
                each.close()

    async def _connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault, opened: list[asyncio.StreamWriter]
    ) -> None:
        if fault.kind == "wrong":
            await reader.read(_CHUNK)
            writer.write(fault.data)
            await writer.drain()
            return
        from_server, to_server = await asyncio.open_connection(self.host, self.port)
        opened.append(to_server)
        asking = asyncio.create_task(_pass_on(reader, to_server))
        try:
            await _answer(from_server, writer, fault)
        finally:
            asking.cancel()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(_CHUNK):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault) -> None:
    left = fault.after
    while chunk := await reader.read(_CHUNK):
        if fault.kind == "none":
            writer.write(chunk)
            await writer.drain()
            continue
        writer.write(chunk[:left])
        await writer.drain()
        rest, left = chunk[left:], max(left - len(chunk), 0)
        if rest and not await _misbehave(writer, rest, fault):
            return


async def _misbehave(writer: asyncio.StreamWriter, rest: bytes, fault: Fault) -> bool:
    """Do to the rest of the answer what the fault says; whether the connection goes on."""
    match fault.kind:
        case "hang":
            await asyncio.Event().wait()
        case "reset":
            _reset(writer)
        case "delay":
            await asyncio.sleep(fault.pause)
            writer.write(rest)
            return True
        case "trickle":
            for byte in rest:
                writer.write(bytes([byte]))
                await asyncio.sleep(fault.pause)
            return True
        case _:
            pass
    return False


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
