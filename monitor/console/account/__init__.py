"""The way in, and what people do with their own account."""

from __future__ import annotations

from typing import Final

from monitor.console.account import own, provider, signing_in, tokens, welcome
from monitor.console.route import PUBLIC, Route
from monitor.domain.account import Permission

ROUTES: Final[tuple[Route, ...]] = (
    Route("GET", "/sign-in", signing_in.ask, PUBLIC),
    Route("POST", "/sign-in", signing_in.sign_in, PUBLIC),
    Route("GET", "/sign-in/code", signing_in.ask_code, PUBLIC),
    Route("POST", "/sign-in/code", signing_in.check_code, PUBLIC),
    Route("GET", "/sign-in/enrol", own.enrol, PUBLIC),
    Route("POST", "/sign-in/enrol", own.confirm, PUBLIC),
    Route("GET", "/sign-in/oidc", provider.leave, PUBLIC),
    Route("GET", "/sign-in/oidc/back", provider.come_back, PUBLIC),
    Route("POST", "/sign-out", signing_in.sign_out, PUBLIC),
    Route("GET", "/welcome", welcome.ask, PUBLIC),
    Route("POST", "/welcome", welcome.accept, PUBLIC),
    Route("GET", "/account", own.show_own, Permission.LOOK),
    Route("POST", "/account/password", own.change_password, Permission.LOOK),
    Route("POST", "/account/codes/drop", own.drop_codes, Permission.LOOK),
    Route("POST", "/account/preferences", own.prefer, Permission.LOOK),
    Route("POST", "/account/tokens", tokens.make, Permission.LOOK),
    Route("POST", "/account/tokens/end", tokens.end, Permission.LOOK),
    Route("POST", "/account/sessions/end", own.end_session, Permission.LOOK),
)
