"""The two data sets of IntentionESC, from the same kept chains: D_fullCoT (whole chain) and D_SA (strategy, answer)."""

from collections.abc import Callable, Iterator
from typing import Any

from psyloom.agents.annotating import own, talk_of
from psyloom.agents.talk import TalkView
from psyloom.formats.write import Writer
from psyloom.formats.write.writer import by_dialogue
from psyloom.knowledge.labels import loaded
from psyloom.records import Dialogue, Element, Lang, Turn
from psyloom.systems.intentionesc.annotator import DROPPED, KEPT, OF_SET

Row = dict[str, Any]
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
SIDES: dict[Lang, tuple[str, str]] = {"en": ("Seeker", "Supporter"), "zh": ("求助者", "支持者")}
ZH = {
    "emotion": "情绪", "stimulus": "诱因", "appraisal": "个体评价", "need": "需求", "primary": "主要意图",
    "secondary": "次要意图", "goal": "目标", "motivation": "动机", "expectation": "预期", "strategy_reason": "策略理由",
    "strategy": "策略", "response": "回应",
}  # fmt: skip


def kept(dialogue: Dialogue, by: str | None = None) -> Iterator[tuple[str, int, list[Turn], Turn]]:
    """(annotator, place in the dialogue, what was said before in the session, the turn) for every verified chain.

    by: whose; that of the annotator who came first at each turn, when not given.
    """
    place = 0
    for session in dialogue.sessions:
        for at, turn in enumerate(session.turns):
            of = turn.extra.get(KEPT)
            if isinstance(of, dict) and of and by in (None, *of):
                yield by or next(iter(of)), place + at, session.turns[:at], turn
        place += len(session.turns)


def d_full_cot(dialogue: Dialogue, by: str | None = None) -> Iterator[Row]:
    """D_fullCoT: ``instruction``, ``input`` (the history), ``output`` (state, intention, strategy, response)."""
    for who, _, before, turn in kept(dialogue, by):
        steps = "\n".join(_line(one.name, _cited(one), dialogue.lang) for one in turn.reasoning(who))
        yield _row(dialogue, "full", before, f"{steps}\n{_answer(turn, dialogue.lang)}")


def d_sa(dialogue: Dialogue, by: str | None = None) -> Iterator[Row]:
    """D_SA: the same turns with strategy and response alone."""
    for _, _, before, turn in kept(dialogue, by):
        yield _row(dialogue, "short", before, _answer(turn, dialogue.lang))


def mixture(dialogue: Dialogue, by: str | None = None) -> Iterator[Row]:
    """Both, 1:1; the instruction tells which output is wanted."""
    for pair in zip(d_full_cot(dialogue, by), d_sa(dialogue, by), strict=True):
        yield from pair


def records(dialogue: Dialogue, by: str | None = None) -> Iterator[Row]:
    """Every turn that a chain was written for: the kept ones with their chain, the dropped ones with the reason."""
    for who, place, before, turn in kept(dialogue, by):
        of = own(turn.extra, KEPT, who)
        chain = dict(of) if isinstance(of, dict) else {}
        verifier, human_check = chain.pop("verifier", None), chain.pop("human_check", False)
        yield {
            "id": f"{dialogue.id}-{place}", "source_id": dialogue.id, "turn_index": place, "dialog": _dialog(before),
            "chain": chain, "gold_strategy": _strategy(turn, "en"), "gold_response": turn.text, "verifier": verifier,
            "kept": True, "human_check": human_check,
        }  # fmt: skip
    dropped = dialogue.extra.get(DROPPED)
    for who, rows in dropped.items() if isinstance(dropped, dict) else ():
        for row in rows if isinstance(rows, list) and by in (None, who) else ():
            yield {"source_id": dialogue.id, "kept": False, **(row if isinstance(row, dict) else {})}


def _dialog(before: list[Turn]) -> list[Row]:
    sides = {"client": "seeker", "counselor": "supporter"}
    return [{"speaker": sides[turn.speaker], "content": turn.text} for turn in before]


def _answer(turn: Turn, lang: Lang) -> str:
    return f"{_line('strategy', _strategy(turn, lang), lang)}\n{_line('response', turn.text, lang)}"


def _strategy(turn: Turn, lang: Lang) -> str:
    label = next(label for label in turn.labels if label.set in OF_SET)
    return loaded(label.set)[label.id].name(lang)


def _cited(one: Element) -> str:
    return f"{one.text} “{one.evidence}”" if one.evidence else one.text


def _line(name: str, text: str, lang: Lang) -> str:
    return f"{ZH[name]}：{text}" if lang == "zh" else f"{name}: {text}"


def _row(dialogue: Dialogue, form: str, before: list[Turn], output: str) -> Row:
    history = TalkView(talk_of(before, dialogue.lang), dialogue.lang).lines(*SIDES[dialogue.lang])
    return {"instruction": ASKED[form][dialogue.lang], "input": history, "output": output}


def _writer(name: str, title: str, rows: Callable[[Dialogue, str | None], Iterator[Row]]) -> Writer:
    cut = by_dialogue(lambda dialogue, plan: rows(dialogue, plan.options.annotator))
    return Writer(f"intentionesc.{name}", title, cut, (".json", ".jsonl"), frozenset({"annotator"}))


WRITERS = (
    _writer("full_cot", "D_fullCoT: the whole chain", d_full_cot),
    _writer("sa", "D_SA: strategy and response alone", d_sa),
    _writer("mixture", "D_fullCoT and D_SA, 1:1", mixture),
    _writer("records", "kept chains and dropped turns with their verdicts", records),
)
