"""E-mail: text and HTML in one mail, one conversation per incident, and headers that no stranger's text can touch."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime
from email import policy
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import Policy
from email.utils import format_datetime
from typing import Literal

from pydantic import ConfigDict, Field, field_validator

from notifiers import mail_ids
from notifiers.base import DeliveryError, Reason, Receipt, ReceiverSettings
from notifiers.letter import Picture
from notifiers.message import Message
from notifiers.render import html, text
from notifiers.safe import one_line
from notifiers.smtp import Mailbox, SmtpSettings, deliver
from notifiers.wording import headline, stands_out, topic

_SUBJECT = 150
# Header names a mail may have, lower case, in the parts' order: anything else was put there by somebody else.
_PARTS = ("content-type", "content-transfer-encoding", "mime-version")


class EmailSettings(ReceiverSettings):
    """People who are told by e-mail."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: Literal["email"]
    to: tuple[Mailbox, ...] = Field(min_length=1, description="one address, or several")
    smtp: SmtpSettings | None = Field(None, description="another mail server than the one at the top of monitor.yaml")

    @field_validator("to", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


class Email:
    """One configured e-mail receiver."""

    def __init__(self, settings: EmailSettings, smtp: SmtpSettings, reply_to: str | None = None) -> None:
        self._to = settings.to
        self._smtp = smtp
        self._reply_to = reply_to

    async def send(self, message: Message, *, attempted_at: datetime) -> Receipt:
        """Send once. Raises `DeliveryError`, and nothing else. A message tried again keeps its Message-ID."""
        try:
            mail = compose(message, self._smtp, self._to, attempted_at, reply_to=self._reply_to)
        except DeliveryError:
            raise
        except Exception as error:
            raise DeliveryError(Reason.INTERNAL, f"the mail could not be written: {type(error).__name__}") from error
        return await deliver(self._smtp, self._to, mail)


class _Subject(UnstructuredHeader):
    """Folded by `email.header`: the newer folding of CPython 3.11 loses a space in every eighth accented subject."""

    def fold(self, *, policy: Policy) -> str:
        """The header as it goes over the wire."""
        coded = Header(str(self), "us-ascii" if str(self).isascii() else "utf-8", header_name="Subject")
        return f"Subject: {coded.encode(linesep=policy.linesep)}{policy.linesep}"


class _Ids(UnstructuredHeader):
    """One id a line, each whole: the library would break or encode what is longer than a line."""

    def fold(self, *, policy: Policy) -> str:
        """The header as it goes over the wire."""
        name = self.name  # type: ignore[attr-defined]  # of BaseHeader, which is mixed in
        return f"{name}: {f'{policy.linesep} '.join(str(self).split())}{policy.linesep}"


_REGISTRY = HeaderRegistry()
_REGISTRY.map_to_type("subject", _Subject)  # type: ignore[arg-type]  # it mixes BaseHeader in itself
for _name in ("message-id", "in-reply-to", "references"):
    _REGISTRY.map_to_type(_name, _Ids)  # type: ignore[arg-type]
_POLICY = policy.SMTP.clone(header_factory=_REGISTRY)


def compose(message: Message, smtp: SmtpSettings, to: Sequence[str], at: datetime, *, reply_to: str | None = None) -> bytes:
    """The mail as it goes over the wire: one that reads back as it was written, if need be under a plainer subject.

    Raises `DeliveryError` (internal) when even that one does not.
    """
    for line in (subject(message), _plain_subject(message)):
        with contextlib.suppress(MessageError):  # what the library itself refuses to write
            mail = _mail(message, smtp, to, at, line, reply_to)
            wire = mail.as_bytes(policy=_POLICY)
            if _untouched(wire, mail, to, pictures=len(_pictures(message))):
                return wire
    raise DeliveryError(Reason.INTERNAL, "the mail does not read back as it was written: not sent")


def subject(message: Message) -> str:
    """The subject line: the conversation's topic, marked as an answer in all but its first message.

    What must wake people says what happened instead: `References` still holds the conversation together.
    """
    line = one_line(headline(message) if stands_out(message) and message.letter is None else topic(message), _SUBJECT)
    # CPython before 3.11.10 decodes an encoded word inside a value and writes its line breaks out raw (CVE-2024-6923).
    line = line.replace("=?", "= ?").replace("?=", "? =")
    return f"Re: {line}" if message.sequence > 1 and not stands_out(message) else line


def _plain_subject(message: Message) -> str:
    """For the day a subject does not survive the library: an emergency is told under a dull line rather than not at all."""
    return "Tocsin" if message.incident_id is None else f"Tocsin: incident {message.incident_id}"


def _mail(message: Message, smtp: SmtpSettings, to: Sequence[str], at: datetime, line: str, reply_to: str | None) -> EmailMessage:
    mail = EmailMessage(policy=_POLICY)
    mail["Subject"] = line
    for name, value in _headers(message, smtp, at).items():
        mail[name] = value
    mail["From"] = Address(smtp.sender_name, addr_spec=smtp.sender)
    mail["To"] = [Address(addr_spec=address) for address in to]
    if reply_to is not None and reply_to != smtp.sender:
        mail["Reply-To"] = Address(addr_spec=reply_to)
    mail.set_content(text(message), cte="quoted-printable")
    mail.add_alternative(html(message), subtype="html", cte="quoted-printable")
    for picture in _pictures(message):
        *_, page = mail.iter_parts()
        page.add_related(
            picture.png, "image", "png", cid=f"<{picture.name}>", disposition="inline", filename=f"{picture.name}.png"
        )
    mail["Content-Language"] = message.language  # last: setting the content clears every Content- header
    return mail


def _pictures(message: Message) -> Sequence[Picture]:
    return message.letter.pictures if message.letter is not None else ()


def _headers(message: Message, smtp: SmtpSettings, at: datetime) -> dict[str, str]:
    domain = smtp.sender.rpartition("@")[2]
    named = {
        "Date": format_datetime(at),
        "Message-ID": mail_ids.message_id(message, domain),
        "References": mail_ids.references(message, domain),
        "List-Id": f"<tocsin.{domain}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "X-Tocsin-Kind": message.kind,
        "X-Tocsin-Severity": message.severity,
    }
    if message.sequence > 1:
        named["In-Reply-To"] = mail_ids.root(message, domain)
    if message.incident_id is not None:
        named["X-Tocsin-Incident"] = str(message.incident_id)
    if message.severity == "critical" and message.kind not in {"resolved", "over"}:
        named |= {"X-Priority": "1", "Importance": "high"}
    return named


def _untouched(wire: bytes, mail: EmailMessage, to: Sequence[str], *, pictures: int) -> bool:
    """Read the mail as the world will: the same headers, the same recipients, two parts and the pictures, nothing besides."""
    read = BytesParser(policy=policy.default).parsebytes(wire)
    names = [name.lower() for name in read]
    recipients = [address.addr_spec for address in read["To"].addresses]
    parts = [part.get_content_type() for part in read.iter_parts()]
    headers = [{name.lower() for name in part} <= set(_PARTS) for part in read.iter_parts()]
    sound = names == [name.lower() for name in mail] and recipients == list(to) and all(headers)
    inner = [part.get_content_type() for part in read.walk() if not part.is_multipart()]
    written = inner == ["text/plain", "text/html", *["image/png"] * pictures]
    second = "multipart/related" if pictures else "text/html"
    return sound and written and parts == ["text/plain", second] and read["Subject"] == mail["Subject"]
