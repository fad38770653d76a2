"""What a mail looks like to the world: its headers, its two parts, its conversation; and that no text can add to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import notifiers.email
from notifiers import samples
from notifiers.base import DeliveryError, Reason
from notifiers.email import Email, EmailSettings, compose, subject
from notifiers.message import Kind, Message, Post
from notifiers.smtp import SmtpSettings
from notifiers.wording import headline

AT = datetime(2026, 3, 2, 17, 6, tzinfo=UTC)
SMTP = SmtpSettings(host="mail.example.org", sender="tocsin@example.org")
TO = ("lea@example.org", "max@example.org")
HEADERS = [
    "Subject", "Date", "Message-ID", "References", "List-Id", "Auto-Submitted", "X-Auto-Response-Suppress",
    "X-Tocsin-Kind", "X-Tocsin-Severity", "X-Tocsin-Incident", "From", "To", "MIME-Version", "Content-Type", "Content-Language",
]  # fmt: skip
INJECTIONS = (
    "=?utf-8?q?a=0d=0aBcc:_evil@evil.example?=",
    "=?utf-8?b?YQ0KQmNjOiBldmlsQGV2aWwuZXhhbXBsZQ==?=",
    "a\r\nBcc: evil@evil.example",
    "a\nBcc: evil@evil.example\n\nbody",
    "a\rBcc: evil@evil.example",
    "a\u2028Bcc: evil@evil.example",
    "a\x85Bcc: evil@evil.example\x0bCc: x\x0cTo: y",
    "=?=?utf-8?q?x?=?=",
    "= ?utf-8?q?a=0d=0aBcc:_x?=",
    "\0\x1b]0;owned\x07",
    "\u202eevil",
    "\ud800",
    '"quoted" <evil@evil.example>, other@evil.example; group:',
    "é" * 400,
    "a" * 3000,
    " ",
    ".",
    "\t\t a",
    "%0d%0aBcc: evil@evil.example",
    "(comment\\) <x",
)


def read(wire: bytes) -> EmailMessage:
    """The mail as a mail program parses it."""
    parsed = BytesParser(policy=policy.default).parsebytes(wire)
    assert isinstance(parsed, EmailMessage)
    return parsed


def sent(message: Message) -> EmailMessage:
    """Composed, then read."""
    return read(compose(message, SMTP, TO, AT))


def hostile(said: str) -> Message:
    """A message whose every field from outside holds `said`."""
    post = Post(said, said, samples.NOW, said, None, said, said)
    return replace(
        samples.complaint("en"), topic=said, brand=said, subject=said, posts=(post,), receiver=said, links={said: said}
    )


def hostile_call(said: str) -> Message:
    """A call in a plan run whose every word from outside holds `said`; its first line is its subject."""
    base = samples.call("en", "late", "facts")
    assert base.plan is not None
    steps = tuple(replace(step, title=said, owner=said, note=said) for step in base.plan.steps)
    plan = replace(base.plan, title=said, level=said, lead=said, drill=said[:40], steps=steps)
    return replace(base, topic=said, brand=said, subject=said, receiver=said, sequence=1, severity="warning", plan=plan)


def assert_untouched(mail: EmailMessage) -> None:
    """Exactly the headers we write, exactly the recipients, exactly two parts."""
    assert list(mail.keys()) == HEADERS
    assert [address.addr_spec for address in mail["To"].addresses] == list(TO)
    assert [address.addr_spec for address in mail["From"].addresses] == ["tocsin@example.org"]
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert all(
        {name.lower() for name in part} <= {"content-type", "content-transfer-encoding", "mime-version"}
        for part in mail.iter_parts()
    )


def test_the_first_mail_has_the_headers_it_should() -> None:
    """Automatic, in a list, in the reader's language, and dated when it was really sent."""
    mail = sent(samples.complaint("fr"))
    assert list(mail.keys()) == HEADERS
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["Date"].datetime == AT
    assert mail["From"] == "Tocsin <tocsin@example.org>"
    assert mail["Content-Language"] == "fr"
    assert mail["X-Tocsin-Incident"] == "3"
    assert mail["X-Priority"] is None


def test_both_parts_tell_the_story() -> None:
    """Text for who wants text, HTML for the others, both in UTF-8."""
    plain, rich = [part for part in sent(samples.crisis("fr")).iter_parts() if isinstance(part, EmailMessage)]
    assert plain.get_content().startswith("23 personnes")
    assert "<h1" in rich.get_content()
    assert plain.get_param("charset") == rich.get_param("charset") == "utf-8"


def test_every_line_of_the_wire_is_short_and_ascii() -> None:
    """Old relays break or refuse longer lines; ours never need 8BITMIME or SMTPUTF8."""
    wire = compose(hostile("é" * 5000 + "a" * 5000), SMTP, TO, AT)
    assert wire.isascii()
    assert max(len(line) for line in wire.split(b"\r\n")) <= 998
    assert b"\n" not in wire.replace(b"\r\n", b"")


def test_a_mail_outside_any_incident_names_none() -> None:
    """A test of the receiver belongs to no incident."""
    assert sent(replace(samples.complaint(), incident_id=None, kind="test"))["X-Tocsin-Incident"] is None


def test_a_crisis_is_urgent_and_its_end_is_not() -> None:
    """Mail programs mark it; calm news is not marked."""
    assert sent(samples.crisis())["X-Priority"] == "1"
    assert sent(samples.crisis())["Importance"] == "high"
    assert sent(samples.resolved())["X-Priority"] is None


def test_an_incident_is_one_conversation() -> None:
    """The same root, the same subject but for `Re:`, another id for each message."""
    first, later = sent(samples.complaint("en")), sent(samples.crisis("en", severity="warning"))
    assert first["References"] == later["References"] == later["In-Reply-To"]
    assert first["In-Reply-To"] is None
    assert later["Subject"] == "Re: " + first["Subject"]
    assert first["Message-ID"] != later["Message-ID"]


@pytest.mark.parametrize("kind", ["first", "worse", "plan", "step"])
def test_what_must_wake_people_has_a_subject_of_its_own(kind: Kind) -> None:
    """A danger is not the thirtieth answer on a locked screen; for mail programs it still belongs to the conversation."""
    danger = samples.crisis("en", kind=kind, plan=samples.plan("en"), topic="New complaint about Acme (incident 3)")
    mail = sent(danger)
    assert mail["Subject"] == headline(danger)
    assert mail["In-Reply-To"] == mail["References"]
    assert sent(replace(danger, kind="reminder"))["Subject"] == "Re: New complaint about Acme (incident 3)"


def test_a_message_tried_again_keeps_its_id() -> None:
    """A mail program that gets both shows one; only the date differs."""
    message = samples.crisis()
    one, other = read(compose(message, SMTP, TO, AT)), read(compose(message, SMTP, TO, samples.NOW))
    assert one["Message-ID"] == other["Message-ID"] == "<note-15@example.org>"
    assert one["Date"] != other["Date"]


@pytest.mark.parametrize("odd", ["", "a b", "<x>", "a@b", "é", "a\r\nBcc: x", "..", "a.", "a..b", "x" * 500, "\ud800"])
def test_odd_ids_become_fingerprints(odd: str) -> None:
    """A message id is an atom whatever our own id is."""
    mail = sent(replace(samples.complaint(), id=odd, conversation=odd))
    assert len(mail["Message-ID"]) == 40 + len("<@example.org>")


@pytest.mark.parametrize("message", [hostile, hostile_call])
@pytest.mark.parametrize("said", INJECTIONS, ids=range(len(INJECTIONS)))
def test_no_injection_gets_through(said: str, message: Callable[[str], Message]) -> None:
    """Among them the encoded word that adds a real Bcc in CPython before 3.11.10 (CVE-2024-6923)."""
    mail = sent(message(said))
    assert_untouched(mail)
    assert "evil@evil.example" not in [value for name, value in mail.items() if name != "Subject"]
    assert not {"\u202e", "\r", "\n", "\0", "\x1b"} & set(str(mail["Subject"]))


@given(st.text(st.characters(), max_size=200))
@example("=?utf-8?q?=0a?=")
@settings(max_examples=80)
def test_any_text_reads_back_with_exactly_our_headers(said: str) -> None:
    """Whatever anybody writes, the mail has our headers, our recipients, our two parts."""
    assert_untouched(sent(hostile(said)))
    assert_untouched(sent(hostile_call(said)))


def test_a_call_is_told_under_what_it_asks_for() -> None:
    """Also when it is the first of its conversation, and only of some gravity; the topic is kept for the answers."""
    call = replace(samples.approval("en"), severity="warning", topic="Emergency plan “Negative storm” (incident 3)")
    assert sent(call)["Subject"] == sent(replace(call, sequence=1))["Subject"] == headline(call)
    assert sent(call)["X-Tocsin-Kind"] == "call"
    assert sent(samples.over("en"))["X-Priority"] is None


def test_a_drill_is_marked_in_every_subject() -> None:
    """Of answers, too, whose topic may have been written before."""
    drill = replace(samples.drill("en"), topic="Emergency plan “Negative storm” (incident 3)")
    assert str(sent(drill)["Subject"]).startswith("[DRILL] ")
    later = replace(drill, kind="over")
    assert sent(later)["Subject"] == "Re: [DRILL] Emergency plan “Negative storm” (incident 3)"


def test_the_subject_is_one_short_line() -> None:
    """A long topic is cut; a subject is never empty."""
    assert len(subject(replace(samples.crisis(), topic="mot " * 200))) <= 154
    assert subject(replace(samples.complaint("en"), topic="")) == "Acme: incident 3"


def test_a_subject_that_breaks_the_mail_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told under a dull line rather than not at all, and never with somebody else's Bcc."""
    monkeypatch.setattr(notifiers.email, "subject", lambda message: "=?utf-8?q?a=0d=0aBcc:_evil@evil.example?=")
    assert sent(samples.complaint())["Subject"] == "Tocsin: incident 3"
    assert sent(replace(samples.complaint(), incident_id=None))["Subject"] == "Tocsin"


async def test_a_mail_that_reads_back_differently_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last guard: should the library ever be tricked, nothing leaves, and it is our bug."""
    monkeypatch.setattr(notifiers.email, "_untouched", lambda wire, mail, to: False)
    receiver = Email(EmailSettings(kind="email", to=TO), SMTP)
    with pytest.raises(DeliveryError) as caught:
        await receiver.send(samples.complaint(), attempted_at=AT)
    assert caught.value.reason is Reason.INTERNAL
    assert not caught.value.permanent


async def test_a_bug_while_writing_is_a_delivery_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """`send` raises nothing else, and the detail quotes nobody's text."""

    def broken(message: Message) -> str:
        raise KeyError("a secret")

    monkeypatch.setattr(notifiers.email, "html", broken)
    with pytest.raises(DeliveryError, match="the mail could not be written: KeyError") as caught:
        await Email(EmailSettings(kind="email", to=TO), SMTP).send(samples.complaint(), attempted_at=AT)
    assert "a secret" not in caught.value.detail


WORDS = (
    "Le", "silence", "n’est", "pas", "la", "paix", ":", "abonnés", "«", "Panne", "»", "—", "d’habitude\u202f1", "(195\xa0été",
)  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=30))
def test_no_accented_subject_loses_a_space(words: list[str]) -> None:
    """CPython 3.11's own folding drops a space in every eighth French subject; ours reads back as it was written."""
    message = replace(samples.complaint("fr"), topic=" ".join(words))
    assert sent(message)["Subject"] == subject(message)
