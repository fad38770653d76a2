"""The way in, walked in a browser."""

from __future__ import annotations

import re

import pyotp
from playwright.async_api import expect

from monitor.access import keeping
from monitor.access.auditing import By
from monitor.domain.account import Role
from tests.browser.conftest import Set, Stage
from tests.browser.window import TELEPHONE, Window

PASSWORD = "correct donkey battery"


async def _invited(stage: Stage) -> str:
    """A one-time link for Claire, who will be an administrator."""
    home = stage.office.home
    _, link = await keeping.add(home.store, "claire", "", Role.ADMIN, By("root", "cli"), home.clock.wall())
    return f"/welcome?link={link}"


async def _choose(window: Window, link: str) -> None:
    assert await window.go(link) == 200
    await window.field("Mot de passe").fill(PASSWORD)
    await window.field("Encore une fois").fill(PASSWORD)
    await window.check_access()
    await window.button("Continuer").click()
    await window.headed("Accueil")


async def _sign_in(window: Window, password: str = PASSWORD) -> None:
    """By keyboard alone: the page begins in the field that is to be filled in first."""
    name = window.page.locator("input[name=name]")
    if not await name.input_value():
        await window.page.keyboard.type("claire")
        await window.press("Tab")
    await window.page.keyboard.type(password)
    await window.press("Enter")


async def test_the_first_comes_by_a_link_and_again_by_password(stage: Set) -> None:
    """On a telephone, in French. The link works once, no script sees the cookie, and the page that was wanted is reached."""
    opened = await stage(signed_in=())
    link = await _invited(opened)
    async with opened.window(language="fr", size=TELEPHONE) as claire:
        await _choose(claire, link)
        (cookie,) = [each for each in await claire.context.cookies() if each["name"] == "tocsin"]
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
        assert await claire.page.evaluate("document.cookie") == ""
        await claire.page.locator("nav.bottom summary").click()
        await claire.page.locator("nav.bottom").get_by_role("button", name="Se déconnecter").click()
        await claire.go("/health")
        assert claire.path == "/sign-in?next=/health"
        await _sign_in(claire, "wrong donkey battery")
        await expect(claire.page.get_by_role("alert")).to_have_text("Le nom ou le mot de passe est faux.")
        await claire.check_access()
        await _sign_in(claire)
        await claire.headed("Santé")
        assert await claire.go(link) == 410
        await claire.check_access()


async def test_who_guesses_must_wait(stage: Set) -> None:
    """After a few wrong passwords the right one does not help either, and the page says for what one waits."""
    opened = await stage(signed_in=())
    link = await _invited(opened)
    async with opened.window(language="fr") as claire, opened.window(language="en") as mallory:
        await _choose(claire, link)
        await mallory.go("/sign-in")
        for _ in range(7):
            await _sign_in(mallory, "guessed")
            await expect(mallory.page.get_by_role("alert")).to_be_visible()
            if await mallory.says("Too many attempts failed.").count():
                break
        await _sign_in(mallory)
        await expect(mallory.says("Too many attempts failed. Wait a little, then try again.")).to_be_visible()
        await mallory.check_access()
        assert await claire.go("/health") == 200, "whoever is in stays in"


async def test_a_code_is_set_up_and_asked_for(stage: Set) -> None:
    """The key is read off the page; the paper codes are shown once; half a sign-in opens nothing."""
    opened = await stage(signed_in=())
    async with opened.window(language="fr") as claire:
        await _choose(claire, await _invited(opened))
        await claire.go("/account")
        await claire.check_access()
        await claire.page.get_by_role("link", name="codes à usage unique").click()
        await claire.check_access()
        key = re.search(r"\b[A-Z2-7]{32}\b", await claire.page.locator("main").inner_text())
        assert key is not None
        await claire.page.keyboard.type(pyotp.TOTP(key[0]).at(opened.office.home.clock.wall()))
        await claire.press("Enter")
        await claire.headed("Codes de secours")
        recovery = await claire.page.locator("main li").all_inner_texts()
        await claire.check_access()
        await claire.page.get_by_role("link", name="Continuer").click()
        await claire.page.locator(".side").get_by_role("button", name="Se déconnecter").click()
        await claire.headed("Se connecter")
        await _sign_in(claire)
        await claire.headed("Code à usage unique")
        await claire.check_access()
        await claire.go("/accounts")
        await claire.headed("Code à usage unique")
        await claire.page.keyboard.type("000000")
        await claire.press("Enter")
        await expect(claire.page.get_by_role("alert")).to_be_visible()
        await claire.page.keyboard.type(recovery[0])
        await claire.press("Enter")
        await claire.headed("Accueil")
