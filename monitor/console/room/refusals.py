"""Why something cannot be done in a room, in words for people; they stand above what they tried to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from babel.lists import format_list

from monitor.console.tongue import N_, tongue
from monitor.plans import RefusedError
from notifiers.reader import Reader

REFUSALS: Final[Mapping[str, str]] = {
    "automatic": N_("Tocsin carries this step out itself. Somebody can do it by hand only once it has failed."),
    "changed": N_("The words are others by now (%(who)s). Read them below, then decide."),
    "closed": N_("This run is closed: nothing is left to do in it."),
    "ended": N_("This step has ended already."),
    "nobody": N_("“%(what)s” is no person or role of contacts.yaml: nobody would hear of it."),
    "no_yes": N_("These words wait for a yes. Who may give it: %(who)s."),
    "not_approver": N_("You may not approve this. Who may: %(who)s."),
    "not_asked": N_("Nobody’s approval is asked for here."),
    "not_calm": N_("The plan asks for calmer figures first (now: %(what)s). If it is over all the same, say why."),
    "not_calm_for_long": N_("The figures are calm, but not for %(what)s yet. If it is over all the same, say why."),
    "not_signer": N_("You may not sign this off. Who may: %(who)s."),
    "not_stood_down": N_("It must be stood down before it is signed off."),
    "nothing_to_approve": N_("There is nothing to approve in this step now."),
    "nothing_to_refuse": N_("This is taken back only with a yes: there is nothing to refuse."),
    "observed": N_(
        "This run is only observed: nobody is told, and nothing is done. If it is a crisis, open the plan in earnest."
    ),
    "on_its_way": N_("This step is on its way already: nobody can call it back."),
    "other_languages": N_("%(who)s changed the words in %(what)s, and nobody has approved that yet: write those, too."),
    "own_words": N_("You changed these words: somebody else approves them. Who may: %(who)s."),
    "place": N_("Nothing is sure to fill in {{%(what)s}}: take it out."),
    "undo": N_("The end takes back the step “%(what)s”: that needs a yes of %(who)s first, in that step."),
    "unsaid": N_("Say why: it stands in the timeline for whoever comes later."),
    "words_on_their_way": N_("The words are on their way already: %(who)s approved them."),
}
"""By `RefusedError.code`."""


def words(error: RefusedError, reader: Reader, called: Mapping[str, str]) -> str:
    """Why, in the reader's language; `called` says what people and roles are called.

    What no page offers is said in the words of the command line.
    """
    gettext = tongue(reader.language).gettext
    if error.code not in REFUSALS:
        return str(error)
    who = format_list([called.get(name, name) for name in error.who], style="or", locale=reader.language)
    return gettext(REFUSALS[error.code]) % {"who": who or gettext("somebody else"), "what": error.what}
