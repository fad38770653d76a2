"""Where a mailbox is, and how it is entered."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from notifiers.smtp import Mailbox as Address
from rules.duration import Duration


class MailboxSettings(BaseModel):
    """A mailbox that is read by IMAP. Nothing in it is changed: no letter is marked, moved or deleted."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(min_length=1, description="the IMAP server's name")
    port: int = Field(993, ge=1, le=65535, description="993 for tls, 143 for starttls")
    security: Literal["tls", "starttls", "none"] = Field(
        "tls", description="`tls` and `starttls` check the server's certificate; `none` is for a server on the same machine"
    )
    username: str = Field(min_length=1, description="the account, for most providers the whole address")
    password: SecretStr = Field(description="its password, or an application password: ${ENV} or file:PATH")
    folder: str = Field("INBOX", min_length=1, description="the folder that is read")
    every: Annotated[Duration, Field(ge=timedelta(seconds=10))] = Field(
        timedelta(minutes=1),
        description="how often to look; a server that offers IDLE also says at once that something came",
    )
    timeout: Duration = Field(timedelta(seconds=30), description="the longest the server may take over one look")
    ca_file: Path | None = Field(None, description="a certificate authority of your own, as a PEM file")

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> Self:
        if self.security == "none" and not _loopback(self.host):
            raise ValueError("security: none would send the password in clear: use tls or starttls")
        return self


class RepliesSettings(MailboxSettings):
    """The mailbox where answers to our e-mails arrive: « OK » acknowledges."""

    address: Address | None = Field(
        None,
        description="where people's answers go (Reply-To); the default is `username` when that is an address, else `smtp.sender`",
    )

    @property
    def reply_to(self) -> str | None:
        """The address that our e-mails ask answers to be sent to; None: the sender's."""
        return self.address or (self.username if "@" in self.username and self.username.isascii() else None)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
