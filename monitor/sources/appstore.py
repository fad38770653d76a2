"""What people write about an app in Apple's App Store, in the countries that are named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from monitor.domain.errors import SourceError, Trouble
from monitor.domain.mention import Author, Engagement, Form, Mention
from monitor.sources.base import Batch, SourceSettings, understand
from monitor.sources.feed import server_address
from monitor.sources.kinds import Kind, Kit
from monitor.sources.lists import Page, read_lists
from monitor.sources.mapping import at
from monitor.sources.paging import Seen, Walk, id_order
from monitor.sources.text import is_own, whole
from monitor.sources.times import parse_time

PAGES = 10  # of 50 reviews: what is asked beyond is answered with 400
OVERLAP = timedelta(days=2)  # reviews appear in the feed late, each with its own time
_BEFORE = datetime(1990, 1, 1, tzinfo=UTC)  # of undated reviews that are older than those we know
_APP = re.compile(r"(?:.*/id)?(\d{5,15})(?:[?#].*)?")
_COUNTRY = re.compile(r"[a-z]{2}")
_STARS = 5


def _app(written: object) -> str:
    found = _APP.fullmatch(str(written).strip())
    if not found:
        raise ValueError("an app is named by its address in the App Store, or by the number after `id` in it")
    return found[1]


def _country(written: str) -> str:
    country = written.strip().lower()
    if not _COUNTRY.fullmatch(country):
        raise ValueError("a country is named by its two letters, for instance `fr`")
    return country


class AppStoreSettings(SourceSettings):
    """Reviews of an app in the App Store. The first look takes the newest 50 of each country; from then on all are read."""

    kind: Literal["appstore"] = Field(description="reviews in Apple's App Store")
    app: Annotated[str, Field(coerce_numbers_to_str=True), AfterValidator(_app)] = Field(
        description="the app: its address in the App Store, or the number after `id` in it"
    )
    countries: tuple[Annotated[str, AfterValidator(_country)], ...] = Field(
        min_length=1, description="the countries whose stores are read, two letters each: every store has reviews of its own"
    )
    every: timedelta = Field(timedelta(minutes=15), gt=timedelta(0), description="how often to ask")
    url: Annotated[str, AfterValidator(server_address)] = Field("https://itunes.apple.com", description="where the feeds are")

    def networks(self) -> frozenset[str]:
        return frozenset({AppStore.network})


class AppStore:
    """The cursor holds a walk through the reviews of each country, and the newest review there, for those without a date."""

    network = "appstore"

    def __init__(self, settings: AppStoreSettings, kit: Kit) -> None:
        self._settings, self._kit = settings, kit
        self._origin = f"appstore {settings.url} {settings.app}"

    async def poll(self, cursor: str | None) -> Batch:
        """A page of each country (of those being paged, while there are any). Raises `SourceError`."""
        return await read_lists(self._origin, cursor, self._settings.countries, self._page)

    async def _page(self, country: str, walk: Walk, kept: Mapping[str, Any]) -> Page:
        newest, number = kept.get("newest"), int(walk.at or 1)
        answer = await self._kit.http.get(
            f"{self._settings.url}/{country}/rss/customerreviews/page={number}/id={self._settings.app}/sortby=mostrecent/json",
            within=self._settings.timeout,
            means=_means,
        )
        reviews = _reviews(answer.json())
        found, rejected = understand(reviews, lambda item: self._mention(item, country, self._date(item, newest)))
        top = kept.get("top") if walk.more else max((_id(item) for item in reviews), key=id_order, default=newest)
        since = walk.since(OVERLAP)
        page = [Seen(mention.key, mention.written_at) for mention in found]
        walk, _ = walk.take(page, str(number + 1) if reviews and number < PAGES else None, overlap=OVERLAP)
        young = [mention for mention in found if since is None or mention.written_at >= since]
        newest = newest if walk.more else max(filter(None, (newest, top)), key=id_order, default=None)
        return Page(walk, young, rejected, kept={"newest": newest, "top": top})

    def _date(self, item: Mapping[str, Any], newest: str | None) -> datetime:
        """When it was written. Without a date (ids grow with time): now if it is new, before our time if it is not."""
        if said := at(item, "updated.label"):
            return parse_time(said)
        now = self._kit.clock.wall()
        if newest is None:
            return now - self._settings.max_age  # it stood there when we came: no news
        return now if id_order(_id(item)) > id_order(newest) else _BEFORE

    def _mention(self, item: Mapping[str, Any], country: str, written_at: datetime) -> Mention:
        stars = min(int(_label(item, "im:rating")), _STARS)
        name = str(at(item, "author.name.label") or "")
        account = urlsplit(str(at(item, "author.uri.label") or "")).path.rpartition("/")[2]
        own = is_own(name, self._settings.own_accounts)
        return Mention(
            self.network,
            _label(item, "content"),
            written_at,
            uri=f"https://apps.apple.com/{country}/app/id{self._settings.app}?see-all=reviews#{_label(item, 'id')}",
            form=Form.REVIEW,
            title=f"{'★' * stars}{'☆' * (_STARS - stars)} {at(item, 'title.label') or ''}".strip(),
            author=Author(account or name, handle=name, name=name, own=own) if account or name else None,
            engagement=Engagement(likes=whole(at(item, "im:voteSum.label"))),
            hashtags=frozenset({f"{stars}stars"}),
        )


def _reviews(document: Any) -> list[Mapping[str, Any]]:
    """The reviews of a page: a list, a lone one, or none; the app itself may stand among them. Raises `SourceError`."""
    if not isinstance(at(document, "feed"), Mapping):
        raise SourceError(Trouble.MALFORMED, "the App Store did not answer with a feed of reviews")
    entries = at(document, "feed.entry")
    listed = entries if isinstance(entries, list) else [] if entries is None else [entries]
    return [each for each in listed if isinstance(each, Mapping) and "im:rating" in each]


def _label(item: Mapping[str, Any], name: str) -> str:
    label = item[name]["label"]
    if not isinstance(label, str):
        raise TypeError(f"{name} is no text")
    return label


def _id(item: Mapping[str, Any]) -> str:
    return str(at(item, "id.label") or "")


def _means(status: int, headers: Mapping[str, str], document: Any) -> SourceError | None:
    del headers, document
    if status == 403:  # noqa: PLR2004 - HTTP's own number
        return SourceError(Trouble.THROTTLED, "Apple does not answer this address for now; make `every` longer")
    return None


KIND = Kind(
    AppStoreSettings,
    AppStore,
    where="No key: the reviews are public.",
    page="watch-app-reviews.md",
    example={"app": "1234567890", "countries": ["fr"]},
)
