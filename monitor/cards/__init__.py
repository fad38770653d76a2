"""The card of a plan (fiche réflexe): a page or two on paper, readable when all else is down.

`card` is pure: a plan, its people and a moment become plain words. `page` and `pdf` lay them out, `folder` keeps the files, and
the daemon's `keeper` sees that they are those of the configuration at work.
"""

from monitor.cards.card import Card, card
from monitor.cards.keeper import Keeper

__all__ = ["Card", "Keeper", "card"]
