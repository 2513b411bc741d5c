"""The two data sets of IntentionESC, from the same kept chains: D_fullCoT (whole chain) and D_SA (strategy, answer)."""

from collections.abc import Iterator

from psyloom.agents.annotating import talk_of
from psyloom.agents.talk import TalkView
from psyloom.knowledge.labels import loaded
from psyloom.records import Dialogue, Lang, Turn
from psyloom.systems.intentionesc.annotator import OF_SET

ASKED: dict[str, dict[Lang, str]] = {
    "full": {
        "en": "Continue as the supporter: state, intention, strategy, response.",
        "zh": "请以支持者的身份接下去：先写状态、意图、策略，再写回应。",
    },
    "short": {
        "en": "Continue as the supporter: strategy, response.",
        "zh": "请以支持者的身份接下去：写出策略和回应。",
    },
}
NAMES: dict[Lang, tuple[str, str]] = {"en": ("Seeker", "Supporter"), "zh": ("求助者", "支持者")}


def kept(dialogue: Dialogue) -> Iterator[tuple[list[Turn], Turn]]:
    """(what was said before, the turn) for every turn with a verified chain."""
    for session in dialogue.sessions:
        for at, turn in enumerate(session.turns):
            if "intentionesc" in turn.extra:
                yield session.turns[:at], turn


def d_full_cot(dialogue: Dialogue) -> Iterator[dict[str, str]]:
    """D_fullCoT: ``instruction``, ``input`` (the history), ``output`` (state, intention, strategy, response)."""
    for before, turn in kept(dialogue):
        steps = "\n".join(f"{one.name}: {one.text}" for one in turn.thought)
        yield _row(dialogue, "full", before, f"{steps}\n{_answer(turn, dialogue.lang)}")


def d_sa(dialogue: Dialogue) -> Iterator[dict[str, str]]:
    """D_SA: the same turns with strategy and response alone."""
    for before, turn in kept(dialogue):
        yield _row(dialogue, "short", before, _answer(turn, dialogue.lang))


def _answer(turn: Turn, lang: Lang) -> str:
    label = next(label for label in turn.labels if label.set in OF_SET)
    return f"strategy: {loaded(label.set)[label.id].name(lang)}\nresponse: {turn.text}"


def _row(dialogue: Dialogue, form: str, before: list[Turn], output: str) -> dict[str, str]:
    history = TalkView(talk_of(before, dialogue.lang), dialogue.lang).lines(*NAMES[dialogue.lang])
    return {"instruction": ASKED[form][dialogue.lang], "input": history, "output": output}
