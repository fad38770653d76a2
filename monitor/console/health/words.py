"""What conditions and errors mean, in plain words, and what helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from monitor.console.tongue import N_
from monitor.pipeline.source_standing import SourceStanding

CONDITIONS: Final[Mapping[str, tuple[str, str]]] = {
    "well": (N_("well"), "good"),
    "quiet": (N_("too quiet"), "warning"),
    "resting": (N_("resting"), "good"),
    "failing": (N_("failing"), "warning"),
    "stopped": (N_("stopped"), "critical"),
    "never": (N_("not asked yet"), ""),
    "off": (N_("off"), ""),
}
"""By condition of a source or a receiver: its word, and its tone."""

MEANINGS: Final[Mapping[str, str]] = {
    "quiet": N_("It answers, and brings nothing although it usually does. Look whether what it watches still exists."),
    "resting": N_("Its network asked for a pause. Nothing is wrong."),
    "stopped": N_("It is not asked again until its settings change and the configuration is reloaded."),
}

TROUBLES: Final[Mapping[str, tuple[str, str]]] = {
    "credentials": (N_("access refused"), N_("The key or password is not accepted. Renew it, then reload the configuration.")),
    "gone": (N_("address gone"), N_("Nothing will ever be at this address again. Give another one, or take the source out.")),
    "throttled": (N_("too many requests"), N_("The network asks us to wait, and we do. If it goes on, ask it less often.")),
    "unavailable": (N_("not reachable"), N_("Their server or the way to it is down. It is tried again by itself.")),
    "timeout": (N_("no answer in time"), N_("Their server was too slow. It is tried again by itself.")),
    "too_large": (N_("answer too large"), N_("They sent more than is read at once. Narrow down what the source asks for.")),
    "malformed": (N_("answer not understood"), N_("They sent something else than they document. If it goes on, report it.")),
    "refused": (N_("request refused"), N_("They do not accept what we ask for. Look at the settings of the source.")),
    "spent": (N_("budget used up"), N_("What may be spent is spent. It goes on by itself in the next period.")),
    "internal": (N_("error of ours"), N_("This is a bug in Tocsin. The log says more; please report it.")),
}
"""By `domain.errors.Trouble`: what is wrong, and what that means."""

WHY: Final[Mapping[str, tuple[str, str]]] = {
    "credentials": (N_("access refused"), N_("The server does not accept our name and password. Renew them, then reload.")),
    "unknown_recipient": (N_("unknown recipient"), N_("Nobody has this address. Correct it in the configuration.")),
    "rejected": (N_("message rejected"), N_("They will never take this message. Their reason is in the detail.")),
    "gone": (N_("address gone"), N_("They asked never to be called again. Give the receiver another address.")),
    "misconfigured": (N_("wrong settings"), N_("The receiver’s settings do not fit what it talks to. Correct them.")),
    "throttled": (N_("too many messages"), N_("They ask us to wait, and we do: the message is tried again.")),
    "unavailable": (N_("not reachable"), N_("Their server or the way to it is down. The message is tried again.")),
    "timeout": (N_("no answer in time"), N_("Their server was too slow. The message is tried again.")),
    "tls": (N_("certificate not valid"), N_("The connection cannot be trusted. Somebody must look at the certificate.")),
    "internal": (N_("error of ours"), N_("This is a bug in Tocsin. The log says more; please report it.")),
}
"""By `notifiers.base.Reason`: why a message did not arrive, and what that means."""

PERIODS: Final[Mapping[str, str]] = {
    "minute": N_("this minute"),
    "hour": N_("this hour"),
    "day": N_("today"),
    "month": N_("this month"),
}
"""By period of a budget."""

KEPT: Final[Mapping[str, str]] = {
    "mentions": N_("mentions"),
    "evidence": N_("evidence"),
    "sensitive": N_("what is sensitive"),
    "raw": N_("raw answers"),
    "incidents": N_("incidents"),
    "counts": N_("counts"),
    "figures": N_("figures"),
}
"""By what `storage.retention` keeps."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Health in one line. `heard` of `asked` sources answer and bring what they should."""

    asked: int
    heard: int
    stopped: Sequence[str]
    waiting: int
    behind: int

    @property
    def tone(self) -> str:
        """As badges say it."""
        if self.stopped:
            return "critical"
        return "good" if self.heard == self.asked else "warning"


def summary(sources: Sequence[SourceStanding], waiting: int, behind: int) -> Summary:
    """Of how the sources stand, the messages that wait, and the mentions that are not judged yet."""
    asked = [each for each in sources if each.condition != "off"]
    return Summary(
        asked=len(asked),
        heard=sum(each.condition in {"well", "resting"} for each in asked),
        stopped=[each.name for each in asked if each.condition == "stopped"],
        waiting=waiting,
        behind=behind,
    )
