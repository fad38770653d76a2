"""A mailbox, over a real IMAP server: a letter is what somebody says."""

from __future__ import annotations

from email.utils import format_datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from monitor.sources import KINDS
from monitor.sources.imap import ImapSettings
from monitor.testing.contract import OWN, SECRET, Post, Scene, SourceContract, Stage
from tests.contracts.stages import ALONE
from tests.dovecot import Dovecot

UNTOLD = dict.fromkeys(("reach", "verified", "engagement"), "a letter says nothing of it")
STILL = {"changes": "a letter that was sent stays as it is", "deletions": "what was thrown away was said all the same"}
APART = dict.fromkeys(
    ("server", "credentials", "throttling", "pages"),
    "it is asked by IMAP: the tests of the connection and of the source see to that",
)


def letter(post: Post) -> bytes:
    """A post as somebody mails it."""
    written = format_datetime(post.written_at)
    answers = "" if post.answers is None else f"In-Reply-To: <post-{post.answers}@x.example>\r\n"
    return (
        f"From: {post.author} <{post.author}@x.example>\r\nSubject: a letter\r\n"
        f"Message-ID: <post-{post.number}@x.example>\r\n{answers}"
        f"Date: {written.removesuffix(' +0000') if post.zoneless else written}\r\n\r\n{post.text}\r\n"
    ).encode()


class TestImap(SourceContract):
    """A mailbox on a real server."""

    dovecot = Dovecot(Path(), plain=1, tls=1, authority=Path())  # nowhere: a stage is also looked at without being played

    @pytest.fixture(autouse=True)
    def _at(self, dovecot: Dovecot) -> None:
        self.dovecot = dovecot

    def perform(self, scene: Scene) -> Stage:
        """A mailbox that nobody has used."""
        del scene
        user = self.dovecot.fresh()

        def publish(post: Post) -> None:
            if not post.deleted:
                self.dovecot.post(user, letter(post), at=post.written_at)

        settings = ImapSettings(
            kind="imap",
            host="127.0.0.1",
            port=self.dovecot.plain,
            security="none",
            username=user,
            password=SecretStr(SECRET),
            own_accounts=(OWN,),
        )
        return Stage(KINDS["imap"], settings, publish, {**UNTOLD, **STILL, **APART, **ALONE}, crowd=100)
