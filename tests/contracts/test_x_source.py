"""X, over a server that follows its documented API."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from monitor.sources import KINDS
from monitor.sources.x_settings import XBudget, XSettings
from monitor.testing.contract import OWN, SECRET, Scene, SourceContract, Stage
from tests.contracts.fake_x import FakeX


class XContract(SourceContract):
    """One of its lists."""

    __test__ = False

    def x(self, scene: Scene, **watched: Any) -> Stage:
        """X with a purse that is deep enough."""
        network = FakeX(scene.clock, SECRET)
        scene.site.answer = network.answer
        given = {"token": SecretStr(SECRET), "budget": (XBudget(amount=1_000, per="month"),), "own_accounts": (OWN,)}
        settings = XSettings(kind="x", url=scene.site.url, **given, **watched)
        exempt = {
            "deletions": "only those with a contract are told of them",
            "conversation": "left out on purpose: it would be a search, in which each post costs money",
        }
        return Stage(KINDS["x"], settings, network.publish, exempt)


class TestXSearch(XContract):
    """A search."""

    __test__ = True

    def perform(self, scene: Scene) -> Stage:
        return self.x(scene, hashtags=("post",))


class TestXAccount(XContract):
    """An account: what mentions it, and what it writes."""

    __test__ = True

    def perform(self, scene: Scene) -> Stage:
        return self.x(scene, account=OWN)
