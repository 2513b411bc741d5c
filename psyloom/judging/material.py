"""What a judge's prompt shows: the excerpt, what is known of the client, and the items, in one language."""

from collections.abc import Sequence
from typing import Any

from psyloom.agents.talk import NAMES
from psyloom.judging.excerpts import Excerpt
from psyloom.knowledge.instruments import Instrument
from psyloom.knowledge.items import Item
from psyloom.records import Element, Lang, Session, Turn

_SESSION = {"en": "Session {}", "zh": "第 {} 次会谈"}
_ABOUT = {
    "en": {
        "counselor": "the counselor's work",
        "client": "the client's state",
        "alliance": "the alliance of client and counselor",
        "dialogue": "the dialogue as a whole",
    },
    "zh": {
        "counselor": "咨询师的工作",
        "client": "来访者的状态",
        "alliance": "来访者与咨询师之间的同盟",
        "dialogue": "整段对话",
    },
}


def material(excerpt: Excerpt, instrument: Instrument, known: Sequence[tuple[str, str]], lang: Lang) -> dict[str, Any]:
    """The slots of the prompt ``rate``; ``known``: what of the case is shown, by name."""
    reply = excerpt.reply
    compared = reply.extra if reply and instrument.reference else {}
    thought = reply.reasoning() if reply and instrument.thoughts else []
    return {
        "about": _ABOUT[lang][instrument.rates],
        "seat": instrument.perspective,
        "guide": instrument.guide.of(lang),
        "moment": excerpt.subject.moment,
        "known": list(known),
        "lines": transcript(excerpt.sessions, lang, excerpt.first),
        "reply": _one_line(reply) if reply else "",
        "thought": "\n".join(_step(step, lang) for step in thought),
        "reference": str(compared.get("reference", "")),
        "poor": str(compared.get("poor", "")),
    }


def pair(excerpt: Excerpt, instrument: Instrument, lang: Lang, *, swapped: bool) -> dict[str, Any]:
    """The slots of the prompt ``compare``: A and B, in either order."""
    assert excerpt.against
    texts = [transcript(sessions, lang) for sessions in (excerpt.sessions, excerpt.against.sessions)]
    first, second = reversed(texts) if swapped else texts
    return {"first": first, "second": second, "guide": instrument.guide.of(lang)}


def transcript(sessions: Sequence[Session], lang: Lang, first: int = 0) -> str:
    """Sessions as ``Name: text`` lines, under headings where there are several."""
    blocks = []
    for n, session in enumerate(sessions, first + 1):
        lines = [f"{NAMES[lang][turn.speaker]}{_colon(lang)}{_one_line(turn)}" for turn in session.turns]
        heading = [_SESSION[lang].format(n)] if len(sessions) > 1 else []
        blocks.append("\n".join([*heading, *lines]))
    return "\n\n".join(blocks)


def shown(item: Item, lang: Lang) -> dict[str, Any]:
    """An item as prompts use it."""
    return {
        "id": item.id, "name": item.name(lang), "ask": item.ask.of(lang), "guide": item.guide.of(lang), "kind": item.kind,
        "low": f"{item.low:g}" if item.kind == "likert" else "1", "high": f"{item.high:g}", "step": f"{item.step:g}",
        "anchors": [(f"{a.at:g}", a.of(lang)) for a in item.anchors], "most": item.most, "na": item.na,
        "criteria": [(c.of(lang), "" if c.points is None else f"{c.points:g}") for c in item.criteria],
        "options": [(o.id, o.name(lang)) for o in item.options], "silent": _silent(item, lang),
    }  # fmt: skip


def _silent(item: Item, lang: Lang) -> str:
    """The answers for which nothing need be quoted, as they are written."""
    plain = [("true" if v else "false") if item.kind == "binary" else f"{v:g}" for v in item.silent]
    named = [option.id for option in item.options if option.silent] + ["tie"] * (item.kind == "pairwise")
    return ("、" if lang == "zh" else ", ").join(plain + named)


def _one_line(turn: Turn) -> str:
    return " ".join(turn.text.split())


def _step(step: Element, lang: Lang) -> str:
    """A step of the reasoning, with the words it rests on."""
    return f"{step.name}{_colon(lang)}{step.text}" + (f" “{step.evidence}”" if step.evidence else "")


def _colon(lang: Lang) -> str:
    return "：" if lang == "zh" else ": "
