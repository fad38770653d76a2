"""Meta's Graph API: asked with a signed token, slowed down before its limits, and its errors in words that say what to do."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Self
from urllib.parse import parse_qsl, urlencode

from pydantic import AfterValidator, Field, SecretStr, model_validator
from yarl import URL

from monitor.domain.errors import SourceError, Trouble
from monitor.sources import strict_json
from monitor.sources.base import Rejected, SourceSettings
from monitor.sources.feed import web_address
from monitor.sources.http import Answer, HttpClient
from monitor.sources.request import Request

VERSION = "v26.0"  # of 2026; each is kept for at least two years (docs/graph-api/guides/versioning)
SMALLEST = 5  # entries of a page; whoever says that these are too many will not be content
SLOW = 80  # per cent of a limit: from here on we rest between two looks
WINDOW = timedelta(hours=1)  # over which calls are counted: the rest when a limit is reached and nobody says for how long
_PLACE = frozenset({"after", "until", "since", "offset", "__paging_token"})  # of a next page's address: all but who asks for what
_USAGE = ("x-app-usage", "x-page-usage", "x-ad-account-usage", "x-business-use-case-usage")
_SHARES = ("call_count", "total_time", "total_cputime", "acc_id_util_pct")
_NAMED = re.compile(r"'([a-z]+(?:_[a-z]+)+)' permission")
_INVALID, _BLOCKED = 100, 368
# Lists of our account: where one of them is not to be had a permission is missing. A single post may only have been deleted.
_TOP = frozenset({"feed", "ads_posts", "tagged", "media", "tags"})
_TEMPORARY = frozenset({1, 2})
_THROTTLED = frozenset({4, 17, 32, 341, 613, *range(80000, 80015)})
_EXPIRED = frozenset({102, 190})
_PERMISSIONS = frozenset({3, 10, *range(200, 300)})
_ENDED = {
    458: "the app was removed from the account",
    459: "its owner must first log in to facebook.com",
    460: "its owner has changed the password",
    463: "it has expired",
    464: "its owner's account is not confirmed",
    467: "it was revoked",
    492: "its owner has no role on the Page any more",
}


class GraphSettings(SourceSettings):
    """What Facebook and Instagram have in common."""

    token: SecretStr = Field(
        description="a long-lived access token; the how-to says where to get one, and with which permissions"
    )
    app_secret: SecretStr | None = Field(
        None, description="the app's secret: proves our calls (appsecret_proof), and verifies those that Meta makes to us"
    )
    verify_token: SecretStr | None = Field(
        None, description="words of your choice that you repeat when you set up the webhook, with the address /hooks/NAME"
    )
    version: str = Field(VERSION, pattern=r"^v\d{1,3}\.\d$", description="the version of the Graph API")
    url: Annotated[str, AfterValidator(lambda url: web_address(url).rstrip("/"))] = Field(
        "https://graph.facebook.com", description="where the Graph API answers"
    )
    posts: int = Field(
        500, ge=1, le=5_000, description="of how many posts, the newest, new comments are seen; all are gone through in turns"
    )
    overlap: timedelta = Field(
        timedelta(minutes=5), ge=timedelta(0), description="how far back each look at a post's comments reaches"
    )

    @model_validator(mode="after")
    def _webhooks_are_verified(self) -> Self:
        if self.verify_token is not None and self.app_secret is None:
            raise ValueError("`verify_token` needs `app_secret`: without it nobody can tell Meta's calls from forged ones")
        return self


@dataclass(frozen=True, slots=True)
class AsApp:
    """The token, and the proof that whoever holds it knows the app's secret, too (docs/graph-api/guides/secure-requests)."""

    token: SecretStr
    app_secret: SecretStr | None = None

    async def sign(self, request: Request) -> Request:
        """The request with both."""
        token = self.token.get_secret_value()
        signed = request.with_parameter("access_token", token)
        if self.app_secret is None:
            return signed
        proof = hmac.digest(self.app_secret.get_secret_value().encode(), token.encode(), hashlib.sha256).hex()
        return signed.with_parameter("appsecret_proof", proof)

    async def renew(self, refused: Request) -> bool:
        """Only a person can renew it."""
        del refused
        return False


@dataclass(frozen=True, slots=True)
class Page:
    """Entries of a list, and where it goes on: part of an address, without a secret."""

    items: Sequence[Mapping[str, Any]]
    further: str | None


class Graph:
    """One token's way into the API. `rest` is how long to leave it alone, by what its last answer said; `full`: at once."""

    def __init__(self, settings: GraphSettings, http: HttpClient) -> None:
        self.rest: timedelta | None = None
        self.full = False
        self.notes: list[Rejected] = []  # what a person should know, once
        self._settings, self._http = settings, http
        self._signer = AsApp(settings.token, settings.app_secret)
        self._secrets = [each.get_secret_value() for each in (settings.token, settings.app_secret) if each is not None]
        self._warned, self._most = False, 100  # entries of a page: Meta may ask for fewer

    async def ask(self, path: str, params: Mapping[str, str], *, needs: str) -> Mapping[str, Any]:
        """The object at a path. `needs` are the permissions for it, in words. Raises `SourceError`."""
        return self._object(await self._ask(path, params, needs))

    async def page(self, path: str, params: Mapping[str, str], at: str | None, *, needs: str, unlinked: bool = False) -> Page:
        """One page of a list. `unlinked`: it gives cursors without the address of the next page. Raises `SourceError`."""
        limit = min(int(params["limit"]), self._most)
        try:
            answer = await self._ask(path, {**params, **dict(parse_qsl(at or "")), "limit": str(limit)}, needs)
        except SourceError as error:
            if error.trouble is not Trouble.TOO_LARGE or limit <= SMALLEST:
                raise
            self._most = max(limit // 4, SMALLEST)
            return await self.page(path, params, at, needs=needs, unlinked=unlinked)
        items = answer.objects("data")
        return Page(items, _further(self._object(answer).get("paging"), unlinked=unlinked and bool(items)))

    def throttled(self, error: SourceError) -> None:
        """A limit was met on the way."""
        self.rest, self.full = WINDOW if error.retry_after is None else timedelta(seconds=error.retry_after), True

    async def _ask(self, path: str, params: Mapping[str, str], needs: str) -> Answer:
        answer = await self._http.get(
            f"{self._settings.url}/{self._settings.version}/{path}",
            within=self._settings.timeout / 4,  # one that hangs must leave time for the others
            params=params,
            signer=self._signer,
            means=partial(_meaning, path.rpartition("/")[2], needs, self._secrets),
        )
        share, regain = usage(answer.headers)
        self.rest, self.full = regain or (timedelta(minutes=share - SLOW + 1) if share >= SLOW else None), regain is not None
        self._warn(answer.headers)
        return answer

    def _object(self, answer: Answer) -> Mapping[str, Any]:
        document = answer.json()
        if not isinstance(document, Mapping):
            raise SourceError(Trouble.MALFORMED, f"{self._settings.url} did not answer with an object; is it the Graph API?")
        return document

    def _warn(self, headers: Mapping[str, str]) -> None:
        """Say once that the version is at its end: Meta then answers by the oldest that is left."""
        answered, asked = headers.get("facebook-api-version", ""), self._settings.version
        if self._warned or not (headers.get("x-ad-api-version-warning") or (answered and answered != asked)):
            return
        self._warned = True
        by = f"Meta answers by {answered[:10]}" if answered and answered != asked else "Meta warns of its end"
        self.notes.append(Rejected("version", f"{asked} of the Graph API is deprecated ({by}); set a newer `version`"))


def _further(paging: Any, *, unlinked: bool) -> str | None:
    """Where the next page is: what its address says of the place, which is asked of our own address, with our own token."""
    if not isinstance(paging, Mapping):
        return None
    following, cursors = paging.get("next"), paging.get("cursors")
    if isinstance(following, str):
        try:
            query = URL(following).query
        except ValueError:
            return None
        return urlencode([(name, value) for name, value in query.items() if name in _PLACE and value]) or None
    after = cursors.get("after") if unlinked and isinstance(cursors, Mapping) else None
    return urlencode({"after": after}) if isinstance(after, str) and after else None


def usage(headers: Mapping[str, str]) -> tuple[int, timedelta | None]:
    """How much of the fullest limit is used, in per cent, and how long to wait where one is reached.

    docs/graph-api/overview/rate-limiting: percentages; minutes until access is regained.
    """
    said = [each for name in _USAGE for each in _figures(headers.get(name))]
    share = max((_number(each.get(name)) for each in said for name in _SHARES), default=0)
    minutes = max((_number(each.get("estimated_time_to_regain_access")) for each in said), default=0)
    if minutes:
        return share, timedelta(minutes=minutes)
    return share, WINDOW if share >= 100 else None  # noqa: PLR2004 - per cent


def _figures(header: str | None) -> list[Mapping[str, Any]]:
    try:
        document = strict_json.loads((header or "{}").encode())
    except strict_json.NotJsonError:
        return []
    if not isinstance(document, Mapping):
        return []
    cases = [each for each in document.values() if isinstance(each, list)]
    return [
        each for each in ([document] if not cases else [each for case in cases for each in case]) if isinstance(each, Mapping)
    ]


def _number(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 10**6 else 0


def _meaning(
    path: str, needs: str, secrets: Sequence[str], status: int, headers: Mapping[str, str], document: Any
) -> SourceError | None:
    """docs/graph-api/guides/error-handling, and the codes of docs/graph-api/overview/rate-limiting."""
    del status
    error = document.get("error") if isinstance(document, Mapping) else None
    if not isinstance(error, Mapping):
        return None
    code, said = _number(error.get("code")), str(error.get("message") or "")
    for secret in secrets:
        said = said.replace(secret, "***")
    if code in _THROTTLED:
        _, regain = usage(headers)
        return _because(Trouble.THROTTLED, "a limit of calls is reached", error, said, regain)
    if code == _BLOCKED:
        return _because(Trouble.THROTTLED, "the app or its owner is blocked; look into the app's dashboard", error, said, WINDOW)
    return _because(*_refusal(path, needs, code, error, said), error, said)


def _refusal(path: str, needs: str, code: int, error: Mapping[str, Any], said: str) -> tuple[Trouble, str]:
    """What an error is that no limit explains."""
    if code in _EXPIRED:
        why = _ENDED.get(_number(error.get("error_subcode")), "it has expired or was revoked")
        return Trouble.CREDENTIALS, f"the token is no longer valid: {why}; make a new one and set `token`"
    if code == _INVALID and "appsecret_proof" in said:
        return Trouble.CREDENTIALS, "`app_secret` is missing, or not that of the app for which the token was made; set it"
    if code in _PERMISSIONS or (code == _INVALID and "permission" in said and path in _TOP):
        missing = ", ".join(dict.fromkeys(_NAMED.findall(said))) or needs
        return Trouble.CREDENTIALS, f"the token lacks a permission: {missing}; make one that has it"
    if "reduce the amount of data" in said:
        return Trouble.TOO_LARGE, "a page is too large for it"
    if code in _TEMPORARY or error.get("is_transient") is True:
        return Trouble.UNAVAILABLE, "it asks to try again later"
    return Trouble.REFUSED, "it refuses the question; check the number of the account, and `version`"


def _because(trouble: Trouble, words: str, error: Mapping[str, Any], said: str, wait: timedelta | None = None) -> SourceError:
    number = "/".join(str(each)[:10] for each in (error.get("code"), error.get("error_subcode")) if each)
    return SourceError(trouble, f"{words} (code {number}: {said[:200]})", retry_after=wait.total_seconds() if wait else None)
