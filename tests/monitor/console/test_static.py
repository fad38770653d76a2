"""Files that pages are made of."""

from __future__ import annotations

import re

import pytest

from monitor.console.static import address
from tests.monitor.console.conftest import Office


@pytest.mark.parametrize(
    ("name", "content_type"), [("console.css", "text/css"), ("console.js", "text/javascript"), ("icon.svg", "image/svg+xml")]
)
async def test_a_file_is_kept_for_ever(console: Office, name: str, content_type: str) -> None:
    """It has its type, may be kept for a year, and comes compressed where that is accepted."""
    page = await console["stranger"].get(address(name), **{"Accept-Encoding": "gzip"})
    assert page.status == 200
    assert page.headers["Content-Type"].startswith(content_type)
    assert page.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert page.headers["Content-Encoding"] == "gzip"
    plain = await console["stranger"].get(address(name), **{"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.text == page.text


async def test_modules_find_each_other(console: Office) -> None:
    """What a module imports is there under the name that it imports."""
    page = await console["stranger"].get(address("console.js"))
    imported = re.findall(r'from "\./([^"]+)"', page.text)
    assert imported
    for name in imported:
        assert (await console["stranger"].get(f"/static/{name}")).status == 200


@pytest.mark.parametrize("path", ["console.css", "..%2fdoor.py", "%2e%2e%2f%2e%2e%2fdoor.py", "console.0123456789ab.css", "%00"])
async def test_nothing_else_is_served(console: Office, path: str) -> None:
    """Neither by its bare name, nor by climbing out of the folder, nor what was there in another version."""
    assert (await console["stranger"].get(f"/static/{path}")).status == 404


def test_pages_stay_light() -> None:
    """Styles and scripts together are a small part of what a page may weigh."""
    from monitor.console.static import _files  # noqa: PLC0415

    assert sum(len(file.plain) for file in _files()[1].values()) < 60_000
