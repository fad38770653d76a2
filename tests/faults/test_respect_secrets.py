"""Secrets stay where they were put: no log, answer, file, table, command line or child of ours ever repeats one."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from typer.testing import CliRunner

from monitor.cli import app
from monitor.domain.clock import SystemClock
from monitor.testing import serving
from notifiers.signing import headers

Folder = Any
Launch = Any
Patiently = Callable[..., Awaitable[Any]]

# One for every setting that takes a secret, and each given in another way. `whsec_` keys are base64.
_KEY = "Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5"
CANARIES = {
    "token": "canary-token-0",
    "feed": "canary-feedkey-1",
    "feed_password": "canary-feedpass-2",
    "hook": "canary-hookpath-3",
    "signing": _KEY,
    "inbound": _KEY[::-1].replace("=", ""),
    "smtp": "canary-smtppass-4",
    "chat": "canary-chatpass-5",
    "heartbeat": "canary-heartbeat-6",
    "links": "canary-links-7-which-is-long-enough",
    "caller": _KEY[5:] + _KEY[:5],
}

MONITOR = """
version: 1
subjects: {acme: {names: [Acme]}}
sources:
  tickets: {kind: webhook, secret: "file:inbound.secret", every: 1s}
  posts: {kind: mastodon, url: "SITE", hashtags: [acme], token: "${CANARY_TOKEN}", every: 1s}
  press: {kind: feed, url: "http://reader:${CANARY_FEED_PASSWORD}@HOST/feed?api_key=${CANARY_FEED}", every: 1s}
receivers:
  hub: {kind: webhook, url: "credential:hook", secret: "file:signing.secret"}
  mail: {kind: email, to: care@acme.example}
  chat: {kind: apprise, urls: ["json://user:${CANARY_CHAT}@HOST/chat"]}
smtp: {host: 127.0.0.1, port: PORT, security: none, sender: tocsin@acme.example, username: tocsin, password: "${CANARY_SMTP}"}
routing: {default: [hub, mail, chat], ops: hub, group_wait: 1s, group_interval: 1s}
heartbeat: {url: "SITE/beat/${CANARY_HEARTBEAT}", every: 10s}
http: {allow: ["127.0.0.0/8"]}
storage: {url: "sqlite:///DATABASE"}
web: {port: 0, public_url: "https://t.example", secret: "${CANARY_LINKS}"}
callers: {bot: {secret: "file:caller.secret"}}
logging: {format: json, level: debug}
"""
RULES = """
version: 1
rules:
  - {id: complaint, kind: mention, where: {subjects: acme, text: {any_of: [broken]}}, key: [author]}
"""


def _forms(name: str, canary: str) -> list[str]:
    """How a secret is sent: as it is, and in base64 alone (AUTH LOGIN), after a user (Basic) and between NULs (AUTH PLAIN)."""
    users = {"feed_password": "reader", "chat": "user", "smtp": "tocsin"}
    sent = [canary, f"{users.get(name, '')}:{canary}", f"\0{users.get(name, '')}\0{canary}"]
    return [canary, *(base64.b64encode(each.encode()).decode() for each in sent)]


def _leaks(where: str, text: str) -> list[str]:
    return [
        f"{name} in {where}: …{text[max(text.find(form) - 80, 0) :][:160]}…"
        for name, canary in CANARIES.items()
        for form in _forms(name, canary)
        if form in text
    ]


@asynccontextmanager
async def _refusing_mail() -> AsyncIterator[int]:
    """An SMTP server that takes no password, and repeats what it was given."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        while line := await reader.readline():
            if line.upper().startswith(b"EHLO"):
                writer.write(b"250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n")
            else:
                writer.write(b"535 5.7.8 what is that: " + line.strip() + b"\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def _repeats_everything(request: web.Request) -> web.Response:
    """The worst server: it refuses, and its answer repeats the address, the headers and the body it was sent."""
    said = f"{request.url} {dict(request.headers)} {await request.text()}"
    status = 401 if request.path.startswith(("/feed", "/api")) else 500
    return web.Response(status=status, text=said, headers={"X-You-Said": str(request.rel_url)})


async def _call_in(address: str) -> int:
    """A complaint by the signed webhook."""
    body = json.dumps({"text": "My Acme is broken", "author": "ada", "url": "https://tickets.example/1"}).encode()
    signed = headers([f"whsec_{CANARIES['inbound']}"], "call-1", SystemClock().now(), body)
    async with aiohttp.ClientSession() as session, session.post(f"{address}/hooks/tickets", data=body, headers=signed) as answer:
        return answer.status


def _plant(folder: Folder, tmp_path: Path, site: str, port: int) -> dict[str, str]:
    """Write the configuration with a secret in every setting that takes one. Returns the environment."""
    folder.path.mkdir(parents=True)
    text = MONITOR.replace("SITE", site).replace("HOST", site.removeprefix("http://")).replace("PORT", str(port))
    (folder.path / "monitor.yaml").write_text(text.replace("DATABASE", str(tmp_path / "tocsin.db")))
    (folder.path / "rules").mkdir()
    (folder.path / "rules" / "acme.yaml").write_text(RULES)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "hook").write_text(f"{site}/hook/{CANARIES['hook']}?token={CANARIES['hook']}")
    for name in ("signing", "inbound", "caller"):
        (folder.path / f"{name}.secret").write_text(f"whsec_{CANARIES[name]}")
        (folder.path / f"{name}.secret").chmod(0o600)
    named = {f"CANARY_{name.upper()}": value for name, value in CANARIES.items()}
    return named | {"CREDENTIALS_DIRECTORY": str(credentials)}


def _processes(pid: int) -> list[str]:
    """What /proc shows of a process and its children: their command lines, and the environment we gave the children."""
    children = [int(number) for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    shown = [Path(f"/proc/{each}/cmdline").read_text() for each in (pid, *children)]
    return [*shown, *(Path(f"/proc/{each}/environ").read_text() for each in children)]


def _typed(folder: Folder, environ: dict[str, str], *words: str) -> str:
    """What a command says, and what it ends with."""
    done = CliRunner().invoke(app, [*words, "--config", str(folder.path)], env=environ)
    return f"{done.output}{done.exception or ''}"


async def _pages(daemon: Any) -> list[str]:
    """What the endpoints answer, to good questions and to bad ones, headers included."""
    said = []
    async with aiohttp.ClientSession() as session:
        for address in {getattr(daemon, "address", ""), getattr(daemon, "private", "")} - {""}:
            for path in ("/metrics", "/-/healthy", "/-/ready", "/nowhere", "/hooks/tickets", "/hooks/nobody", *LINKED):
                async with session.post(address + path, data=b"{") as answer:
                    said.append(f"{answer.headers} {await answer.text()}")
                async with session.get(address + path) as answer:
                    said.append(f"{answer.headers} {await answer.text()}")
    return said


def _tables(database: Path) -> str:
    with sqlite3.connect(database) as connection:
        return "\n".join(connection.iterdump())


LINKED = ("/take?link=x", "/run?link=x", "/api/plans/1", "/api/plans/1/acts")
COMMANDS = (
    ("check",),
    ("status",),
    ("status", "--json"),
    ("sources", "list"),
    ("sources", "try", "posts"),
    ("sources", "try", "press"),
    ("receivers", "list"),
    ("receivers", "try", "hub"),
    ("receivers", "try", "mail"),
    ("receivers", "try", "chat"),
    ("alerts", "--json"),
    ("alert", "show", "1"),
)


@pytest.mark.fault("respect", "everything that is given a secret fails, and every server repeats what it was sent")
async def test_no_secret_is_ever_repeated(folder: Folder, launched: Launch, patiently: Patiently, tmp_path: Path) -> None:
    """None is in a log line, an endpoint's answer, a command's output, /proc, a table, a file of the store or a backup."""
    async with serving() as site, _refusing_mail() as port:
        site.answer = _repeats_everything
        environ = _plant(folder, tmp_path, site.url, port)
        async with launched(**environ) as daemon:
            assert await _call_in(daemon.address) == 202

            async def tried() -> bool:
                asked = {request.path.split("/")[1] for request in site.asked}
                failed = {each.get("receiver") for each in daemon.logged("delivery.retry")} | {
                    each.get("receiver") for each in daemon.logged("delivery.failed")
                }
                return {"hook", "feed", "api", "chat", "beat"} <= asked and failed >= {"hub", "mail", "chat"}

            await patiently(tried, "everything was tried with its secret")
            seen = {"proc": "\n".join(_processes(daemon.process.pid)), "pages": "\n".join(await _pages(daemon))}
            for words in COMMANDS:
                seen[" ".join(words)] = await asyncio.to_thread(_typed, folder, environ, *words)
            seen["backup"] = await asyncio.to_thread(_typed, folder, environ, "backup", str(tmp_path / "copy.db"))
        seen["log"] = "\n".join(map(json.dumps, daemon.events))
    seen["tables"] = _tables(tmp_path / "tocsin.db")
    for file in (tmp_path / "tocsin.db", tmp_path / "copy.db"):
        seen[file.name] = file.read_bytes().decode(errors="replace")
    assert [leak for where, text in seen.items() for leak in _leaks(where, text)] == []
    received = "".join(f"{request.rel_url} {request.headers}" for request in site.asked)
    used = ("token", "feed", "hook", "heartbeat")
    assert [name for name in used if CANARIES[name] not in received] == []  # else nothing could have leaked
    assert "credentials" in seen["status"]


@pytest.mark.fault("respect", "the database that a password leads to cannot be reached, or the configuration is wrong")
@pytest.mark.parametrize("fault", ["away", "proxy", "misspelt", "traceback"])
def test_no_secret_is_repeated_by_what_stops_the_start(folder: Folder, tmp_path: Path, fault: str) -> None:
    """What the start says names the setting and the server, and neither password nor token; nothing is left in a core file."""
    environ = _plant(folder, tmp_path, "http://127.0.0.1:1", 1)
    path = folder.path / "monitor.yaml"
    changed = {
        "away": ("sqlite:///", f"postgresql://tocsin:{CANARIES['smtp']}@127.0.0.1:1/"),
        "proxy": ("http: {", f'http: {{proxy: "ftp://user:{CANARIES["feed"]}@127.0.0.1:1", '),
        "misspelt": ("token: ", "tokne: "),
        "traceback": ("port: 1,", "port: 1, timeout: [],"),
    }[fault]
    path.write_text(path.read_text().replace(*changed))
    if fault == "away":
        path.write_text(path.read_text().replace(CANARIES["smtp"], "${CANARY_SMTP}").replace("/" + str(tmp_path), "/tocsin"))
    if fault == "proxy":
        path.write_text(path.read_text().replace(CANARIES["feed"], "${CANARY_FEED}"))
    for words in (("check",), ("status",), ("backup", str(tmp_path / "x")), ("migrate",)):
        said = _typed(folder, environ, *words)
        assert said
        assert _leaks(" ".join(words), said) == []


@pytest.mark.fault("respect", "the daemon crashes and the kernel would keep its memory")
async def test_no_core_file_is_written(folder: Folder, launched: Launch) -> None:
    """The daemon forbids core files for itself and its children: its memory holds every secret and what people said."""
    folder.write()
    async with launched() as daemon:
        limits = await asyncio.to_thread(Path(f"/proc/{daemon.process.pid}/limits").read_text)
    (core,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core.split()[4:6] == ["0", "0"]
