"""Step 7 of Psy-Insight: five views of an annotated session for instruction tuning.

    d       Therapist: ...
    r_d     Reasoning: ... Therapist: ...
    o_r_d   Observation: ... (of the last client turn) Reasoning: ... Therapist: ...
    only_r  both turns are given, the answer is the reasoning
    only_o  both turns are given, the answer is the observation

``MIX`` is the paper's staged recipe: first the two explaining views, then the dialogue.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Literal, NamedTuple, get_args

from psyloom.formats.write.examples import JOINT, Example, Message
from psyloom.records import Dialogue, Lang, Session, Speaker, Turn
from psyloom.systems.psyinsight.ocr import said
from psyloom.systems.psyinsight.told import PREFIX, linked, of_session, of_turn

View = Literal["d", "r_d", "o_r_d", "only_r", "only_o"]
VIEWS: tuple[View, ...] = get_args(View)
MIX: tuple[tuple[View, ...], ...] = (("only_r", "only_o"), ("d",))
LIMIT = 4096 - 300  # tokens of a session, so that a reply fits behind it
HISTORY = 3  # turns of a linked session before, messages of a session that is split

SYSTEM: dict[Lang, str] = {
    "en": "You are a friendly, professional AI psychotherapist. What follows is a counseling case.\n"
    "The client's situation: {background}\nYour task: {task}",
    "zh": "你是一位友善、专业的 AI 心理治疗师。以下是一个咨询个案。\n来访者的情况：{background}\n你的任务：{task}",
}
# What of the explanations an answer holds, in this order.
WANTED: dict[View, tuple[str, ...]] = {
    "d": (), "r_d": ("reasoning",), "o_r_d": ("observation", "reasoning"), "only_r": ("reasoning",),
    "only_o": ("observation",),
}  # fmt: skip
UNKNOWN: dict[Lang, str] = {"en": "unknown", "zh": "不详"}
TASK: dict[View, dict[Lang, str]] = {
    "d": {"en": "answer the client as the therapist.", "zh": "以治疗师的身份回应来访者。"},
    "r_d": {
        "en": "first give the reasoning behind the reply, then answer the client as the therapist.",
        "zh": "先写出回应背后的推理，再以治疗师的身份回应来访者。",
    },
    "o_r_d": {
        "en": "first observe what the client's words show, then give the reasoning behind the reply, then answer.",
        "zh": "先观察来访者的话表明了什么，再写出回应背后的推理，然后回应。",
    },
    "only_r": {"en": "give the reasoning behind the therapist's words.", "zh": "写出治疗师这句话背后的推理。"},
    "only_o": {"en": "observe what the client's words show.", "zh": "观察来访者的话表明了什么。"},
}


def examples(
    dialogue: Dialogue,
    view: View,
    *,
    by: str | None = None,
    limit: int = LIMIT,
    count: Callable[[str], int] | None = None,
) -> Iterator[Example]:
    """One view of each session of an annotated dialogue; user and assistant alternate, the user first.

    A therapist's turn that lacks what the view explains is read, not learned. A session that is linked to the one
    before it and opens with the therapist begins with that one's last turns; a session longer than ``limit`` is cut,
    each later piece with the last messages of the piece before. History is never learned.

    Args:    by: whose explanations are taken; those of the source, and of any annotator, when not given.
             count: how many tokens a text has; without it, an estimate: a Chinese character or a word is one.
    """
    counted = count or estimate
    first = 0
    for number, session in enumerate(dialogue.sessions, 1):
        before = _linked_turns(dialogue, number - 1, by)
        system = _system(dialogue, session, view, by)
        messages = _messages([*before, *session.turns], view, dialogue.lang, by, first - len(before), len(before))
        first += len(session.turns)
        budget = limit - counted(system)
        pieces = list(_pieces(messages, budget, counted))
        for at, piece in enumerate(pieces, 1):
            if any(message.weight for message in piece):
                place = f"{dialogue.id}#session{number}" + (f".{at}" if len(pieces) > 1 else "")
                yield Example(f"{place}/{view}", dialogue.lang, system, tuple(piece))


def estimate(text: str) -> int:
    """Tokens of a text, roughly: Chinese characters, words and marks count one each."""
    return len(re.findall(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+|[^\w\s]", text))


# What is read and what is learned


class _Run(NamedTuple):
    """What one side says until the other speaks."""

    speaker: Speaker
    turns: list[Turn]
    at: int
    given: bool


def _messages(turns: Sequence[Turn], view: View, lang: Lang, by: str | None, first: int, given: int) -> list[Message]:
    """The session as messages; the first ``given`` turns are history."""
    runs = _runs(turns, first, given)
    start = next((at for at, run in enumerate(runs) if run.speaker == "client"), len(runs))
    messages: list[Message] = []
    for client, counselor in zip(runs[start::2], runs[start + 1 :: 2], strict=False):
        heard, replied = (PREFIX[lang][one.speaker] + _joined(one.turns, by) for one in (client, counselor))
        told = {"reasoning": _explained(counselor.turns, by), "observation": _explained(client.turns, by)}
        parts = [PREFIX[lang][kind] + text for kind in WANTED[view] if (text := told[kind])]
        learned = len(parts) == len(WANTED[view]) and not counselor.given
        if view in ("only_r", "only_o"):
            if not parts:
                continue
            heard = f"{heard}\n{replied}"
        else:
            parts.append(replied)
        answer = Message("assistant", "\n".join(parts), counselor.at, 1.0 if learned else 0.0)
        messages += [Message("user", heard, client.at), answer]
    return messages


def _runs(turns: Sequence[Turn], first: int, given: int) -> list[_Run]:
    numbered = [(at, turn) for at, turn in enumerate(turns)]
    found = []
    for (speaker, known), run in groupby(numbered, key=lambda one: (one[1].speaker, one[0] < given)):
        listed = list(run)
        found.append(_Run(speaker, [turn for _, turn in listed], first + listed[0][0], known))
    # History that ends with the side that opens the session would put two messages of one side in a row.
    at = next((n for n, run in enumerate(found) if not run.given), 0)
    if at and found[at - 1].speaker == found[at].speaker:
        del found[at - 1]
    return found


def _pieces(messages: Sequence[Message], budget: int, count: Callable[[str], int]) -> Iterator[list[Message]]:
    """Cut between exchanges' user and assistant, so that a later piece begins with the user too."""
    piece: list[Message] = []
    used = own = 0
    for at in range(0, len(messages), 2):
        size = sum(count(message.text) for message in messages[at : at + 2])
        if own and used + size > budget:
            yield piece
            kept = [replace(message, weight=0.0) for message in messages[max(0, at - 2) : at + 1]]
            piece, own = kept, 0
            used = sum(count(message.text) for message in kept)
        else:
            piece.append(messages[at])
            used += count(messages[at].text)
        piece.append(messages[at + 1])
        used += count(messages[at + 1].text)
        own += 1
    if piece:
        yield piece


def _linked_turns(dialogue: Dialogue, at: int, by: str | None) -> list[Turn]:
    """The last turns of the session before, when session ``at`` opens with the therapist and is linked to it."""
    turns = dialogue.sessions[at].turns
    if at == 0 or not turns or turns[0].speaker == "client" or not linked(dialogue, at, by)[1]:
        return []
    return dialogue.sessions[at - 1].turns[-HISTORY:]


def _system(dialogue: Dialogue, session: Session, view: View, by: str | None) -> str:
    background = of_session(dialogue, session, "background", by) or UNKNOWN[dialogue.lang]
    return SYSTEM[dialogue.lang].format(background=background, task=TASK[view][dialogue.lang])


def _joined(turns: Sequence[Turn], by: str | None) -> str:
    return JOINT.join(said(turn, by) for turn in turns)


def _explained(turns: Sequence[Turn], by: str | None) -> str | None:
    """The explanations of turns in a row; None when one of them has none."""
    told = [of_turn(turn, by) for turn in turns]
    return JOINT.join(text for text in told if text) if all(told) else None
