"""How a plan run goes on, as pure functions: what time and figures bring about (`moving`), and what people do (`acts`).

Each takes a run as it is stored and returns it as it becomes, with what has to be done for it (`effects`): whoever calls writes
both in one transaction. Nothing here reads a clock, a store or a file.
"""

from monitor.plans.acting import Act, RefusedError
from monitor.plans.acts import VERBS, act
from monitor.plans.aftermath import report_due
from monitor.plans.effects import ONLY_OBSERVED, Capture, Effect, Moved, Note, Tell, Why, owe, owed
from monitor.plans.moving import Facts, moments, move
from monitor.plans.reopening import beginning_again, reopened

__all__ = [
    "ONLY_OBSERVED",
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
    "beginning_again",
    "moments",
    "move",
    "owe",
    "owed",
    "reopened",
    "report_due",
]
