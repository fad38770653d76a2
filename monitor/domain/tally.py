"""What is counted per hour: by subject, topic and network, so that a year's figures are read from few rows.

A mention counts in the hour in which it was written: for everything (the subject `ALL`) and for each of its subjects, once with
its network, and once with each of its topics, whatever the network: all three together would be as many rows as mentions. What
our own accounts say is counted apart, and what its network says is deleted not at all. All numbers are whole, so that counting up
and counting anew give the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from math import exp, floor, log
from typing import Final, NamedTuple

from monitor.domain.mention import NEGATIVE

ALL: Final = ""  # as a subject, a topic or a network: whatever it is
POSITIVE: Final = -NEGATIVE  # a sentiment of so much or more is positive
COMPLAINT: Final = 0.5  # a probability of so much or more counts as a complaint
MILLI: Final = 1000  # sentiments are summed in thousandths
_HOUR: Final = 3600
_STEP: Final = log(1.2)  # times to answer are kept to a fifth: between a minute and two months those are 63 steps


class Key(NamedTuple):
    """Where something is counted. `hour` is the number of the hour since 1970 in UTC."""

    subject: str
    topic: str
    hour: int
    network: str


class Tally(NamedTuple):
    """How much there was. `engagement` is replies, shares and likes together; `answer_seconds` a sum over the answered.

    `reach` is the sum of what the authors had when they were first seen with it: who speaks twice counts twice.
    """

    mentions: int = 0
    negative: int = 0
    neutral: int = 0
    positive: int = 0
    sentiment: int = 0  # the sum, in thousandths
    complaints: int = 0
    reach: int = 0
    engagement: int = 0
    answered: int = 0
    answer_seconds: int = 0
    own_posts: int = 0
    own_engagement: int = 0

    def times(self, factor: int) -> Tally:
        """The same so many times; −1 takes it back."""
        return Tally(*(factor * each for each in self))

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(*map(int.__add__, self, other))


class Answer(NamedTuple):
    """Where a time to answer is counted: a step of `answer_step`."""

    subject: str
    hour: int
    network: str
    step: int


class Counted(NamedTuple):
    """What of a mention is counted. `own`: one of our accounts wrote it."""

    network: str
    written_at: datetime
    subjects: Collection[str]
    topics: Collection[str]
    sentiment: float | None
    complaint: float | None
    reach: int | None
    replies: int | None
    shares: int | None
    likes: int | None
    answered_at: datetime | None
    own: bool | None
    deleted: bool

    def keys(self) -> Iterator[Key]:
        """Where it counts."""
        if not self.deleted:
            hour = hour_of(self.written_at)
            for subject in (ALL, *self.subjects):
                yield Key(subject, ALL, hour, self.network)
                for topic in self.topics:
                    yield Key(subject, topic, hour, ALL)

    def tally(self) -> Tally:
        """As how much it counts there."""
        engagement = sum(each for each in (self.replies, self.shares, self.likes) if each)
        if self.own:
            return Tally(own_posts=1, own_engagement=engagement)
        feeling, seconds = self.sentiment, self._seconds()
        return Tally(
            mentions=1,
            negative=int(feeling is not None and feeling <= NEGATIVE),
            neutral=int(feeling is not None and NEGATIVE < feeling < POSITIVE),
            positive=int(feeling is not None and feeling >= POSITIVE),
            sentiment=round(MILLI * (feeling or 0.0)),
            complaints=int((self.complaint or 0.0) >= COMPLAINT),
            reach=self.reach or 0,
            engagement=engagement,
            answered=int(seconds is not None),
            answer_seconds=seconds or 0,
        )

    def answers(self) -> Iterator[Answer]:
        """Where the time that its answer took counts."""
        seconds = self._seconds()
        if seconds is not None and not self.own and not self.deleted:
            for subject in (ALL, *self.subjects):
                yield Answer(subject, hour_of(self.written_at), self.network, answer_step(seconds))

    def _seconds(self) -> int | None:
        return None if self.answered_at is None else max(0, round((self.answered_at - self.written_at).total_seconds()))


def hour_of(moment: datetime) -> int:
    """The number of the hour in which a moment lies."""
    return floor(moment.timestamp()) // _HOUR


def moment_of(hour: int) -> datetime:
    """When that hour began."""
    return datetime.fromtimestamp(hour * _HOUR, UTC)


def answer_step(seconds: int) -> int:
    """The step of a time to answer: all below a minute are one, and each is a fifth longer than the one before."""
    return 0 if seconds < 60 else 1 + floor(log(seconds / 60) / _STEP)  # noqa: PLR2004 a minute


def step_seconds(step: int) -> float:
    """What a step stands for: the middle of it."""
    return 30.0 if step == 0 else 60 * exp((step - 0.5) * _STEP)
