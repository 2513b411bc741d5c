"""AutoCBT (arXiv 2501.09426): forum questions with answers of people, of AutoCBT and of its baselines, and scores."""

import re
from collections.abc import Iterator
from typing import Any

from psyloom.formats.read._fields import lang_of, text
from psyloom.formats.read._format import Format, Item, Layout, keys
from psyloom.formats.read._lines import prefixes, speaks
from psyloom.formats.read._speakers import Side
from psyloom.formats.read._talk import case, dialogue, prefixed, session
from psyloom.records import Answer, Case, Dialogue, ItemRating, Post, Rater, Rating, Source, Subject

# The one who consults, not who is consulted.
_WORDS: dict[str, Side] = {"consultant": "client", "咨询者": "client"}
_PREFIX = prefixes("consultant", "counselor", "咨询者", "心理咨询师", "咨询师")
_LEFT_OVER = re.compile(r"^\s*[:：]\s*|\s*\n\[\s*$")  # of the reply's delimiters
_SCORE = re.compile(r"""["']?([\w ]*?)(?:_Score|分数|得分)["']?\s*[:：]\s*(\d+(?:\.\d+)?)""")
# The judge's keys in both locales -> items of the instrument; a Chinese judge has several words for one of them.
_ITEMS = {
    "共情": "empathy", "辨识": "belief", "信念": "belief", "识别": "belief", "反思": "reflection", "策略": "strategy",
    "鼓励": "encouragement", "相关性": "relevance",
}  # fmt: skip
_MOST = 7


def _read(item: Item) -> Iterator[Case | Dialogue | Rating]:
    """A question; with ``cbt_answer`` a talk of one exchange whose trace stays in ``cbt_history``."""
    row = dict(item.value)
    asked = [part for key in ("question", "description") if (part := text(row, key))]
    post = Post(
        title=asked[0] if len(asked) > 1 else None,
        text=asked[-1] if asked else "",
        topic=text(row, "keywords"),
        answers=_answers(row),
    )
    own = _own(item, row)
    about = {key: row.pop(key) for key in ("history_time", "labels_sequence") if key in row}
    who = case(item, own, post=post, extra=about or None)
    answer = text(row, "cbt_answer")
    if answer is None:
        yield who.model_copy(update={"extra": who.extra | row})
        return
    scores = row.pop("cbt_history_score", None) or {}
    messages = [{"role": "client", "content": "\n".join(asked)}, {"role": "counselor", "content": _clean(answer)}]
    found = dialogue(item, session(item, "messages", messages), own=own, lang=who.lang, case=who, extra=row)
    yield found
    for at, replies in scores.items():
        yield from (_rating(found, at, sample, str(reply)) for sample, reply in enumerate(replies))


def _own(item: Item, row: dict[str, Any]) -> str:
    """The question's id names the baseline's answers too: the file tells whose answer it is."""
    own = text(row, "questionID")
    return f"{item.file.place.replace('/', '-')}-{own or item.number}"


def _answers(row: dict[str, Any]) -> list[Answer]:
    """English: texts, and the therapist's number. Chinese: objects with the text and labels of its parts."""
    given = row.pop("answers", None) or []
    author = text(row, "therapist")
    return [
        Answer(text=str(one.get("answer_text") or ""), extra={k: v for k, v in one.items() if k != "answer_text"})
        if isinstance(one, dict)
        else Answer(text=str(one).strip(), author=author)
        for one in given
    ]


def _rating(found: Dialogue, at: str, sample: int, reply: str) -> Rating:
    """One judgment of one counselor message of the trace, 0 to 7 on six dimensions; one with a score above is invalid."""
    given = [(_ITEMS.get(name.strip(), name.strip().lower()), float(value)) for name, value in _SCORE.findall(reply)]
    valid = all(value <= _MOST for _, value in given)
    failure = None if valid else f"a score above {_MOST} invalidates the judgment"
    scores = [ItemRating(item=name, value=value if valid else None, failure=failure) for name, value in given]
    return Rating(
        id=f"{found.id}-message{at}-{sample + 1}",
        subject=Subject(dialogue=found.id),
        rater=Rater(kind="model", name="gpt-4o-mini-2024-07-18"),
        instrument="autocbt",
        scale=(0, _MOST),
        items=scores or [ItemRating(item="total", failure="no scores in the judge's reply")],
        sample=sample,
        extra={"message": at, "reply": reply},
    )


def _read_talk(item: Item) -> Iterator[Dialogue]:
    """A list of texts by consultant and counselor."""
    told = session(item, "lines", prefixed(item, "lines", [_clean(one) for one in item.value], _PREFIX), _WORDS)
    yield dialogue(item, told, lang=lang_of(" ".join(item.value)))


def _clean(reply: str) -> str:
    return _LEFT_OVER.sub("", reply).strip()


def _is_talk(value: Any) -> str | None:
    good = isinstance(value, list) and value and all(isinstance(one, str) for one in value)
    named = good and speaks(value, "consultant", "counselor", "咨询者", "心理咨询师")
    return "lists of texts by consultant and counselor" if named and not speaks(value, "counselor") else None


FORMAT = Format(
    "autocbt",
    "AutoCBT questions, answers, traces and scores",
    Source(
        name="AutoCBT",
        licence="CC0-1.0; its questions unknown (TherapistQA) or under agreement (PsyQA)",
        url="https://github.com/CAS-SIAT-XinHai/XinHaiLLM",
    ),
    (
        Layout("each", keys("question", "questionID", "answers"), _read),
        Layout("each", keys("question", "description", "cbt_answer"), _read),
        Layout("each", _is_talk, _read_talk),
    ),
)
