"""ESConv (arXiv 2106.01144) and FailedESConv: crowd talks with strategies, feedback and a survey."""

from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._fields import labels, some, text
from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._speakers import Side
from psyloom.formats.read._talk import case, dialogue, session
from psyloom.knowledge import label_set
from psyloom.records import Case, Dialogue, ItemRating, Rater, Rating, Scenario, Source, Speaker, Subject

STRATEGIES = label_set("esconv_strategy")
# In the failed dialogues the seeker is called speaker and the supporter listener.
_WORDS: dict[str, Side] = {"speaker": "client", "listener": "counselor"}
_SURVEYS: dict[str, Speaker] = {"seeker": "client", "supporter": "counselor"}


def _strategy(message: dict[str, Any], _: Speaker) -> dict[str, Any]:
    annotation = dict(message.get("annotation") or {})
    word = text(annotation, "strategy")
    found = labels("esconv_strategy", word)
    if word and word not in {term.en for term in STRATEGIES.terms}:
        annotation["strategy"] = word  # an older spelling: the label is unified, the word is kept
    message.pop("annotation", None)
    message.update(some(annotation=annotation or None))
    return {"labels": found}


def _read(item: Item) -> Iterator[Dialogue | Rating]:
    row = dict(item.value)
    told = session(item, "dialog", row.pop("dialog"), _WORDS, _strategy)
    survey = row.pop("survey_score", None) or {}
    who = _case(item, row, survey.get("seeker") or {})
    found = dialogue(item, told, case=who, extra=row)
    yield found
    for name, side in _SURVEYS.items():
        if scores := survey.get(name):
            yield Rating(
                id=f"{found.id}-{name}",
                subject=Subject(dialogue=found.id),
                rater=Rater(kind="human", name=name, perspective=side),
                instrument="esconv_survey",
                scale=(1, 5),
                items=[ItemRating(item=key, value=_number(value)) for key, value in scores.items()],
            )


def _case(item: Item, row: dict[str, Any], scores: dict[str, Any]) -> Case:
    scenario = Scenario(
        situation=text(row, "situation"),
        type=[kind] if (kind := text(row, "problem_type")) else [],
        emotion=text(row, "emotion_type"),
        severity_before=_number(scores.get("initial_emotion_intensity")),
        severity_after=_number(scores.get("final_emotion_intensity")),
    )
    return case(item, scenario=scenario, extra=some(experience_type=row.pop("experience_type", None)) or None)


def _number(value: Any) -> int | float | None:
    """Scores are written as strings."""
    return int(value) if isinstance(value, str) and value.isdecimal() else None if isinstance(value, str) else value


FORMAT = Format(
    "esconv",
    "ESConv and FailedESConv",
    Source(
        name="ESConv",
        licence="CC-BY-NC-4.0",
        url="https://github.com/thu-coai/Emotional-Support-Conversation",
        synthetic=False,
    ),
    (Layout("each", keys("experience_type", "emotion_type", "problem_type", "situation", "dialog"), _read),),
)
