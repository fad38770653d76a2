"""The source that the how-to writes, held to the suite that it recommends."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from monitor.testing.contract import OWN, SECRET, Post, Scene, SourceContract, Stage

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/write-a-source.md"


def written() -> Any:
    """The module of the page."""
    (code,) = re.findall(r"```python\n(from collections.*?)```", PAGE.read_text(), re.DOTALL)
    module = ModuleType("the_wall_of_the_page")
    sys.modules[module.__name__] = module
    exec(compile(code, str(PAGE), "exec"), module.__dict__)
    return module


class TestWall(SourceContract):
    """A wall, whose writings come twenty at a time."""

    def perform(self, scene: Scene) -> Stage:
        wall = written()
        posts: dict[int, Post] = {}

        async def answer(request: web.Request) -> web.Response:
            listed = sorted(posts.values(), key=lambda post: (post.written_at, post.number), reverse=True)
            first = (int(request.query["page"]) - 1) * 20
            return web.json_response({"items": list(map(self.item, listed[first : first + 20]))})

        def publish(post: Post) -> None:
            posts[post.number] = post

        scene.site.answer = answer
        settings = wall.WallSettings(kind="wall", url=scene.site.url, token=SecretStr(SECRET), own_accounts=(OWN,))
        exempt = dict.fromkeys(
            ("reach", "verified", "engagement", "changes", "deletions", "replies", "conversation"), "walls count nothing"
        )
        return Stage(wall.KIND, settings, publish, exempt)

    @staticmethod
    def item(post: Post) -> dict[str, Any]:
        """A writing."""
        return {"url": f"https://wall.example/{post.number}", "text": post.text, "at": post.stamp, "by": post.author}
