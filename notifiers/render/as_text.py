"""The message as plain text, 72 columns wide: the same facts in the same order as the HTML."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from notifiers.message import Message
from notifiers.render.view import Bar, PlanView, PostView, StepView, View, view

_WIDTH = 72
_BAR = 30
_MARKS = {"done": "[x]", "skipped": "[-]", "failed": "[!]", "overdue": "[!]"}


def text(message: Message) -> str:
    """The whole plain text, ending with a line break."""
    if message.letter is not None:
        return message.letter.text
    shown = view(message)
    blocks = [block for block in _blocks(shown) if block]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _blocks(v: View) -> Iterator[Sequence[str]]:
    yield _wrap(v.headline)
    yield _bars(v.bars)
    yield _wrap(v.why)
    yield _wrap(v.new_words)
    yield from (*_answers(v), _now(v)) if v.read_first else (_now(v), *_sections(v), *_answers(v))
    if v.plan:
        yield from _plan(v.plan, v.words)
    if v.posts:
        yield _title(v.posts_title)
        yield from (_post(post) for post in v.posts)
        yield _wrap(v.more_posts)
    yield _list(v.words["others"], v.others)
    yield _list(v.words["details"], [*v.details, *([v.technical] if v.technical else [])])
    yield _footer(v)


def _sections(v: View) -> Iterator[Sequence[str]]:
    """Where a run stands. Each line has its mark, so that no words of somebody else pass for a line of ours."""
    for title, lines in v.sections:
        yield [*_title(title), *(line for said, under in lines for line in _nested(said, under))]


def _nested(said: str, under: Sequence[str]) -> Iterator[str]:
    yield from _wrap(said, "  ", "- ")
    for each in under:
        yield from _wrap(each, "    ", "  - ")


def _answers(v: View) -> Iterator[Sequence[str]]:
    if v.answers:
        yield _title(v.words["answers"])
        yield from ([answer.label, *_wrap(answer.text, "| ")] for answer in v.answers)


def _now(v: View) -> list[str]:
    """What to do: by a link where there is one, or by a command."""
    links = [f"{label}{v.colon}{url}" for label, url in v.links]
    second = [*_wrap(v.otherwise), *_command(v.other_command)]
    return [*_title(v.words["now"]), *_wrap(v.action), *links, *_command(v.command), *_wrap(v.reply), *second]


def _command(command: str) -> list[str]:
    return [f"    {command}"] if command else []


def _footer(v: View) -> list[str]:
    return [
        "-- ",
        *(line for said in v.footer for line in _wrap(said)),
        *(f"{label}{v.colon}{command}" for label, command in v.commands),
    ]


def _wrap(said: str, indent: str = "", first: str | None = None) -> list[str]:
    """Lines of at most 72 characters; long words (links) stay whole."""
    start = indent if first is None else first
    lines: list[str] = []
    for paragraph in said.split("\n"):
        lines += textwrap.wrap(
            paragraph,
            _WIDTH,
            initial_indent=indent if lines else start,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ) or ([indent.rstrip()] if said else [])
    return lines


def _title(said: str) -> list[str]:
    return [said.upper(), "-" * min(len(said), _WIDTH)]


def _bars(bars: Sequence[Bar]) -> list[str]:
    label = max((len(bar.label) for bar in bars), default=0)
    value = max((len(bar.value) for bar in bars), default=0)
    return [f"{bar.label:<{label}}  {bar.value:>{value}}  {'#' * max(1, bar.percent * _BAR // 100)}" for bar in bars]


def _post(post: PostView) -> list[str]:
    who = f"{post.author} ({post.reach})" if post.reach else post.author
    # Quoted like a reply, so that no post can pass for a part of ours.
    return [*_wrap(f"{who} · {post.meta}"), *_wrap(post.text, "> "), *([post.url] if post.url else [])]


def _plan(plan: PlanView, words: Mapping[str, str]) -> Iterator[list[str]]:
    yield [*_title(words["plan"]), *_wrap(f"{plan.title} ({plan.about})")]
    for step in plan.steps:
        yield _step(step)
    yield _list(words["plan.never"], plan.never)


def _step(step: StepView) -> list[str]:
    mark = _MARKS.get(step.state, "[ ]")
    pointer = ">>" if step.here else "  "
    head = _wrap(f"{step.title} ({step.state_label})", "         ", f"{pointer} {mark} {step.number}. ")
    items = [line for number, item in enumerate(step.items, 1) for line in _item(number, *item)]
    # A reason is quoted, as posts are: it may be somebody else's words.
    return [*head, *_wrap(step.meta, "         "), *_wrap(step.note, "         > "), *items, *_statement(step)]


def _item(number: int, said: str, ticked: bool) -> list[str]:
    return _wrap(said, " " * 16, f"         {'[x]' if ticked else '[ ]'} {number}. ")


def _statement(step: StepView) -> list[str]:
    if not step.statement:
        return []
    return ["", f"         {step.statement_label}", *_wrap(step.statement, "         | ")]


def _list(title: str, lines: Sequence[str]) -> list[str]:
    return [*_title(title), *(line for said in lines for line in _wrap(said, "  ", "- "))] if lines else []
