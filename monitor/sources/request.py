"""What is asked of a server, and where a redirect may take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr
from yarl import URL

from monitor.domain.errors import SourceError, Trouble
from monitor.telemetry import safe_address


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, with the secret it may carry."""

    url: URL
    headers: Mapping[str, str] = field(repr=False)
    token: SecretStr | None

    @property
    def signed(self) -> dict[str, str]:
        """The headers, secret included."""
        said = dict(self.headers)
        if self.token is not None:
            said["Authorization"] = f"Bearer {self.token.get_secret_value()}"
        return said

    @property
    def confidential(self) -> bool:
        """Whether it carries something that no other host may see."""
        return self.token is not None or bool(self.url.user or self.url.password)


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
