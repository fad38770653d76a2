"""The examples in the documentation are accepted by the code, and the demo's story is what the demo needs."""

from __future__ import annotations

import base64
import json
import re
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.domain.plan import PLACES
from monitor.settings import load
from monitor.sources import SourceSettings, imap_mail
from monitor.sources.imap import ImapSettings
from monitor.sources.imap_mail import Heading
from notifiers.signing import headers
from rules import FlatlineRule

ROOT = Path(__file__).parents[2]
STORY = ROOT / "config" / "demo"
SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()
ENVIRONMENT = {
    "MASTODON_TOKEN": "token",
    "SHOP_HOOK_SECRET": SECRET,
    "HELPDESK_SECRET": SECRET,
    "HUB_SECRET": SECRET,
    "X_BEARER_TOKEN": "token",
}
MINIMUM = "version: 1\nsubjects: {acme: {}}\n"


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code in one language on a how-to page."""
    text = (ROOT / "docs" / "how-to" / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def written(folder: Path, name: str, text: str) -> None:
    """Write one file of a configuration."""
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text, "utf-8")


def test_the_sources_of_the_how_to_page_are_accepted(tmp_path: Path) -> None:
    """Every source that the page shows can be pasted."""
    first, *others = blocks("add-a-source.md", "yaml")
    written(tmp_path, "monitor.yaml", MINIMUM + first + "".join(textwrap.indent(textwrap.dedent(each), "  ") for each in others))
    assert set(load(tmp_path, environ=ENVIRONMENT).sources) == {"news", "fediverse", "shop", "archive", "survey", "helpdesk"}


def test_the_mailbox_of_the_how_to_page_is_accepted(tmp_path: Path) -> None:
    """It can be pasted, and its patterns find what the page says."""
    block, _ = blocks("watch-a-mailbox.md", "yaml")
    written(tmp_path, "monitor.yaml", MINIMUM + block)
    source = load(tmp_path, environ=ENVIRONMENT | {"IMAP_PASSWORD": "i"}).sources["notices"]
    assert isinstance(source, ImapSettings)
    letter = (
        b"From: r@mail.reviews.example\r\nSubject: Ann gave you 2 stars\r\n\r\nAnn wrote:\r\nSlow.\r\n\r\nAnswer: "
        b"https://www.reviews.example/reviews/7\r\n"
    )
    mail = imap_mail.read(letter)
    reading = source.reading(mail.heading)
    assert reading is not None
    assert reading.found(mail) == {
        "author": "Ann",
        "stars": "2",
        "text": "Slow.",
        "link": "https://www.reviews.example/reviews/7",
    }
    assert source.reading(Heading("newsletter@reviews.example", "")) is source.reading(Heading("ann@x.example", "")) is None


def test_the_bridges_of_the_how_to_page_are_accepted(tmp_path: Path) -> None:
    """Each can be pasted, and what comes by it is counted under the closed network's name."""
    secrets = ENVIRONMENT | {"IMAP_PASSWORD": "i", "CARE_SECRET": SECRET}
    kinds: dict[str, SourceSettings] = {}
    for block in blocks("closed-networks.md", "yaml"):
        written(tmp_path, "monitor.yaml", MINIMUM + block)
        kinds |= {each.kind: each for each in load(tmp_path, environ=secrets).sources.values()}
    assert set(kinds) == {"imap", "file", "webhook"}
    assert kinds["imap"].networks() == frozenset({"mail", "linkedin", "tiktok", "trustpilot", "google-reviews"})


@pytest.mark.parametrize("network", ["facebook", "instagram", "mastodon", "x"])
def test_the_source_of_a_networks_page_is_accepted(tmp_path: Path, network: str) -> None:
    """What stands on the page of a network can be pasted."""
    (block,) = blocks(f"watch-{network}.md", "yaml")
    written(tmp_path, "monitor.yaml", MINIMUM + block)
    secrets = dict.fromkeys(("FACEBOOK_TOKEN", "INSTAGRAM_TOKEN", "META_APP_SECRET", "META_VERIFY_TOKEN"), "secret")
    assert [each.kind for each in load(tmp_path, environ=ENVIRONMENT | secrets).sources.values()] == [network]


def test_the_webhook_of_the_how_to_page_is_accepted(tmp_path: Path) -> None:
    """The receiver that the page shows can be pasted."""
    (block,) = blocks("receive-by-webhook.md", "yaml")
    written(tmp_path, "monitor.yaml", MINIMUM + block + "routing: {default: hub}\n")
    assert "hub" in load(tmp_path, environ=ENVIRONMENT).receivers


def test_the_flatline_of_the_how_to_page_is_accepted(tmp_path: Path) -> None:
    """The rule that the page shows can be pasted, and goes by the clocks that it names."""
    (block,) = blocks("notice-a-flatline.md", "yaml")
    written(tmp_path, "monitor.yaml", MINIMUM)
    written(tmp_path, "rules/fediverse.yaml", block)
    (rule,) = load(tmp_path, environ=ENVIRONMENT).rules
    assert isinstance(rule, FlatlineRule)
    assert (rule.id, rule.kind, rule.timezone) == ("fediverse-falls-silent", "flatline", "Europe/Paris")


def test_the_plan_of_the_how_to_page_is_accepted(tmp_path: Path) -> None:
    """Its parts make one plan, when the people it names exist; the rule behind them opens a plan that is shipped."""
    *parts, rule = blocks("write-a-plan.md", "yaml")
    hook = "{kind: webhook, url: 'https://queue.example.org', secret: '${HUB_SECRET}'}"
    names = ("crisis-room", "publishing-queue", "publishing-queue-resume")
    receivers = "receivers:\n" + "".join(f"  {name}: {hook}\n" for name in names) + "routing: {default: crisis-room}\n"
    people = "people: {lea: {name: Léa, receivers: crisis-room}}\nroles: {head-of-communication: lea, community-manager: lea}\n"
    written(tmp_path, "monitor.yaml", MINIMUM + receivers)
    written(tmp_path, "contacts.yaml", people)
    written(tmp_path, "plans/outage.yaml", "".join(parts))
    assert "product-outage" in load(tmp_path, environ=ENVIRONMENT).plans
    (tmp_path / "plans" / "outage.yaml").unlink()
    (tmp_path / "plans").rmdir()
    written(tmp_path, "rules/danger.yaml", rule)
    assert [each.plan for each in load(tmp_path, environ=ENVIRONMENT).rules] == ["product-recall"]


def test_the_how_to_page_lists_every_shipped_plan_and_place() -> None:
    """Whoever writes a first plan sees what there is to start from, and what Tocsin fills in."""
    page = (ROOT / "docs" / "how-to" / "write-a-plan.md").read_text("utf-8")
    listed = re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)
    assert sorted(listed) == sorted(path.stem for path in (ROOT / "config" / "plans").glob("*.yaml"))
    assert {*re.findall(r"`\{\{(\w+)\}\}`", page)} == {*PLACES}


def test_the_campaigns_of_the_how_to_page_are_accepted(tmp_path: Path) -> None:
    """Both can be pasted, and name rules that are shipped."""
    (block,) = blocks("plan-a-campaign.md", "yaml")
    written(tmp_path, "monitor.yaml", "version: 1\nsubjects: {acme: {}, acme-live: {}}\n" + block)
    assert [each.name for each in load(tmp_path, environ=ENVIRONMENT).calendar] == ["winter-sale", "concerts"]


def test_the_quiet_nights_of_the_how_to_page_are_accepted(tmp_path: Path) -> None:
    """Its settings and its rules can be pasted together."""
    routing, rules = blocks("quiet-nights.md", "yaml")
    hook = "{kind: webhook, url: 'https://hub.example.org', secret: '${HUB_SECRET}'}"
    written(tmp_path, "monitor.yaml", MINIMUM + f"receivers: {{desk: {hook}, on-call-phone: {hook}}}\n" + routing)
    written(tmp_path, "rules/all.yaml", rules)
    settings = load(tmp_path, environ=ENVIRONMENT)
    assert len(settings.routing.quiet_hours) == 2
    assert [rule.id for rule in settings.rules if rule.mode == "observe"] == ["new-idea"]


def test_the_silence_of_the_how_to_page_is_accepted(tmp_path: Path) -> None:
    """It can be pasted, and names a rule that is shipped."""
    (block,) = blocks("silence-and-acknowledge.md", "yaml")
    written(tmp_path, "monitor.yaml", MINIMUM + block)
    assert [each.id for each in load(tmp_path, environ=ENVIRONMENT).standing_silences] == ["nights"]


def test_the_routes_and_the_roster_of_the_how_to_page_are_accepted(tmp_path: Path) -> None:
    """Both can be pasted, when the other teams that they name exist; and do what the page says."""
    routing, contacts = blocks("direct-to-teams.md", "yaml")
    hook = "{kind: webhook, url: 'https://queue.example.org', secret: '${HUB_SECRET}'}"
    receivers = "".join(f"  {name}: {hook}\n" for name in ("telephone", "sales", "product", "engineer"))
    written(tmp_path, "monitor.yaml", f"{MINIMUM}timezone: Europe/Paris\nreceivers:\n{receivers}{routing}")
    written(tmp_path, "contacts.yaml", contacts)
    settings = load(tmp_path, environ=ENVIRONMENT)
    assert [route.title for route in settings.routing.routes] == ["Crisis room", "Press", "Sales", "Product", "Customer care"]
    roster = settings.contacts.roles["on-call"].roster
    assert roster is not None
    days = (datetime(2026, 1, day, tzinfo=UTC).date() for day in (5, 12, 19, 26))
    assert [roster.on_call(day)[0] for day in days] == ["lea", "marc", "sam", "lea"]
    assert roster.on_call(datetime(2026, 2, 3, tzinfo=UTC).date()) == ("sam", True)


def test_the_mailboxes_of_the_how_to_page_are_accepted(tmp_path: Path) -> None:
    """Both can be pasted; answers go to the mailbox that is read."""
    own, elsewhere = blocks("acknowledge-by-e-mail.md", "yaml")
    secrets = ENVIRONMENT | {"SMTP_PASSWORD": "s", "IMAP_PASSWORD": "i"}
    for block, address in ((own, "tocsin@brand.example"), (elsewhere, "tocsin-ok@brand-alerts.example")):
        written(tmp_path, "monitor.yaml", MINIMUM + block)
        assert load(tmp_path, environ=secrets).reply_to == address


@pytest.fixture(scope="module")
def genuine() -> Callable[[str, dict[str, str], bytes], bool]:
    """The function that the page gives to whoever receives our webhooks."""
    (block,) = blocks("receive-by-webhook.md", "python")
    names: dict[str, Any] = {}
    exec(compile(block, "receive-by-webhook.md", "exec"), names)
    found: Callable[[str, dict[str, str], bytes], bool] = names["genuine"]
    return found


def test_the_check_of_the_how_to_page_believes_us(genuine: Callable[[str, dict[str, str], bytes], bool]) -> None:
    """What we sign, the page's code accepts."""
    signed = headers([SECRET], "msg_1", datetime.now(UTC), b"{}")
    assert genuine(SECRET, signed, b"{}")


def test_the_check_of_the_how_to_page_believes_nobody_else(genuine: Callable[[str, dict[str, str], bytes], bool]) -> None:
    """Another body, another secret or an old call is refused."""
    now = datetime.now(UTC)
    other = "whsec_" + base64.b64encode(b"somebody else's secret of theirs").decode()
    assert not genuine(SECRET, headers([SECRET], "msg_1", now, b"{}"), b"{ }")
    assert not genuine(SECRET, headers([other], "msg_1", now, b"{}"), b"{}")
    assert not genuine(SECRET, headers([SECRET], "msg_1", now - timedelta(minutes=6), b"{}"), b"{}")


def posts(name: str) -> list[dict[str, Any]]:
    """The posts of one of the demo's files."""
    return [json.loads(line) for line in (STORY / name).read_text("utf-8").splitlines()]


def test_the_story_can_be_told_in_order() -> None:
    """Posts come in the order of time, each once, from places that do not exist."""
    story = posts("story.jsonl")
    times = [post["created_at"] for post in story]
    assert 350 <= len(story) <= 600
    assert times == sorted(times)
    assert len({post["uri"] for post in story}) == len({post["text"] for post in story}) == len(story)
    assert all(re.match(r"https://[a-z]+\.example/", post["uri"]) for post in story)


def test_the_story_is_french_and_english_and_has_its_storm() -> None:
    """Most posts are French; in the worst hour far more than sixty people speak, in the morning a handful."""
    story = posts("story.jsonl")
    assert 0.5 < sum(post["language"] == "fr" for post in story) / len(story) < 0.75
    assert speakers(story, "12:30", "13:30") >= 60
    assert speakers(story, "08:00", "09:00") <= 20


def speakers(story: list[dict[str, Any]], begin: str, end: str) -> int:
    """How many different strangers speak from `begin` until `end`."""
    return len({p["author"]["id"] for p in story if begin <= p["created_at"][11:16] < end and not p["own"]})


def test_the_second_source_says_nothing_new() -> None:
    """What the agency reports, the story has, by the same network and address."""
    known = {(post["network"], post["uri"]) for post in posts("story.jsonl")}
    reported = {(post["network"], post["uri"]) for post in posts("agency.jsonl")}
    assert reported
    assert reported < known
