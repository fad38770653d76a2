"""What answers of X mean: https://docs.x.com/x-api/fundamentals/response-codes-and-errors."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.domain.errors import SourceError, Trouble
from monitor.sources.http import Answer
from monitor.sources.mapping import at
from monitor.telemetry import one_line

PLACES = frozenset({"since_id", "next_token", "pagination_token"})  # what a request may say about where to go on
_BAD_REQUEST, _PAYMENT_REQUIRED = 400, 402
_SPENT = ("usage-capped", "usagecapexceeded", "problems/credits", "creditsdepleted", "spendcapreached")


def what_x_means(sent: Collection[str], status: int, headers: Mapping[str, str], document: Any) -> SourceError | None:
    """What an answer says beyond its status. `sent` are the request's parameters.

    `GONE`: the place that a request named is no more (an id of more than seven days ago, another query's token).
    """
    del headers
    if status < _BAD_REQUEST:
        return None
    problems = _problems(document)
    words = " ".join(str(each.get(name, "")) for each in problems for name in ("type", "title", "reason", "detail")).lower()
    if status == _BAD_REQUEST and PLACES & set(sent) & {name for each in problems for name in _parameters(each)}:
        return SourceError(Trouble.GONE, "the place that was named is no more")
    if status == _PAYMENT_REQUIRED or any(each in words for each in _SPENT):
        advice = "buy credits or raise the limit at https://console.x.com, or wait for the next cycle"
        return SourceError(Trouble.SPENT, f"what X grants your account is used up; {advice}")
    if "suspended" in words:
        return SourceError(Trouble.CREDENTIALS, "X has suspended the app or its account; only X can lift that")
    if "client-forbidden" in words or "client-not-enrolled" in words:
        return SourceError(
            Trouble.CREDENTIALS,
            "the app may not use this part of the API; attach it to a project with credits at https://console.x.com",
        )
    return None


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of posts, the accounts that came with it, and what X could not show of it."""

    posts: Sequence[Mapping[str, Any]]
    users: Mapping[str, Mapping[str, Any]]
    further: str | None  # the token of the next page
    problem: str | None  # why there is nothing at all: an account that is protected or suspended by now


def listed(answer: Answer) -> Listed:
    """A page as documented. Raises `SourceError(MALFORMED)`."""
    document = answer.json()
    paged = isinstance(at(document, "meta"), Mapping)
    if not paged and not _problems(document)[1:]:
        raise SourceError(Trouble.MALFORMED, "the answer has neither posts nor `meta`; is it X's API v2?")
    further, came_along = at(document, "meta.next_token"), at(document, "includes.users")
    users = [each for each in (came_along if isinstance(came_along, list) else ()) if isinstance(each, Mapping) and "id" in each]
    return Listed(
        answer.objects("data") if "data" in document else [],
        {str(each["id"]): each for each in users},
        further if isinstance(further, str) and further else None,
        None if paged else explained(document),
    )


def explained(document: Any) -> str:
    """What X gives as the reason of an answer without what was asked for."""
    told = next((each["detail"] for each in _problems(document)[1:] if isinstance(each.get("detail"), str)), "it says nothing")
    return one_line(told)[:200]


def _problems(document: Any) -> list[Mapping[str, Any]]:
    """The answer itself, which is one where it failed as a whole, and those that it lists."""
    if not isinstance(document, Mapping):
        return []
    several = document.get("errors")
    return [document, *(each for each in (several if isinstance(several, list) else ()) if isinstance(each, Mapping))]


def _parameters(problem: Mapping[str, Any]) -> Collection[str]:
    named = problem.get("parameters")
    return named if isinstance(named, Mapping) else ()
