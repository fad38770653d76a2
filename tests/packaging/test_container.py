"""The image: what it is made of, and, where podman is, that it starts, answers, reloads, stops and comes back."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CONTAINERFILE = ROOT / "Containerfile"
PATIENCE = 60.0
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# No network, no rights, nothing to write but the volume: as run-in-a-container.md says.
CONFINED = [
    "--network=none",
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--pids-limit=128",
]
# This machine may itself be a sandbox that lets nobody raise a limit.
LIMITS = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000"]
MONITOR = """
version: 1
subjects: {acme: {names: [Acme]}}
sources: {posts: {kind: file, path: posts.jsonl}}
receivers: {hub: {kind: webhook, url: "https://hub.example.org/", secret: "file:/etc/tocsin/secret"}}
routing: {default: hub}
"""


def instructions() -> list[tuple[str, str]]:
    """The Containerfile's instructions, in order, each on one line."""
    text = re.sub(r"^#.*\n", "", CONTAINERFILE.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return [(word, " ".join(rest.split())) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def last(word: str) -> str:
    """What an instruction said last: that holds for the image."""
    return next(rest for each, rest in reversed(instructions()) if each == word)


def test_the_linter_has_nothing_to_say(run: Callable[..., str]) -> None:
    """Hadolint finds no fault in the Containerfile."""
    assert run("hadolint", CONTAINERFILE) == ""


def test_the_program_is_process_one() -> None:
    """No shell stands between the engine's signals and the daemon."""
    assert (last("ENTRYPOINT"), last("CMD"), last("STOPSIGNAL")) == ('["tocsin"]', '["run"]', "SIGTERM")


def test_nobody_s_rights_are_needed() -> None:
    """The image runs as an account with a number, so that an engine can tell that it is not root."""
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", last("USER"))
    assert last("VOLUME") == "/var/lib/tocsin"


def test_the_build_sees_only_the_program() -> None:
    """What is not asked for by name stays out of the image: stores, configurations, secrets, history."""
    rules = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert all((ROOT / rule.removeprefix("!")).exists() for rule in rules if rule.startswith("!"))


def test_the_same_tools_build_everywhere() -> None:
    """The image is built with the uv that the Makefile takes."""
    (wanted,) = re.findall(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert ("ARG", f"UV_VERSION={wanted}") in instructions()


def test_compose_confines_it_too() -> None:
    """The example for compose mounts what the image expects, and takes every right away."""
    made: dict[str, Any] = yaml.safe_load((ROOT / "packaging/compose.yaml").read_text("utf-8"))["services"]["tocsin"]
    assert made["read_only"] is True
    assert made["cap_drop"] == ["ALL"]
    assert [volume.split(":")[1] for volume in made["volumes"]] == ["/etc/tocsin", last("VOLUME")]
    assert all(port.startswith("127.0.0.1:") for port in made["ports"])
    assert (ROOT / "packaging" / made["build"]["context"] / made["build"]["dockerfile"]).samefile(CONTAINERFILE)


@pytest.fixture(scope="module")
def podman(run: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Generator[Callable[..., str]]:
    """Types a command of podman, which keeps all it has in a folder of the tests' own."""
    for program in ("podman", "runc", "mmdebstrap"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: apt-get install {program})")
    folder = tmp_path_factory.mktemp("podman")
    options = ["--root", folder / "root", "--runroot", folder / "run", "--runtime=runc", "--cgroup-manager=cgroupfs"]

    def typed(*command: str | Path) -> str:
        return run("podman", *options, *command)

    yield typed
    typed("rm", "--all", "--force")
    typed("rmi", "--all", "--force")


@pytest.fixture(scope="module")
def image(podman: Callable[..., str], run: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image, on a base made of Debian's own packages: no registry of images is asked."""
    base = tmp_path_factory.mktemp("base") / "base.tar"
    release = run("sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME").strip()
    run("mmdebstrap", "--quiet", "--variant=minbase", "--include=python3-venv,ca-certificates", release, base)
    podman("import", "--quiet", base, "localhost/base")
    # A package index may be trusted through a certificate that only this machine knows.
    trusted = [f"--volume={Path(CERTIFICATES).parent}:{Path(CERTIFICATES).parent}:ro", f"--env=SSL_CERT_FILE={CERTIFICATES}"]
    trusted += [f"--env=PIP_CERT={CERTIFICATES}"]
    build = ["build", "--quiet", "--isolation=chroot", "--format=docker", "--build-arg=BASE=localhost/base", *trusted]
    podman(*build, "--tag=localhost/tocsin", ROOT)
    return "localhost/tocsin"


@pytest.fixture
def brand(tmp_path: Path) -> Path:
    """A configuration that the image's account can read, and nobody else."""
    folder = tmp_path / "brand"
    folder.mkdir()
    for name, text in {"monitor.yaml": MONITOR, "posts.jsonl": "", "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    for path in (folder, *folder.iterdir()):
        os.chown(path, 10001, 10001)
    return folder


def until_healthy(podman: Callable[..., str], name: str) -> None:
    """Ask the image's own health check until it says yes."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            podman("healthcheck", "run", name)
        except AssertionError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(podman("logs", name))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_the_image_lives(podman: Callable[..., str], image: str, brand: Path) -> None:
    """Without network, rights or a root to write, it answers its health check, reloads, stops, and finds its store again."""
    mounts = [f"--volume={brand}:/etc/tocsin:ro", "--volume=store:/var/lib/tocsin"]
    assert "1 subject" in podman("run", "--rm", *LIMITS, *CONFINED, *mounts, image, "check")
    podman("run", "--detach", "--name=one", *LIMITS, *CONFINED, *mounts, image)
    until_healthy(podman, "one")
    assert podman("exec", "one", "id", "--user").strip() == "10001"
    assert podman("exec", "one", "cat", "/proc/1/comm").strip() == "tocsin"
    assert "0 mentions stored" in podman("exec", "one", "tocsin", "status")

    podman("kill", "--signal=HUP", "one")
    podman("stop", "--time=30", "one")
    assert podman("inspect", "--format={{.State.ExitCode}}", "one").strip() == "0"
    podman("start", "one")
    until_healthy(podman, "one")
    podman("exec", "one", "tocsin", "backup")
    podman("rm", "--force", "one")

    left = podman("run", "--rm", *LIMITS, *CONFINED, *mounts, "--entrypoint=ls", image, "/var/lib/tocsin").split()
    assert "tocsin.db" in left
    assert len([name for name in left if name.endswith(".db")]) == 2


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_bad_configuration_ends_with_its_code(podman: Callable[..., str], image: str, brand: Path) -> None:
    """An engine sees exit code 78, and the sentence is on standard error."""
    (brand / "monitor.yaml").write_text(MONITOR + "bogus: 1\n")
    podman("create", "--name=two", *LIMITS, *CONFINED, f"--volume={brand}:/etc/tocsin:ro", image)
    with pytest.raises(AssertionError, match="exit 78"):
        podman("start", "--attach", "two")


def test_scripts_of_packaging_are_clean(run: Callable[..., str]) -> None:
    """Shellcheck finds nothing in the scripts that build and install."""
    scripts = [path for path in (ROOT / "packaging").rglob("*") if path.is_file() and path.read_bytes().startswith(b"#!")]
    assert len(scripts) >= 4
    run("shellcheck", *scripts)
