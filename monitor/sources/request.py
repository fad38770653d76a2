"""What is asked of a server, and where a redirect may take it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from yarl import URL

from monitor.domain.errors import SourceError, Trouble
from monitor.telemetry import safe_address


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, secrets included: none of them is in its repr. A body makes it a POST."""

    url: URL = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    signed: bool = False  # it carries something that no other host may see

    @property
    def method(self) -> str:
        """GET, or POST where there is a body."""
        return "GET" if self.body is None else "POST"

    @property
    def confidential(self) -> bool:
        """Whether no other host may see it."""
        return self.signed or self.body is not None or bool(self.url.user or self.url.password)

    def with_header(self, name: str, secret: str) -> Request:
        """The same request, signed by a header."""
        return replace(self, headers={**self.headers, name: secret}, signed=True)

    def with_parameter(self, name: str, secret: str) -> Request:
        """The same request, signed by a parameter of its address, which no error and no line of the log shows."""
        return replace(self, url=self.url.update_query({name: secret}), signed=True)


def asked(
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    document: Any = None,
) -> Request:
    """A request, a POST where there is a `form` or a JSON `document` to send. Raises `SourceError(REFUSED)`."""
    kinds = {"application/x-www-form-urlencoded": form is not None, "application/json": document is not None}
    kind = next((name for name, there in kinds.items() if there), None)
    if kind is None:
        return Request(address(url, params), dict(headers or {}))
    body = urlencode(form or {}) if form is not None else json.dumps(document)
    return Request(address(url, params), {"Content-Type": kind, **(headers or {})}, body.encode())


def address(url: str, params: Mapping[str, str] | None) -> URL:
    """The address to ask, with `params` in its query. Raises `SourceError(REFUSED)`."""
    try:
        whole = URL(url)
        if whole.scheme in {"http", "https"} and whole.host:
            return whole.update_query(params) if params else whole
    except ValueError:
        pass
    raise SourceError(Trouble.REFUSED, "the address is not a complete http(s) URL; check the settings of the source")


def redirected(request: Request, url: URL, location: str) -> URL:
    """Where a redirect leads, if it may be followed. Raises `SourceError(REFUSED)`."""
    here = safe_address(str(url))
    try:
        target = url.join(URL(location))
    except ValueError:
        target = URL()
    if not location or target.scheme not in {"http", "https"} or not target.host:
        raise SourceError(Trouble.MALFORMED, f"{here} redirects to no address")
    if request.body is not None:
        raise SourceError(
            Trouble.REFUSED, f"{here} redirects what was sent to it (POST), which is not followed; check the address"
        )
    if url.scheme == "https" and target.scheme != "https":
        raise SourceError(Trouble.REFUSED, f"{here} redirects to plain http, which is not followed")
    if not request.confidential:
        return target.with_user(None)
    if target.host != request.url.host or (
        target.port != request.url.port and not (target.is_default_port() and url.is_default_port())
    ):
        raise SourceError(
            Trouble.REFUSED, f"{here} redirects to another host ({target.host}), and our credentials must not go there"
        )
    return target.with_user(request.url.user).with_password(request.url.password)
