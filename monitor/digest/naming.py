"""What things are called by whoever reads a digest: rules, subjects, people, moments, posts."""

from __future__ import annotations

from collections.abc import Sequence
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
        tongue, about = self.tongue, self._about(alert)
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
        return Line(about, " · ".join(said), mark=word, tone=_TONES[alert.severity], page=f"/alerts/{alert.id}")

    def alerts(self, alike: Sequence[Alert]) -> Line:
        """The alerts of one rule about one subject, the gravest first: how many, since when, and what became of them."""
        tongue, worst = self.tongue, alike[0]
        moments = [each.opened_at for each in alike]
        took = [each.acknowledged_at - each.opened_at for each in alike if each.acknowledged_at is not None]
        still = sum(each.resolved_at is None for each in alike)
        said = [
            tongue.gettext("from %(first)s to %(last)s", first=self.at(min(moments)), last=self.at(max(moments))),
            tongue.ngettext("%(n)s taken", "%(n)s taken", len(took)),
            tongue.gettext("the first after %(time)s", time=self.reader.span(min(took), short=True)) if took else "",
            tongue.ngettext("%(n)s still open", "%(n)s still open", still),
        ]
        text = tongue.gettext("%(about)s: %(times)s times", about=self._about(worst), times=self.reader.count(len(alike)))
        word = tongue.gettext(SEVERITY[worst.severity])
        return Line(text, " · ".join(filter(None, said)), mark=word, tone=_TONES[worst.severity], page=f"/alerts/{worst.id}")

    def _about(self, alert: Alert) -> str:
        subject = alert.labels.get("subject")
        return ", ".join(filter(None, (self.rule(alert.rule), self.subject(subject) if subject else "")))

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
