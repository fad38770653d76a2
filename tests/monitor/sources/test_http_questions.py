"""Questions by POST, and what answers mean on one network."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from monitor.domain.errors import SourceError, Trouble
from monitor.sources.http import HttpClient
from monitor.testing import Site, trouble_of

WITHIN = timedelta(seconds=5)


def means(status: int, headers: Mapping[str, str], document: Any) -> SourceError | None:
    """As Meta says it: a code in the body decides, whatever the status."""
    code = document.get("error", {}).get("code") if isinstance(document, dict) else None
    if code == 190:
        return SourceError(Trouble.CREDENTIALS, "the token has expired; get another")
    if code == 4 or headers.get("x-app-usage") == "100":
        return SourceError(Trouble.THROTTLED, "the limit of the app is reached", retry_after=600)
    return None


async def test_a_form_and_a_document_are_sent(site: Site, http: HttpClient) -> None:
    """With the type that belongs to each."""
    seen: list[tuple[str, str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.method, request.content_type, await request.text()))
        return web.json_response({"ok": True})

    site.answer = answer
    await http.post(site.url, within=WITHIN, form={"a": "é b"})
    assert (await http.post(site.url, within=WITHIN, document={"q": [1]})).json() == {"ok": True}
    await http.post(site.url, within=WITHIN)
    form = "application/x-www-form-urlencoded"
    assert seen == [("POST", form, "a=%C3%A9+b"), ("POST", "application/json", '{"q": [1]}'), ("POST", form, "")]


async def test_what_is_sent_is_never_redirected(site: Site, http: HttpClient) -> None:
    """It may hold a secret, and a redirect would turn it into another question."""
    site.says(307, Location=f"{site.url}/other")
    error = await trouble_of(http.post(site.url, within=WITHIN, form={"a": "b"}))
    assert (error.trouble, len(site.asked)) == (Trouble.REFUSED, 1)


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        (400, '{"error": {"code": 190}}', {}, (Trouble.CREDENTIALS, None)),
        (200, '{"error": {"code": 4}}', {}, (Trouble.THROTTLED, 600)),
        (403, '{"error": {"code": 4}}', {}, (Trouble.THROTTLED, 600)),
        (200, "{}", {"X_App_Usage": "100"}, (Trouble.THROTTLED, 600)),
        (400, '{"error": {"code": 1}}', {}, (Trouble.REFUSED, None)),
        (500, "<html>", {}, (Trouble.UNAVAILABLE, None)),
    ],
)
async def test_a_network_says_what_its_answers_mean(
    site: Site, http: HttpClient, status: int, body: str, headers: dict[str, str], expected: tuple[Trouble, float | None]
) -> None:
    """By the body or the headers; where it says nothing, the status decides as everywhere."""
    site.says(status, body, **headers)
    error = await trouble_of(http.get(site.url, within=WITHIN, means=means))
    assert (error.trouble, error.retry_after) == expected


async def test_an_answer_that_means_well_is_understood_once(site: Site, http: HttpClient) -> None:
    """What was read to find out is not read again; what is no JSON is still told as such."""
    site.says_json({"data": [1]})
    answer = await http.get(site.url, within=WITHIN, means=means)
    assert answer.json() is answer.document
    site.says(200, "<html>")
    answer = await http.get(site.url, within=WITHIN, means=means)
    with pytest.raises(SourceError):
        answer.json()
