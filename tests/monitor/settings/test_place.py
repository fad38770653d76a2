"""One configuration means one store, whoever asks and from wherever."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.settings import load
from monitor.settings.place import state_folder


def test_a_store_lies_beside_its_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder given relatively means the one it was when it was read."""
    (tmp_path / "brand").mkdir()
    (tmp_path / "brand" / "monitor.yaml").write_text("version: 1\nsubjects: {acme: {}}\n")
    monkeypatch.chdir(tmp_path)
    read = load(Path("brand"), environ={})
    monkeypatch.chdir("/")
    assert read.storage.place == f"{tmp_path}/brand/tocsin.db"
    assert load(tmp_path / "brand", environ={"STATE_DIRECTORY": "/srv/state"}).storage.place == "/srv/state/tocsin.db"


@pytest.mark.parametrize(
    ("configuration", "environ", "folder"),
    [
        ("/home/ada/brand", {}, "/home/ada/brand"),
        ("/etc/tocsin", {}, "/var/lib/tocsin"),
        ("/etc", {}, "/var/lib/tocsin"),
        ("/home/../etc/tocsin", {}, "/var/lib/tocsin"),
        ("/etcetera", {}, "/etcetera"),
        ("/etc/tocsin", {"STATE_DIRECTORY": "/var/lib/other"}, "/var/lib/other"),
        ("/home/ada/brand", {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a"),
        ("/home/ada/brand", {"STATE_DIRECTORY": ""}, "/home/ada/brand"),
    ],
)
def test_the_service_and_its_administrator_mean_the_same_store(configuration: str, environ: dict[str, str], folder: str) -> None:
    """The service is told its folder by systemd; an administrator's shell does not know it."""
    assert state_folder(Path(configuration), environ) == Path(folder)
