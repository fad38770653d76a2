"""The first files of a configuration: a monitor.yaml of ten lines from three answers, and what is shipped made one's own."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from monitor.domain.errors import ExitCode, TocsinError, UsageError
from monitor.packaged import shipped
from monitor.settings.adding import block, example
from monitor.sources import KINDS
from monitor.sources.guard import Guard
from notifiers.chat import names_a_host
from notifiers.message import Language
from rules.base import suggest

_HASHTAG = re.compile(r"#(?P<tag>\w+)@(?P<server>[\w.-]+\.\w+)")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_FILES = (".csv", ".tsv", ".jsonl", ".json", ".ndjson")

_NO_NETWORKS = frozenset({"file", "json"})

_COMMENTS: dict[str, dict[str, str]] = {
    "en": {
        "prepared": ": to listen there, too, remove the `# ` once you have what it needs",
        "head": "What to listen for, where, and whom to tell. All else has defaults; see `tocsin check` and docs/reference.",
        "allow": "private addresses are called only where they stand here",
        "observing": "until that day only dangers ring, one message a day says what would have",
        "name": "morning",
        "digests": "what happened overnight and what comes today; on a quiet day, that all is calm",
        "smtp": 'with a login: {host: …, sender: …, username: …, password: "${SMTP_PASSWORD}"}',
    },
    "fr": {
        "prepared": " : pour écouter aussi là, ôtez les « # » dès que vous avez ce qu’il faut",
        "head": "Quoi écouter, où, et qui prévenir. Le reste a des valeurs par défaut ; voir `tocsin check` et docs/reference.",
        "allow": "une adresse privée n’est appelée que si elle est nommée ici",
        "observing": "d’ici là seuls les dangers sonnent, un message par jour dit ce qui aurait sonné",
        "name": "matin",
        "digests": "ce qui s’est passé cette nuit et ce qui vient ; un jour calme, que tout est calme",
        "smtp": 'avec un compte : {host: …, sender: …, username: …, password: "${SMTP_PASSWORD}"}',
    },
}


class ExistsError(TocsinError):
    """The file to write is there already; it is left as it is."""

    exit_code = ExitCode.CANNOT_CREATE


def scaffold(
    directory: Path,
    brand: str,
    first_source: str,
    send_to: str,
    language: Language = "en",
    *,
    observe_until: date | None = None,
    networks: Sequence[str] = (),
    morning: bool = False,
) -> list[Path]:
    """Write monitor.yaml and return what was written. Everything else has defaults until somebody wants it otherwise.

    `first_source` is a feed's address, `#hashtag@server`, or a file of CSV or JSON Lines; `send_to` an e-mail address, a
    webhook's or chat service's address; until the day `observe_until` nothing rings; `networks` are kinds of sources that are
    prepared, as comments; with `morning` a digest leaves each day.
    Raises `UsageError` for an answer that is none, `ExistsError` when the file exists.
    """
    text = compose(brand, first_source, send_to, language, observe_until, networks, morning=morning)
    target = directory / "monitor.yaml"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # "x": an existing file is never overwritten, not even one that appears this very moment.
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ExistsError(f"{target} exists already and was left as it is. Choose another folder, or edit that file.") from None
    except OSError as error:
        raise ExistsError(f"{target} cannot be written: {error.strerror}. Choose another folder.") from None
    return [target]


def copy_shipped(directory: Path, name: str, only: Collection[str] | None = None) -> list[Path]:
    """Copy a shipped folder (`rules`, `words`, `plans`), or `only` these files of it, into `directory`; return what was written.

    A file that is there already is left as it is, so that whoever has changed some of them gets the others. Raises `OSError`.
    """
    target = directory / name
    target.mkdir(exist_ok=True)
    files = [path for path in sorted((shipped() / name).iterdir()) if path.is_file() and (only is None or path.name in only)]
    # Contents alone: an installed file may be read-only, and this one is to be changed.
    return [Path(shutil.copyfile(path, copy)) for path in files if not (copy := target / path.name).exists()]


def compose(
    brand: str,
    first_source: str,
    send_to: str,
    language: Language,
    observe_until: date | None = None,
    networks: Sequence[str] = (),
    *,
    morning: bool = False,
) -> str:
    """The text of a monitor.yaml."""
    brand = " ".join(brand.split())
    if not brand:
        raise UsageError("The brand needs a name.")
    receiver, needs_mail = _receiver(send_to.strip())
    inside = ", ".join(map(_quoted, _private(first_source.strip(), send_to.strip())))
    comments = _COMMENTS[language]
    smtp = f"smtp: {{host: localhost, port: 25, security: none, sender: {_quoted(send_to.strip())}}}"
    lines = [
        f"# {comments['head']}",
        "version: 1",
        f"language: {language}",
        f"subjects: {{{slug(brand)}: {{names: [{_quoted(brand)}]}}}}",
        "sources:",
        f"  first: {_source(first_source.strip())}",
        *(line for network in networks for line in _prepared(network, brand, comments["prepared"])),
        *([f"{smtp}  # {comments['smtp']}"] if needs_mail else []),
        "receivers:",
        f"  me: {receiver}",
        *_told(observe_until, comments["observing"]),
        *(
            [f'digests: {{{comments["name"]}: {{kind: morning, to: me, at: "07:58"}}}}  # {comments["digests"]}']
            if morning
            else []
        ),
        *([f"http: {{allow: [{inside}]}}  # {comments['allow']}"] if inside else []),
    ]
    return "\n".join(lines) + "\n"


def offered() -> list[str]:
    """The networks that can be prepared."""
    return sorted(KINDS.keys() - _NO_NETWORKS)


def _prepared(network: str, brand: str, comment: str) -> list[str]:
    """The lines of a source that is not asked yet: what it needs is not there, and a secret that is missing stops a start."""
    if network not in offered():
        raise UsageError(f"there is no network `{network}`; {suggest(network, offered())}")
    page = f" (docs/how-to/{KINDS[network].page})" if KINDS[network].page else ""
    entry = block(network, example(network, brand, slug(brand).replace("-", "")), indent=0)
    return ["", f"  # {network}{page}{comment}", *(f"  # {line}" for line in entry.splitlines())]


def _told(observe_until: date | None, comment: str) -> list[str]:
    """Whom to tell; and a first while in which nothing rings, or how to have one."""
    routing, observing = "routing: {default: me}", "observing: {until: %s}"
    if observe_until is None:
        return [f"{routing}  # {observing % 'YYYY-MM-DD'}: {comment}"]
    return [routing, f"{observing % observe_until}  # {comment}"]


def slug(name: str) -> str:
    """A short name for a brand: small letters, digits and hyphens; `brand` when nothing of it is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:64].strip("-") or "brand"


def _source(answer: str) -> str:
    if hashtag := _HASHTAG.fullmatch(answer):
        return f"{{kind: mastodon, url: {_quoted('https://' + hashtag['server'])}, hashtags: [{_quoted(hashtag['tag'])}]}}"
    if _is_web(answer):
        return f"{{kind: feed, url: {_quoted(answer)}}}"
    if answer.lower().endswith(_FILES) or Path(answer).is_file():
        return f"{{kind: file, path: {_quoted(str(Path(answer).expanduser().resolve()))}}}"
    raise UsageError(
        f"`{answer}` is no source: give the address of a feed (https://…), a hashtag with its server (#acme@mastodon.social),"
        " or a file (.csv, .jsonl)."
    )


def _private(*answers: str) -> list[str]:
    """What must be allowed of the answers: whoever types an address of their own means it."""
    servers = (_HASHTAG.fullmatch(answer) for answer in answers)
    asked = [f"https://{server['server']}" if server else answer for server, answer in zip(servers, answers, strict=True)]
    missing = (Guard().forbids(each) for each in asked if _is_web(each) or names_a_host(each))
    return list(dict.fromkeys(each for each in missing if each))


def _receiver(answer: str) -> tuple[str, bool]:
    """The receiver's settings, and whether they need a mail server."""
    if _MAIL.fullmatch(answer):
        return f"{{kind: email, to: {_quoted(answer)}}}", True
    if _is_web(answer):
        return f"{{kind: webhook, url: {_quoted(answer)}}}", False
    if "://" in answer:
        return f"{{kind: apprise, urls: [{_quoted(answer)}]}}", False
    raise UsageError(f"`{answer}` is nobody: give an e-mail address, a webhook (https://…), or an Apprise address (ntfy://…).")


def _is_web(answer: str) -> bool:
    try:
        parts = urlsplit(answer)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _quoted(text: str) -> str:
    """`text` in double quotes wherever YAML, or our own `${…}`, would take it for something else."""
    text = text.replace("${", "$${")
    if re.fullmatch(r"[A-Za-z][\w.@/+-]*", text) and isinstance(yaml.safe_load(text), str):
        return text
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10_000).strip()
