"""What is hidden from a log line and what is written out."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from monitor.telemetry import hide_secrets, one_line, safe_address
from monitor.telemetry.redact import LONGEST, fit


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://tocsin:p@ss@db/x failed", "postgresql://***@db/x failed"),
        ("https://token@hooks.example/x", "https://***@hooks.example/x"),
        ("https://mastodon.example/@ada", "https://mastodon.example/@ada"),
        ("GET https://h/x?access_token=abc&q=1", "GET https://h/x?access_token=***&q=1"),
        ("?api_key=abc;page=2", "?api_key=***;page=2"),
        ("?X-Amz-Signature=abc", "?X-Amz-Signature=***"),
        ("?code=abc&barcode=1", "?code=***&barcode=1"),
        ("#id_token=abc", "#id_token=***"),
        ("Authorization: Bearer abcdefgh.ijkl", "Authorization: Bearer ***"),
        ("Basic dXNlcjpwYXNz", "Basic ***"),
        ("signed with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "signed with ***"),
        ("Basic facts are fine", "Basic facts are fine"),
        ("Bearer abc", "Bearer ***"),
        ("Authorization: token ghp_16C7e42F292c6912E7", "Authorization: token ***"),
        ("{'Authorization': 'ghp_16C7e42F'}", "{'Authorization': '***'}"),
        ("Authorization: GenieKey eb24\nHost: h", "Authorization: ***\nHost: h"),
        ("connect(user=me, password=hunter2)", "connect(user=me, password=***)"),
        ("login failed: password='two words' for me", "login failed: password=*** for me"),
        ('smtp_password = "cut of', "smtp_password = ***"),
        ("exit code=1, key=author", "exit code=1, key=author"),
        ("535 what is that: AUTH PLAIN AHRvY3NpbgBjYW5hcnk=", "535 what is that: AUTH PLAIN ***"),
        ("postgresql://u:pa/ss@h", "postgresql://***@h"),
        ("postgresql://u:12/34@h/x", "postgresql://***@h/x"),
        ("https://u:pa/ss@h/x", "https://***@h/x"),
        ("https://h.example:8443/@ada", "https://h.example:8443/@ada"),
        ("a=b", "a=b"),
    ],
)
def test_secrets_are_hidden(text: str, shown: str) -> None:
    """Passwords in addresses, tokens in queries, bearer tokens and signing keys do not come out."""
    assert hide_secrets(text) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:pw@h.example:8443/feed.xml?a=1&key=k#top", "https://h.example:8443/feed.xml?…"),
        ("https://h.example/2026/03/my-long-title-about-it_1.html", "https://h.example/2026/03/my-long-title-about-it_1.html"),
        ("https://h.example/api/v1/timelines/tag/marmottecafe", "https://h.example/api/v1/timelines/tag/marmottecafe"),
        (
            "https://hooks.slack.com/services/T0000AB00/B0000CD000/aBcDeFgH1jKlMnOpQrStUvWx",
            "https://hooks.slack.com/services/T0000AB00/B0000CD000/***",
        ),
        (
            "https://api.telegram.org/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/sendMessage",
            "https://api.telegram.org/***/sendMessage",
        ),
        ("https://chat.example/hooks/xr3ne7qg5t8xmy4bfa6o1cwz9d", "https://chat.example/hooks/***"),
        ("https://h.example/a\nb", "https://h.example/ab"),
        ("https://[::1", "an address that cannot be read"),
        ("/only/a/path", "an address without a host"),
        ("https://h.example/" + "a/" * 1000, "https://h.example/" + "a/" * 141 + "… (+1718 characters)"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    """Where it leads stays readable; who asks, with what key, does not come out."""
    assert safe_address(url) == shown


TOKENS = st.one_of(
    st.uuids().map(str),
    st.binary(min_size=12, max_size=40).map(bytes.hex),
    st.binary(min_size=12, max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")),
    st.from_regex(r"\d{8,10}:[A-Za-z0-9]{35}", fullmatch=True),
).filter(lambda token: any(c.isdigit() for c in token) and any(c.isalpha() for c in token))


@given(token=TOKENS, words=st.sampled_from(["", "hooks/", "services/T1/"]), port=st.sampled_from(["", ":8443"]))
def test_no_part_of_an_address_lets_a_secret_out(token: str, words: str, port: str) -> None:
    """Neither as user, password, query, fragment nor piece of the path, in an address alone or within a text."""
    plain = quote(token, safe="")
    places = (
        f"https://{plain}@h.example{port}/x", f"https://u:{plain}@h.example{port}/x", f"https://h.example{port}/x?access_token={plain}",
        f"https://h.example{port}/x?a=1&sig={plain}&b=2", f"https://h.example{port}/x#token={plain}",
        f"https://h.example{port}/{words}{plain}", f"https://h.example{port}/{words}{plain}/send?x=1",
    )  # fmt: skip
    for url in places:
        assert plain not in safe_address(url)
        assert plain not in hide_secrets(f"could not ask {url}, and gave up")


@given(st.from_regex(r"[A-Za-z0-9]{12,24}", fullmatch=True))
def test_no_form_lets_a_secret_out(secret: str) -> None:
    """Wherever in an event a secret stands that looks like one, the line does not hold it."""
    event = {
        "url": f"https://user:{secret}@host/path?token={secret}",
        "password": secret,
        "headers": {"Authorization": f"Bearer {secret}", "X": [f"Bearer {secret}"]},
        "wrapped": SecretStr(secret),
        "error": ValueError(f"could not log in at smtp://me:{secret}@mail"),
    }
    assert secret not in json.dumps(fit(event))


@pytest.mark.parametrize("hostile", ["\n", "\r", "\x1b[31m", "\x85", "\u2028", "\u202e", "\x00", "\ud800", "\u200b"])
def test_controls_are_written_out(hostile: str) -> None:
    """What ends a line, colours a terminal or turns the text is shown as its code."""
    assert hostile[0] not in one_line(f"a{hostile}b")
    assert one_line(f"a{hostile}b").startswith("a\\")


def test_words_stay_as_they_are() -> None:
    """French, Arabic and emoji are text like any other."""
    assert one_line("« déçu » 😡 خدمة") == "« déçu » 😡 خدمة"


class Stubborn:
    """An object that will not be shown."""

    def __repr__(self) -> str:
        raise RuntimeError


def test_every_value_can_be_shown() -> None:
    """Numbers that JSON does not know, times, sets and stubborn objects all become something readable."""
    shown = fit({
        "nan": float("nan"), "half": 0.5, "huge": 10**5000, "yes": True, "none": None, "n": 3, "token": None,
        "at": datetime(2026, 3, 2, tzinfo=UTC), "set": {"a"}, "stubborn": Stubborn(), 1: "one",
    })  # fmt: skip
    assert shown == {
        "nan": "nan", "half": 0.5, "huge": "an integer of 16610 bits", "yes": True, "none": None, "n": 3, "token": None,
        "at": "2026-03-02T00:00:00+00:00", "set": ["a"], "stubborn": "<Stubborn, which cannot be shown>", "1": "one",
    }  # fmt: skip


def test_a_long_value_is_cut_and_says_so() -> None:
    """A log is no archive: ten megabytes become one line of bearable length."""
    shown = fit("x" * 10_000_000)
    assert isinstance(shown, str)
    assert len(shown) < LONGEST + 50
    assert shown.endswith(f"… (+{10_000_000 - LONGEST} characters)")


def test_a_cut_leaves_no_half_secret() -> None:
    """A password that the cut would go through is hidden first."""
    text = "x" * (LONGEST - 20) + " https://user:verysecretpassword@host/"
    assert "verysecret" not in str(fit(text))


@pytest.mark.parametrize("piece", ["://:", "://a:b", "token ", "token=' ", "Authorization: ", "a.password", "Bearer "])
def test_no_text_makes_the_search_slow(piece: str) -> None:
    """What is made to be looked through again and again takes a moment: less than what would hold up the loop."""
    began = time.process_time()
    hide_secrets("=://" + piece * (64_000 // len(piece)))
    assert time.process_time() - began < 1


def test_depth_has_an_end() -> None:
    """A structure that holds itself is shown, not followed for ever."""
    loop: list[object] = []
    loop.append(loop)
    assert "[...]" in json.dumps(fit(loop))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(exclude_categories=())), inner, max_size=3),
)


@given(values)
def test_anything_fits_into_one_line_of_utf8(value: object) -> None:
    """Whatever is logged becomes JSON that is one line and can be encoded."""
    line = json.dumps(fit(value), ensure_ascii=False, allow_nan=False)
    assert line.encode("utf-8").splitlines() == [line.encode("utf-8")]
    assert len(line.splitlines()) == 1
