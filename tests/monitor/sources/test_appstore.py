"""App Store reviews: stars, countries, entries of every shape, reviews without a date, and a recorded answer without loss."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from monitor.domain.clock import ManualClock
from monitor.domain.errors import Trouble
from monitor.domain.mention import Form
from monitor.sources import HttpClient, Source, build
from monitor.sources.appstore import AppStoreSettings
from monitor.testing import AtOnce, Site, drain, trouble_of
from monitor.testing.contract import Post
from tests.contracts.test_appstore_contract import FakeStore


@pytest.fixture
def store(site: Site) -> FakeStore:
    """Apple's."""
    fake = FakeStore()
    site.answer = fake.answer
    return fake


@pytest.fixture
def source(site: Site, http: HttpClient, clock: ManualClock) -> Source:
    """An app in the French store; posts whose number three divides are there."""
    settings = AppStoreSettings(kind="appstore", url=site.url, app="12345", countries=("fr",))
    return build("it", settings, http=http, clock=clock, inbox=None, workshop=AtOnce())  # type: ignore[arg-type]


async def test_a_review(store: FakeStore, source: Source) -> None:
    """Its stars stand before its title, and as a hashtag for rules; those who found it helpful are its likes."""
    store.posts[3] = Post(3, likes=7)
    (mention,) = (await drain(source)).mentions
    assert (mention.form, mention.title, mention.hashtags) == (Form.REVIEW, "★★☆☆☆ Hm", frozenset({"2stars"}))
    assert mention.uri == "https://apps.apple.com/fr/app/id12345?see-all=reviews#4"
    assert mention.engagement.likes == 7


async def test_never_more_than_ten_pages(site: Site, store: FakeStore, source: Source) -> None:
    """The eleventh is answered with 400: it is not asked for."""
    store.posts[0] = Post(0)
    cursor = (await drain(source)).cursor
    store.posts |= {number: Post(number, number) for number in range(3, 1803, 3)}
    assert len((await drain(source, cursor)).mentions) == 500
    assert max(int(request.path.split("page=")[1].partition("/")[0]) for request in site.asked) == 10


async def test_reviews_without_a_date(store: FakeStore, source: Source, clock: ManualClock) -> None:
    """What stood there at first is no news; later ones are dated by when they were seen, once, and by their ids."""
    store.dated = False
    store.posts |= {number: Post(number, number) for number in range(0, 300, 3)}
    first = await drain(source)
    assert {mention.written_at for mention in first.mentions} == {clock.wall() - timedelta(hours=24)}
    assert len(first.mentions) == 50
    clock.advance(timedelta(minutes=15))
    store.posts |= {number: Post(number, number) for number in range(300, 510, 3)}
    then = await drain(source, first.cursor)
    assert {mention.text for mention in then.mentions} == {f"post {number}" for number in range(300, 510, 3)}
    assert {mention.written_at for mention in then.mentions} == {clock.wall()}
    assert (await drain(source, then.cursor)).mentions == []


async def test_a_store_that_was_empty_loses_nothing(store: FakeStore, source: Source, clock: ManualClock) -> None:
    """Whether it really was, or Apple had nothing for the moment: all is read. Without dates it is taken for old."""
    cursor = (await drain(source)).cursor
    store.posts |= {number: Post(number, number) for number in range(0, 300, 3)}
    assert len((await drain(source, cursor)).mentions) == 100
    store.dated = False
    found = (await drain(source, cursor)).mentions
    assert {mention.written_at for mention in found} == {clock.wall() - timedelta(hours=24)}
    assert len(found) == 100


async def test_odd_entries_hide_no_others(site: Site, store: FakeStore, source: Source) -> None:
    """A rating in words, a text that is none."""
    good = store.entry(Post(1))
    site.says_json(
        {
            "feed": {
                "entry": [{**good, "im:rating": {"label": "many"}}, {**good, "content": {"label": 7}}, {**good, "id": 0}, good, 9]
            }
        }
    )
    batch = await source.poll(None)
    assert (len(batch.mentions), len(batch.rejected)) == (1, 3)


async def test_an_address_that_apple_turns_away_waits(site: Site, source: Source) -> None:
    """There is no key that could be wrong: 403 is a limit."""
    site.says(403)
    assert (await trouble_of(source.poll(None))).trouble is Trouble.THROTTLED


def test_settings_teach() -> None:
    """An app by its address or its number, countries by two letters."""
    given: dict[str, Any] = {
        "kind": "appstore",
        "app": "https://apps.apple.com/fr/app/kettle/id1404176564?l=en",
        "countries": ["FR"],
    }
    settings = AppStoreSettings.model_validate(given)
    assert (settings.app, settings.countries, settings.networks()) == ("1404176564", ("fr",), frozenset({"appstore"}))
    assert AppStoreSettings.model_validate({**given, "app": 1404176564}).app == "1404176564"
    for wrong, words in (({"app": "kettle"}, "by its address"), ({"countries": ["france"]}, "two letters")):
        with pytest.raises(ValidationError, match=words):
            AppStoreSettings.model_validate({**given, **wrong})


async def test_a_recorded_answer_is_read_without_loss(shared: Path, site: Site, source: Source) -> None:
    """Fifty reviews, each with its author, its stars and an identity of its own."""
    site.says(200, (shared / "data/payloads/appstore/customerreviews_jp_2020.json").read_bytes(), Content_Type="text/javascript")
    batch = await source.poll(None)
    assert (len({mention.key for mention in batch.mentions}), batch.rejected) == (50, [])
    assert all(mention.text and mention.author and mention.title[0] in "★☆" for mention in batch.mentions)
