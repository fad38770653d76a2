"""What a letter says, however it is written, broken or meant to do harm."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.mention import Author, Mention
from monitor.sources import sanitise
from monitor.sources.imap_mail import MOST_LINKS, heading, read
from monitor.workshop.pool import Workshop

HEAD = b"From: Ann <ann@x.example>\r\nSubject: Slow\r\n"


def written(text: str, **headers: str) -> EmailMessage:
    """A letter as a mail program makes it."""
    letter = EmailMessage()
    letter["From"] = "Ann <ann@x.example>"
    for name, value in headers.items():
        letter[name.replace("_", "-")] = value
    letter.set_content(text)
    return letter


def test_a_letter_in_full() -> None:
    """Who wrote it, about what, when, and what it answers."""
    mail = read(
        b"From: =?utf-8?Q?Zo=C3=A9_L=C3=A9ger?= <Zoe@X.example>\r\n"
        b"Subject: =?utf-8?B?w4l0w6k=?= =?iso-8859-1?Q?_perdu?=\r\n"
        b"Date: Sun, 01 Mar 2026 13:00:00 +0100\r\nMessage-ID: <3@x.example>\r\n"
        b"In-Reply-To: <2@x.example>\r\nReferences: <1@x.example>\r\n <2@x.example>\r\n\r\n"
        b"See https://x.example/a?b=1, and (https://x.example/c).\r\n"
    )
    assert (mail.name, mail.address, mail.heading.sender, mail.heading.subject) == (
        "Zoé Léger",
        "zoe@x.example",
        "zoe@x.example",
        "Été perdu",
    )
    assert mail.sent == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert (mail.id, mail.answers, mail.thread) == ("3@x.example", "2@x.example", "1@x.example")
    assert mail.links == ("https://x.example/a?b=1", "https://x.example/c")


def test_who_is_to_be_answered_wrote_it() -> None:
    """A form on a web page sends in its own name, and names the customer in Reply-To; without a name the form's counts."""
    mail = read(b"From: Shop <form@shop.example>\r\nReply-To: ann@x.example\r\n\r\nIt is slow")
    assert (mail.name, mail.address, mail.heading.sender) == ("Shop", "ann@x.example", "form@shop.example")
    assert read(b"From: Shop <form@shop.example>\r\nReply-To: Ann <ann@x.example>\r\n\r\nOK").name == "Ann"


@given(
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=200),
    st.sampled_from(["utf-8", "utf-7"]),
    st.sampled_from(["base64", "quoted-printable"]),
)
def test_no_word_is_lost(words: str, charset: str, encoding: str) -> None:
    """Whatever the charset and the encoding of the transfer: what was typed is what is read."""
    letter = EmailMessage()
    letter["From"] = "ann@x.example"
    letter.set_content(words, charset=charset, cte=encoding)
    assert read(letter.as_bytes()).text == words.replace("\r\n", "\n").strip()


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_nothing_is_not_text(head: bytes, body: bytes) -> None:
    """Of any bytes something is understood that can be stored, or they are refused by an ordinary error."""
    with suppress(LookupError):
        mail = read(head + b"\r\n\r\n" + body)
        author = Author(mail.address, mail.address, mail.name)
        kept = sanitise(Mention("mail", mail.text, datetime.now(UTC), title=mail.heading.subject, author=author))
        f"{kept.text} {kept.title} {kept.author}".encode()


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (b"Content-Type: text/plain; charset=no-such\r\n\r\nCaf\xc3\xa9", "Café"),
        (b"Content-Type: text/plain; charset=idna\r\n\r\nCaf\xc3\xa9", "Café"),
        (b"Content-Type: text/plain; charset=hex\r\n\r\nCaf\xc3\xa9", "Café"),
        (b'Content-Type: text/plain; charset="\x00"\r\n\r\nCaf\xc3\xa9', "Café"),
        (b"Content-Type: text/plain; charset=utf-8\r\n\r\nCaf\xe9", "Caf�"),
        (b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\nCaf\xe9", "Café"),
        (b"Content-Transfer-Encoding: base64\r\n\r\nSXQgaXMgc2xvdyBhbmQgY3V0IG9", "It is slow and cut o"),
        (b"Content-Transfer-Encoding: no-such\r\n\r\nslow", "slow"),
        (b"Content-Type: text/html\r\n\r\n<style>p{}</style><p>Slow &amp; <b>cold</b></p><script>x()</script>", "Slow & cold"),
        (b"Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n\r\nslow\r\n--B", "slow"),
        (b"Content-Type: multipart/mixed\r\n\r\nslow", "slow"),
    ],
)
def test_parts_that_are_broken(part: bytes, text: str) -> None:
    """A charset that nobody knows, what was cut off, a multipart without its boundary: what can be read is read."""
    assert read(HEAD + part).text == text


@pytest.mark.parametrize(
    "subject",
    [b"=?no-such?Q?Slow?=", b"=?utf-8?B?U2xvdw", b"=?utf-8?Q?Slow?=", b"Slow", b"=?utf-8?X?Slow?=", b"Slow \xff"],
)
def test_subjects_that_are_broken(subject: bytes) -> None:
    """What cannot be decoded stays as it is."""
    said = heading(b"From: a@x.example\r\nSubject: " + subject + b"\r\n").subject
    assert "low" in said or said == subject.decode()


def test_html_beside_text_and_what_is_attached() -> None:
    """The text counts where there is both; what is attached is passed over, a letter within it too; links come from both."""
    letter = written("Slow, see https://x.example/1")
    letter.add_alternative('<p>Slow</p><a HREF = "https://x.example/2?a=1&amp;b=2">here</a>', subtype="html")
    letter.add_attachment("secret plans", filename="plans.txt")
    letter.add_attachment(written("another letter"))
    mail = read(letter.as_bytes())
    assert mail.text == "Slow, see https://x.example/1"
    assert mail.links == ("https://x.example/1", "https://x.example/2?a=1&b=2")


def test_the_styles_of_a_notice_may_be_longer_than_it() -> None:
    """What stands before the body of a page does not use up what is read of it."""
    styles = "<style>" + "p {color: red}" * 10_000 + "</style>"
    letter = written("")
    letter.set_content(f"<html><head>{styles}</head><BODY><p>Slow</p></body></html>", subtype="html")
    assert read(letter.as_bytes()).text == "Slow"


def test_links_without_end() -> None:
    """A letter leads to so many places at most."""
    assert len(read(HEAD + b"\r\n" + b" ".join(b"https://x.example/%d" % n for n in range(1000))).links) == MOST_LINKS


@pytest.mark.parametrize("date", [b"", b"yesterday", b"Sun, 99 Mar 2026 12:00:00 +0000", b"Fri, 31 Dec 9999 23:59:59 -2359"])
def test_dates_that_are_none(date: bytes) -> None:
    """Then only the server knows when it came."""
    assert read(HEAD + b"Date: " + date + b"\r\n\r\nslow").sent is None


def test_what_is_passed_over() -> None:
    """Our own messages, which would ring for themselves for ever, and reports of what was not delivered."""
    assert heading(b"From: t@brand.example\r\nX-Tocsin-Kind: alert\r\n\r\n").passed_over
    assert heading(b"From: mailer-daemon@x.example\r\nContent-Type: multipart/report; boundary=B\r\n\r\n").passed_over
    assert not heading(HEAD).passed_over


def _nested(depth: int) -> bytes:
    parts = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth))
    return (HEAD + parts + b"\r\nslow\r\n" + b"x\r\n" * 100_000)[: 256 * 1024]


@pytest.mark.parametrize(
    "letter",
    [
        HEAD + b"\r\n" + b"<a href=" * 30_000,
        HEAD + b"\r\n" + b"https://" * 30_000,
        b"From: " + b"(" * 200_000 + b"\r\n\r\nslow",
        b"From: " + b"=?utf-8?Q?" * 20_000 + b"\r\n\r\nslow",
        HEAD + b"Content-Type: text/html\r\n\r\n" + b"<div>" * 50_000,
        _nested(20),
    ],
    ids=["hrefs", "links", "comments", "words", "tags", "parts"],
)
def test_traps_take_no_time(letter: bytes) -> None:
    """What is made to be slow to read is read, or refused, while others wait for moments only."""
    begun = process_time()
    with suppress(Exception):
        read(letter)
    assert process_time() - begun < 5


async def test_it_is_read_in_a_worker() -> None:
    """What a worker makes of a letter is what it says."""
    raw = written("Il fait froid", Subject="Café", Date="Sun, 01 Mar 2026 12:00:00 +0000").as_bytes()
    async with Workshop() as workshop:
        assert await workshop.run(read, raw, within=timedelta(seconds=30)) == read(raw)
