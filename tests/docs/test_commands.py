"""The commands in the documentation do what the page says that they do."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path

import pytest
import typer.main

from monitor.cli import app
from monitor.demo import left_to_try

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0  # seconds that a command in the background may take to show its effect
LOOK = 0.05  # seconds between two looks for it
FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
DEMO_SECRETS = {
    "DEMO_SMTP_PORT": "25",
    "DEMO_WEBHOOK_URL": "http://localhost:9/",
    "DEMO_WEBHOOK_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3",
}
# What the page of the first crisis shows in English, as it is for whoever types `--language fr`.
IN_FRENCH = {
    "--send-to lea@example.org": "--send-to lea@example.org --language fr",
    "negative-storm…Negative storm": "negative-storm…Bad buzz",
    "Negative storm, simulated": "Bad buzz…, simulé",
    "Alert “The brand is under fire”: 15 people": "Alerte « La marque est prise à partie » : 15 personnes",
    "Plan opened": "Plan ouvert",
    "Crisis confirmed, by Léa Martin": "Crise confirmée, par Léa Martin",
    "within 60 minutes": "en 60 min",
    "Done: “Publish the holding statement: it needs no facts”, by Léa Martin": "Fait : « Publier le message d’attente",
    "Nothing was sent.": "Rien n’a été envoyé.",
    "Emergency plan “Negative storm” opened for": "Plan d’urgence « Bad buzz…» ouvert pour",
    "Emergency plan “Negative storm” to confirm: 15 people complain about Café Lumen": (
        "Plan d’urgence « Bad buzz…» à confirmer : 15 personnes se plaignent de Café Lumen"
    ),
    "(still learning)": "(en apprentissage)",
    "DO THIS NOW\n-----------": "À FAIRE MAINTENANT\n------------------",
    "Start with “Pause everything that goes out by itself” (": "Commencez par « Suspendre tout ce qui part tout seul » (",
    "Take it, then confirm to start the automatic steps": "Prenez en charge, puis confirmez pour lancer les étapes automatiques ",
    "Acknowledge: http": "Je prends en charge : http",
    "Open the plan’s page: http": "Ouvrir la page du plan : http",
    "Negative storm  under way": "Bad buzz…under way",
    "[en, approved] We have seen your messages and we take them seriously. … Write to us at help@example.org:": (
        "[fr, approved] Nous avons vu vos messages et nous les prenons au sérieux. … Écrivez-nous à help@example.org :"
    ),
    "Handover: Negative storm, run 2": "Passation : Bad buzz…, run 2",
    "Where we stand": "Où en est-on",
    "What comes next": "Ce qui vient",
}
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


def _spaced(text: str) -> str:
    return re.escape(text).replace(r"\ ", "[ \u00a0\u202f]")


@dataclass
class Step:
    """One command as typed, and the output that the page shows (`…` stands for anything, a space for one that does not break).

    `aside` is a second terminal, in which one command runs all the while: without a command, it is what appears there.
    """

    command: str
    shown: list[str] = field(default_factory=list)
    aside: bool = False

    @property
    def expected(self) -> re.Pattern[str]:
        """The shown output as a pattern; a line that is only `…` stands for any number of lines.

        What follows such a line is looked for once, from there on: with all places of all of them it takes minutes to fail.
        """
        first, *later = (
            r"\s*".join(r"[^\n]*".join(map(_spaced, line.split("…"))) for line in part.splitlines())
            for part in re.split(r"^…(?:\n|$)", "\n".join(self.shown), flags=re.MULTILINE)
        )
        between, last = "".join(rf"(?>.*?{each})" for each in later[:-1]), "".join(f".*{each}" for each in later[-1:])
        return re.compile((first or r"\A") + between + last, re.DOTALL)


def steps(text: str) -> list[Step]:
    """What is typed and seen, in order: the blocks marked ```console run, and, in a second terminal, ```text aside."""
    found: list[Step] = []
    for block in FENCE.finditer(text):
        form, _, how = block["info"].partition(" ")
        if form == "text" and how == "aside":
            found.append(Step("", block["body"].splitlines(), aside=True))
        for line in block["body"].splitlines() if form == "console" and how in {"run", "run aside"} else ():
            if line.startswith("$ "):
                found.append(Step(line[2:], aside=how == "run aside"))
            elif line.startswith("> "):
                found[-1].command += "\n" + line[2:]
            else:
                found[-1].shown.append(line)
    return found


@dataclass
class Shell:
    """Runs commands in a folder; what was started in the background ends with it."""

    folder: Path
    program: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    exported: dict[str, str] = field(default_factory=dict)
    aside: Path | None = None  # what the second terminal shows

    @property
    def environment(self) -> dict[str, str]:
        """Our own commands first, a wide page, and nobody's configuration."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN_", "COV_", "COVERAGE"))}
        return {
            **kept,
            **self.exported,
            "PATH": f"{self.program.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "COLUMNS": "160",
        }

    def begin(self, command: str) -> Path:
        """Start a command and leave it running; where its output is."""
        log = self.folder / f"background-{len(self.running)}.log"
        words = ["bash", "-c", f"exec {command.removesuffix('&')}"]
        with log.open("wb") as file:
            self.running.append(
                subprocess.Popen(words, cwd=self.folder, env=self.environment, stdout=file, stderr=subprocess.STDOUT)
            )
        return log

    def run(self, command: str) -> str:
        """Run a command to its end; what it printed."""
        name, _, value = command.removeprefix("export ").partition("=")
        if command.startswith("export "):
            self.exported[name] = value
            return ""
        shell = ["bash", "-c", command]
        done = subprocess.run(
            shell, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout + done.stderr

    def end(self) -> None:
        """Stop what runs in the background, the last one first."""
        for process in reversed(self.running):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self.running):
            process.wait(20)


@pytest.fixture
def shell(tmp_path: Path, typed_program: Path) -> Generator[Shell]:
    """A shell in an empty folder."""
    opened = Shell(tmp_path, typed_program)
    yield opened
    opened.end()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.timeout(600)
def test_the_tutorial_works_as_typed(shell: Shell) -> None:
    """From `tocsin init` to an alert that was delivered and acknowledged: every command prints what the page shows."""
    for step in steps((ROOT / "docs" / "tutorial.md").read_text("utf-8").replace("8025", str(free_port()))):
        _follow(shell, step)
        if step.command.startswith("tocsin init"):
            with (shell.folder / "my-brand" / "monitor.yaml").open("a") as file:
                file.write("web: {port: 0}\n")  # the usual port may be taken here


@pytest.mark.timeout(600)
def test_the_first_crisis_is_lived_through_as_typed(shell: Shell) -> None:
    """From a copied plan over its drill to the report on a crisis: every command and every e-mail is what the page shows."""
    assert "Taken by Léa Martin" in live_through((ROOT / "docs" / "tutorial-crisis.md").read_text("utf-8"), shell)


@pytest.mark.timeout(600)
def test_the_first_crisis_is_lived_through_in_french(shell: Shell) -> None:
    """As the page says of `--language fr`: what people are sent, shown and given to read is in French."""
    page = (ROOT / "docs" / "tutorial-crisis.md").read_text("utf-8")
    for english, french in IN_FRENCH.items():
        assert english in page, f"the page shows something else by now than: {english}"
        page = page.replace(english, french)
    shown = live_through(page, shell)
    assert all(said in shown for said in ('<html lang="fr"', "<h1>Bad buzz", "Pris en charge par Léa Martin", "à faire"))
    assert shell.aside is not None
    subjects = re.findall(r"^── inbox/.*\n(.*)$", shell.aside.read_text("utf-8"), re.MULTILINE)
    in_french = re.compile("Plan d’urgence|plainte|À vous|Point de situation|Passation|à clore|à signer")
    assert subjects
    assert [each for each in subjects if not in_french.search(each)] == []
    for name, title in (("card.html", "Fiche réflexe – Bad buzz"), ("report.html", "retour d’expérience")):
        made = (shell.folder / name).read_text("utf-8")
        assert '<html lang="fr"' in made
        assert title in made.partition("<title>")[2].partition("</title>")[0]


def live_through(page: str, shell: Shell) -> str:
    """Type a page on a first crisis, with ports that are free, and press the button that it speaks of: what is shown then."""
    page, web, shown = page.replace("8025", str(free_port())), str(free_port()), ""
    for step in steps(page.replace("port: 8080", f"port: {web}, private: {{port: 0}}").replace("8080", web)):
        if step.command.startswith("tocsin plan ack 1 "):
            shown = press_the_link_of("lea@example.org", shell)
        _follow(shell, step)
    return shown


def press_the_link_of(reader: str, shell: Shell) -> str:
    """Do what the page asks for in a browser: the e-mail is there, or about to be."""
    assert shell.aside is not None
    asked = re.compile(rf"to {reader}\n.*?: (\S+/take\?\S+)\n", re.DOTALL)
    while (found := asked.search(shell.aside.read_text("utf-8"))) is None:
        time.sleep(LOOK)
    with urllib.request.urlopen(found[1], data=b"") as answer:
        assert answer.status == HTTPStatus.OK
        return str(answer.read(), "utf-8")


def test_a_score_is_what_the_page_shows(shell: Shell) -> None:
    """Every line that `tocsin score` prints of a text, and no other."""
    shown = steps((ROOT / "docs" / "how-to" / "score-and-evaluate.md").read_text("utf-8"))
    assert shown
    for step in shown:
        printed = shell.run(step.command)
        assert step.expected.fullmatch(printed.strip()), f"$ {step.command}\n{printed}"


def test_a_rule_is_tested_as_the_page_shows(shell: Shell) -> None:
    """With the rule and the story that the page shows, as they are, and after the change that it shows."""
    page = (ROOT / "docs" / "how-to" / "test-a-rule.md").read_text("utf-8")
    shell.run("tocsin init my-brand --brand Acme --source https://news.example/feed --send-to me@acme.example")
    (shell.folder / "my-brand" / "rules").mkdir()
    files = iter(("queue.yaml", "queue.test.yaml", "queue.test.yaml"))
    for block in FENCE.finditer(page):
        if block["info"] == "yaml":
            with (shell.folder / "my-brand" / "rules" / next(files)).open("a", encoding="utf-8") as file:
                file.write(block["body"])
        for step in steps(block[0]):
            printed = shell.run(step.command)
            assert step.expected.fullmatch(printed.strip()), f"$ {step.command}\n{printed}"
    assert next(files, None) is None


def test_something_is_tried_before_it_rings_as_the_page_shows(shell: Shell) -> None:
    """From the first week to one rule that is tried: its files are sound, its commands print what it shows."""
    page = (ROOT / "docs" / "how-to" / "try-before-it-rings.md").read_text("utf-8")
    week, rule = (block["body"] for block in FENCE.finditer(page) if block["info"] == "yaml")
    config = shell.folder / "my-brand"
    for step in steps(page):
        if "observed" in step.command:
            shell.run("tocsin migrate --config my-brand")  # the first thing that `tocsin run` does
        printed = shell.run(step.command)
        assert step.expected.search(printed.strip()), f"$ {step.command}\n{printed}"
    monitor = (config / "monitor.yaml").read_text("utf-8")
    (config / "monitor.yaml").write_text(re.sub("(?m)^observing: .*\n", "", monitor) + week, "utf-8")
    (config / "rules" / "new-idea.yaml").write_text(rule, "utf-8")
    checked = shell.run("tocsin check --config my-brand")
    assert "Everything is only observed until 2999-12-06 08:00" in checked
    assert "20 own rules" in checked
    assert "danger" not in checked


@pytest.mark.timeout(600)
def test_a_threshold_is_changed_as_the_page_shows(shell: Shell) -> None:
    """On what the demo leaves: from what the rule does now to a test that the changed one passes."""
    page = (ROOT / "docs" / "how-to" / "change-a-threshold.md").read_text("utf-8")
    left_to_try(ROOT / "config" / "demo", shell.folder / "marmotte", DEMO_SECRETS)
    rules, tests = (shell.folder / "marmotte" / "rules" / name for name in ("marmotte.yaml", "marmotte.test.yaml"))
    shown, promise = (block["body"] for block in FENCE.finditer(page) if block["info"] == "yaml")
    assert shown.strip() in rules.read_text("utf-8")
    with tests.open("a", encoding="utf-8") as file:
        file.write(promise)
    for step in steps(page):
        printed = shell.run(step.command)
        assert step.expected.fullmatch(printed.strip()), f"$ {step.command}\n{printed}"


def _follow(shell: Shell, step: Step) -> None:
    """Do as the page says, and see what it shows."""
    if step.aside:
        shell.aside = shell.begin(step.command) if step.command else shell.aside
        assert shell.aside is not None, "nothing runs in the second terminal"
        _expect(shell, step, partial(shell.aside.read_text, "utf-8"))
    elif step.command.endswith("&"):
        shell.begin(step.command)
    else:
        _expect(shell, step, partial(shell.run, step.command))


def _expect(shell: Shell, step: Step, look: Callable[[], str]) -> None:
    """Look, and again for a while when something in the background may still change what is seen."""
    until = time.monotonic() + (PATIENCE if shell.running else 0.0)
    printed = look()
    while not step.expected.search(printed) and time.monotonic() < until:
        time.sleep(LOOK)
        printed = look()
    assert step.expected.search(printed), f"$ {step.command}\n{printed}\ninstead of\n" + "\n".join(step.shown)


def test_the_first_screen_of_the_readme_has_exactly_two_commands() -> None:
    """`make demo` and `make test`, and the Makefile has both."""
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [block["body"].split("\n")[:-1] for block in FENCE.finditer(readme) if block["info"] == "console"] == [
        ["make demo", "make test"]
    ]
    assert readme[: readme.index("make demo")].count("\n") < 15
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert re.search(r"^demo:", makefile, re.MULTILINE)
    assert re.search(r"^test:", makefile, re.MULTILINE)


def commands() -> dict[str, set[str]]:
    """Every command of `tocsin` with its options."""
    found: dict[str, set[str]] = {}
    waiting = [("", typer.main.get_command(app))]
    while waiting:
        path, command = waiting.pop()
        inner = getattr(command, "commands", {})
        waiting += [(f"{path} {name}".strip(), each) for name, each in inner.items()]
        if not inner:
            found[path] = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {
                "--help"
            }
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists_with_its_options(page: Path) -> None:
    """`tocsin …` in code is a command, and the options behind it are its own."""
    known = commands()
    groups = {path.split()[0] for path in known if " " in path}
    for said in re.findall(r"(?:`|\$ |&& )tocsin ([^`\n&|]+)", page.read_text("utf-8")):
        words = said.split()
        path = " ".join(words[:2]) if words[0] in groups and len(words) > 1 else words[0]
        if path in {"COMMAND", "…"} or path in groups:
            continue
        assert path in known, f"{page.name}: tocsin {said}"
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= known[path], f"{page.name}: tocsin {said}"
