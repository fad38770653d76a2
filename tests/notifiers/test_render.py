"""The four shapes of a message: the same facts, and nothing a stranger wrote gets out of its place."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifiers import samples
from notifiers.message import Language, Message, Post
from notifiers.render import html, payload, short, text
from notifiers.render.as_html import THEMES
from notifiers.wording import headline, next_step

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "messages"
LANGUAGES: tuple[Language, ...] = ("fr", "en")
ANYTHING = st.text(st.characters(), max_size=120)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></tr></table><h1>Your account was closed</h1>",
    "{{ 7 * 7 }} {% raw %} ${7*7} %(x)s {0.__class__}",
    "\u202eevil\u2066\u200f",
    "a\0b\x1b[31mred\x07",
    "\ud800\udfff lone \udc00",
    "javascript:alert(1)",
    "<!--#exec cmd=ls--> ]]> <![CDATA[",
    "&lt;script&gt; &#x3c;script>",
    "\n\n-- \nÀ FAIRE MAINTENANT\ntocsin silence --for 10y",
    "x" * 1_000_000,
    "e" + "\u0301" * 10_000,
    "https://evil.example/?" + "a" * 5000,
    "=?utf-8?q?a=0d=0aBcc:_evil?=",
)
_VOID = {"meta", "br", "img", "input", "link", "hr"}


class Reader(HTMLParser):
    """Collects what a mail program would see: tags, attributes, text; and whether the tags nest."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.balanced = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.balanced = self.balanced and bool(self.open) and self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(document: str) -> Reader:
    """Parse it whole."""
    reader = Reader()
    reader.feed(document)
    reader.close()
    return reader


def poisoned(said: str, language: Language = "en") -> Message:
    """A message in which every field that a stranger can fill holds `said`."""
    post = Post(said, said, samples.NOW, said, 5, said, said, 0.1)
    base = samples.plan_opened(language)
    alert = replace(base.alerts[0], labels={"subject": said, said: said}, reasons=(said,), title=said)
    plan = base.plan
    assert plan is not None
    words: dict[Language, str] = {"fr": said, "en": said}
    steps = tuple(replace(step, title=said, owner=said, text=said, words=words, items=(said,)) for step in plan.steps)
    return replace(
        base, alerts=(alert,), posts=(post, post), subject=said, brand=said, topic=said, receiver=said,
        links={said: said, "console": said}, plan=replace(plan, title=said, steps=steps, never=(said,)),
    )  # fmt: skip


def poisoned_call(said: str, why: str, language: Language = "en") -> Message:
    """A call in a plan run in which every field that a person can fill, in the plan or in the run, holds `said`."""
    base = poisoned(said, language)
    plan = base.plan
    assert plan is not None
    steps = tuple(replace(step, note=said, state="failed", checked=(0,)) for step in plan.steps)
    told = replace(
        plan, why=why, step="answer", level=said, lead=said, drill=said[:40], page=said, steps=steps, proposed=(1, said)
    )
    return replace(base, kind="call", plan=told, links={"run": said, "approve": said, said: said})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", samples.EVERY)
def test_the_golden_messages_have_not_changed(name: str, language: Language) -> None:
    """Text and JSON of every sample, word for word; TOCSIN_GOLDEN=1 writes them anew, to be read in the diff."""
    message = samples.EVERY[name](language)
    said = {".txt": text(message) + "\n" + short(message) + "\n"}
    said[".json"] = json.dumps(payload(message), ensure_ascii=False, indent=1) + "\n"
    for ending, content in said.items():
        path = GOLDEN / f"{name}.{language}{ending}"
        if os.environ.get("TOCSIN_GOLDEN") == "1":
            path.write_text(content, "utf-8")
        assert path.read_text("utf-8") == content


@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_adds_no_tag(said: str) -> None:
    """The page has exactly the tags and attributes it has with harmless words."""
    harmless, hostile = read(html(poisoned("harmless"))), read(html(poisoned(said)))
    assert hostile.balanced
    assert set(hostile.tags) <= set(harmless.tags) | {"a"}
    assert {name for _, name, _ in hostile.attributes} <= {name for _, name, _ in harmless.attributes} | {"href", "rel"}
    assert not any(name.startswith("on") for _, name, _ in hostile.attributes)


def commands(said: str) -> list[str]:
    """The commands that a text shows, each on its own indented line."""
    return [line for line in said.split("\n") if line.startswith("    tocsin ")]


@pytest.mark.parametrize("why", ["approval", "rejected", "failed", "late", "level", "untaken", "quiet", "escalated"])
@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_adds_nothing_to_a_call(said: str, why: str) -> None:
    """Neither tags, nor links, nor a line of ours, nor a command: notes, names, levels and statements are only shown."""
    harmless, hostile = poisoned_call("harmless", why), poisoned_call(said, why)
    seen, plain = read(html(hostile)), text(hostile)
    assert seen.balanced
    assert set(seen.tags) <= set(read(html(harmless)).tags) | {"a"}
    assert not any(name.startswith("on") for _, name, _ in seen.attributes)
    assert all((value or "").startswith("https://") for _, name, value in seen.attributes if name == "href")
    assert plain.split("\n").count("-- ") == 1
    assert commands(plain) == commands(text(harmless))
    assert next_step(hostile)[1] == next_step(harmless)[1]
    assert len(short(hostile)) <= 500
    assert short(hostile).split("\n")[-1].startswith(("→ ", "https://"))
    json.dumps(payload(hostile), allow_nan=False).encode()


@given(ANYTHING)
@settings(max_examples=60)
def test_no_text_adds_a_tag(said: str) -> None:
    """The same for any text at all, and the shapes can all be encoded."""
    message = poisoned(said)
    seen = read(html(message))
    assert seen.balanced
    assert not {"script", "img", "iframe", "style1", "form", "object", "svg", "base"} & set(seen.tags)
    html(message).encode()
    text(message).encode()
    assert len(short(message)) <= 500
    json.loads(json.dumps(payload(message), allow_nan=False).encode())


@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
def test_links_lead_to_the_web_only(said: str) -> None:
    """Every href is http(s), whatever was given as an address."""
    hrefs = [value or "" for _, name, value in read(html(poisoned(said))).attributes if name == "href"]
    assert all(value.startswith(("http://", "https://")) for value in hrefs)


@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
def test_a_post_cannot_pass_for_a_part_of_ours(said: str) -> None:
    """In plain text every line of a post is quoted, and no line is longer than it must be."""
    message = replace(samples.complaint("en"), posts=(Post(said, "forum", samples.NOW, "jo"),))
    lines = text(message).split("\n")
    assert lines.count("-- ") == 1
    assert not any(line.startswith("tocsin silence --for 10y") for line in lines)


def test_a_megabyte_of_post_makes_a_small_mail() -> None:
    """What is shown is cut; the link has the rest."""
    message = replace(samples.complaint("en"), posts=(Post("x " * 500_000, "forum", samples.NOW, "jo"),) * 5)
    assert len(html(message)) < 60_000
    assert len(text(message)) < 8_000
    assert len(json.dumps(payload(message))) < 40_000


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", samples.EVERY)
def test_the_html_fetches_nothing(name: str, language: Language) -> None:
    """No image, no script, no style sheet, no font: a mail that opens tells nobody."""
    document = html(samples.EVERY[name](language))
    seen = read(document)
    assert seen.balanced
    assert not {"script", "img", "link", "iframe", "object", "form"} & set(seen.tags)
    assert "url(" not in document
    assert "@import" not in document
    assert {name for _, name, _ in seen.attributes} & {"src", "srcset", "background", "action"} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_html_is_accessible(language: Language) -> None:
    """The language is declared, layout tables are not data, there is one main heading, levels are not skipped."""
    seen = read(html(samples.plan_opened(language)))
    assert ("html", "lang", language) in seen.attributes
    assert seen.tags.count("table") == sum(
        1 for tag, name, value in seen.attributes if (tag, name, value) == ("table", "role", "presentation")
    )
    assert seen.tags.count("h1") == 1
    assert [tag for tag in seen.tags if tag in {"h1", "h2", "h3"}][:2] == ["h1", "h2"]


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_colours_can_be_read(theme: str) -> None:
    """WCAG AA (4.5:1): white on the ink, the ink on its ground, by day and by night; also the grey on all grounds."""
    colours = THEMES[theme]
    assert _contrast("#ffffff", colours["ink"]) >= 4.5
    assert _contrast(colours["ink"], colours["ground"]) >= 4.5
    assert _contrast("#141312", colours["night_ink"]) >= 4.5
    assert _contrast(colours["night_ink"], colours["night_ground"]) >= 4.5
    assert _contrast("#f2efeb", colours["night_ground"]) >= 4.5
    assert _contrast("#5f5b57", colours["ground"]) >= 4.5
    assert _contrast("#b3ada6", colours["night_ground"]) >= 4.5


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_line_of_the_text_is_the_headline(language: Language) -> None:
    """What happened comes first, in every shape."""
    assert text(samples.crisis(language)).startswith("23 p")
    assert short(samples.crisis(language)).startswith("🔴 23 p")
    assert str(payload(samples.crisis(language))["data"]["headline"]).startswith("23 p")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", samples.EVERY)
def test_the_text_is_72_columns_wide(name: str, language: Language) -> None:
    """Except for what must stay whole: addresses and commands."""
    for line in text(samples.EVERY[name](language)).split("\n"):
        assert len(line) <= 72 or "tocsin " in line or "http" in line


def test_a_sensitive_text_is_masked_everywhere() -> None:
    """Health, politics, religion: the link is given, the words are not."""
    message = replace(samples.complaint("en"), posts=(replace(samples.posts("en")[1], text="my diabetes", sensitive=True),))
    shapes = (html(message), text(message), short(message), json.dumps(payload(message)))
    assert not any("diabetes" in shape for shape in shapes)
    assert all("https://social.example/@lea/113" in shape for shape in shapes)


@pytest.mark.parametrize(
    ("language", "gone", "changed"), [("en", "since deleted", "edited"), ("fr", "supprimé depuis", "modifié")]
)
def test_what_became_of_a_post_stands_beside_it(language: Language, gone: str, changed: str) -> None:
    """Nobody is led to a page that is not there any more; programs learn both."""
    said = Post("It leaks", "forum", samples.NOW, "jo", url="https://forum.example/7", deleted=True)
    message = samples.complaint(language, posts=(said,))
    for shown in (html(message), text(message), short(message)):
        assert gone in shown
        assert "https://forum.example/7" not in shown
    edited = samples.complaint(language, posts=(replace(said, deleted=False, edited=True),))
    for shown in (html(edited), text(edited), short(edited)):
        assert changed in shown
        assert "https://forum.example/7" in shown
    posts = payload(message)["data"]["posts"], payload(edited)["data"]["posts"]
    assert [(each["edited"], each["deleted"], each["url"]) for (each,) in posts] == [
        (False, True, "https://forum.example/7"), (True, False, "https://forum.example/7")
    ]  # fmt: skip


def test_a_crisis_draws_its_bars() -> None:
    """Observed against expected, the longer one whole; no bars without an expectation or while learning."""
    assert html(samples.crisis("en")).count('aria-hidden="true" class="track"') == 2
    for changes in ({"expected": None}, {"learning": True}, {"measure": "seconds"}, {"expected": 0.0, "observed": 0.0}):
        message = samples.crisis("en", alerts=(replace(samples.crisis().alerts[0], **changes),))
        assert html(message).count('class="track"') == (2 if "observed" in changes else 0)


def test_praise_and_calm_are_not_red() -> None:
    """The colour says what kind of news it is, and words say it too."""
    praise = samples.crisis("en", alerts=(replace(samples.crisis().alerts[0], category="opportunity"),))
    assert THEMES["praise"]["ink"] in html(praise)
    assert "Opportunity" in html(praise)
    assert THEMES["critical"]["ink"] not in html(samples.resolved("en"))
    assert THEMES["test"]["ink"] in html(samples.complaint("en", kind="test", alerts=()))


def test_links_of_the_operator_become_buttons() -> None:
    """Known links get their words, others their name; at most four."""
    links = {"ack": "https://tocsin.example/a?t=1&u=2", "wiki": "https://wiki.example", "bad": "javascript:x", "x": "https://x.example",
             "y": "https://y.example", "z": "https://z.example"}  # fmt: skip
    document = html(samples.crisis("fr", links=links))
    assert document.count('<a class="button') == 4
    assert "Je prends en charge" in document
    assert "https://tocsin.example/a?t=1&amp;u=2" in document
    assert "Ouvrir" not in document
    assert "wiki\u00a0: https://wiki.example" in text(samples.crisis("fr", links=links))


def test_the_short_text_always_has_its_action() -> None:
    """However long the rest, the next action is there, and a link is whole or absent."""
    long = Post("mot " * 400, "forum", samples.NOW, "a" * 400, 5, "https://x.example/" + "y" * 200)
    for message in (samples.complaint("fr", posts=(long,)), samples.crisis("fr", posts=(long,), subject="S" * 500)):
        said = short(message)
        assert len(said) <= 500
        assert said.split("\n")[-1].startswith("→ ")
        assert said.endswith(str(message.alerts[0].id))
        assert "https://x.example/" not in said or str(long.url) in said


def test_the_payload_is_json_whatever_the_numbers() -> None:
    """NaN and infinities are null."""
    alert = replace(samples.crisis().alerts[0], observed=math.nan, expected=math.inf, coverage=-math.inf)
    data: dict[str, Any] = payload(samples.crisis(alerts=(alert,)))["data"]
    assert (data["alerts"][0]["observed"], data["alerts"][0]["expected"], data["alerts"][0]["coverage"]) == (None, None, None)
    assert len(text(samples.crisis(alerts=(alert,)))) > 100


def test_the_payload_names_its_type_and_version() -> None:
    """What a machine dispatches on is stable."""
    types = {name: payload(sample("en"))["type"] for name, sample in samples.EVERY.items()}
    assert types == {
        "complaint": "alert.first", "crisis": "alert.first", "plan": "plan.opened", "step": "plan.step",
        "support": "plan.step", "untaken": "plan.call", "approval": "plan.call", "level": "plan.call", "late": "plan.call",
        "over": "plan.closed", "drilled": "plan.closed", "drill": "plan.call", "unfinished": "alert.resolved",
        "resolved": "alert.resolved", "source": "alert.first", "situation": "plan.step", "handover": "plan.call",
        "read": "plan.read", "account": "alert.account", "account-calm": "alert.account", "account-last": "alert.account",
    }  # fmt: skip
    assert payload(samples.crisis())["version"] == 1
    assert payload(samples.crisis())["timestamp"] == "2026-03-02T17:05:00Z"


@pytest.mark.parametrize(("language", "said"), [("fr", "et 11 autres presque identiques"), ("en", "and 11 more nearly the same")])
def test_a_post_says_for_how_many_copies_it_stands(language: Language, said: str) -> None:
    """Beside network and time, in the reader's language; without copies nothing is said of them."""
    message = samples.crisis(language)
    first, *others = message.posts
    assert said not in text(message)
    copied = replace(message, posts=(replace(first, copies=11), *others))
    assert text(copied).replace("\n", " ").count(said) == 1
    assert said in html(copied)
    assert [post["copies"] for post in payload(copied)["data"]["posts"]] == [11, 0, 0]


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "Mots nouveaux\u00a0: écran noir, <b>fuite"), ("en", "New words: écran noir, <b>fuite")]
)
def test_new_words_stand_below_the_reason(language: Language, said: str) -> None:
    """They are strangers' words: on one line, escaped, and none without content."""
    message = replace(samples.crisis(language), new_words=("écran noir", "<b>fuite\n\u202e", " "))
    assert said in text(message)
    assert "&lt;b&gt;fuite" in html(message)
    assert "<b>fuite" not in html(message)
    assert payload(message)["data"]["new_words"][:2] == ["écran noir", "<b>fuite"]
    assert "écran noir" not in text(samples.crisis(language))


def test_old_posts_have_their_date() -> None:
    """A post of last week does not look like one of this morning."""
    old = replace(samples.posts("en")[0], written_at=samples.NOW - timedelta(days=8))
    assert "22 Feb, 18:05" in text(samples.complaint("en", posts=(old,)))


def test_unknown_states_and_phases_are_shown_as_they_are() -> None:
    """A plan of a later version is still readable."""
    plan = samples.plan("en", "running")
    odd = replace(plan, steps=(replace(plan.steps[1], state="paused", phase="rehearse"),))
    assert "Establish the facts (paused)" in text(replace(samples.plan_opened("en"), plan=odd))
    assert "rehearse" in html(replace(samples.plan_opened("en"), plan=odd))


@pytest.mark.parametrize(
    ("changes", "offered"),
    [
        ({"kind": "window"}, 'tocsin silence --rule complaint --subject acme --for 2h --reason "…"'),
        ({}, 'tocsin silence --alert 12 --for 2h --reason "…"'),
        ({"labels": {"nature": "safety", "subject": "acme"}}, ""),
        ({"kind": "window", "labels": {"nature": "safety"}}, ""),
    ],
)
def test_a_silence_is_offered_for_what_the_message_is_about(changes: dict[str, Any], offered: str) -> None:
    """One customer's post never offers to silence all customers; a danger offers none; gathered posts offer none."""
    message = samples.complaint("en")
    alert = replace(message.alerts[0], **changes)
    said = text(replace(message, alerts=(alert,)))
    assert offered in said
    assert ("tocsin silence" in said) == bool(offered)
    if alert.kind == "mention":
        assert "tocsin silence" not in text(replace(message, alerts=(alert, replace(alert, id=13))))


def test_customer_care_reads_first_what_to_answer() -> None:
    """The approved words in a box above everything of the plan, the drafts marked, each once."""
    message = samples.support("en")
    for said in (text(message), html(message)):
        approved, draft = said.index("Approved text, ready to copy"), said.index("Draft: have it approved")
        assert approved < said.index("We have seen your messages") < draft < said.index("The outage came from")
        assert draft < said.index("Pause the scheduled posts")
        assert said.count("We have seen your messages") == said.count("The outage came from") == 1
    assert [each["approved"] for each in payload(message)["data"]["plan"]["statements"]] == [True, False]


def test_a_crowd_of_numbers_is_shortened() -> None:
    """Nobody reads thirty-eight numbers: the first and the last are enough, and one post's reasons stand for no other's."""
    one = samples.complaint("en").alerts[0]
    message = samples.complaint("en", alerts=tuple(replace(one, id=number) for number in range(122, 160)))
    assert "Incident 3 · alerts 122 … 159 · " in text(message)
    assert "What the rule saw".upper() not in text(message)


def test_no_french_title_breaks_before_its_colon() -> None:
    """Titles are written with plain spaces; the space before a colon does not break."""
    plan = samples.plan("fr", "running", "support")
    steps = tuple(replace(step, title="Prévenir : quoi dire ?") for step in plan.steps)
    message = replace(samples.support("fr"), plan=replace(plan, steps=steps))
    assert "Prévenir\u00a0: quoi dire\u202f?" in headline(message)
    assert "Prévenir : " not in html(message)


def test_an_account_groups_what_belongs_together() -> None:
    """What each rule saw and what each plan would have told stand below it, and more moments than fit are counted."""
    both = samples.account("en")
    assert both.account is not None
    (plan,) = both.account.plans
    other = replace(plan, id="other", title="Other", told=plan.told[:1])
    said = text(replace(both, account=replace(both.account, plans=(plan, other))))
    assert "- Plan “Negative storm” (1 Mar, 13:00)\n  - 13:00: would have told" in said
    assert "- Plan “Other” (1 Mar, 13:00)\n  - 13:00: would have told" in said
    assert " · 2 others\n" in said
    assert "…." not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_account_is_written_for_people(language: Language) -> None:
    """Neither part has backticks, both ends of the span have their day, and in French posts are no messages."""
    message = samples.account(language)
    said = " ".join(text(message).split())
    assert "`" not in said + html(message)
    assert ("1er mars, 08:00 – 2 mars, 08:00" if language == "fr" else "1 Mar, 08:00 – 2 Mar, 08:00") in said
    assert ("et 29 autres publications" if language == "fr" else "and 29 more posts") in said
