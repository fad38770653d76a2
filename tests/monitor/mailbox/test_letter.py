"""What letters say, in the shapes in which mail programs and servers send them, broken ones included."""

from __future__ import annotations

import base64

import pytest

from monitor.mailbox import own_words, read, takes_charge

HEAD = "From: Julie Martin <Julie@Marque.example>\r\nTo: tocsin@marque.example\r\nSubject: Re: Un client se plaint\r\n"


def letter(body: str = "OK", *headers: str, kind: str = 'text/plain; charset="utf-8"') -> bytes:
    """A letter of one part."""
    return (HEAD + "".join(f"{each}\r\n" for each in headers) + f"Content-Type: {kind}\r\n\r\n{body}").encode()


GMAIL = """<div dir="ltr">Ok merci</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">Le mar. 24 nov. 2026
 à 10:12, Tocsin &lt;<a href="mailto:t@m.example">t@m.example</a>&gt; a écrit :<br></div><blockquote class="gmail_quote">
<div>Je ne sais pas</div></blockquote></div>"""
OUTLOOK = (
    "<html><head><style>"
    + "p.MsoNormal {margin:0cm;} " * 3000
    + """</style></head><body lang=FR><div class=WordSection1><p class=MsoNormal>Je m&#8217;en occupe<o:p></o:p></p>
<p class=MsoNormal><o:p>&nbsp;</o:p></p><div style='border-top:solid #E1E1E1 1.0pt'><p class=MsoNormal><b>De&nbsp;:</b> Tocsin
 &lt;t@m.example&gt; <br><b>Envoyé&nbsp;:</b> mardi 24 novembre 2026 10:12<br><b>À&nbsp;:</b> Julie<br><b>Objet&nbsp;:</b> Plainte
</p></div><p>non</p></div></body></html>"""
)
APPLE = """<html><body dir="auto">On it<br id="lineBreakAtBeginningOfSignature"><div dir="ltr">Sent from my iPhone</div>
<div dir="ltr"><br><blockquote type="cite">On 24 Nov 2026, at 10:12, Tocsin wrote:<br><br></blockquote></div>
<blockquote type="cite"><div>no</div></blockquote></body></html>"""


@pytest.mark.parametrize("markup", [GMAIL, OUTLOOK, APPLE], ids=["gmail", "outlook", "apple"])
def test_letters_of_html_alone(markup: str) -> None:
    """Outlook, Gmail and telephones send no plain text at times: what is shown, without quotes, is what was written."""
    assert takes_charge(own_words(read(letter(markup, kind="text/html; charset=utf-8")).text))


def test_who_wrote_and_what_it_answers() -> None:
    """The sender in lower case; what it answers itself comes first, then what stood above that."""
    found = read(letter("OK", "In-Reply-To: <c@m>", "References: <a@m>\r\n <b@m> <c@m>"))
    assert (found.sender, found.answers, found.automatic) == ("julie@marque.example", ("<c@m>", "<b@m>", "<a@m>"), False)


@pytest.mark.parametrize(
    "headers",
    [
        ("Auto-Submitted: auto-replied",),
        ("Auto-Submitted: auto-generated; owner=x",),
        ("X-Autoreply: yes",),
        ("Precedence: bulk",),
        ("Return-Path: <>",),
        ("X-Failed-Recipients: julie@marque.example",),
        ("X-Tocsin-Kind: first",),
    ],
)
def test_what_machines_send(headers: tuple[str, ...]) -> None:
    """Answers of machines, bounces, and our own e-mails that came back are no person's word."""
    assert read(letter("OK", *headers)).automatic
    assert not read(letter("OK", "Auto-Submitted: no", "Return-Path: <julie@marque.example>")).automatic


@pytest.mark.parametrize(
    "subject",
    [
        "Absence du bureau Re: Un client se plaint",
        "=?utf-8?Q?R=C3=A9ponse_automatique_=3A_Un_client?=",
        "Automatic reply: Un client se plaint",
        "Out of office",
        "Re: Out of the office",
    ],
)
def test_who_is_away(subject: str) -> None:
    """Out of office: by its subject, where nothing else says so."""
    assert read(f"From: j@m.example\r\nSubject: {subject}\r\n\r\nOK".encode()).automatic


def test_bounces() -> None:
    """A report that a letter did not arrive is no answer, whoever seems to have sent it."""
    kind = "multipart/report; report-type=delivery-status; boundary=x"
    assert read(letter("--x\r\n\r\nOK\r\n--x--", kind=kind)).automatic
    assert read(b"From: MAILER-DAEMON@m.example\r\n\r\nOK").automatic


def test_plain_text_before_html_and_never_what_is_attached() -> None:
    """Of both the plain text counts; a letter or a text that is attached is somebody else's."""
    inner = "--b\r\nContent-Type: text/html\r\n\r\n<p>no</p>\r\n--b\r\nContent-Type: text/plain\r\n\r\nOK\r\n--b--"
    parts = [
        "Content-Type: message/rfc822\r\n\r\nFrom: x@y\r\n\r\nattached letter",
        "Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nattached text",
        f"Content-Type: multipart/alternative; boundary=b\r\n\r\n{inner}",
    ]
    mixed = "".join(f"--a\r\n{each}\r\n" for each in parts) + "--a--"
    assert read(letter(mixed, kind="multipart/mixed; boundary=a")).text == "OK"


def test_a_letter_that_was_cut_off() -> None:
    """Of a huge letter only the beginning is read: what was typed stands there."""
    body = "--a\r\nContent-Type: text/plain\r\n\r\nOK\r\n--a\r\nContent-Type: image/png\r\n\r\n" + "A" * 1000
    assert read(letter(body, kind="multipart/mixed; boundary=a")).text == "OK"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (letter("OK", kind="text/plain; charset=klingon"), "OK"),
        (letter("OK", kind="text/plain; charset=utf-16"), None),
        (letter("OK", "Content-Transfer-Encoding: base64", kind="text/plain"), None),
        (letter(base64.b64encode("Pris en charge é".encode()).decode(), "Content-Transfer-Encoding: base64"), "Pris en charge é"),
        (letter("no boundary", kind="multipart/mixed"), ""),
        (b"", ""),
        (b"\xff\xfe\x00garbage", None),
        (b"From: a@b, c@d\r\nSubject: =?x?Q?=\r\n\r\nOK", "OK"),
        (letter(kind="application/pdf"), ""),
        (b"Subject: =?utf-8?B?a?=\r\n\r\nOK", "OK"),
    ],
    ids=range(10),
)
def test_malformed_letters(raw: bytes, text: str | None) -> None:
    """Whatever is broken, there is a letter, and a sender only when it is one and certain."""
    found = read(raw)
    assert text is None or found.text.strip() == text
    assert found.sender in {"julie@marque.example", ""}
