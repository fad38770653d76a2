"""Commands about the answers that people give to e-mails."""

from __future__ import annotations

import typer

from monitor.cli.app import replies
from monitor.cli.context import DEFAULT_CONFIG, ConfigDir, loaded, plural, run, said, say
from monitor.domain.errors import ExitCode, SourceError, UsageError


@replies.command("try")
def try_mailbox(config: ConfigDir = DEFAULT_CONFIG) -> None:
    """Open the mailbox where answers arrive, and say what is there. Nothing in it is changed."""
    settings = loaded(config)
    mailbox_settings = settings.replies
    if mailbox_settings is None:
        raise UsageError("nobody reads answers: add `replies:` to monitor.yaml (docs/how-to/acknowledge-by-e-mail.md)")

    async def work() -> None:
        from monitor.mailbox import Mailbox

        mailbox = Mailbox(mailbox_settings)
        try:
            found = await mailbox.look_in()
        except SourceError as error:
            say(f"The mailbox cannot be read: {said(error.detail)}", style="red")
            raise typer.Exit(ExitCode.UNAVAILABLE) from None
        finally:
            await mailbox.close()
        say(f"{said(mailbox_settings.folder)}: {plural(found.letters, 'letter')}. Nothing was changed.")
        how = "The server says at once what comes." if found.tells else "The server does not offer IDLE: we look now and then."
        say(f"{how} Answers go to {said(settings.reply_to or (settings.smtp.sender if settings.smtp else 'the sender'))}.")

    run(work)
