"""Composing: a notification that only refers becomes a message that tells, in the receiver's language."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from monitor.domain.mention import Author, Engagement
from monitor.domain.plan import localized
from monitor.pipeline import operations
from monitor.pipeline.operations import Actor
from notifiers.wording import headline, next_step

if TYPE_CHECKING:
    from tests.monitor.pipeline.conftest import Build, House

HOUR = timedelta(hours=1)
HOOK = {"kind": "webhook", "url": "https://hooks.example/x"}
PEOPLE: dict[str, Any] = {
    "people": {"lea": {"name": "Léa", "email": "lea@acme.example", "language": "fr", "timezone": "Europe/Paris"}},
    "roles": {"lead": "lea"},
}
CRISIS: dict[str, Any] = {
    "id": "crisis",
    "title": {"en": "Under fire", "fr": "Prise à partie"},
    "kind": "window",
    "where": {"text": {"any_of": ["fire"]}},
    "window": "60m",
    "fire": {"at_least": 3},
    "severity": "critical",
    "evidence": {"top": 20},
    "plan": "storm",
    "notify": ["desk", "bureau"],
}
PLAN: dict[str, Any] = {
    "id": "storm",
    "title": {"en": "Storm plan", "fr": "Plan tempête"},
    "notify": ["desk", "bureau"],
    "steps": [
        {"id": "call", "action": "notify", "receiver": "desk", "title": {"en": "Call", "fr": "Appeler"}},
        {
            "id": "check",
            "action": "checklist",
            "role": "lead",
            "title": {"fr": "Vérifier"},
            "items": [{"en": "True?", "fr": "Vrai ?"}],
        },
        {"id": "say", "action": "statement", "statement": "holding", "title": {"en": "Say", "fr": "Dire"}},
    ],
    "statements": [{"id": "holding", "text": {"en": "We know.", "fr": "Nous savons."}, "status": "approved"}],
    "never": [{"en": "Delete posts", "fr": "Effacer des messages"}],
}


def housed(build: Build, **more: Any) -> House:
    """A house with an English and a French receiver."""
    receivers = {"desk": HOOK | {"posts": 2}, "bureau": HOOK | {"language": "fr", "timezone": "Europe/Paris"}}
    smtp = {"host": "localhost", "port": 25, "security": "none", "sender": "tocsin@acme.example"}
    given: dict[str, Any] = {"rules": [CRISIS], "plans": [PLAN], "people": PEOPLE, "receivers": receivers, "smtp": smtp}
    return build(**given | {"routing": {"default": "desk"}} | more)


async def test_each_receiver_reads_their_own_language(house: Build) -> None:
    """The rule, the plan, its steps and statements: in French or English, with the receiver's own time zone."""
    home = housed(house)
    await home.storm()
    await home.act()
    english, french = home.told("desk")[0], home.told("bureau")[0]
    assert (english.language, english.timezone, french.language, french.timezone) == ("en", "UTC", "fr", "Europe/Paris")
    assert english.plan is not None
    assert french.plan is not None
    assert (english.plan.title, french.plan.title) == ("Storm plan", "Plan tempête")
    assert [step.title for step in english.plan.steps] == ["Call", "Vérifier", "Say"], "another language beats no words"
    call, check, say = french.plan.steps
    assert (call.title, call.automatic, call.state) == ("Appeler", True, "waiting")
    assert (check.items, check.automatic) == (("Vrai ?",), False)
    assert "Léa" in check.owner or check.owner == "lead"
    assert (say.text, say.approved) == ("Nous savons.", True)
    assert french.plan.never == ("Effacer des messages",)
    assert french.plan.state == "awaiting_confirmation"
    assert (english.alerts[0].title, french.alerts[0].title) == ("Under fire", "Prise à partie")
    assert (english.subject, english.brand) == ("Acme", "Acme")


async def test_the_newest_posts_come_first_where_the_rule_says_so(hut: Build) -> None:
    """`evidence: {by: newest}`: however large the others' reach."""
    home = housed(hut, rules=[CRISIS | {"evidence": {"top": 20, "by": "newest"}}])
    reaches = {"star": 9_000_000, "known": 5_000, "nobody": 3}
    for name, reach in reaches.items():
        home.clock.advance(timedelta(minutes=1))
        await home.hears("Acme fire", author=Author(name, handle=name, reach=reach))
    await home.act()
    assert [post.author for post in home.told("bureau")[0].posts] == ["nobody", "known", "star"]


async def test_the_loudest_posts_come_first(house: Build) -> None:
    """Reach, then reactions, then the newest; an unknown reach comes last; the rest is counted."""
    home = housed(house)
    loud = home.mention("Acme fire!", author=Author("l", handle="loud", reach=90_000))
    liked = home.mention("Acme fire?", author=Author("k", handle="liked", reach=5), engagement=Engagement(likes=7))
    plain = home.mention("Acme fire.", author=Author("p", handle="plain", reach=5))
    unknown = home.mention("Acme fire", author=Author("u", handle="unknown"))
    await home.brings(unknown, plain, liked, loud)
    await home.judge()
    await home.act()
    assert [post.author for post in home.told("bureau")[0].posts] == ["loud", "liked", "plain", "unknown"]
    desk = home.told("desk")[0]
    assert ([post.author for post in desk.posts], desk.more_posts) == (["loud", "liked"], 2)
    assert desk.posts[0].url == loud.uri


async def test_what_was_deleted_comes_last_and_says_so(hut: Build) -> None:
    """However loud it was; what was edited says so, too, in the words that rang."""
    home = housed(hut)
    loud, plain = (home.mention(f"Acme fire {name}!", author=Author(name, handle=name, reach=reach), uri=f"https://m.example/{name}")
                   for name, reach in (("loud", 90_000), ("plain", 5)))  # fmt: skip
    await home.brings(loud, plain, home.mention("Acme fire", author=Author("u", handle="unknown")))
    await home.judge()
    await home.brings(replace(plain, text="Acme is fine"))
    async with home.store.begin() as tx:
        await tx.mentions.deleted([(loud.network, "https://m.example/loud")], at=home.clock.now())
        await tx.commit()
    await home.act()
    shown = [(post.author, post.text, post.edited, post.deleted) for post in home.told("bureau")[0].posts]
    assert shown == [
        ("plain", "Acme fire plain!", True, False),
        ("unknown", "Acme fire", False, False),
        ("loud", "Acme fire loud!", False, True),
    ]  # fmt: skip


async def test_of_copies_one_is_shown_and_the_others_are_counted(house: Build) -> None:
    """The loudest of a copy-paste campaign stands for all of it, and leaves room for what others say."""
    home = housed(house)
    call = "Acme fire in every shop, share this so that everybody knows https://example.org/"
    copies = [home.mention(f"{call}{n}", author=Author(f"c{n}", handle=f"copy{n}", reach=1_000 + n)) for n in range(5)]
    words = {"a": "I saw the fire with my own eyes, Acme", "b": "so Acme is on fire and nobody tells us why"}
    alone = [home.mention(text, author=Author(who, handle=who, reach=9)) for who, text in words.items()]
    await home.brings(*alone, *copies)
    await home.judge()
    await home.act()
    bureau, desk = home.told("bureau")[0], home.told("desk")[0]
    assert [(post.author, post.copies) for post in bureau.posts] == [("copy4", 4), ("b", 0), ("a", 0)]
    assert bureau.more_posts == 0
    assert ([post.copies for post in desk.posts], desk.more_posts) == ([4, 0], 1)


async def test_a_crisis_names_the_words_that_it_brings(house: Build) -> None:
    """Those of the hour against those of the week before; its end names none, and neither does a brand nobody knew."""
    home = housed(house, rules=[CRISIS | {"key": ["subject"]}])
    texts = ("my Acme parcel is late", "Acme delivery was fine")
    await home.brings(*(home.mention(texts[n % 2], by=f"u{n}", ago=timedelta(hours=20 + n)) for n in range(24)))
    await home.brings(*(home.mention(f"Acme fire in the warehouse {n}", by=f"p{n}") for n in range(4)))
    await home.judge()
    await home.act()
    assert set(home.told("bureau")[0].new_words) == {"fire", "warehouse"}


async def test_an_erased_author_does_not_leak(house: Build) -> None:
    """Who was erased between the decision and the sending is in no message: neither name nor words."""
    home = housed(house)
    await home.brings(
        home.mention("secret Acme fire", by="mallory"), home.mention("Acme fire", by="bob"), home.mention("Acme fire", by="eve")
    )
    await home.judge()
    async with home.store.begin() as tx:
        await tx.erasures.erase("mastodon", "mallory", home.clock.now())
        await tx.commit()
    await home.act()
    said = repr(home.told("bureau")[0])
    assert "mallory" not in said.lower()
    assert "secret" not in said
    assert "bob" in said


async def test_a_sensitive_post_is_marked(hut: Build) -> None:
    """What the network marks as sensitive reaches the notifier with the mark, which hides the text."""
    home = housed(hut)
    await home.brings(*(home.mention("Acme fire", by=f"p{n}", sensitive=n == 0 or None) for n in range(3)))
    await home.judge()
    await home.act()
    assert sum(post.sensitive for post in home.told("bureau")[0].posts) == 1


async def test_a_title_stands_above_its_text(hut: Build) -> None:
    """An article's headline is part of the post; a post without a handle shows the name."""
    home = housed(hut)
    named = home.mention("it burns like fire", title="Acme fire", author=Author("n", name="The News"))
    await home.brings(named, home.mention("Acme fire"), home.mention("Acme fire"))
    await home.judge()
    await home.act()
    assert ("Acme fire\nit burns like fire", "The News") in {(post.text, post.author) for post in home.told("bureau")[0].posts}


async def test_the_end_shows_no_posts(hut: Build) -> None:
    """A resolved notice tells that it is over; the conversation goes on under the same topic."""
    home = housed(hut)
    await home.storm()
    await home.wait(3 * HOUR)
    first, last = home.told("bureau")[0], home.told("bureau")[-1]
    assert (last.kind, last.posts, last.more_posts) == ("resolved", (), 0)
    assert last.alerts[0].resolved_at is not None
    assert (first.conversation, first.topic) == (last.conversation, last.topic)
    called = [message.plan.why for message in home.told("bureau") if message.plan and message.kind == "call"]
    assert called[:2] == ["unconfirmed", "untaken"], "in between it was asked whether this is a crisis, and who takes it"
    assert (first.sequence, last.sequence) == (1, len(home.told("bureau")))
    assert first.id != last.id


async def test_a_receiver_may_ask_for_no_posts(hut: Build) -> None:
    """`posts: 0` shows none and counts none."""
    home = housed(hut, receivers={"desk": HOOK | {"posts": 0}, "bureau": HOOK})
    await home.storm()
    await home.act()
    assert (home.told("desk")[0].posts, home.told("desk")[0].more_posts) == ((), 0)


async def test_figures_are_those_of_the_decision(hut: Build) -> None:
    """A message that waited says what was observed when it was decided."""
    home = housed(hut)
    await home.storm(3)
    await home.storm(5)
    await home.act()
    assert home.told("desk")[0].alerts[0].observed == 3
    assert (await home.alert()).observed > 3


async def test_what_the_configuration_no_longer_knows_is_named_as_it_was(hut: Build) -> None:
    """A subject and a rule that were removed keep their ids in messages that were still owed."""
    home = housed(hut)
    await home.storm()
    rest = {"rival": home.settings.subjects["rival"]}
    home.restart(home.settings.model_copy(update={"subjects": rest, "rules": ()}))
    await home.act()
    message = home.told("desk")[0]
    assert (message.subject, message.alerts[0].rule, message.alerts[0].title) == ("acme", "crisis", "")


async def test_a_test_says_who_asked(hut: Build) -> None:
    """A test message is about no subject."""
    home = housed(hut)
    await operations.ring_for_test(home.store, "crisis", "desk", Actor("zoe", "cli"), home.clock.now())
    await home.act()
    message = home.told("desk")[0]
    assert (message.kind, message.subject, message.plan) == ("test", None, None)


@pytest.mark.parametrize(("texts", "said"), [({"fr": "oui"}, "oui"), ({"en": "yes", "fr": "oui"}, "yes"), ({}, "")])
def test_words_in_another_language_beat_no_words(texts: dict[str, str], said: str) -> None:
    """The language asked for, else whichever there is, else nothing: never an error while an alarm is written."""
    assert localized(texts, "en") == said  # type: ignore[arg-type]


async def test_who_is_called_in_a_plan_run_learns_to_what(hut: Build) -> None:
    """Nobody has confirmed the plan in time: whoever is next reads the reason and what to do about it."""
    home = housed(hut)
    await home.storm()
    await home.wait(timedelta(minutes=15))
    call = next(message for message in home.told("desk") if message.kind == "call")
    assert call.plan is not None
    assert call.plan.why == "unconfirmed"
    assert headline(call).startswith("Is this a crisis? Plan “Storm plan” waits for your answer: 3 ")
    assert next_step(call)[1] == f"tocsin plan confirm {call.plan.run_id}"
