"""Asking, seeing, talking: what every system is written with."""

from psyloom.agents.ask import Ask, Check
from psyloom.agents.desk import Desk, Models
from psyloom.agents.guards import take_end
from psyloom.agents.pairing import Pairing
from psyloom.agents.replying import Replying
from psyloom.agents.roles import Annotator, Client, Counselor, Role, Rules, Writer
from psyloom.agents.script import Line, Range, Script, ScriptRules, TurnsCheck, write_script
from psyloom.agents.session import converse, said
from psyloom.agents.sight import Sight
from psyloom.agents.talk import Steady, Talk

__all__ = [
    "Annotator",
    "Ask",
    "Check",
    "Client",
    "Counselor",
    "Desk",
    "Line",
    "Models",
    "Pairing",
    "Range",
    "Replying",
    "Role",
    "Rules",
    "Script",
    "ScriptRules",
    "Sight",
    "Steady",
    "Talk",
    "TurnsCheck",
    "Writer",
    "converse",
    "said",
    "take_end",
    "write_script",
]
