"""What goes wrong on the way to a server, in our words: aiohttp's own may quote an address, and with it a secret."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import aiohttp

from monitor.domain.errors import Trouble
from notifiers.base import Reason

ADVICE = {
    Trouble.CREDENTIALS: ": it does not accept our credentials; renew the token or its permissions",
    Trouble.GONE: ": this address will never answer again; remove the source or change its address",
    Trouble.REFUSED: "; check the address and the settings of the source",
}


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
        "the proxy does not let us through; check `proxy`",
    ),
    ((aiohttp.InvalidURL,), Trouble.REFUSED, "this is no valid address"),
    ((aiohttp.ClientPayloadError,), Trouble.MALFORMED, "the answer broke off or cannot be decompressed"),
    ((aiohttp.ClientResponseError, ValueError), Trouble.MALFORMED, "it does not speak HTTP as it should"),
)


def meaning(error: Exception) -> tuple[Trouble, str]:
    """The first meaning that fits; the order matters, since some of these classes are kinds of others."""
    fitting = ((trouble, words) for kinds, trouble, words in _MEANINGS if isinstance(error, kinds))
    return next(fitting, (Trouble.UNAVAILABLE, "the connection failed"))


def reason(error: Exception) -> Reason:
    """The same, as a delivery sees it."""
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return Reason.TLS
    return Reason.MISCONFIGURED if isinstance(error, aiohttp.InvalidURL) else Reason.UNAVAILABLE
