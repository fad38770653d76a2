"""What the feed calls things: states, tones, forms, deeds, intents and topics, as msgids."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from monitor.console.tongue import N_

STATES: Final[Mapping[str, tuple[str, str]]] = {
    "new": (N_("new"), "warning"),
    "assigned": (N_("assigned"), "info"),
    "answered": (N_("answered"), "good"),
    "not_about_us": (N_("not about us"), ""),
    "closed": (N_("done"), ""),
}
"""By state of a mention: its word, and the tone of its badge."""

TONES: Final[Mapping[str, tuple[str, str]]] = {
    "negative": (N_("negative"), "critical"),
    "neutral": (N_("neutral"), ""),
    "positive": (N_("positive"), "good"),
    "unscored": (N_("not scored"), ""),
}
"""By `domain.feed.Tone`."""

FORMS: Final[Mapping[str, str]] = {
    "post": N_("post"),
    "comment": N_("comment"),
    "reply": N_("reply"),
    "review": N_("review"),
    "article": N_("article"),
    "message": N_("message"),
}

VERBS: Final[Mapping[str, str]] = {
    "assign": N_("assigned it to %(whom)s"),
    "answer": N_("answered it"),
    "not_about_us": N_("said that it is not about us"),
    "close": N_("found nothing to answer"),
    "reopen": N_("opened it again"),
    "note": N_("wrote a note"),
    "score": N_("said that it was scored wrongly"),
    "alert": N_("opened an alert"),
}
"""By `domain.handling.Verb`, after the name of who did it."""

PERIODS: Final[Mapping[str, tuple[str, timedelta]]] = {
    "1h": (N_("the last hour"), timedelta(hours=1)),
    "24h": (N_("the last 24 hours"), timedelta(hours=24)),
    "7d": (N_("the last 7 days"), timedelta(days=7)),
    "30d": (N_("the last 30 days"), timedelta(days=30)),
}

INTENTS: Final[Mapping[str, str]] = {
    "churn": N_("leaves"),
    "doxxing": N_("exposes somebody"),
    "praise": N_("praises"),
    "press": N_("press"),
    "purchase": N_("wants to buy"),
    "question": N_("asks"),
    "recommendation": N_("asks for advice"),
    "refund": N_("wants money back"),
    "spam": N_("advertises"),
    "suggestion": N_("suggests"),
    "threat": N_("threatens"),
}
"""Intents that come with the program; one’s own are called as the configuration has them."""

TOPICS: Final[Mapping[str, str]] = {
    "advertising": N_("advertising"),
    "app": N_("app"),
    "availability": N_("availability"),
    "billing": N_("billing"),
    "contract": N_("contract"),
    "data-privacy": N_("personal data"),
    "delivery": N_("delivery"),
    "ecology": N_("ecology"),
    "network": N_("coverage and speed"),
    "outage": N_("outage"),
    "price": N_("price"),
    "quality": N_("quality"),
    "safety": N_("safety"),
    "staff": N_("staff"),
    "support": N_("customer service"),
}
"""Topics that come with the program, without their parts."""

PARTS: Final[Mapping[str, str]] = {
    "advertising/misleading": N_("misleading"),
    "advertising/offensive": N_("offensive"),
    "app/bug": N_("bug"),
    "app/login": N_("signing in"),
    "app/update": N_("update"),
    "billing/payment": N_("payment"),
    "billing/refund": N_("refund"),
    "billing/wrong": N_("error"),
    "contract/cancel": N_("cancelling"),
    "contract/move": N_("moving house"),
    "contract/terms": N_("terms"),
    "data-privacy/breach": N_("breach"),
    "data-privacy/calls": N_("unwanted calls"),
    "data-privacy/fraud": N_("fraud"),
    "delivery/courier": N_("courier"),
    "delivery/damaged": N_("damaged"),
    "delivery/late": N_("late"),
    "delivery/lost": N_("lost"),
    "ecology/animals": N_("animals"),
    "ecology/climate": N_("climate"),
    "ecology/greenwashing": N_("greenwashing"),
    "ecology/waste": N_("waste"),
    "network/coverage": N_("coverage"),
    "network/installation": N_("installation"),
    "network/slow": N_("slow"),
    "outage/heating": N_("heating"),
    "outage/internet": N_("internet"),
    "outage/phone": N_("telephone"),
    "outage/power": N_("power"),
    "outage/tv": N_("television"),
    "outage/website": N_("website"),
    "price/expensive": N_("expensive"),
    "price/increase": N_("increase"),
    "price/offer": N_("offer"),
    "quality/defective": N_("defective"),
    "quality/size": N_("size"),
    "quality/taste": N_("taste"),
    "safety/fire": N_("fire"),
    "safety/health": N_("health"),
    "safety/injury": N_("injury"),
    "safety/recall": N_("recall"),
    "staff/friendly": N_("friendly"),
    "staff/rude": N_("rude"),
    "staff/working-conditions": N_("working conditions"),
    "support/appointment": N_("appointment"),
    "support/unhelpful": N_("unhelpful"),
    "support/unreachable": N_("unreachable"),
    "support/waiting": N_("waiting"),
}
"""Their parts, by the whole name."""

NAMES: Final[Mapping[str, str]] = {
    "q": N_("Words"),
    "subject": N_("Subject"),
    "network": N_("Network"),
    "source": N_("Source"),
    "language": N_("Language"),
    "form": N_("Kind"),
    "intent": N_("Intent"),
    "topic": N_("Topic"),
    "tone": N_("Tone"),
    "state": N_("State"),
    "assignee": N_("Assigned to"),
    "sentiment_from": N_("Sentiment from"),
    "sentiment_to": N_("Sentiment to"),
    "reach": N_("Followers, at least"),
    "period": N_("Period"),
    "since": N_("From"),
    "until": N_("Until"),
}
"""By parameter of the feed’s address: what its filter is called, in the order of the form."""
