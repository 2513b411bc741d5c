"""What is told about a session, by annotators and by the source; and the session as Psy-Insight releases it."""

from collections.abc import Sequence
from typing import Any

from psyloom.knowledge import LabelSet
from psyloom.records import Dialogue, Label, Lang, Session, Turn
from psyloom.systems.psyinsight.explain import EXPLANATIONS, explanation
from psyloom.systems.psyinsight.ocr import said
from psyloom.systems.psyinsight.system import EMOTIONS, STRATEGIES, THERAPIES, TOPICS

PREFIX: dict[Lang, dict[str, str]] = {
    "en": {
        "client": "Client: ",
        "counselor": "Therapist: ",
        "reasoning": "Reasoning: ",
        "observation": "Observation: ",
    },
    "zh": {"client": "来访者：", "counselor": "治疗师：", "reasoning": "推理：", "observation": "观察："},
}


def of_turn(turn: Turn, by: str | None = None) -> str | None:
    """The explanation of a turn: an annotator's, else where the reader of the released files puts the source's."""
    if found := explanation(turn, by):
        return found
    if turn.speaker == "counselor":
        return next((element.text for element in turn.thought if element.name == "reasoning"), None)
    kept = turn.extra.get("observation")
    return kept if isinstance(kept, str) else None


def of_session(dialogue: Dialogue, session: Session, kind: str, by: str | None = None) -> str:
    """background, session_reasoning, summary, theme or guide of a session; "" where nobody wrote it."""
    found = next((label for label in _labels(session.labels, EXPLANATIONS.id, by) if label.id == kind), None)
    if found and found.reason:
        return found.reason
    if kind == "background":
        return str((dialogue.case.get("scenario.situation") if dialogue.case else None) or "")
    if kind == "summary":
        return session.summary or ""
    return str(session.notes.get("reasoning" if kind == "session_reasoning" else kind) or "")


def linked(dialogue: Dialogue, at: int, by: str | None = None) -> tuple[int, int]:
    """(is_same_qa, is_same_session) of session ``at`` with the one before it, as 0 or 1.

    What the source says of a released session counts where nobody annotated it.
    """
    labels = dialogue.sessions[at].labels
    kinds = {label.id for label in _labels(labels, EXPLANATIONS.id, by)}
    if not kinds and len(dialogue.sessions) == 1:
        kinds = {kind for kind in ("same_qa", "same_session") if dialogue.extra.get(f"is_{kind}") == 1}
    return int("same_qa" in kinds), int("same_session" in kinds)


def session_row(dialogue: Dialogue, at: int = 0, by: str | None = None) -> dict[str, Any]:
    """Session ``at`` in the shape of the released files, with all twelve fields; labels by their English names."""
    session, own = dialogue.sessions[at], dialogue.id.removeprefix("psyinsight-")
    same_qa, same_session = linked(dialogue, at, by)
    told = {key: of_session(dialogue, session, key, by) for key in ("theme", "guide", "background", "summary")}
    return {
        "dialog_id": own if len(dialogue.sessions) == 1 else f"{own}-{at + 1}",
        "theme": told["theme"],
        "psychotherapy": _name(THERAPIES, session.labels, by),
        "topic": _name(TOPICS, [*session.labels, *dialogue.labels], by),
        "stage": _stage(dialogue, at),
        "guide": told["guide"],
        "is_same_qa": same_qa,
        "is_same_session": same_session,
        "background": told["background"],
        "reasoning": of_session(dialogue, session, "session_reasoning", by),
        "dialog": [_turn_row(turn, f"{at}-{n}", dialogue.lang, by) for n, turn in enumerate(session.turns)],
        "summary": told["summary"],
    }


def _turn_row(turn: Turn, id_: str, lang: Lang, by: str | None) -> dict[str, Any]:
    client = turn.speaker == "client"
    name = PREFIX[lang][turn.speaker].rstrip(":： ")
    participant = str(turn.extra.get("participant") or name)
    row = {
        "speaker": "Seeker" if client else "Supporter",
        "participant": participant,
        "content": said(turn, by),
        "id": str(turn.extra.get("id") or id_),
    }
    labels = EMOTIONS if client else STRATEGIES
    names = [labels[label.id].en for label in _labels(turn.labels, labels.id, by) if label.id in labels]
    told = of_turn(turn, by) or ""
    return row | ({"emotional label": names, "observation": told} if client else {"strategy": names, "reasoning": told})


def _labels(labels: Sequence[Label], name: str, by: str | None) -> list[Label]:
    """Labels of a set: those of ``by``, else whatever stands there."""
    found = [label for label in labels if label.set == name]
    return [label for label in found if label.by == by] or found if by else found


def _name(labels: LabelSet, given: Sequence[Label], by: str | None) -> str:
    return next((labels[label.id].en for label in _labels(given, labels.id, by) if label.id in labels), "")


def _stage(dialogue: Dialogue, at: int) -> str:
    """The source's stage, else the number of the session where there are several."""
    session = dialogue.sessions[at]
    if named := next((label.id for label in session.labels if label.set == "psyinsight_stage"), None):
        return named
    if len(dialogue.sessions) == 1:
        return "Unknown Session"
    number = at + 1
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending} Session"
