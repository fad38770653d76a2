"""The two doors of the daemon, the links that lead to the public one, and the programs that may act in plan runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from monitor.settings.kinds import Names, Text, one_or_many
from notifiers.safe import link
from notifiers.webhook import Secret
from rules.duration import Duration

_LEAST = 32  # characters of a secret that nobody guesses


def _public(address: str) -> str:
    """The address without a slash at its end; paths of pages follow it."""
    try:
        parts = urlsplit(address)
        usable = link(address) is not None and not parts.query and not parts.fragment and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("write a whole address without `?` or `#`, such as https://tocsin.example.org")
    return address.rstrip("/")


def _long(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < _LEAST:
        raise ValueError(f"write at least {_LEAST} characters; make some with: openssl rand -base64 32")
    return secret


class PrivateWebSettings(BaseModel):
    """Where the machine's own programs ask: Prometheus, a health check, whoever reloads the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Text = Field(
        "127.0.0.1", description="the address to listen on; nobody here is asked who they are: leave it on loopback"
    )
    port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="the port; the default is the one after `web.port` (8081); 0 takes any free one",
    )


class WebSettings(BaseModel):
    """Where calls of other systems and readers of our e-mails come in, and, apart from it, where the operator asks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: Text = Field(
        "127.0.0.1", description="the address where webhooks and links arrive; put a proxy with TLS in front before opening it"
    )
    port: int = Field(8080, ge=0, le=65535, description="the port; 0 takes any free one")
    public_url: Annotated[Text, AfterValidator(_public)] | None = Field(
        None,
        description="how people reach that address from where they read their mail, such as https://tocsin.example.org: messages"
        " then have a link by which their reader takes charge, and one to the page of a plan run",
    )
    links_last: Annotated[Duration, Field(ge=timedelta(minutes=5))] = Field(
        timedelta(days=3), description="how long the links of a message work; no longer than `storage.retention.raw`"
    )
    secret: Annotated[SecretStr, AfterValidator(_long)] | None = Field(
        None,
        description="what links are signed with; the default is a key that the store keeps. With another one, all links that"
        " were sent before are worthless",
    )
    private: PrivateWebSettings = Field(
        default_factory=PrivateWebSettings, description="metrics, health and reload, which the public listener never answers"
    )

    @property
    def private_port(self) -> int:
        """Where the private listener listens; 0: any free port."""
        return self.private.port if self.private.port is not None else self.port and self.port + 1

    @model_validator(mode="after")
    def _two_doors(self) -> Self:
        if self.private_port and (self.host, self.port) == (self.private.host, self.private_port):
            raise ValueError("the public and the private listener cannot share one address; give `web.private.port` another port")
        if self.private_port > 65535:  # noqa: PLR2004 - the highest port there is
            raise ValueError("there is no port after `web.port`; set `web.private.port`")
        return self


def _several(written: object) -> object:
    return written if isinstance(written, list | tuple) else (written,)


class CallerSettings(BaseModel):
    """A program that may act in plan runs, and in whose name: what it does is what somebody did who has logged in."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    secret: Annotated[
        tuple[Secret, ...], BeforeValidator(_several, json_schema_input_type=Secret | list[Secret]), Field(min_length=1)
    ] = Field(description="what it signs with, `whsec_` and base64: a secret of its own; several while you change it")
    acts_as: Names = Field(
        (),
        description="the people in whose name it may act, or roles, for whoever has them at that moment. Without any it acts in"
        " its own name, and may do what needs nobody's word: take, tick, note, call for help",
    )
    verbs: Annotated[tuple[Text, ...], BeforeValidator(one_or_many, json_schema_input_type=Text | list[Text])] = Field(
        (), description="what it may do, such as `[acknowledge, note]`; the default is everything that those people may"
    )

    @property
    def keys(self) -> tuple[str, ...]:
        """Its secrets."""
        return tuple(each.get_secret_value() for each in self.secret)
