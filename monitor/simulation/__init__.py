"""An emergency plan tried against a recording in virtual time, by people who do not exist, from its opening to its end."""

from monitor.simulation.people import Answers
from monitor.simulation.playing import Played, PlayedRun, about, play
from monitor.simulation.telling import lines

__all__ = ["Answers", "Played", "PlayedRun", "about", "lines", "play"]
