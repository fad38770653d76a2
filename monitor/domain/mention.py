"""What somebody said about the brand: as a source understood it, and as the rules see it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Form(StrEnum):
    """What kind of thing was said, whatever the network calls it."""

    POST = "post"
    COMMENT = "comment"
    REPLY = "reply"
    REVIEW = "review"
    ARTICLE = "article"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Author:
    """Who said it, as the network names them. `reach` is followers or subscribers; unknown is None, never 0."""

    id: str
    handle: str = ""
    name: str = ""
    reach: int | None = None
    verified: bool | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class Engagement:
    """How the public reacted so far; None where the network does not say."""

    replies: int | None = None
    shares: int | None = None
    likes: int | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """One thing said, as a source understood it.

    `written_at` is aware and in UTC. `uri` is the canonical address (the identity, together with the network); `parent` and
    `thread` are URIs too. `language` is what the network claims, to be checked. `subjects` holds only what the source
    knows for certain (enrichment adds what the text names).
    """

    network: str
    text: str
    written_at: datetime
    uri: str | None = None
    form: Form = Form.POST
    title: str = ""
    author: Author | None = None
    language: str | None = None
    parent: str | None = None
    thread: str | None = None
    engagement: Engagement = field(default_factory=Engagement)
    hashtags: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    sensitive: bool | None = None  # the network's or the author's own warning

    @property
    def key(self) -> str:
        """The identity within the network: the URI, or without one a hash of author, time and text."""
        if self.uri:
            return self.uri
        author = self.author.id if self.author else ""
        said = f"{author}\x1f{self.written_at.isoformat()}\x1f{self.title}\x1f{self.text}"
        return "sha256:" + hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def page_of(uri: str | None, handle: str) -> str | None:
    """Where a person can look at a post: its address, or the page of what has a name only (Bluesky's `at://`)."""
    named = _AT.fullmatch(uri or "")
    return f"https://bsky.app/profile/{handle or named[1]}/post/{named[2]}" if named else uri


_AT = re.compile(r"at://([^/]+)/app\.bsky\.feed\.post/([^/]+)")
LONGEST_SCORER = 64  # letters of what gave a score that are stored


@dataclass(frozen=True, slots=True)
class Scores:
    """What the scorers made of a text. None means "cannot tell", which no rule takes for an answer.

    `language` is an ISO 639-1 code or `und`; `sentiment` lies in [-1, 1] on one scale whatever the scorer; `confidence`,
    `complaint` and `safety_risk` lie in [0, 1]; `scorer` names what gave the scores, with its version.
    """

    language: str = "und"
    sentiment: float | None = None
    confidence: float | None = None
    complaint: float | None = None
    safety_risk: float | None = None
    sensitive: bool | None = None
    topics: frozenset[str] = frozenset()
    intents: frozenset[str] = frozenset()
    scorer: str = ""


@dataclass(frozen=True, slots=True)
class Enriched:
    """A mention on its way into the store: cleaned, its subjects and hashtags found, scored."""

    mention: Mention
    subjects: frozenset[str]
    hashtags: frozenset[str]
    scores: Scores


@dataclass(frozen=True, slots=True)
class ObservedAuthor:
    """The author as rules see them: `id` is the pseudonym (a number of ours), not the network's name."""

    id: int | None = None
    handle: str = ""
    name: str = ""
    reach: int | None = None
    verified: bool | None = None
    own: bool | None = None
    tier: str | None = None
    prior_mentions: int | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """A stored mention, in the shape that rules, messages and pages read. Times are aware and in UTC."""

    id: int
    network: str
    source: str
    form: str
    text: str
    written_at: datetime
    seen_at: datetime
    title: str = ""
    url: str | None = None
    language: str | None = None
    subjects: frozenset[str] = frozenset()
    hashtags: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    intents: frozenset[str] = frozenset()
    in_thread: bool | None = None
    replies_to: int | None = None  # the stored mention that it answers
    began_by: int | None = None  # the stored mention that began the thread it stands in
    answered: bool | None = None  # by one of our own accounts; None: not that we know
    sentiment: float | None = None
    confidence: float | None = None
    complaint: float | None = None
    safety_risk: float | None = None
    sensitive: bool | None = None
    scorer: str = ""
    cluster: int | None = None  # of texts that say nearly the same; None: not known to be one of several
    copies: int = 0  # how many of them came before it, within a day
    author: ObservedAuthor = field(default_factory=ObservedAuthor)
    engagement: Engagement = field(default_factory=Engagement)
    edited_at: datetime | None = None  # when we saw that its text was another
    deleted_at: datetime | None = None  # when its network said that it is no longer there

    @property
    def is_own(self) -> bool | None:
        """Whether one of our own accounts wrote it."""
        return self.author.own

    @property
    def page(self) -> str | None:
        """Where a person can look at it."""
        return page_of(self.url, self.author.handle)

    @property
    def is_erased(self) -> bool:
        """Whether nothing is left of it but figures: whoever wrote it asked to be forgotten."""
        return not (self.url or self.title or self.text)


class Recent(NamedTuple):
    """A mention that was judged lately: when it was seen, how it begins, and its cluster where it is one of several."""

    mention: int
    seen_at: datetime
    text: str
    cluster: int | None


class InThread(NamedTuple):
    """A stored mention, the key by which others answer it, and the key of what it answers."""

    post: Observed
    key: str
    parent: str | None


class Clustered(NamedTuple):
    """To which cluster of nearly the same texts a stored mention belongs, and how many of it came before."""

    mention: int
    cluster: int
    copies: int


class Utterance(NamedTuple):
    """A stored text and who said it: a number of ours, or None where nobody knows."""

    author: int | None
    text: str


NEGATIVE = -0.3  # a sentiment of so much or less is negative: as the shipped rules have it
RISKY = 0.5  # a probability of so much or more that somebody may be hurt


class Crowd(NamedTuple):
    """How many spoke: posts, authors, posts with a sentiment, negative and risky ones; the greatest reach of an author."""

    mentions: int
    authors: int
    scored: int
    negative: int
    risky: int
    reach: int | None
