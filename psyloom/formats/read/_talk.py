"""From released messages, pairs and lines to sessions and dialogues. Every reader makes its records through here."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from psyloom.formats.read._fields import lang_of, some, thinking
from psyloom.formats.read._format import Item, Unreadable
from psyloom.formats.read._lines import KNOWN, Said, left_open, manner, name, said
from psyloom.formats.read._speakers import OTHER, Side, lettered, side, sides, unsettled
from psyloom.records import Case, Dialogue, Element, Label, Lang, Session, Speaker, Turn

Dress = Callable[[dict[str, Any], Speaker], dict[str, Any]]
"""Takes what it knows out of a message and returns it as fields of the turn; but for the text, what stays becomes
``extra``."""

_ROLES = ("role", "from", "speaker", "participant", "sender")
_TEXTS = ("content", "value", "text", "message", "utterance")
_THOUGHTS = ("reasoning_content", "thinking", "thought")
_NOBODY: Mapping[str, Side] = {}


def listed(field: str, value: Any) -> list[dict[str, Any]]:
    """A list of objects. Arrow keeps such lists as an object of equally long lists: these are turned around."""
    columns = list(value.values()) if isinstance(value, dict) else []
    if columns and all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns):
        value = [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Unreadable(field, "is not a list of objects")
    return value


def session(
    item: Item,
    field: str,
    messages: Any,
    words: Mapping[str, Side] = _NOBODY,
    dress: Dress | None = None,
    notes: Mapping[str, Any] | None = None,
) -> Session:
    """A session from a list of message objects.

    Args:    field: where the messages stand in the record.   words: speaker words of this format, before the usual.
             Names come from ``item.speakers``.
             notes: of the session; system messages and what third persons say are added to them. A dialogue
             takes the system message over as ``extra["system"]``.
    Raises:  Unreadable when nobody can be told to be client or counselor.
    """
    rows = listed(field, messages)
    roles = [_taken(row, _ROLES) for row in rows]
    known = sides([str(role) for _, role in roles if role], item.speakers, words)
    if trouble := unsettled(known):
        raise Unreadable(field, trouble)
    whole = [known.get(str(role)) if role else None for _, role in roles]
    written = dict(notes or {})
    named = {who: {str(role) for (_, role), one in zip(roles, whole, strict=True) if one == who} for who in OTHER}
    turns: list[Turn] = []
    for at, (row, (key, role), who) in enumerate(zip(rows, roles, whole, strict=True)):
        where = f"{field}.{at}"
        if not role:
            who = _guess(item, where, whole, at)
        if who == "system":
            written["system"] = _join(written.get("system"), _parts(_taken(row, _TEXTS)[1])[0])
        elif who is None:
            item.note(where, f"{role!r} is neither client nor counselor: put into the session's notes")
            written["others"] = [*written.get("others", []), {"before_turn": len(turns), **row}]
        else:
            # A role word says no more than the side; a name does and is kept, and so is which client of several.
            kept = side(str(role), words) is None or (lettered(str(role)) and len(named[who]) > 1)
            rest = {k: v for k, v in row.items() if k != key or kept}
            turns.append(_message(item, where, who, rest, dress))
            whole[at] = who
    return Session(turns=turns, notes=written)


def pairs(item: Item, field: str, history: Any) -> list[dict[str, Any]]:
    """Messages of a history of [client, counselor] pairs."""
    rows = [] if history is None else history
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == 2 for row in rows):
        raise Unreadable(field, "is not a list of pairs")
    return [m for c, k in rows for m in ({"role": "client", "content": c}, {"role": "counselor", "content": k})]


def lines(
    item: Item,
    field: str,
    text: str,
    words: Mapping[str, Side] = _NOBODY,
    prefix: re.Pattern[str] = KNOWN,
    notes: Mapping[str, Any] | None = None,
) -> Session:
    """A session from text with prefixed lines; what stands before the first one becomes the note "before"."""
    before, passages = said(text, prefix)
    if passages and not passages[-1].text:
        item.note(field, f"ends in an open prefix {passages.pop().name!r}: cut off")
    rows = [_row(passage) for passage in passages]
    return session(item, field, rows, words, notes={**some(before=before or None), **(notes or {})})


def prefixed(item: Item, field: str, strings: Any, prefix: re.Pattern[str] = KNOWN) -> list[dict[str, Any]]:
    """Messages of a list of strings, each with its speaker's prefix."""
    if not isinstance(strings, list) or not all(isinstance(one, str) for one in strings):
        raise Unreadable(field, "is not a list of texts")
    marks = [prefix.match(one) for one in strings]
    return [
        {"speaker": name(mark), "content": one[mark.end() :], **some(directions=_manners(mark))}
        if mark
        else {"content": one}
        for one, mark in zip(strings, marks, strict=True)
    ]


def dialogue(
    item: Item,
    *sessions: Session,
    own: str | int | None = None,
    lang: Lang | None = None,
    case: Case | None = None,
    labels: Sequence[Label] = (),
    extra: Mapping[str, Any] | None = None,
) -> Dialogue:
    """A dialogue of this item. ``own``: the id in the source; ``extra``: what of the item is left over.

    Raises: Unreadable when nothing was said.
    """
    left = dict(extra or {})
    prompts = {str(one.notes["system"]) for one in sessions if "system" in one.notes}
    if len(prompts) == 1:  # the prompt under which a counselor always spoke belongs to the dialogue
        left.setdefault("system", prompts.pop())
        for one in sessions:
            one.notes.pop("system", None)
    turns = [turn for one in sessions for turn in one.turns]
    speakers = {turn.speaker for turn in turns}
    if not turns:
        raise Unreadable("", "holds no message")
    if len(speakers) == 1:
        item.note("", f"only the {turns[0].speaker} speaks")
    return Dialogue(
        id=item.id(own),
        lang=lang or item.format.lang or lang_of(" ".join(turn.text for turn in turns[:6])),
        sessions=list(sessions),
        case=case,
        labels=list(labels),
        source=item.format.source,
        extra=left,
    )


def case(item: Item, own: str | int | None = None, lang: Lang | None = None, **facets: Any) -> Case:
    """A case of this item; facets and fields that are None are left out."""
    given = some(**facets)
    language = lang or item.format.lang or lang_of(" ".join(_strings(given.values())))
    return Case(id=item.id(own), lang=language, source=item.format.source, **given)


def _message(item: Item, where: str, who: Speaker, rest: dict[str, Any], dress: Dress | None) -> Turn:
    fields = dress(rest, who) if dress else {}
    key, content = _taken(rest, _TEXTS)
    rest.pop(key, None)
    spoken, others = _parts(content)
    if others:
        rest["parts"] = others
    if who == "counselor" and "<think>" in spoken[:20]:
        thought, spoken = thinking(spoken)
        fields["thought"] = [*thought, *fields.get("thought", [])]
    for key_ in _THOUGHTS:
        if isinstance(rest.get(key_), str) and (reasoned := rest.pop(key_)).strip():
            fields["thought"] = [*fields.get("thought", []), Element(name=key_, text=reasoned.strip())]
    return Turn(speaker=who, text=_clean(item, where, spoken, who), extra=rest, **fields)


def _clean(item: Item, where: str, spoken: str, who: Speaker) -> str:
    spoken = spoken.strip()
    if (start := left_open(spoken)) is not None:
        item.note(where, f"an open prefix {spoken[start:].strip()!r} was left at its end: cut off")
        spoken = spoken[:start].rstrip()
    if (":" in spoken[:24] or "：" in spoken[:24]) and (mark := KNOWN.match(spoken)):
        if sides([name(mark)])[name(mark)] == who:
            spoken = manner(mark) + spoken[mark.end() :]
        else:
            item.note(where, f"the {who}'s message begins with {mark[0].strip()!r}")
    if not spoken:
        item.note(where, "empty message")
    return spoken


def _guess(item: Item, where: str, whole: list[Side | None], at: int) -> Speaker:
    """Who speaks where no role is given: the other one than before, else than after, else the client."""
    before = next((who for who in reversed(whole[:at]) if who in OTHER), None)
    after = next((who for who in whole[at + 1 :] if who in OTHER), None)
    guess = OTHER.get(before or after or "counselor", "client")
    item.note(where, f"no role is given: taken as the {guess}")
    return guess


def _taken(row: dict[str, Any], keys: tuple[str, ...]) -> tuple[str, Any]:
    return next(((key, row[key]) for key in keys if row.get(key) is not None), ("", None))


def _parts(content: Any) -> tuple[str, list[Any]]:
    """The text of a message's content, which may be a list of typed parts, and the parts that are no text."""
    if isinstance(content, list):
        spoken = [part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)]
        return "\n".join(spoken), [part for part in content if not isinstance(part, dict) or "text" not in part]
    return "" if content is None else str(content), []


def _row(passage: Said) -> dict[str, Any]:
    return {"speaker": passage.name, "content": passage.text} | (
        {"directions": passage.directions} if passage.directions else {}
    )


def _manners(mark: re.Match[str]) -> list[str] | None:
    return [told] if (told := manner(mark)) else None


def _join(before: Any, more: Any) -> str:
    return "\n\n".join(str(one) for one in (before, more) if one)


def _strings(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from _strings(value.values())
        elif isinstance(value, list):
            yield from _strings(value)
        elif hasattr(value, "leaves"):
            yield from (words for _, words in value.leaves())
