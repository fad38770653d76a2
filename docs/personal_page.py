"""The page of personal data: the register of `monitor/storage/personal.py`, and how long each kind is kept."""

from __future__ import annotations

from monitor.storage import Retention
from monitor.storage.personal import REGISTER, Data

_MEANS = {
    Data.IDENTITY: "names and addresses of authors",
    Data.WORDS: "what authors said, and what quotes it",
    Data.FACTS: "facts about what was said: when, where, how, and what scorers made of it",
    Data.LINK: "our number for an author, or for something they said",
    Data.STAFF: "who of the team did something, and why",
    Data.OURS: "nothing about a person",
}


def page(note: str) -> str:
    """Each kind of data with the columns that hold it; then the default retention."""
    lines = [
        note,
        "",
        "# Personal data",
        "",
        "Every column of the store, by what it holds. An erasure empties the first two kinds;",
    ]
    lines += ["an access request is answered with the first four. No column holds special categories by design; a text may."]
    for data, means in _MEANS.items():
        held = {table: [name for name, what in columns.items() if what is data] for table, columns in REGISTER.items()}
        lines += ["", f"## {means[0].upper()}{means[1:]}", ""]
        lines += [f"- `{table}`: {', '.join(f'`{name}`' for name in names)}" for table, names in held.items() if names]
    lines += ["", "## How long, unless the settings say otherwise", "", "| | days |", "| --- | --- |"]
    lines += [f"| {name} | {period.days} |" for name, period in Retention().periods().items()]
    lines += ["", "What each means: [storage.retention](settings.md#storageretention)."]
    return "\n".join(lines) + "\n"
