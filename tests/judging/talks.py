"""Small dialogues and answers for the tests of judging."""

from typing import Any

from psyloom.knowledge.instruments import Instrument
from psyloom.records import Case, Dialogue, Intake, ItemRating, Lang, Rater, Rating, Session, Subject, Turn

LINES: dict[Lang, list[str]] = {
    "zh": [
        "你好，今天想聊些什么？",
        "最近老睡不着，躺下脑子就停不下来。",
        "躺下的时候，脑子里转的是什么？",
        "领导说我的方案“没想清楚”……我觉得自己不行。",
        "“自己不行”这个念头，你有多相信？",
        "夜里九成，白天一半吧。",
    ],
    "en": [
        "Hello, what brings you here today?",
        "I cannot sleep, my head will not stop.",
        "What goes through your head when you lie down?",
        "My boss said the plan was not thought through... I feel I am no good.",
        "How far do you believe that thought?",
        "Ninety percent at night, half by day.",
    ],
}


def dialogue(lang: Lang = "zh", id_: str = "d1", case: bool = True, sessions: int = 1, **more: Any) -> Dialogue:
    """A dialogue of six messages a session, counselor first, about a case with an intake form."""
    turns = [Turn(speaker="counselor" if n % 2 == 0 else "client", text=t) for n, t in enumerate(LINES[lang])]
    problem = {"zh": "两个月来入睡困难，白天没精神。", "en": "Hard to fall asleep for two months, tired by day."}[lang]
    intake = Intake(problem=problem) if case else None
    return Dialogue(
        id=id_, lang=lang, case=Case(id=id_, lang=lang, intake=intake, **more),
        sessions=[Session(turns=[turn.model_copy() for turn in turns]) for _ in range(sessions)],
    )  # fmt: skip


def judged(value: Any, quote: str | None = LINES["zh"][1]) -> dict[str, Any]:
    """A judge's answer about one item."""
    return {"evidence": [quote] if quote else [], "reason": "因此如此。", "value": value}


def rating(
    instrument: Instrument, values: dict[str, Any], dialogue: str = "d1", rater: str = "human:A", sample: int = 0,
    moment: Any = None, turn: int | None = None, **extra: Any,
) -> Rating:  # fmt: skip
    """A rating as any rater would have made it."""
    kind, _, name = rater.partition(":")
    return Rating(
        id=f"{instrument.id}/{dialogue}/{rater}/{sample}/{moment}/{turn}",
        subject=Subject(dialogue=dialogue, moment=moment, turn=turn),
        rater=Rater.model_validate({"kind": kind, "name": name}),
        instrument=instrument.id,
        instrument_version=instrument.version,
        scale=instrument.scale,
        items=[ItemRating(item=item, value=value) for item, value in values.items()],
        sample=sample,
        extra=extra,
    )


def filled(instrument: Instrument, value: Any) -> dict[str, Any]:
    """The same value for every item."""
    return {item.id: value for item in instrument.items}
