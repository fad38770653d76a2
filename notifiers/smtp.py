"""The way out for e-mail: one SMTP conversation per message, and what each way of failing means."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import ssl
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

import aiosmtplib
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from notifiers.base import DeliveryError, Reason, Receipt
from notifiers.duration import Duration
from notifiers.safe import one_line

_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_SAID = 160


def _mailbox(value: str) -> str:
    if not _MAILBOX.fullmatch(value) or ".." in value:
        raise ValueError("write an address like name@example.org, in ASCII (an accented domain as xn--…)")
    return value


Mailbox = Annotated[str, AfterValidator(_mailbox)]


class SmtpSettings(BaseModel):
    """The mail server that messages leave through."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(min_length=1, description="the mail server's name")
    port: int = Field(587, ge=1, le=65535, description="587 for starttls, 465 for tls, 25 for a relay")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="`starttls` and `tls` check the server's certificate; `none` is for a relay on the same machine"
    )
    username: str | None = Field(None, description="the account, when the server asks for one")
    password: SecretStr | None = Field(None, description="its password: ${ENV} or file:PATH")
    sender: Mailbox = Field(description="the address messages come from")
    sender_name: str = Field("Tocsin", max_length=100, description="the name shown beside the sender's address")
    timeout: Duration = Field(timedelta(seconds=30), description="the longest the server may take to send one message")
    ca_file: Path | None = Field(None, description="a certificate authority of your own, as a PEM file")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together: set both, or neither for a relay")
        if self.username is not None and self.security == "none" and not _loopback(self.host):
            raise ValueError("security: none would send the password in clear: use starttls or tls")
        return self


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def deliver(settings: SmtpSettings, recipients: Sequence[str], mail: bytes) -> Receipt:
    """Send once, to all at once, within the time limit. Raises `DeliveryError`, and nothing else.

    Delivered means that at least one recipient was accepted; the detail names those that were not.
    """
    try:
        async with asyncio.timeout(settings.timeout.total_seconds()):
            return await _converse(settings, recipients, mail)
    except DeliveryError:
        raise
    except (aiosmtplib.SMTPException, OSError) as error:
        raise _error(settings, error) from None
    except Exception as error:  # noqa: BLE001 a library's own errors may quote what was sent
        raise DeliveryError(Reason.INTERNAL, f"mail through {settings.host} failed: {type(error).__name__}") from None


async def _converse(settings: SmtpSettings, recipients: Sequence[str], mail: bytes) -> Receipt:
    client = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        timeout=settings.timeout.total_seconds(),
        use_tls=settings.security == "tls",
        start_tls=settings.security == "starttls",
        tls_context=_tls(settings) if settings.security != "none" else None,
    )
    try:
        await client.connect()
        if settings.username is not None and settings.password is not None:
            await client.login(settings.username, settings.password.get_secret_value())
        refused, said = await client.sendmail(settings.sender, list(recipients), mail)
        # The message is theirs now: a goodbye that goes wrong must not send it twice.
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await client.quit()
    finally:
        client.close()
    return Receipt(_detail(said, refused))


def _tls(settings: SmtpSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError):
        detail = f"ca_file {settings.ca_file} cannot be read as PEM certificates: check the path and the file"
        raise DeliveryError(Reason.MISCONFIGURED, detail) from None


def _detail(said: str, refused: dict[str, aiosmtplib.SMTPResponse]) -> str:
    accepted = one_line(said, _SAID)
    if not refused:
        return accepted
    names = ", ".join(f"{address} ({answer.code})" for address, answer in sorted(refused.items()))
    return one_line(f"{accepted}; not taken for {names}", 3 * _SAID)


def _error(settings: SmtpSettings, error: Exception) -> DeliveryError:
    """What an SMTP conversation's failure means. Server texts are shown, except those that answer a password."""
    where = f"{settings.host}:{settings.port}"
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        temporary = 400 <= error.code < 500  # noqa: PLR2004 the range of "try later"
        return DeliveryError(Reason.UNAVAILABLE if temporary else Reason.CREDENTIALS, f"{where} refused to log in ({error.code})")
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return _refused(where, error.recipients)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return DeliveryError(_step_reason(settings, error), f"{where} answered {error.code} {one_line(error.message, _SAID)}")
    return _broken(settings, where, error)


def _step_reason(settings: SmtpSettings, error: aiosmtplib.SMTPResponseException) -> Reason:
    """Only an answer about this very message can be for ever: a refused greeting or STARTTLS is about the server."""
    if isinstance(error, aiosmtplib.SMTPSenderRefused | aiosmtplib.SMTPDataError):
        return _reason(error.code)
    hello = isinstance(error, aiosmtplib.SMTPConnectResponseError | aiosmtplib.SMTPHeloError)
    return Reason.TLS if settings.security == "starttls" and not hello else Reason.UNAVAILABLE


def _refused(where: str, recipients: Sequence[aiosmtplib.SMTPRecipientRefused]) -> DeliveryError:
    """All recipients were refused: worth another try if any of the refusals was only for now."""
    worst = min(recipients, key=lambda refusal: refusal.code)
    names = ", ".join(f"{refusal.recipient} ({refusal.code})" for refusal in recipients)
    return DeliveryError(_reason(worst.code), one_line(f"{where} took none of: {names}: {worst.message}", 2 * _SAID))


def _reason(code: int) -> Reason:
    """4xx are for now; 5xx are for ever, and differ in who has to change something."""
    named = {
        421: Reason.UNAVAILABLE, 450: Reason.UNAVAILABLE, 451: Reason.THROTTLED, 452: Reason.THROTTLED,
        530: Reason.CREDENTIALS, 534: Reason.CREDENTIALS, 535: Reason.CREDENTIALS, 538: Reason.CREDENTIALS,
        550: Reason.UNKNOWN_RECIPIENT, 551: Reason.UNKNOWN_RECIPIENT, 553: Reason.UNKNOWN_RECIPIENT,
    }  # fmt: skip
    return named.get(code, Reason.UNAVAILABLE if code < 500 else Reason.REJECTED)  # noqa: PLR2004 the border between the two


def _broken(settings: SmtpSettings, where: str, error: Exception) -> DeliveryError:
    if _is_tls(error):
        return DeliveryError(Reason.TLS, f"{where}: {settings.security} failed: check the certificate, the port and `security`")
    if type(error) is aiosmtplib.SMTPException:  # the bare class is the library's word for "the server does not offer this"
        starttls = str(error).startswith("SMTP STARTTLS")
        missing = "STARTTLS" if starttls else "a login that suits `username` and `password`"
        detail = f"{where} does not offer {missing}: check `security`, the port and the account"
        return DeliveryError(Reason.TLS if starttls else Reason.CREDENTIALS, detail)
    if isinstance(error, TimeoutError):
        return DeliveryError(Reason.TIMEOUT, f"{where} did not take the message within {settings.timeout.total_seconds():g} s")
    # Dropped after DATA too: the server may have taken the message; the next try carries the same Message-ID.
    return DeliveryError(Reason.UNAVAILABLE, f"{where} cannot be reached, or hung up ({type(error).__name__})")


def _is_tls(error: BaseException | None) -> bool:
    """Whether a failed handshake is at the bottom: the library wraps it."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
