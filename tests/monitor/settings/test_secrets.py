"""Secrets come from the environment, files and systemd, and never reach an error, a warning or a repr."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from monitor.settings import ConfigError, Settings, check, load, render
from monitor.settings.reading import read
from monitor.settings.secrets import fill

Write = Callable[[Mapping[str, str]], Path]
MAIL = "smtp: {host: localhost, port: 25, security: none, sender: bell@example.org}"


def _with_password(ten_lines: str, written: str) -> str:
    return ten_lines.replace("sender:", f"username: me, password: {written}, sender:")


def _password(settings: Settings) -> str | None:
    assert settings.smtp is not None
    return settings.smtp.password.get_secret_value() if settings.smtp.password else None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"${PW}"', "s3cret"),
        ('"a-${PW}-${OTHER}"', "a-s3cret-x"),
        ('"$${PW}"', "${PW}"),
        ('"100 $ and $PW"', "100 $ and $PW"),
    ],
)
def test_variables_are_filled_in_anywhere_inside_a_text(write: Write, ten_lines: str, written: str, meant: str) -> None:
    """`${NAME}`, several of them, and `$${` for a plain `${`; a lone $ is a letter like others."""
    folder = write({"monitor.yaml": _with_password(ten_lines, written)})
    assert _password(load(folder, environ={"PW": "s3cret", "OTHER": "x"})) == meant


def test_what_is_filled_in_is_not_looked_at_again(write: Write, ten_lines: str) -> None:
    """A password may contain ${…} or begin with file: itself."""
    folder = write({"monitor.yaml": _with_password(ten_lines, '"${PW}"')})
    assert _password(load(folder, environ={"PW": "file:${X}"})) == "file:${X}"


def test_numbers_may_come_from_the_environment_too(write: Write, ten_lines: str) -> None:
    """A container sets its port there."""
    folder = write({"monitor.yaml": ten_lines + 'web: {port: "${PORT}"}\n'})
    assert load(folder, environ={"PORT": "9000"}).web.port == 9000


def test_a_secret_may_lie_in_a_file_beside_the_configuration(write: Write, ten_lines: str) -> None:
    """Relative paths begin at the folder; the line break at the end is no part of the secret, blanks are."""
    folder = write({"monitor.yaml": _with_password(ten_lines, "file:secrets/pw"), "secrets/pw": " s3cret \n"})
    assert _password(load(folder, environ={})) == " s3cret "


def test_a_secret_file_that_others_can_read_is_warned_about(write: Write, ten_lines: str) -> None:
    """It works, and it is told."""
    folder = write({"monitor.yaml": _with_password(ten_lines, "file:pw"), "pw": "s3cret"})
    (folder / "pw").chmod(0o644)
    assert "smtp.password: the secret in pw can be read by others." in render(check(folder, environ={}))


def test_a_secret_may_be_a_credential_of_systemd(write: Write, ten_lines: str, tmp_path: Path) -> None:
    """LoadCredential= puts it into a folder that the environment names."""
    (tmp_path / "mail").write_text("s3cret\n")
    folder = write({"monitor.yaml": _with_password(ten_lines, "credential:mail")})
    assert _password(load(folder, environ={"CREDENTIALS_DIRECTORY": str(tmp_path)})) == "s3cret"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("credential:../config/monitor.yaml", "`../config/monitor.yaml` is no name of a credential."),
        ("'credential:'", "`` is no name of a credential."),
        ("credential:absent", "the credential absent cannot be read: No such file or directory."),
        ("file:binary", "the file binary is no short UTF-8 text."),
        ("file:blank", "the file blank is empty."),
        ("file:long", "the file long is no short UTF-8 text."),
        ("file:.", "the file . cannot be read: Is a directory."),
        ('"${no name}"', "holds `${` without the name of a variable."),
        ('"${PW"', "holds `${` without the name of a variable."),
    ],
)
def test_a_reference_that_leads_nowhere_is_an_error_at_its_line(
    write: Write, ten_lines: str, tmp_path: Path, written: str, said: str
) -> None:
    """It names what is missing, and the line where it is asked for."""
    folder = write({"monitor.yaml": _with_password(ten_lines, written), "blank": " \n", "long": "x" * 70_000})
    (folder / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError) as caught:
        load(folder, environ={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    (problem,) = caught.value.problems
    assert (problem.line, problem.field, problem.what) == (7, "smtp.password", said)


def test_an_address_of_a_file_is_no_reference(write: Write, tmp_path: Path) -> None:
    """`file://` is a web address like others."""
    path = tmp_path / "it.yaml"
    path.write_text("a: file:///etc/passwd\n")
    document, _ = read(path)
    assert fill(document, tmp_path, {}).data == {"a": "file:///etc/passwd"}


def test_secrets_written_in_clear_are_warned_about_and_addresses_without_one_are_not(write: Write, watched: str) -> None:
    """A database without a password, a plain webhook and a chat topic hold no secret."""
    text = _with_password(watched, "hunter2").replace(
        "receivers:\n",
        "receivers:\n"
        "  wall: {kind: webhook, url: https://example.org/alerts, secret: whsec_" + "c2VjcmV0" * 4 + "}\n"
        "  chat: {kind: apprise, urls: [ntfys://ntfy.sh/acme, 'slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ']}\n",
    )
    text += "storage: {url: sqlite:///x.db}\nhttp: {proxy: 'http://me:hunter2@proxy:3128'}\n"
    report = check(write({"monitor.yaml": text}), environ={})
    assert [warning.field for warning in report.warnings] == [
        "smtp.password",
        "receivers.wall.secret",
        "receivers.chat.urls[1]",
        "routing.default",  # e-mail wakes nobody
        "http.proxy",
    ]
    assert "hunter2" not in render(report)


def test_an_address_that_is_none_is_taken_for_a_secret(write: Write, watched: str) -> None:
    """What cannot be understood cannot be called harmless."""
    report = check(write({"monitor.yaml": watched + "http: {proxy: 'http://['}\n"}), environ={})
    assert [warning.field for warning in report.warnings] == ["http.proxy"]


def test_a_secret_is_in_no_message_and_no_repr(write: Write, ten_lines: str) -> None:
    """Whether it is used rightly, wrongly, or where no secret belongs."""
    text = ten_lines.replace("https://example.org/feed.xml", '"https://example.org/${PW}"')
    assert "s3cret" not in repr(load(write({"monitor.yaml": text}), environ={"PW": "s3cret"}))
    wrong = _with_password(text, '"${PW}"').replace("kind: feed", 'kind: feed\n    every: "${PW}"').replace("[Acme]", '"${PW}"')
    wrong += 'timezone: "${PW}"\nlanguage: "${PW}"\nweb: {port: "${PW}"}\nstorage: {url: "${PW}"}\n'
    report = check(write({"monitor.yaml": wrong}), environ={"PW": "s3cret"})
    assert "s3cret" not in render(report)
    assert "timezone: `${PW}` is not a time zone" in render(report)
    assert len(report.problems) == 5


def test_a_password_in_any_address_is_warned_about(write: Write, watched: str) -> None:
    """A source's address is no secret by itself; with a password in it, it is. One that is filled in stands elsewhere."""
    for address, fields in (
        ("https://me:hunter2@example.org/feed.xml", ["sources.news.url"]),
        ("https://me:${PW}@example.org/", []),
    ):
        text = watched.replace("https://example.org/feed.xml", f'"{address}"')
        report = check(write({"monitor.yaml": text}), environ={"PW": "hunter2"})
        assert [warning.field for warning in report.warnings if warning.field != "routing.default"] == fields
        assert "hunter2" not in render(report)
