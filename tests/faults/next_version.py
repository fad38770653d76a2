"""The next version of tocsin: this one, with one more migration. `python next_version.py SCRIPTS COMMAND …` is its command."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from monitor.storage import migrate

NEXT = f"{int(migrate.HEAD) + 1:04}"
# A revision as they come: a new table that is filled from an old one, and a column that SQLite adds by making a table anew.
# `GATE` is a folder: who migrates says so there, and goes on when it may.
_REVISION = '''"""Silences have colours. And more."""
import os
import time

import sqlalchemy as sa
from alembic import op

revision = "NEXT"
down_revision = "HEAD"
branch_labels = depends_on = None


def upgrade():
    op.create_table("colour", sa.Column("name", sa.Text(), primary_key=True))
    op.execute("INSERT INTO colour SELECT DISTINCT author FROM silence")
    with op.batch_alter_table("silence") as silence:
        silence.add_column(sa.Column("colour", sa.Text(), nullable=True))
        silence.alter_column("author", nullable=True)
    op.create_index("ix_silence_colour", "silence", ["colour"])
    if os.path.isdir("GATE"):
        open("GATE/reached", "a").write("reached\\n")
        while not os.path.exists("GATE/open"):
            time.sleep(0.02)
'''


def scripts(folder: Path) -> Path:
    """Write the migrations of the next version into a folder; the gate is beside it, and open while it is not there."""
    made = folder / "migrations"
    shutil.copytree(Path(migrate.__file__).with_name("migrations"), made, ignore=shutil.ignore_patterns("__pycache__"))
    text = _REVISION.replace("NEXT", NEXT).replace("HEAD", migrate.HEAD).replace("GATE", str(folder / "gate"))
    (made / "versions" / f"{NEXT}_next.py").write_text(text)
    return made


def become(migrations: Path) -> None:
    """From now on this process is the next version."""
    migrate.HEAD, migrate._SCRIPTS = NEXT, migrations


if __name__ == "__main__":
    become(Path(sys.argv.pop(1)))
    from monitor.cli import main

    main()
