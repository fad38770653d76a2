"""What a role may not do is not offered, and not done."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.conftest import Set

_SEND = """() => {
  const form = document.createElement("form");
  const mark = document.createElement("input");
  Object.assign(form, { method: "post", action: "/health/reload" });
  Object.assign(mark, { name: "csrf", value: document.querySelector("meta[name=csrf]").content });
  form.append(mark);
  document.body.append(form);
  form.submit();
}"""


async def test_a_viewer_looks_and_cannot_act(stage: Set) -> None:
    """No button of others is there; who asks for their pages all the same, or sends their forms, is told why not."""
    opened = await stage()
    home = opened.office.home
    await home.hears("my Acme is broken")
    await home.storm(8)
    await home.act()
    async with opened.window("viewer") as viewer:
        await viewer.go("/")
        await expect(viewer.says("A customer complains")).to_be_visible()
        for name in ("Accounts", "Audit log"):
            await expect(viewer.page.get_by_role("link", name=name)).to_have_count(0)
        for path in ("/feed", "/feed/1", "/alerts", "/alerts/1", "/runs", "/runs/1", "/rules/crisis", "/plans/storm", "/reports"):
            assert await viewer.go(path) == 200
            await expect(viewer.page.locator("main form[method=post]")).to_have_count(0)
        await viewer.go("/health")
        await expect(viewer.button("Read the configuration anew")).to_have_count(0)
        assert await viewer.go("/accounts") == 403
        await viewer.headed("You may not do that")
        await viewer.check_access()
        await viewer.page.evaluate(_SEND)
        await viewer.page.wait_for_url("**/health/reload")
        await viewer.headed("You may not do that")
        assert not opened.office.reloaded
