"""Three answers become ten lines that work."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from monitor.domain.errors import ExitCode, UsageError
from monitor.settings import check, load, render, scaffold
from monitor.settings.scaffold import ExistsError, offered, slug
from monitor.sources import KINDS
from notifiers.message import Language

LOGIN = '# with a login: {host: …, sender: …, username: …, password: "${SMTP_PASSWORD}"}'
OBSERVING = "# observing: {until: YYYY-MM-DD}: until that day only dangers ring, one message a day says what would have"
ENGLISH = f"""\
# What to listen for, where, and whom to tell. All else has defaults; see `tocsin check` and docs/reference.
version: 1
language: en
subjects: {{acme: {{names: [Acme]}}}}
sources:
  first: {{kind: feed, url: "https://example.org/feed.xml"}}
smtp: {{host: localhost, port: 25, security: none, sender: me@example.org}}  {LOGIN}
receivers:
  me: {{kind: email, to: me@example.org}}
routing: {{default: me}}  {OBSERVING}
"""


def test_a_brand_a_feed_and_an_address_are_ten_lines(tmp_path: Path) -> None:
    """A person can read them all at once."""
    (written,) = scaffold(tmp_path / "new" / "config", "Acme", "https://example.org/feed.xml", "me@example.org")
    assert written.read_text(encoding="utf-8") == ENGLISH
    assert ENGLISH.count("\n") == 10


@pytest.mark.parametrize("language", get_args(Language))
def test_a_first_week_in_which_nothing_rings_is_one_line_more(tmp_path: Path, language: Language) -> None:
    """The day is in force as it is written; without it, the file says how to have one."""
    answers = ("Acme", "https://example.org/feed.xml", "me@example.org", language)
    (plain,) = scaffold(tmp_path / "plain", *answers)
    (written,) = scaffold(tmp_path / "first", *answers, observe_until=date(2026, 3, 9))
    assert "observing: {until: YYYY-MM-DD}" in plain.read_text(encoding="utf-8")
    assert written.read_text(encoding="utf-8").count("\n") == 11
    assert load(tmp_path / "first", environ={}).observing.until == date(2026, 3, 9)
    assert load(tmp_path / "plain", environ={}).observing.until is None


@pytest.mark.parametrize(
    "brand", ["Acme", "L'Été & Cie", "1664", "On", "no", "C&A: #1", '"Quoted" \\', "東京", "${HOME}", " two  words "]
)
@pytest.mark.parametrize(
    ("source", "send_to"),
    [
        ("https://example.org/feed.xml?a=1&b=2#c", "me@example.org"),
        ("#acme@mastodon.social", "https://example.org/hooks/x"),
        ("posts.csv", "ntfys://ntfy.sh/acme"),
    ],
)
def test_whatever_the_answers_the_file_is_fine(tmp_path: Path, brand: str, source: str, send_to: str) -> None:
    """Quotes, accents, marks and references are written so that they stay what they are."""
    scaffold(tmp_path, brand, source, send_to, "fr")
    report = check(tmp_path, environ={})
    assert not report.problems, render(report)
    settings = load(tmp_path, environ={})
    assert settings.brand == " ".join(brand.split())
    assert settings.language == "fr"
    assert settings.resolve("default") == ("me",)


@pytest.mark.parametrize(
    ("source", "send_to", "allowed"),
    [
        ("http://localhost:8065/feed", "me@example.org", ["localhost:8065"]),
        ("https://example.org/feed", "http://127.1:9000/hook", ["127.0.0.1:9000"]),
        ("#acme@10.1.2.3", "http://[fd00::5]/hook", ["10.1.2.3:443", "[fd00::5]:80"]),
        ("posts.csv", "json://localhost/hook", ["localhost"]),
        ("http://localhost:8065/feed", "http://localhost:8065/hook", ["localhost:8065"]),
    ],
)
def test_who_names_a_private_address_means_it(tmp_path: Path, source: str, send_to: str, allowed: list[str]) -> None:
    """It is allowed in a line of its own, and the file is fine as it is."""
    (written,) = scaffold(tmp_path, "Acme", source, send_to)
    assert list(load(tmp_path, environ={}).http.allow) == allowed
    assert "# private addresses are called only where they stand here" in written.read_text("utf-8")


def test_a_recording_of_any_name_is_a_source(tmp_path: Path) -> None:
    """A file that is there is meant, whatever its name ends with; its path holds from every folder."""
    recording = tmp_path / "posts.log"
    recording.touch()
    scaffold(tmp_path / "config", "Acme", str(recording), "me@example.org")
    assert load(tmp_path / "config", environ={}).sources["first"].model_dump()["path"] == str(recording)


@pytest.mark.parametrize(
    ("brand", "source", "send_to", "said"),
    [
        (" ", "https://example.org", "me@example.org", "The brand needs a name."),
        ("Acme", "acme", "me@example.org", "`acme` is no source: give the address of a feed"),
        ("Acme", "http://[", "me@example.org", "is no source"),
        ("Acme", "https://example.org", "me", "`me` is nobody: give an e-mail address"),
    ],
)
def test_an_answer_that_is_none_is_refused_in_words(tmp_path: Path, brand: str, source: str, send_to: str, said: str) -> None:
    """Nothing is written then."""
    with pytest.raises(UsageError, match=said):
        scaffold(tmp_path / "config", brand, source, send_to)
    assert not (tmp_path / "config").exists()


def test_an_existing_file_is_never_touched(tmp_path: Path) -> None:
    """Hours of somebody's work may be in it."""
    (tmp_path / "monitor.yaml").write_text("mine")
    with pytest.raises(ExistsError, match="exists already and was left as it is") as caught:
        scaffold(tmp_path, "Acme", "https://example.org", "me@example.org")
    assert caught.value.exit_code == ExitCode.CANNOT_CREATE
    assert (tmp_path / "monitor.yaml").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_said_to_be_so(tmp_path: Path) -> None:
    """Here a file stands where the folder should."""
    (tmp_path / "file").touch()
    with pytest.raises(ExistsError, match="cannot be written: Not a directory"):
        scaffold(tmp_path / "file" / "config", "Acme", "https://example.org", "me@example.org")


@pytest.mark.parametrize(
    ("brand", "short"),
    [("Acme", "acme"), ("L'Été & Cie", "l-ete-cie"), ("東京", "brand"), ("a" * 80, "a" * 64), ("-1664-", "1664")],
)
def test_the_short_name_of_a_brand_is_plain(brand: str, short: str) -> None:
    """Small letters, digits and hyphens, as ids are."""
    assert slug(brand) == short


@pytest.mark.parametrize("network", [name for name in offered() if KINDS[name].page])
@pytest.mark.parametrize("language", get_args(Language))
def test_a_prepared_network_works_once_its_lines_are_no_comments(tmp_path: Path, language: Language, network: str) -> None:
    """As it is written it hinders nothing; without the `# `, with a value for each variable, it is a source of its kind."""
    answers = ("L'Été: & Cie", "posts.csv", "me@example.org", language)
    (written,) = scaffold(tmp_path, *answers, networks=[network])
    text = written.read_text(encoding="utf-8")
    assert list(load(tmp_path, environ={}).sources) == ["first"]
    head, _, rest = text.partition(f"  # {network}:\n")
    lines = [re.sub(r"^  # ", "  ", line) for line in f"  # {network}:\n{rest}".splitlines()]
    written.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    secrets = dict.fromkeys(re.findall(r"\$\{(\w+)\}", "\n".join(lines)), "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3")
    assert load(tmp_path, environ=secrets).sources[network].kind == network


def test_a_network_that_does_not_exist_is_told_with_the_nearest(tmp_path: Path) -> None:
    """Nothing is written then."""
    with pytest.raises(UsageError, match="there is no network `redit`; did you mean `reddit`"):
        scaffold(tmp_path, "Acme", "posts.csv", "me@example.org", networks=["redit"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("language", "name"), [("en", "morning"), ("fr", "matin")])
def test_a_digest_in_the_morning_is_one_line_more(tmp_path: Path, language: Language, name: str) -> None:
    """Whoever asks for it gets it from the first day."""
    scaffold(tmp_path, "Acme", "https://example.org/feed.xml", "me@example.org", language, morning=True)
    digest = load(tmp_path, environ={}).digests[name]
    assert (digest.kind, digest.to, f"{digest.at:%H:%M}") == ("morning", ("me",), "07:58")
