"""The page about the API is typed, command by command, at a console that has what it speaks of."""

from __future__ import annotations

import asyncio
import json
import os
import re
from datetime import timedelta
from pathlib import Path

from tests.monitor.console.api.conftest import Give
from tests.monitor.console.conftest import Office

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "how-to" / "use-the-api.md").read_text("utf-8")
TYPED = [line.removeprefix("$ ") for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
CURL = [line for line in TYPED if line.startswith("curl ")]
STREAM = " -N "
_OUT_OF_TIME = 28  # as curl says it


async def typed(line: str, office: Office, token: str) -> tuple[int, str]:
    """The exit code and what is printed; a stream is left after a second."""
    command = line.replace("curl ", "curl --max-time 1 ", 1) if STREAM in line else line
    until = office.home.clock.now() + timedelta(minutes=30)  # the clock of this house stands elsewhere
    command = re.sub(r"'\$\(date .*?\)'", f"{until:%FT%TZ}", command)
    environment = {**os.environ, "TOCSIN": office.address, "TOKEN": token}
    process = await asyncio.create_subprocess_shell(command, stdout=asyncio.subprocess.PIPE, env=environment)
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_what_the_page_types_works(office: Office, give: Give) -> None:
    """Each answers as the page says: with what was asked for, with events, or with a refusal in words."""
    program = await give("manager")
    assert len(CURL) == 11
    for line in CURL:
        code, said = await typed(line, office, program.token)
        if STREAM in line:
            assert (code, said.startswith("retry: ")) == (_OUT_OF_TIME, True), said
            continue
        assert code == 0, line
        answer = json.loads(said)
        assert ("status" in answer and answer["status"] == 422) == ("glad" in line), (line, said)


async def test_every_address_of_the_page_exists(give: Give) -> None:
    """Those in sentences and tables, too."""
    program = await give("viewer")
    paths = set(re.findall(r"/api/v1(/[a-z_/.]+[a-z])", PAGE)) | set(re.findall(r"`(/figures/[a-z_]+)`", PAGE))
    assert {"/figures/week", "/figures/series", "/openapi.json"} <= paths
    for path in paths:
        assert (await program.get(path.removesuffix("/acknowledge"))).status == 200, path
