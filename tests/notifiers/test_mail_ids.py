"""What e-mails are called: found again in an answer, whatever happened to it on its way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from notifiers import mail_ids, samples
from notifiers.email import compose
from notifiers.mail_ids import Named
from notifiers.smtp import SmtpSettings

SMTP = SmtpSettings(host="smtp.example.org", sender="tocsin@a-rather-long-name-of-a-brand.example.org")
AT = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)
SEAL = "abcdefghijklmnop"
MESSAGE = replace(
    samples.complaint(), id="msg_0123456789ab_1234567", conversation="0123456789ab.77.head-of-communication", seal=SEAL
)


def test_the_name_is_found_in_an_answer() -> None:
    """By its Message-ID, and by the place in References that a server does not rename; capitals or not."""
    name = mail_ids.message_id(MESSAGE, "example.org")
    assert list(mail_ids.found(name.upper())) == [Named(MESSAGE.id, SEAL, told=False)]
    assert list(mail_ids.found(mail_ids.references(MESSAGE, "example.org"))) == [Named(MESSAGE.id, SEAL, told=True)]


def test_a_message_without_a_seal_is_not_found() -> None:
    """Of a replay, or a test by hand, nobody needs to know again."""
    plain = replace(MESSAGE, seal="")
    assert list(mail_ids.found(mail_ids.message_id(plain, "d") + mail_ids.references(plain, "d"))) == []


def test_names_go_over_the_wire_whole() -> None:
    """However long: a name that is broken or encoded is another name."""
    wire = compose(replace(MESSAGE, sequence=2), SMTP, ["julie@example.org"], AT).decode("ascii")
    domain = SMTP.sender.partition("@")[2]
    lines = wire.partition("\r\n\r\n")[0].split("\r\n")
    assert f"Message-ID: {mail_ids.message_id(MESSAGE, domain)}" in lines
    root, told = mail_ids.references(MESSAGE, domain).split()
    assert lines[lines.index(f"References: {root}") + 1] == f" {told}"
    assert f"In-Reply-To: {root}" in lines


def test_where_answers_go() -> None:
    """To the mailbox that is read, when that is not the sender's own."""
    there = compose(MESSAGE, SMTP, ["julie@example.org"], AT, reply_to="answers@example.org")
    assert b"\r\nReply-To: answers@example.org\r\n" in there
    assert b"Reply-To" not in compose(MESSAGE, SMTP, ["julie@example.org"], AT, reply_to=SMTP.sender)
