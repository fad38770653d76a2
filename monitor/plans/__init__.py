"""How a plan run goes on, as pure functions: what time and figures bring about (`moving`), and what people do (`acts`).

Each takes a run as it is stored and returns it as it becomes, with what has to be done for it (`effects`): whoever calls writes
both in one transaction. Nothing here reads a clock, a store or a file.
"""

from monitor.plans.acts import VERBS, Act, RefusedError, act
from monitor.plans.aftermath import report_due
from monitor.plans.effects import Capture, Effect, Moved, Note, Tell, Why, owe, owed
from monitor.plans.moving import Facts, move

__all__ = [
    "VERBS",
    "Act",
    "Capture",
    "Effect",
    "Facts",
    "Moved",
    "Note",
    "RefusedError",
    "Tell",
    "Why",
    "act",
    "move",
    "owe",
    "owed",
    "report_due",
]
