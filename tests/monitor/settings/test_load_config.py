"""A folder becomes one frozen tree: ten lines are enough, and all that is wrong is told at once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from pydantic import ValidationError

from monitor.domain.errors import ExitCode
from monitor.settings import ConfigError, check, differences, load, render, shipped
from notifiers import EmailSettings
from rules.lists import Lists
from rules.words import Said

Write = Callable[[Mapping[str, str]], Path]
RULE = "version: 1\nrules:\n  - {id: any, kind: mention, where: {subjects: acme}, exempt: true}\n"


def test_ten_lines_are_a_useful_configuration(write: Write, ten_lines: str) -> None:
    """All else has defaults, the shipped rules and plans among them."""
    assert ten_lines.count("\n") == 10
    settings = load(write({}), environ={})
    assert settings.brand == "Acme"
    assert settings.language == "en"
    assert settings.routing.ops == settings.routing.default == ("me",)
    assert settings.routing.group_wait == timedelta(seconds=30)
    assert settings.routing.group_interval == timedelta(minutes=5)
    assert (settings.web.host, settings.web.port) == ("127.0.0.1", 8080)
    assert {"complaint", "crisis"} <= {rule.id for rule in settings.rules}
    assert {"negative-storm", "product-recall", "data-breach"} <= set(settings.plans)
    assert settings.lists


def test_the_tree_is_frozen(write: Write) -> None:
    """Nobody changes a setting behind everybody's back."""
    settings = load(write({}), environ={})
    with pytest.raises(ValidationError, match="frozen"):
        setattr(settings, "brand", "Globex")  # noqa: B010 a type checker refuses the plain way


def test_short_forms_mean_the_long_ones(write: Write, ten_lines: str) -> None:
    """A name, a list of names, or nothing at all for a subject; marks of handles and hashtags may be left out."""
    subjects = (
        'subjects: {acme: Acme, globex: [Globex, "1664"], 1664: 1664, bare: , marked: {handles: "@a", hashtags: ["#b", c]}}'
    )
    settings = load(write({"monitor.yaml": ten_lines.replace("subjects: {acme: [Acme]}", subjects)}), environ={})
    names = {name: subject.names for name, subject in settings.subjects.items()}
    assert names == {"acme": ("Acme",), "globex": ("Globex", "1664"), "1664": ("1664",), "bare": ("bare",), "marked": ("marked",)}
    assert settings.subjects["marked"].handles == ("a",)
    assert settings.subjects["marked"].hashtags == ("b", "c")
    assert settings.brand == "Acme"


def test_a_brand_may_have_a_name_of_its_own(write: Write, ten_lines: str) -> None:
    """The first subject's name is only the default."""
    assert load(write({"monitor.yaml": ten_lines + "brand: The Acme Group\n"}), environ={}).brand == "The Acme Group"


def test_our_accounts_are_named_once_for_all_sources(write: Write, ten_lines: str) -> None:
    """Each source knows them as if it named them itself, and keeps those that it names besides."""
    sources = """\
sources:
  here: {kind: mastodon, url: "https://one.example", hashtags: [acme], own_accounts: ["@help", "@acme@one.example"]}
  there: {kind: mastodon, url: "https://two.example", hashtags: [acme]}
"""
    old = ten_lines[ten_lines.index("sources:") : ten_lines.index("smtp:")]
    said = ten_lines.replace(old, f'own_accounts: ["@acme@one.example"]\n{sources}')
    settings = load(write({"monitor.yaml": said}), environ={})
    known = {name: source.own_accounts for name, source in settings.sources.items()}
    assert known == {"here": ("@help", "@acme@one.example"), "there": ("@acme@one.example",)}
    assert settings.ours == ("@acme@one.example", "@help")


def test_paths_of_files_begin_at_the_folder(write: Write, ten_lines: str) -> None:
    """A daemon is started from anywhere; standard input stays what it is."""
    text = ten_lines.replace("kind: feed\n    url: https://example.org/feed.xml", "kind: file\n    path: posts.csv")
    text = text.replace("sources:\n", "sources:\n  pipe: {kind: file, path: '-'}\n")
    authority = trustme.CA().cert_pem.bytes().decode()
    folder = write({"monitor.yaml": text + "http: {ca_bundle: ca.pem}\n", "ca.pem": authority})
    settings = load(folder, environ={})
    dumped = {name: source.model_dump() for name, source in settings.sources.items()}
    assert dumped["news"]["path"] == str(folder / "posts.csv")
    assert dumped["pipe"]["path"] == "-"
    assert settings.http.ca_bundle == folder / "ca.pem"


def test_own_rules_replace_the_shipped_ones(write: Write) -> None:
    """A folder `rules` is the whole truth; tests of rules and hidden files in it are no rules."""
    folder = write(
        {"rules/a.yaml": RULE, "rules/b.yml": RULE.replace("any", "other"), "rules/a.test.yaml": "x", "rules/.b.yaml": "x"}
    )
    settings = load(folder, environ={})
    assert [rule.id for rule in settings.rules] == ["any", "other"]
    assert "negative-storm" in settings.plans


def test_a_plan_of_ones_own_does_not_orphan_the_shipped_rules(write: Write) -> None:
    """They name the shipped plan: it stays, unless one's own has its name."""
    plan = (shipped() / "plans" / "negative-storm.yaml").read_text(encoding="utf-8")
    own = plan.replace("id: negative-storm", "id: recall")
    assert {"recall", "negative-storm"} <= set(load(write({"plans/recall.yaml": own}), environ={}).plans)
    changed = plan.replace("Negative storm", "My storm")
    settings = load(write({"plans/recall.yaml": own, "plans/storm.yaml": changed}), environ={})
    assert settings.plans["negative-storm"].title["en"] == "My storm"


def test_a_copied_rule_keeps_the_plan_that_it_opens(write: Write) -> None:
    """As long as a rule of one's own names a shipped plan, that plan is there; one that no rule opens stays away."""
    plan = (shipped() / "plans" / "negative-storm.yaml").read_text(encoding="utf-8").replace("id: negative-storm", "id: recall")
    rule = RULE.replace("kind: mention", "kind: mention, plan: negative-storm")
    assert set(load(write({"plans/recall.yaml": plan, "rules/a.yaml": rule}), environ={}).plans) == {"recall", "negative-storm"}
    assert set(load(write({"plans/recall.yaml": plan, "rules/a.yaml": RULE}), environ={}).plans) == {"recall"}


def test_defaults_of_a_rule_file_are_filled_in(write: Write) -> None:
    """What a rule says itself goes before."""
    text = RULE.replace("rules:", "defaults: {severity: critical, notify: me}\nrules:")
    settings = load(write({"rules/a.yaml": text}), environ={})
    assert [(rule.severity, rule.notify) for rule in settings.rules] == [("critical", ("me",))]


def test_word_lists_are_found_beside_the_rules_in_the_folder_and_among_the_shipped(write: Write) -> None:
    """Nearest first; blank lines and comments are no entries, and the same list may stand in two files."""
    lists = "lists: {a: near.txt, b: words/far.txt, c: words/complaint.en.txt, d: [x, y]}\n"
    files = {
        "rules/a.yaml": RULE.replace("rules:", f"{lists}rules:"),
        "rules/b.yaml": RULE.replace("rules:", f"{lists}rules:").replace("any", "other"),
        "rules/near.txt": "# near\nbroken\n\n  not working  \n",
        "words/far.txt": "far",
    }
    settings = load(write(files), environ={})
    assert settings.lists["a"] == ("broken", "not working")
    assert settings.lists["b"] == ("far",)
    assert len(settings.lists["c"]) > 50
    assert settings.lists["d"] == ("x", "y")


def test_an_empty_word_list_is_warned_about(write: Write) -> None:
    """A rule that looks for nothing finds nothing."""
    folder = write({"rules/a.yaml": RULE.replace("rules:", "lists: {a: a.txt}\nrules:"), "rules/a.txt": "# later\n"})
    assert "lists.a: the list a.txt is empty." in render(check(folder, environ={}))


def test_a_word_list_that_is_no_text_is_an_error(write: Write) -> None:
    """Its own file and line are named."""
    folder = write({"rules/a.yaml": RULE.replace("rules:", "lists: {a: a.txt}\nrules:"), "rules/a.txt": ""})
    (folder / "rules" / "a.txt").write_bytes(b"ok\n\xff\n")
    with pytest.raises(ConfigError, match=r"rules/a\.txt:2: is not UTF-8 text"):
        load(folder, environ={})


@pytest.mark.parametrize("entry", ["'?!'", "'x*'"])
def test_a_word_that_cannot_be_looked_for_is_an_error_where_it_stands(write: Write, entry: str) -> None:
    """In a condition, and in a list."""
    inline = RULE.replace("{subjects: acme}", f"{{text: {{any_of: {entry}}}}}")
    listed = RULE.replace("rules:", f"lists: {{odd: [{entry}]}}\nrules:").replace("{subjects: acme}", "{text: {any_of: odd}}")
    fields = []
    for text in (inline, listed):
        with pytest.raises(ConfigError) as caught:
            load(write({"rules/a.yaml": text}), environ={})
        fields += [problem.field for problem in caught.value.problems]
    assert fields == ["rules[0].where.text.any_of", "lists.odd"]


def test_topics_and_intents_of_ones_own_may_stand_in_files(write: Write, ten_lines: str) -> None:
    """Looked for in the folder and among the shipped lists, as the rules' word lists are; by language, too."""
    own = "sentiment: {topics: {delivery/lockers: {fr: fr.txt, en: [locker*, 404]}, fan: fr.txt}, intents: {refund: []}}\n"
    settings = load(write({"monitor.yaml": ten_lines + own, "fr.txt": "# les nôtres\nconsigne*\n"}), environ={})
    assert settings.sentiment.topics == {
        "delivery/lockers": {"fr": ("consigne*",), "en": ("locker*", "404")},
        "fan": ("consigne*",),
    }
    assert settings.sentiment.intents == {"refund": ()}


def test_a_words_file_of_a_topic_is_looked_through(write: Write, ten_lines: str) -> None:
    """A missing one, and an entry that cannot be looked for, are problems where the file is named; an empty one warns."""
    own = "sentiment: {topics: {a: {fr: none.txt}}, intents: {b: bad.txt}}\n"
    with pytest.raises(ConfigError) as caught:
        load(write({"monitor.yaml": ten_lines + own, "bad.txt": "a*\n"}), environ={})
    said = {problem.field: problem.what for problem in caught.value.problems}
    assert said["sentiment.topics.a.fr"] == "there is no file none.txt."
    assert said["sentiment.intents.b"].startswith("in bad.txt, 'a*': write at least 2 letters before `*`")
    empty = ten_lines + "sentiment: {topics: {a: empty.txt}}\n"
    report = check(write({"monitor.yaml": empty, "empty.txt": "# nothing\n"}), environ={})
    assert any("the list empty.txt is empty" in str(warning) for warning in report.warnings)


def test_conditions_within_blocks_and_shares_are_looked_at_too(write: Write) -> None:
    """A name may be misspelt at any depth."""
    text = """\
version: 1
rules:
  - id: share
    kind: window
    where: {any: [{not: {subjects: akme}}, {subjects: {is: ACME, not: [globex]}}]}
    measure: {share: {hashtags: {in_list: rivals}}}
    window: 1h
    fire: {at_least: 5, share: 0.5}
  - {id: loud, kind: mention, raise: [{where: {subjects: acmee}, severity: critical}]}
"""
    with pytest.raises(ConfigError) as caught:
        load(write({"rules/a.yaml": text}), environ={})
    assert [problem.field for problem in caught.value.problems] == [
        "rules[0].where.any[0].not.subjects",
        "rules[0].where.any[1].subjects.not[0]",
        "rules[0].measure.share.hashtags.in_list",
        "rules[1].raise[0].where.subjects",
    ]


def test_patterns_and_misspellings_are_tried_when_they_are_read(write: Write) -> None:
    """With line and field, as everything else: not when the daemon starts."""
    text = """\
version: 1
lists: {campaign: [acmefest]}
rules:
  - {id: price, kind: mention, where: {text: {regex: ["[0-9]+ €", "("]}, url: {regex: "*"}}}
  - {id: typo, kind: mention, where: {hashtags: {near: {list: campain}}}}
"""
    with pytest.raises(ConfigError) as caught:
        load(write({"rules/a.yaml": text}), environ={})
    assert [(problem.line, problem.field, problem.what[:37]) for problem in caught.value.problems] == [
        (4, "rules[0].where.text.regex[1]", "the pattern `(` cannot be used: missi"),
        (4, "rules[0].where.url.regex", "the pattern `*` cannot be used: no ar"),
        (5, "rules[1].where.hashtags.near.list", "there is no list `campain`; did you m"),
    ]


def test_all_problems_of_all_files_are_told_at_once(write: Write, ten_lines: str) -> None:
    """Nobody likes to repair one line, start again and be told of the next."""
    folder = write(
        {
            "monitor.yaml": ten_lines.replace("version: 1", "version: 1\nlangage: fr") + 'brand: "${BRAND}"\n',
            "contacts.yaml": "people: {lea: {name: Léa, receivers: phone}}\n",
            "rules/a.yaml": RULE + "    sevrity: info\n" + "  - {id: any, kind: mention, plan: absent}\n",
            "rules/b.yaml": "version: [1\n",
            "plans/p.yaml": "version: 1\nplan: {id: p, title: {en: P}, notify: [nobody], steps: []}\n",
        }
    )
    with pytest.raises(ConfigError) as caught:
        load(folder, environ={})
    said = [(Path(problem.file).name, problem.line, problem.field) for problem in caught.value.problems]
    assert said == [
        ("contacts.yaml", 1, "people.lea.receivers"),
        ("monitor.yaml", 2, "langage"),
        ("monitor.yaml", 12, "brand"),
        ("p.yaml", 2, "plan.notify[0]"),
        ("p.yaml", 2, "plan.steps"),
        ("a.yaml", 4, ""),
        ("b.yaml", 1, ""),
    ]
    assert str(caught.value).count("\n") == 6
    assert caught.value.exit_code == ExitCode.CONFIGURATION
    assert int(ExitCode.CONFIGURATION) == 78


def test_all_problems_of_one_rule_file_are_told_at_once(write: Write) -> None:
    """Each with its line and field, be it an unknown name, a wrong type, a missing setting or a bad pattern."""
    text = """version: 1
lists: {trouble: [broken]}
rules:
  - {id: one, kind: mention, where: {subject: acme}}
  - {id: two, kind: mention, where: {text: {any_of: truoble-words, regex: "("}}, plan: absent}
  - {id: three, kind: window, window: 2y, fire: {at_least: many}}
  - {kind: mention, notify: nobody}
"""
    with pytest.raises(ConfigError) as caught:
        load(write({"rules/a.yaml": text}), environ={})
    assert [(problem.line, problem.field) for problem in caught.value.problems] == [
        (4, "rules[0].where.subject"),
        (5, "rules[1].plan"),
        (5, "rules[1].where.text.regex"),
        (6, "rules[2].fire.at_least"),
        (6, "rules[2].window"),
        (7, "rules[3].id"),
        (7, "rules[3].notify"),
    ]


@pytest.mark.parametrize("raw", [RULE.encode("utf-8-sig"), RULE.replace("\n", "\r\n").encode()])
def test_what_editors_of_other_systems_write_is_read_all_the_same(write: Write, raw: bytes) -> None:
    """A byte order mark, and lines that end as on Windows."""
    folder = write({"rules/a.yaml": ""})
    (folder / "rules" / "a.yaml").write_bytes(raw)
    assert [rule.id for rule in load(folder, environ={}).rules] == ["any"]
    (folder / "rules" / "a.yaml").write_bytes(raw.replace(b"mention", b"mentoin"))
    with pytest.raises(ConfigError, match=r"rules/a\.yaml:3: rules\[0\]\.kind"):
        load(folder, environ={})


def test_a_list_of_a_hundred_thousand_words_is_read_and_found_in(write: Write) -> None:
    """Long lists are text files, and each word of them counts, those that are beginnings of words too."""
    rule = RULE.replace("rules:", "lists: {long-list: long.txt}\nrules:").replace(
        "{subjects: acme}", "{text: {any_of: long-list}}"
    )
    words = "".join(f"word{number:05}{'*' * (number % 2)}\n" for number in range(100_000))
    settings = load(write({"rules/a.yaml": rule, "rules/long.txt": words}), environ={})
    assert len(settings.lists["long-list"]) == 100_000
    found = Lists(settings.lists).words(["long-list"])[0]
    assert Said("Nobody said word99999 but me").find(found) is not None
    assert Said("Nobody said word99999s but me").find(found) is not None
    assert Said("Nobody said word99998s but me").find(found) is None


def test_a_pattern_made_to_explode_is_as_good_as_any_other(write: Write) -> None:
    """It is RE2's: the time it takes grows with the text alone."""
    rule = RULE.replace("{subjects: acme}", '{text: {regex: "(a+)+$"}}')
    assert load(write({"rules/a.yaml": rule}), environ={}).rules


def test_a_file_that_cannot_be_read_brings_no_complaints_about_names_it_may_hold(write: Write) -> None:
    """One fault, one message: who is in a broken contacts.yaml, nobody knows."""
    rule = RULE.replace("kind: mention", "kind: mention, notify: lea, plan: absent")
    with pytest.raises(ConfigError) as caught:
        load(write({"contacts.yaml": "people: {", "rules/a.yaml": rule, "plans/p.yaml": "{"}), environ={})
    assert sorted(Path(problem.file).name for problem in caught.value.problems) == ["contacts.yaml", "p.yaml"]


def test_a_folder_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    """With the command that writes one."""
    with pytest.raises(ConfigError, match=r"absent: no such folder. Give the folder that holds monitor.yaml"):
        load(tmp_path / "absent", environ={})
    with pytest.raises(ConfigError, match="no such folder"):
        load(Path(__file__), environ={})


def test_a_folder_without_monitor_yaml_says_so(tmp_path: Path) -> None:
    """And nothing else: what the other files name is unknown."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, environ={})
    assert [str(problem) for problem in caught.value.problems] == [
        f"{tmp_path}/monitor.yaml: no such file. Check the path, or write one with `tocsin init`."
    ]


def test_a_file_in_place_of_the_rules_folder_is_an_error(write: Write) -> None:
    """It would otherwise be an odd way of having no rules."""
    with pytest.raises(ConfigError, match=r"rules: cannot be read: Not a directory"):
        load(write({"rules": "x"}), environ={})


def test_what_is_unwise_only_warns(write: Write, ten_lines: str) -> None:
    """No sources, no rules, no receivers, an unsigned webhook: a replay needs none of them."""
    folder = write({"monitor.yaml": "version: 1\nsubjects: {acme: }\n"})
    (folder / "rules").mkdir()
    assert [warning.what for warning in check(folder, environ={}).warnings] == [
        "there are no rules: nothing ever rings.",
        "is not set: nobody notices when this machine is gone.",
        "there are no receivers: nobody is told.",
        "there are no sources: nothing is watched.",
    ]
    text = ten_lines.replace("receivers:\n", "receivers:\n  wall: {kind: webhook, url: https://example.org/alerts}\n")
    shutil.rmtree(folder / "rules")
    assert [warning.field for warning in check(write({"monitor.yaml": text}), environ={}).warnings] == [
        "heartbeat",
        "web.public_url",
        "receivers.wall",
        "routing.default",
    ]


@pytest.mark.parametrize(
    ("receivers", "said"),
    [
        ("{me: {kind: email, to: me@example.org}}", "what is critical goes to `me` by e-mail alone, and e-mail wakes nobody."),
        (
            '{me: {kind: apprise, urls: "ntfys://ntfy.sh/acme"}}',
            "what is critical goes to `me` alone, and no other channel is behind it.",
        ),
        (
            '{me: {kind: apprise, urls: "ntfys://ntfy.sh/acme", fallback: b}, b: {kind: email, to: b@example.org}}',
            None,
        ),
    ],
)
def test_an_alarm_that_may_wake_nobody_is_warned_about(write: Write, ten_lines: str, receivers: str, said: str | None) -> None:
    """E-mail is read in the morning; a single telephone may be off."""
    text = ten_lines.replace("receivers:\n  me: {kind: email, to: me@example.org}\n", f"receivers: {receivers}\n")
    rules = RULE.replace("kind: mention,", "kind: mention, severity: critical,")
    warnings = check(write({"monitor.yaml": text, "rules/all.yaml": rules}), environ={}).warnings
    assert [(each.field, each.what) for each in warnings if each.field not in {"heartbeat", "web.public_url"}] == (
        [("routing.default", said)] if said else []
    )
    mild = check(write({"monitor.yaml": text, "rules/all.yaml": RULE}), environ={})
    assert [each.field for each in mild.warnings if each.field != "web.public_url"] == ["heartbeat"]


@pytest.mark.parametrize(
    ("where", "field"),
    [("{severity: critical}", "routing.routes[0].to"), ("{rule: any}", "routing.routes[0].to"), ("{topics: price}", None)],
)
def test_an_alarm_whose_route_may_wake_nobody_is_warned_about(
    write: Write, ten_lines: str, where: str, field: str | None
) -> None:
    """Where the rule alone decides that it takes the route; the default is not asked then."""
    chats = '{kind: apprise, urls: "ntfys://ntfy.sh/acme"}'
    text = ten_lines.replace("receivers:\n", f"receivers:\n  b: {chats}\n  c: {chats}\n")
    routing = f"{{default: [b, c], routes: [{{where: {where}, to: me}}]}}"
    rules = RULE.replace("kind: mention,", "kind: mention, severity: critical,")
    folder = write({"monitor.yaml": text.replace("{default: me}", routing), "rules/all.yaml": rules})
    warnings = check(folder, environ={}).warnings
    assert [each.field for each in warnings if each.field not in {"heartbeat", "web.public_url"}] == ([field] if field else [])


def test_a_fallback_that_nobody_knows_is_an_error(write: Write, ten_lines: str) -> None:
    """The last resort must not be a typing error."""
    text = ten_lines.replace("to: me@example.org}", "to: me@example.org, fallback: phnoe}").replace(
        "receivers:\n", "receivers:\n  phone: {kind: email, to: b@example.org}\n"
    )
    with pytest.raises(ConfigError, match=r"receivers.me.fallback: there is no receiver, person or role called `phnoe`"):
        load(write({"monitor.yaml": text}), environ={})


def test_contacts_that_others_can_read_are_warned_about(write: Write, watched: str) -> None:
    """They are personal data; the start is not refused."""
    people = "people: {lea: {name: Léa, email: lea@example.org}}\n"
    folder = write({"monitor.yaml": watched, "contacts.yaml": people, "rules/all.yaml": RULE})
    assert not check(folder, environ={}).warnings
    (folder / "contacts.yaml").chmod(0o640)
    assert "contacts.yaml: can be read by others: it holds personal data." in render(check(folder, environ={}))


def test_a_statement_past_its_day_warns_and_never_stops_the_start(write: Write, watched: str) -> None:
    """A routine reboot must come back, whatever the calendar says."""
    plan = """\
version: 1
plan:
  id: p
  title: {en: P}
  reviewed_on: 2026-02-01
  notify: default
  steps: [{id: hold, title: {en: Hold}, action: statement, statement: holding}]
  statements:
    - {id: holding, status: approved, expires: 2026-03-01, text: {en: We are looking into it.}}
"""
    folder = write(
        {"monitor.yaml": watched, "plans/p.yaml": plan.replace("notify: default", "notify: [default]"), "rules/all.yaml": RULE}
    )
    assert not check(folder, environ={}, today=date(2026, 2, 1)).warnings
    (warning,) = check(folder, environ={}, today=date(2026, 3, 2)).warnings
    assert (warning.line, warning.field) == (9, "plan.statements[0].expires")
    assert warning.what == "the statement `holding` expired on 2026-03-01: a run then asks for a new yes before it is used."


def test_the_report_ends_with_what_the_configuration_amounts_to(write: Write, watched: str) -> None:
    """A line for people, an exit code for scripts."""
    folder = write({"monitor.yaml": watched})
    assert " shipped rules, " in render(check(folder, environ={})), "none of one's own yet"
    write({"monitor.yaml": watched, "rules/a.yaml": RULE})
    report = check(folder, environ={})
    plans = len([*(shipped() / "plans").glob("*.yaml")])
    assert (
        render(report) == f"{folder}: fine. 1 subject, 1 source, 1 receiver, 1 own rule, {plans} plans. Store: {folder}/tocsin.db"
    )
    assert report.exit_code == ExitCode.OK
    report = check(write({"monitor.yaml": watched + "a: 1\nb: 2\n"}), environ={})
    assert report.summary == f"{folder}: 2 problems to put right."
    assert report.exit_code == ExitCode.CONFIGURATION


def test_the_report_says_what_nobody_is_told_of(write: Write, watched: str) -> None:
    """People must never believe that something rings when it does not; once the day has come, nothing is said of it."""
    now = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    folder = write({"monitor.yaml": watched + "observing: {until: 2026-03-09}\n", "rules/a.yaml": RULE})
    said = "Everything is only observed until 2026-03-09 08:00: nothing rings but exempt rules and Tocsin's own health."
    assert render(check(folder, environ={}, now=now)).endswith(f"\n{said}")
    assert check(folder, environ={}, now=now + timedelta(days=7)).observed == ""
    write({"monitor.yaml": watched, "rules/a.yaml": RULE.replace("kind: ", "mode: observe, kind: ", 1)})
    assert check(folder, environ={}).observed == f"Only observed, nobody is told: rule {load(folder, environ={}).rules[0].id}."


def test_rules_without_any_about_danger_are_warned_about(write: Write, watched: str) -> None:
    """One file of one's own puts the shipped rule about danger out of force with all others, unless it has such a rule itself."""
    own = {"monitor.yaml": watched, "rules/a.yaml": RULE.replace(", exempt: true", "")}
    (warning,) = check(write(own), environ={}).warnings
    assert warning.what.startswith("no rule is about danger to people")
    assert "`tocsin rules copy`" in warning.fix
    assert not check(write(own | {"rules/a.yaml": RULE}), environ={}).warnings


def test_a_first_while_that_is_over_is_warned_about(write: Write, watched: str) -> None:
    """Whoever reads `until` must not believe that nothing rings: everything does."""
    folder = write({"monitor.yaml": watched + "observing: {until: 2026-03-09}\n", "rules/a.yaml": RULE})
    assert not check(folder, environ={}, now=datetime(2026, 3, 9, 7, 59, tzinfo=UTC)).warnings
    (warning,) = check(folder, environ={}, now=datetime(2026, 3, 9, 8, tzinfo=UTC)).warnings
    assert (warning.field, warning.what[:24]) == ("observing.until", "is over since 2026-03-09")


def test_it_is_known_where_it_says_that_something_is_only_observed(write: Write, watched: str) -> None:
    """The account names the line to change; another line above it is no change of the configuration."""
    observed = RULE.replace("kind: ", "mode: observe, kind: ", 1)
    folder = write({"monitor.yaml": watched + "observing: {until: 2026-03-09}\n", "rules/a.yaml": observed})
    settings = load(folder, environ={})
    rule = settings.rules[0].id
    line = 1 + observed[: observed.index("mode: observe")].count("\n")
    assert settings.places[f"rule.{rule}"] == f"rules/a.yaml:{line}"
    assert settings.places["all"] == f"monitor.yaml:{watched.count(chr(10)) + 1}"
    write({"monitor.yaml": "# more\n" + watched + "observing: {until: 2026-03-09}\n", "rules/a.yaml": observed})
    assert differences(settings, load(folder, environ={})) == []


def test_the_example_of_the_repository_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What people copy must work as it stands, its contacts apart: git cannot keep them private."""
    monkeypatch.chdir(shipped().parent)
    report = check(Path("config"), environ={}, today=date(2026, 3, 2))
    assert not report.problems
    assert {(warning.file, warning.field) for warning in report.warnings} <= {
        ("config/contacts.yaml", ""),
        ("config/monitor.yaml", "heartbeat"),
        ("config/monitor.yaml", "web.public_url"),
    }
    settings = load(Path("config"), environ={})
    assert settings.resolve("default") == ("lea", "on-call-phone")
    assert isinstance(settings.receivers["lea"], EmailSettings)


def test_an_installed_package_brings_its_own_copy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a wheel the shipped files lie inside the package."""
    monkeypatch.setattr("monitor.packaged._PACKAGE", tmp_path / "monitor")
    assert shipped() == tmp_path / "config"
    (tmp_path / "monitor" / "shipped").mkdir(parents=True)
    assert shipped() == tmp_path / "monitor" / "shipped"


def test_a_chat_service_that_does_not_exist_is_a_problem(write: Write, ten_lines: str) -> None:
    """Its messages would all fail; the address, which is a secret, is not repeated. The daemon starts all the same."""
    chat = "receivers:\n  chat: {kind: apprise, urls: ['ntfys://ntfy.sh/acme', 'slakc://hunter2/secret']}\n"
    folder = write({"monitor.yaml": ten_lines.replace("receivers:\n", chat)})
    report = check(folder, environ={})
    (problem,) = report.problems
    assert problem.field == "receivers.chat.urls"
    assert problem.line > 0
    assert problem.what.startswith("Apprise does not understand the slakc:// address")
    assert "hunter2" not in render(report)
    assert report.summary == f"{folder}: 1 problem to put right."
    assert "chat" in load(folder, environ={}).receivers
