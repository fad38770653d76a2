"""The real servers of Bluesky on loopback: accounts that live there, and what they write."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

_HERE = Path(__file__).resolve().parent / "servers" / "bluesky"
_VERSION = json.loads((_HERE / "package.json").read_text("utf-8"))["dependencies"]["@atproto/dev-env"]
_NODE = 20
_INSTALLING = 300  # seconds that the installation beside the tests may still take
_POST = "app.bsky.feed.post"
PASSWORD = "sésame, öffne dich"


@dataclass
class Person:
    """An account that is signed in at its server."""

    server: str
    handle: str
    did: str
    token: str = field(repr=False)

    def post(self, text: str, **more: Any) -> Mapping[str, str]:
        """Write a post; its address (`uri`) and version (`cid`)."""
        return self.write(_POST, {"text": text, **more})

    def answer(self, above: Mapping[str, str], text: str, root: Mapping[str, str] | None = None) -> Mapping[str, str]:
        """Answer a post."""
        return self.post(text, reply={"root": dict(root or above), "parent": dict(above)})

    def mention(self, other: Person, text: str) -> Mapping[str, str]:
        """Write a post that names somebody, as apps do."""
        return self.post(**_naming(other, text))

    def mention_often(self, other: Person, texts: Sequence[str], at_once: int) -> None:
        """The same for many, so many of them in one millisecond."""
        begin = datetime.now(UTC) - timedelta(seconds=1)
        times = (_written(begin + timedelta(milliseconds=number // at_once)) for number in range(len(texts)))
        values = [{"$type": _POST, "createdAt": at, **_naming(other, text)} for at, text in zip(times, texts, strict=True)]
        writes = [{"$type": "com.atproto.repo.applyWrites#create", "collection": _POST, "value": value} for value in values]
        _call(self.server, "com.atproto.repo.applyWrites", {"repo": self.did, "writes": writes}, self.token)

    def quote(self, other: Mapping[str, str], text: str) -> Mapping[str, str]:
        """Quote a post."""
        return self.post(text, embed={"$type": "app.bsky.embed.record", "record": dict(other)})

    def like(self, other: Mapping[str, str]) -> None:
        """Like a post."""
        self.write("app.bsky.feed.like", {"subject": dict(other)})

    def follow(self, other: Person) -> None:
        """Follow somebody."""
        self.write("app.bsky.graph.follow", {"subject": other.did})

    def write(self, collection: str, record: Mapping[str, Any]) -> Mapping[str, str]:
        """Write any record, now."""
        said = {"$type": collection, "createdAt": _written(datetime.now(UTC)), **record}
        asked = {"repo": self.did, "collection": collection, "record": said}
        made = _call(self.server, "com.atproto.repo.createRecord", asked, self.token)
        return {"uri": made["uri"], "cid": made["cid"]}

    def delete(self, post: Mapping[str, str]) -> None:
        """Take a post back."""
        collection, key = post["uri"].split("/")[-2:]
        _call(self.server, "com.atproto.repo.deleteRecord", {"repo": self.did, "collection": collection, "rkey": key}, self.token)

    def app_password(self) -> str:
        """A password for a program, as the settings of the app make one."""
        made = _call(self.server, "com.atproto.server.createAppPassword", {"name": "tocsin"}, self.token)
        return str(made["password"])


@dataclass(frozen=True)
class Bluesky:
    """Where accounts live whose posts are shown; and another server, that has limits."""

    pds: str
    limited: str
    _process: subprocess.Popen[str] = field(repr=False)

    def settle(self) -> None:
        """Wait until all that was written is shown."""
        assert self._process.stdin is not None
        self._process.stdin.write("settle\n")
        self._process.stdin.flush()
        assert _answer(self._process) == "settled"

    def join(self, name: str) -> Person:
        """A new account."""
        said = {"handle": f"{name}.test", "email": f"{name}@example.org", "password": PASSWORD}
        made = _call(self.pds, "com.atproto.server.createAccount", said)
        return Person(self.pds, made["handle"], made["did"], made["accessJwt"])


def _naming(other: Person, text: str) -> dict[str, Any]:
    """A text that begins with somebody's name, and where that stands."""
    name = f"@{other.handle}"
    features = [{"$type": "app.bsky.richtext.facet#mention", "did": other.did}]
    return {"text": f"{name} {text}", "facets": [{"index": {"byteStart": 0, "byteEnd": len(name)}, "features": features}]}


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _call(server: str, method: str, said: Mapping[str, Any], token: str | None = None) -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = Request(f"{server}/xrpc/{method}", data=json.dumps(said).encode(), headers=headers)
    try:
        with urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"{}")
    except HTTPError as error:
        raise AssertionError(f"{method}: {error.code} {error.read()[:500]!r}") from error


def _installed() -> Path:
    """Where it is installed. In CI that goes on beside the tests, and is waited for; elsewhere, where it is not, they skip."""
    node = shutil.which("node")
    major = subprocess.check_output([node, "--version"], text=True).lstrip("v").partition(".")[0] if node else "0"
    if int(major) < _NODE:
        pytest.skip(f"the servers of Bluesky need Node {_NODE} or later")
    told = os.environ.get("TOCSIN_TEST_BLUESKY")
    folder = Path(told) if told else Path.home() / ".cache" / "tocsin" / f"bluesky-{_VERSION}-node{major}"
    for _ in range(_INSTALLING * 2 if told else 0):
        if folder.is_dir():
            break
        if (failed := Path(f"{folder}.failed")).is_file():
            pytest.fail(f"the servers of Bluesky could not be installed: {failed.read_text('utf-8')}")
        time.sleep(0.5)
    if not folder.is_dir():
        pytest.skip(f"the servers of Bluesky are not in {folder}: tests/servers/bluesky/install {folder}")
    return folder


def _redis() -> str:
    place = os.environ.get("TOCSIN_TEST_REDIS", "127.0.0.1:6379")
    host, _, port = place.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except OSError:
        pytest.skip(f"no Redis answers at {place}, which the servers of Bluesky need: start one or set TOCSIN_TEST_REDIS")
    return place


@contextmanager
def running(database: str) -> Iterator[Bluesky]:
    """The network, while the tests last. `database` is the URL of an empty PostgreSQL database."""
    folder, redis = _installed(), _redis()
    environment = {
        **os.environ,
        "NODE_PATH": str(folder / "node_modules"),
        "NODE_ENV": "test",
        "LOG_ENABLED": "false",
        "DB_POSTGRES_URL": database,
        "REDIS_HOST": redis,
    }
    with TemporaryFile() as said:
        process = subprocess.Popen(
            ["node", str(_HERE / "network.cjs")],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
        with process:
            try:
                places = _answer(process)
                if places is None:
                    said.seek(0)
                    raise AssertionError(f"the servers of Bluesky did not start: {said.read()[-2000:].decode(errors='replace')}")
                yield Bluesky(places["pds"], places["limited"], process)
            finally:
                process.kill()  # asked to end, it takes seconds; and it ends with us, whatever becomes of us


def _answer(process: subprocess.Popen[str]) -> Any:
    """What it says next; None: it has ended."""
    assert process.stdout is not None
    line = process.stdout.readline()
    return json.loads(line) if line else None
