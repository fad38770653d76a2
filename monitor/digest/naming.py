"""What things are called by whoever reads a digest: rules, subjects, people, moments, posts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.digest.paper import Line, Tone
from monitor.digest.tongue import N_, Tongue
from monitor.domain.alert import Alert
from monitor.domain.mention import Observed
from monitor.domain.plan import PlanRun, localized
from monitor.settings import Settings
from notifiers.reader import Reader
from notifiers.safe import link, one_line

SEVERITY = {"critical": N_("critical"), "warning": N_("warning"), "info": N_("note")}
_TONES: dict[str, Tone] = {"critical": "critical", "warning": "warning", "info": "info"}
_TEXT, _NAME = 220, 80


@dataclass(frozen=True, slots=True)
class Names:
    """Names for one reader."""

    settings: Settings
    reader: Reader
    now: datetime

    @property
    def tongue(self) -> Tongue:
        return Tongue(self.reader)

    def subject(self, name: str) -> str:
        """Its display name."""
        known = self.settings.subjects.get(name)
        return one_line(known.names[0] if known is not None and known.names else name, _NAME)

    def rule(self, name: str) -> str:
        """Its title, or its bare id."""
        titles = {rule.id: rule.title for rule in self.settings.rules if rule.title}
        return one_line(localized(titles[name], self.reader.language) if name in titles else name, _NAME)

    def person(self, name: str | None) -> str:
        """What somebody is called."""
        person = self.settings.contacts.people.get(name or "")
        return one_line(person.name if person is not None else name or "", _NAME)

    def plan(self, run: PlanRun) -> str:
        """The title of its plan."""
        return one_line(localized(run.definition.title, self.reader.language), _NAME)

    def at(self, moment: datetime) -> str:
        """The hour, with its day where that is another."""
        return self.reader.moment(moment, self.now)

    def alert(self, alert: Alert) -> Line:
        """What rang, when, who took it and how long that took, and whether it is over."""
        tongue = self.tongue
        about = ", ".join(filter(None, (self.rule(alert.rule), self.subject(s) if (s := alert.labels.get("subject")) else "")))
        said = [tongue.gettext("rang at %(at)s", at=self.at(alert.opened_at))]
        if alert.acknowledged_at is not None:
            took = self.reader.span(alert.acknowledged_at - alert.opened_at, short=True)
            said.append(tongue.gettext("taken by %(who)s after %(time)s", who=self.person(alert.acknowledged_by), time=took))
        else:
            said.append(tongue.gettext("taken by nobody"))
        if alert.resolved_at is not None:
            lasted = self.reader.span(alert.resolved_at - alert.opened_at, short=True)
            said.append(tongue.gettext("over after %(time)s", time=lasted))
        else:
            said.append(tongue.gettext("still open"))
        word = tongue.gettext(SEVERITY[alert.severity])
        return Line(about, " · ".join(said), mark=word, tone=_TONES[alert.severity])

    def post(self, post: Observed, *more: str, mark: str = "", tone: Tone = "") -> Line:
        """Somebody's words, who said them, and where."""
        tongue = self.tongue
        who = one_line(post.author.name or post.author.handle, _NAME) or tongue.gettext("somebody")
        known = post.author.reach
        reach = tongue.ngettext("%(n)s follower", "%(n)s followers", known) if known is not None else ""
        about = [who, one_line(post.network, _NAME), reach, self.at(post.written_at), *more]
        text = tongue.gettext("Sensitive: read it where it was written.") if post.sensitive else ""
        text = text or one_line(post.text or post.title, _TEXT) or tongue.gettext("Without words.")
        url = "" if post.deleted_at else link(post.url) or ""
        return Line(text, " · ".join(filter(None, about)), url, mark, tone, quoted=not post.sensitive)
