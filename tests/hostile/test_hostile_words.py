"""What strangers write comes out as words: no template runs, no header, tag, link, escape or formula of theirs works anywhere."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from email import policy
from email.parser import BytesParser
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bench.hostile import NOW, TEXTS, forms
from monitor.domain.clock import ManualClock
from monitor.domain.errors import Trouble
from monitor.sources.feed import Feed, FeedSettings
from monitor.sources.http import HttpClient
from monitor.sources.mapping import Mapper, MappingSettings, UnreadableError
from monitor.sources.text import canonical_uri
from monitor.testing import Site, loopback, serving, trouble_of
from monitor.workshop.pool import Workshop
from notifiers import samples
from notifiers.email import compose
from notifiers.message import Message, Post
from notifiers.render import html as page
from notifiers.render import payload, short, text
from notifiers.safe import link
from notifiers.smtp import SmtpSettings
from rules.words import BadEntryError, Said, WordList

SMTP = SmtpSettings(host="mail.example.org", sender="tocsin@example.org")
TEMPLATES = ("{{ 7*7 }}", "{% raw %}", "${HOME}", "%s %(x)s %d", "{0} {x!r}", "{# x #}", "$(id)", "`id`", "<%= 7*7 %>")
HEADERS = (
    "=?utf-8?q?a=0d=0aBcc:_evil@evil.example?=",
    "=?utf-8?b?YQ0KQmNjOiBldmlsQGV2aWwuZXhhbXBsZQ==?=",
    "a\r\nBcc: evil@evil.example",
    "a\nBcc: evil@evil.example\n\nbody",
    "a\u2028Bcc: evil@evil.example",
)
SCRIPTS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "<a href='javascript:alert(1)'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<style>*{background:url(//evil.example)}</style>",
    "</td></table><form action=//evil.example><input>",
    "<!--[if mso]><script>alert(1)</script><![endif]-->",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<scr\0ipt>alert(1)</scr\0ipt>",
    "\u202e<script>\u202c",
)
LINKS = (
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)", "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc/passwd", "//evil.example/x", "ftp://evil.example",
    "https://user:password@evil.example/", "https://evil.example\\@good.example/", "https://", "https://[::1", "http:\\\\evil",
)  # fmt: skip


def told(said: str) -> Message:
    """A message whose every field from outside holds `said`."""
    post = Post(said, said, samples.NOW, said, None, said, said)
    return replace(samples.complaint("en"), topic=said, brand=said, subject=said, posts=(post,), links={said: said})


class Tags(HTMLParser):
    """The tags, attributes and addresses of a page."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name in {"srcdoc", "action", "formaction"}]
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]


@pytest.mark.fault("hostile", "a mention quotes the syntax of templates")
@pytest.mark.parametrize("said", TEMPLATES)
def test_no_template_runs(said: str) -> None:
    """It comes out as it was written, in the text, the page, the short text and the JSON."""
    message = told(f"Acme {said} end")
    assert f"Acme {said} end" in " ".join(text(message).split())
    assert f"Acme {said} end" in " ".join(html.unescape(page(message)).split())
    assert f"Acme {said} end" in json.dumps(payload(message), ensure_ascii=False)
    assert said in short(message)
    assert "49" not in text(replace(message, links={}))


@pytest.mark.fault("hostile", "a mention carries a mail header, plain or as an encoded word (CVE-2024-6923)")
@pytest.mark.parametrize("said", HEADERS)
def test_no_header_gets_into_a_mail(said: str) -> None:
    """Every mail reads back with exactly the headers and the recipients that we wrote, and with two parts."""
    plain, hostile = (
        BytesParser(policy=policy.default).parsebytes(compose(told(words), SMTP, ("lea@example.org",), NOW))
        for words in ("Acme", said)
    )
    assert hostile.keys() == plain.keys()
    assert hostile["To"] == "lea@example.org"
    assert hostile["Bcc"] is None
    assert len(list(hostile.iter_parts())) == 2


@pytest.mark.fault("hostile", "a mention carries markup and scripts")
@pytest.mark.parametrize("said", SCRIPTS)
def test_no_markup_works_in_a_message(said: str) -> None:
    """A page has the tags and the links of the same page about harmless words, and no others."""
    assert Tags(page(told(said))).tags == Tags(page(told("Acme"))).tags
    assert not [each for each in Tags(page(told(said))).links if not each.startswith(("https://", "http://", "#", "mailto:"))]


@pytest.mark.fault("hostile", "a mention links to javascript:, data:, or to an address that is not what it looks like")
@pytest.mark.parametrize("said", LINKS)
def test_links_lead_to_the_web_or_nowhere(said: str) -> None:
    """Such a link is neither kept with the mention nor shown in a message; a password in one is dropped."""
    kept = canonical_uri(said)
    assert kept is None or (kept.startswith("https://") and "password" not in kept)
    assert link(said) is None


@pytest.mark.fault("hostile", "a mention holds NUL, controls, surrogates, overrides, piled accents")
@pytest.mark.parametrize("name", TEXTS)
def test_every_form_of_a_message_is_clean_text(name: str) -> None:
    """No control character but the line break and no direction mark is left, and whatever goes out is UTF-8."""
    for form in forms(told(TEXTS[name] * 50)):
        said = form.decode().replace("\r\n", "\n")
        assert not [char for char in said if (ord(char) < 32 and char not in "\n\t") or "\u202a" <= char <= "\u202e"]


WRONG: Mapping[str, Any] = {
    "a list": [[]], "an object": {"a": {}}, "a number": 12, "a huge number": 2**63, "an enormous number": 10**400,
    "a fraction": 0.5, "true": True, "null": None, "a deep list": [[[[[]]]]], "empty": "", "NUL": "\0",
    "a lone surrogate": "\ud800", "1e999 in words": "1e999", "NaN in words": "nan",
}  # fmt: skip
FIELDS = ("text", "date", "id", "url", "author", "followers", "language", "likes", "tags", "parent", "own")


@pytest.mark.fault("hostile", "a record has the wrong type in every field")
@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize(
    "field", ["text", "date", "id", "url", "author", "followers", "language", "likes", "tags", "parent", "own"]
)
def test_wrong_types_make_a_mention_or_a_reason(name: str, field: str) -> None:
    """Either there is a mention all the same, or the record is rejected with words; nothing else is raised."""
    mapper = Mapper(MappingSettings(mapping={"author.reach": "followers"}, network="web"))
    record = {"text": "Acme", "date": "2026-03-01", "id": "1", "author": "ann"} | {field: WRONG[name]}
    with suppress(UnreadableError):
        assert isinstance(mapper.mention(record).text, str)


@pytest.mark.fault("hostile", "a feed takes longer to read than its deadline")
async def test_a_feed_that_takes_for_ever_fails_alone() -> None:
    """Its poll fails with what to do about it, and the next feed is read as always."""
    async with serving() as site, HttpClient(loopback(), pause=0) as http, Workshop() as workshop:
        site.says(200, "<rss version='2.0'><channel><item><description>" + "<a " * 400_000)
        impatient = FeedSettings.model_validate({"kind": "feed", "url": site.url, "timeout": 1.5})
        error = await trouble_of(Feed(impatient, http, ManualClock(NOW), workshop).poll(None))
        assert (error.trouble, error.permanent) == (Trouble.MALFORMED, False)
        assert "took longer than 1.5 s" in error.detail
        assert "look at what its address answers" in error.detail
        await _calm(site, http, workshop)


@pytest.mark.fault("hostile", "a feed needs more memory than a worker may take")
async def test_a_feed_that_eats_memory_fails_alone() -> None:
    """Its poll fails with a reason of its own, and the next feed is read as always."""
    async with serving() as site, HttpClient(loopback(max_bytes=2**24), pause=0) as http, Workshop() as workshop:
        site.says(200, b"<rss version='2.0'><channel><item " + b"".join(b'a%d="x" ' % n for n in range(500_000)))
        error = await trouble_of(Feed(FeedSettings(kind="feed", url=site.url), http, ManualClock(NOW), workshop).poll(None))
        assert error.trouble is Trouble.TOO_LARGE
        assert "needed more than 128 MB" in error.detail
        await _calm(site, http, workshop)


async def _calm(site: Site, http: HttpClient, workshop: Workshop) -> None:
    site.says(200, "<rss version='2.0'><channel><item><title>Acme</title></item></channel></rss>")
    assert len((await Feed(FeedSettings(kind="feed", url=site.url), http, ManualClock(NOW), workshop).poll(None)).mentions) == 1


@pytest.mark.fault("hostile", "a rule's word is written as a regular expression that never ends")
@pytest.mark.parametrize("pattern", ["(a+)+$", "(.*)*x", "[a-z]{1,99999}", "(?:a|a)*b"])
def test_no_pattern_of_a_user_is_run(pattern: str) -> None:
    """Rules look for words, and have no patterns: the signs are signs, and a text of 100,000 letters is read at once."""
    with suppress(BadEntryError):
        assert Said("a" * 100_000 + "!").find(WordList((pattern,))) is None


@pytest.mark.fault("hostile", "a mention holds a spreadsheet's formula, and somebody exports it")
def test_nothing_of_ours_is_opened_by_a_spreadsheet() -> None:
    """Exports are JSON, where a formula is a text; modules that write CSV put an apostrophe before what is read as one."""
    root = Path(__file__).resolve().parents[2]
    modules = [path for folder in ("monitor", "notifiers", "rules") for path in (root / folder).rglob("*.py")]
    words = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in modules}
    writing = {name for name, text in words.items() if any(word in text for word in ("csv.writer", "DictWriter", "openpyxl"))}
    assert writing == {"monitor/digest/as_data.py", "monitor/report/evidence.py"}
    assert all("from notifiers.safe import cell" in words[name] for name in writing)
