"""How this installation reaches the web: its settings, and whose certificates it trusts."""

from __future__ import annotations

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from yarl import URL

from monitor.domain.errors import TocsinError
from monitor.sources.guard import allowed


def _entry(written: str) -> str:
    allowed(written)
    return written


def _one_or_many(written: object) -> object:
    return (written,) if isinstance(written, str) else written


_Entry = Annotated[str, AfterValidator(_entry)]
_Entries = Annotated[tuple[_Entry, ...], BeforeValidator(_one_or_many, json_schema_input_type=_Entry | list[_Entry])]


def _proxy(written: SecretStr) -> SecretStr:
    try:
        address = URL(written.get_secret_value())
    except ValueError:
        address = URL()
    if address.scheme not in {"http", "https"} or not address.host:
        raise ValueError("write the proxy's whole address, http://host:port")
    return written


class HttpSettings(BaseModel):
    """How this installation reaches the web."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    timeout: timedelta = Field(
        timedelta(seconds=30), gt=timedelta(0), description="the longest one request may take, body included"
    )
    per_host: int = Field(4, ge=1, le=64, description="requests to one host at the same time")
    interval: timedelta = Field(
        timedelta(0), ge=timedelta(0), description="least time between the starts of two requests to one host"
    )
    retries: int = Field(
        2, ge=0, le=5, description="how often a failed GET is repeated within one poll, after a short random wait"
    )
    breaker_failures: int = Field(
        5, ge=1, le=1000, description="after so many failed requests in a row a host is left alone for `breaker_rest`"
    )
    breaker_rest: timedelta = Field(
        timedelta(seconds=30),
        gt=timedelta(0),
        le=timedelta(hours=1),
        description="how long a host that failed is left alone; then one request shows whether it is back",
    )
    max_bytes: int = Field(8 * 2**20, ge=1024, le=2**30, description="the largest body taken, in bytes after decompression")
    allow: _Entries = Field(
        (),
        description="the private addresses that may be called, by sources and receivers: an address (10.1.2.3), a network"
        " (10.1.0.0/16), a host's name or `localhost`, each perhaps with a port (localhost:8065). All others are refused,"
        " whatever name or redirect leads there",
    )
    proxy: Annotated[SecretStr, AfterValidator(_proxy)] | None = Field(
        None, description="an HTTP proxy for all requests, for instance http://user:password@proxy:3128"
    )
    ca_bundle: Path | None = Field(None, description="a PEM file of certificate authorities to trust instead of the system's")
    user_agent: str = Field("Tocsin/0.1 (brand monitoring)", min_length=1, description="how we introduce ourselves to servers")


def trust(settings: HttpSettings) -> ssl.SSLContext | bool:
    """Whose certificates are accepted. Raises `TocsinError` when the settings name a file that cannot be read."""
    if settings.ca_bundle is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(settings.ca_bundle))
    except OSError as error:
        raise TocsinError(
            f"cannot read the certificates in {settings.ca_bundle}: {error.strerror or error}; check `ca_bundle`"
        ) from None
