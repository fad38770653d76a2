"""What goes wrong on the way to a server, in our words: aiohttp's own may quote an address, and with it a secret."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from http import HTTPStatus

import aiohttp

from monitor.domain.errors import Trouble
from monitor.sources.guard import InwardError
from notifiers.base import Reason

_ADVICE = {
    Trouble.CREDENTIALS: ": it does not accept our credentials; renew the token or its permissions",
    Trouble.GONE: ": this address will never answer again; remove the source or change its address",
    Trouble.REFUSED: "; check the address and the settings of the source",
}


_PROXY = "the proxy does not let us through; check `proxy`"


def advice(status: int, trouble: Trouble) -> str:
    """What to do about a status, to be appended to it."""
    return f": {_PROXY}" if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED else _ADVICE.get(trouble, "")


def trouble_of_status(status: int, headers: Mapping[str, str]) -> Trouble:
    """What a status means. A 403 that names a moment to come back is a limit, not a refusal (GitHub and others)."""
    if status == 429 or (status == 403 and "retry-after" in headers):  # noqa: PLR2004 - HTTP's own numbers
        return Trouble.THROTTLED
    if status >= 500:  # noqa: PLR2004
        return Trouble.UNAVAILABLE
    known = {
        401: Trouble.CREDENTIALS,
        403: Trouble.CREDENTIALS,
        410: Trouble.GONE,
        407: Trouble.UNAVAILABLE,
        408: Trouble.UNAVAILABLE,
        425: Trouble.UNAVAILABLE,
    }
    return known.get(status, Trouble.REFUSED)


_MEANINGS: tuple[tuple[tuple[type[Exception], ...], Trouble, str], ...] = (
    (
        (aiohttp.ClientConnectorDNSError,),
        Trouble.UNAVAILABLE,
        "its name cannot be resolved; check the address and the network",
    ),
    (
        (aiohttp.ClientSSLError, ssl.SSLError),
        Trouble.UNAVAILABLE,
        "its certificate or its TLS is not accepted; see `ca_bundle`",
    ),
    (
        (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError),
        Trouble.UNAVAILABLE,
        _PROXY,
    ),
    ((aiohttp.InvalidURL,), Trouble.REFUSED, "this is no valid address"),
    ((aiohttp.ClientPayloadError,), Trouble.MALFORMED, "the answer broke off or cannot be decompressed"),
    ((aiohttp.ClientResponseError, ValueError), Trouble.MALFORMED, "it does not speak HTTP as it should"),
)


def _inward(error: Exception) -> InwardError | None:
    """The guard's refusal, alone or as aiohttp wraps it."""
    cause = getattr(error, "os_error", error)
    return cause if isinstance(cause, InwardError) else None


def meaning(error: Exception) -> tuple[Trouble, str]:
    """The first meaning that fits; the order matters, since some of these classes are kinds of others."""
    if inward := _inward(error):
        words = f"it leads to {inward.address}, a private address; if it is yours to call, name it under `http.allow`"
        return Trouble.REFUSED, words
    fitting = ((trouble, words) for kinds, trouble, words in _MEANINGS if isinstance(error, kinds))
    return next(fitting, (Trouble.UNAVAILABLE, f"the connection failed{_number(error)}"))


def _number(error: Exception) -> str:
    """The system's own reason, where it gives one: refused, reset, no route."""
    number = getattr(error, "errno", None)
    return f" ({os.strerror(number).lower()})" if isinstance(number, int) and number > 0 else ""


def reason(error: Exception) -> Reason:
    """The same, as a delivery sees it."""
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return Reason.TLS
    wrong = isinstance(error, aiohttp.InvalidURL) or _inward(error)
    return Reason.MISCONFIGURED if wrong else Reason.UNAVAILABLE
