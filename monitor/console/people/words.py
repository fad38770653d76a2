"""What is written in the audit log, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from monitor.console.tongue import N_

DEEDS: Final[Mapping[str, str]] = {
    "account.added": N_("made the account"),
    "account.bound": N_("came through the identity provider for the first time"),
    "account.disabled": N_("locked the account"),
    "account.enabled": N_("unlocked the account"),
    "account.role": N_("gave another role"),
    "code.refused": N_("gave a wrong code"),
    "codes.begun": N_("set up one-time codes"),
    "codes.dropped": N_("gave up one-time codes"),
    "link.made": N_("made a link to set a password"),
    "password.refused": N_("gave a wrong password"),
    "password.set": N_("set a password"),
    "session.ended": N_("signed out"),
    "sessions.ended": N_("signed out everywhere"),
    "sign_in": N_("signed in"),
    "sign_in.refused": N_("was refused"),
    "sign_in.waits": N_("tried too often and has to wait"),
    "token.ended": N_("ended a token"),
    "token.made": N_("made a token"),
}
"""By action. What another version of Tocsin wrote stands there as it is."""
