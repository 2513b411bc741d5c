"""The review of finished records: form, path and severity beside what review.py finds in the words.

Writing keeps most of these rules by construction; records that were read, edited or written elsewhere need the look.
"""

from collections.abc import Iterator

from psyloom.knowledge import Term
from psyloom.records import Dialogue, Scenario, Turn
from psyloom.safety.review import RULES
from psyloom.systems.cadss.writer import LONGEST, QUADRUPLE, SHORTEST, STRATEGIES

Fault = tuple[str, str]
"""(rule, what exactly breaks it)"""


def strategy_of(turn: Turn) -> Term | None:
    """The strategy that a turn carries."""
    return next((found for one in turn.labels if one.set == STRATEGIES.id and (found := STRATEGIES.find(one.id))), None)


def path_of(dialogue: Dialogue) -> list[str]:
    """The path as the session notes it, else as the scenario sets it."""
    noted = next((session.notes["path"] for session in dialogue.sessions if "path" in session.notes), None)
    if isinstance(noted, list):
        return [str(one) for one in noted]
    return dialogue.case.scenario.path if dialogue.case and dialogue.case.scenario else []


def faults(dialogue: Dialogue) -> Iterator[Fault]:
    """Every rule of the review that a record breaks; duplicates are found over a whole file.

    Rules:  schema, path, greeting, closing, length, severity; diagnosis, medication, cure, risk.
    """
    yield from _schema(dialogue)
    yield from _path(dialogue)
    if not SHORTEST <= len(dialogue.turns) <= LONGEST:
        yield "length", f"{len(dialogue.turns)} messages; {SHORTEST} to {LONGEST} are allowed"
    scenario = (dialogue.case and dialogue.case.scenario) or Scenario()
    before, after = scenario.severity_before, scenario.severity_after
    if before is not None and after is not None and after > before:
        yield "severity", f"{before:g} before, {after:g} after"
    said = [(turn.speaker, turn.text) for turn in dialogue.turns]
    yield from ((name, words["en"]) for name, (broken, words) in RULES.items() if broken(said, dialogue.lang))


def _schema(dialogue: Dialogue) -> Iterator[Fault]:
    scenario = (dialogue.case and dialogue.case.scenario) or Scenario()
    for field, labels in QUADRUPLE.items():
        words = getattr(scenario, field)
        strays = [word for word in words if word not in labels]
        if strays or not words:
            yield "schema", f"{field}: {strays[0]!r} is no label" if strays else f"{field} is missing"
    if None in (scenario.severity_before, scenario.severity_after) or not scenario.situation:
        yield "schema", "a level or the situation is missing"
    for at, turn in enumerate(dialogue.turns, 1):
        if turn.speaker == "counselor" and strategy_of(turn) is None:
            yield "schema", f"message {at} has no strategy"


def _path(dialogue: Dialogue) -> Iterator[Fault]:
    spoken = [strategy_of(turn) for turn in dialogue.turns if turn.speaker == "counselor"]
    used, wanted = [one.id if one else "" for one in spoken], [_id(word) for word in path_of(dialogue)]
    if used != wanted:
        yield "path", f"{' '.join(used)} instead of {' '.join(wanted) or 'a path'}"
    first = dialogue.turns[0] if dialogue.turns else None
    if "opening_greeting" in wanted and not (first and first.speaker == "counselor" and used[0] == "opening_greeting"):
        yield "greeting", "the first message is no greeting of the counselor"
    if "closing_words" in wanted and used[-1:] != ["closing_words"]:
        yield "closing", "the counselor's last message does not close"


def _id(word: str) -> str:
    found = STRATEGIES.find(word)
    return found.id if found else word
