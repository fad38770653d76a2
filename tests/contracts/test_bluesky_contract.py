"""Bluesky, over a server that follows its lexicons."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from monitor.sources import KINDS
from monitor.sources.bluesky_settings import BlueskySettings
from monitor.testing.contract import OWN, SECRET, Scene, SourceContract, Stage
from tests.contracts.fake_bluesky import ACCOUNT, FakeBluesky


class BlueskyContract(SourceContract):
    """Some of its lists."""

    __test__ = False

    def bluesky(self, scene: Scene, **watched: Any) -> Stage:
        """Nothing is exempt."""
        network = FakeBluesky()
        scene.site.answer = network.answer
        given = {"account": ACCOUNT, "password": SecretStr(SECRET), "own_accounts": (OWN,)}
        settings = BlueskySettings(kind="bluesky", url=scene.site.url, **given, **watched)
        return Stage(KINDS["bluesky"], settings, network.publish)


class TestBlueskySearch(BlueskyContract):
    """A search, and what the account writes."""

    __test__ = True

    def perform(self, scene: Scene) -> Stage:
        return self.bluesky(scene, searches=("post",), mentions=False)


class TestBlueskyMentions(BlueskyContract):
    """What mentions, answers or quotes the account, and what it writes."""

    __test__ = True

    def perform(self, scene: Scene) -> Stage:
        return self.bluesky(scene)
