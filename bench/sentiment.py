"""How many texts the models and engines of sentiment judge per second, one at a time on one core, and what they weigh."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from bench.figure import Figure
from monitor.sentiment.complaint import SHIPPED as COMPLAINT
from monitor.sentiment.embedded import ASKED, Embedded
from monitor.sentiment.extras import missing
from monitor.sentiment.multilingual import SHIPPED as SENTIMENT

TEXTS = 4_000
SLOW_TEXTS = 100
AT_LEAST = 5_000
MOST = 60

# Words that were never seen together make every text new; about one word in six was not met before, as in real streams.
_OPENINGS = {
    "fr": ("Bonjour", "Franchement", "Toujours", "Merci", "Encore", "Pourquoi", "Depuis hier", "Sérieux"),
    "en": ("Hello", "Honestly", "Still", "Thanks", "Again", "Why", "Since yesterday", "Seriously"),
}
_MIDDLES = {
    "fr": ("aucune nouvelle de mon colis", "l'appli plante au démarrage", "super accueil en boutique", "la facture est fausse"),
    "en": ("no news of my parcel", "the app crashes when it starts", "such a kind welcome in the shop", "the bill is wrong"),
}
_ENDS = {
    "fr": ("je suis très déçu !!", "c'est parfait 😍", "que faire ?", "bravo à toute l'équipe", "j'attends une réponse…"),
    "en": ("I am so disappointed !!", "it is perfect 😍", "what now?", "well done everybody", "I am waiting for an answer…"),
}


def measure() -> list[Figure]:
    """Processor time for texts given one at a time, first with nothing remembered, then again; and the memory of a process."""
    from monitor.sentiment.complaint import Complaints  # noqa: PLC0415 measured in a process of its own as well
    from monitor.sentiment.multilingual import Multilingual  # noqa: PLC0415 likewise

    said = texts()
    feeling, complaint = Multilingual().feeling, Complaints().probability
    return [
        Figure(
            "sentiment", "texts felt per second and core, none met before", rate(feeling, said), "/s", AT_LEAST, at_least=True
        ),
        Figure("sentiment", "  the same texts again", rate(feeling, said), "/s"),
        Figure("sentiment", "complaints judged per second and core", rate(complaint, said), "/s", AT_LEAST, at_least=True),
        Figure("sentiment", "  both of a text that is read once, none met before", rate(both(), said), "/s"),
        Figure("sentiment", "memory that both models add to numpy and VADER", memory(), "MB", MOST),
        Figure(
            "sentiment",
            "  size of both files",
            (SENTIMENT.stat().st_size + COMPLAINT.stat().st_size) / 1e6,
            "MB",
            how=f"{TEXTS:,} invented posts, French and English in turn, one in six words never met before; processor time",
        ),
        *(figure for name in ASKED for figure in _engine(name, said)),
    ]


def _engine(name: str, said: Sequence[tuple[str, str]]) -> list[Figure]:
    """What an engine that knows whole sentences costs, if its extra is installed."""
    if missing(name):
        return []
    opinions = Embedded(name).opinions
    speed = rate(lambda text, language: opinions([text], [language]), said[:SLOW_TEXTS])
    return [
        Figure("sentiment", f"texts felt per second and core by the engine {name}", speed, "/s"),
        Figure("sentiment", "  memory that it adds to numpy and VADER", memory(f"engine_weighed({name!r})"), "MB"),
    ]


def both() -> Callable[[str, str], object]:
    """New models that know no word yet, and share one reading of each text."""
    from monitor.sentiment.complaint import Complaints  # noqa: PLC0415 measured in a process of its own as well
    from monitor.sentiment.multilingual import Multilingual  # noqa: PLC0415 likewise
    from monitor.sentiment.reading import read  # noqa: PLC0415 likewise
    from monitor.sentiment.signals import signals, token  # noqa: PLC0415 likewise

    feelings, complaints = Multilingual(), Complaints()
    token.cache_clear()

    def judge(text: str, language: str) -> object:
        reading = read(text)
        shown = signals(reading, language)
        return feelings.of_reading(reading, shown, language), complaints.of_reading(reading, shown, language)

    return judge


def texts() -> list[tuple[str, str]]:
    """Posts with their languages, no two the same."""
    return [(_text(at, language), language) for at in range(TEXTS // 2) for language in ("fr", "en")]


def rate(judge: Callable[[str, str], object], said: Sequence[tuple[str, str]]) -> float:
    """Texts per second of processor time, one call each."""
    judge("warm-up", "en")
    began = time.process_time()
    for text, language in said:
        judge(text, language)
    return len(said) / (time.process_time() - began)


def memory(weighing: str = "judged_and_weighed()") -> float:
    """Megabytes that a process grows by when it loads both models, or what else is weighed, and judges these texts."""
    program = f"import numpy, monitor.sentiment.fast_vader, bench.sentiment as b; b.{weighing}"  # what the daemon has anyway
    return float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)


def judged_and_weighed() -> None:
    """For a process of its own: print what it grew by."""
    before, said = _resident(), texts()
    from monitor.sentiment.complaint import Complaints  # noqa: PLC0415 weighed
    from monitor.sentiment.multilingual import Multilingual  # noqa: PLC0415 weighed

    feeling, complaint = Multilingual().feeling, Complaints().probability
    for text, language in said:
        feeling(text, language)
        complaint(text, language)
    print(_resident() - before)


def engine_weighed(name: str) -> None:
    """Likewise, for an engine."""
    before, said = _resident(), texts()[:SLOW_TEXTS]
    engine = Embedded(name)
    engine.opinions([text for text, _ in said], [language for _, language in said])
    print(_resident() - before)


def _text(at: int, language: str) -> str:
    opening, middle, end = _OPENINGS[language], _MIDDLES[language], _ENDS[language]
    new = f"{_syllables(at)} {_syllables(at * 7 + 3)}"
    return (
        f"@brand {opening[at % len(opening)]}, {middle[at // 3 % len(middle)]} {new}, {end[at // 5 % len(end)]} https://x.y/{at}"
    )


def _syllables(number: int) -> str:
    """A word that nobody ever wrote."""
    digits = (number * 2_654_435_761) % 2**28
    return "".join("bcdfglmnprstvz"[digits >> shift & 7] + "aeiou"[(digits >> shift + 3) % 5] for shift in (0, 7, 14, 21))


def _resident() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 no file, but the kernel
        return int(file.read().split()[1]) * 4096 / 1e6
