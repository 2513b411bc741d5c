"""Plays one answer from its cue."""

import random
import re
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from psyloom.llm.answers import schema
from psyloom.llm.model import Cue
from psyloom.records import Lang, Speaker, sentences


@cache
def phrases(lang: Lang) -> dict[str, dict[str, Any]]:
    """The phrase stock of one language."""
    return tomllib.loads((Path(__file__).parent / f"phrases.{lang}.toml").read_text("utf-8"))


# The order of a session as the counselor leads it: (phase, share of the session's turns).
_PHASES = (
    "explore",
    "reflect",
    "explore",
    "reflect",
    "normalise",
    "explore",
    "examine",
    "reflect",
    "examine",
    "solve",
    "encourage",
    "solve",
)
_FIELD = {
    "plan": ("plan", "agenda"),
    "summary": ("summary", "memory", "memo", "recap"),
    "emotion": ("emotion", "feeling", "mood"),
    "cause": ("stimul", "cause", "trigger", "event"),
    "appraisal": ("apprais", "belief", "thought", "cognition"),
    "strategy": ("reason", "why", "rationale"),
    "problem": ("problem", "trouble", "topic"),
    "solution": ("solution", "step", "homework", "action"),
    "factor": ("factor",),
    "feedback": ("feedback", "suggestion", "comment", "advice"),
    "technique": ("technique", "method"),
}  # fmt: skip
_SAID = ("response", "reply", "utterance", "text", "message", "say")


class Actor:
    """One answer. Every choice comes from the cue's seed, so the same cue gives the same answer."""

    def __init__(self, cue: Cue, *, own_words: bool = True) -> None:
        self.cue, self.stock = cue, phrases(cue.lang)
        self.rng = random.Random(f"{cue.seed}/{cue.take}")
        # One order of the stock per dialogue, so that two cases differ and one dialogue does not repeat itself.
        self.order = random.Random(
            "/".join(cue.seed.split("/")[:-2]) + (cue.words[0] if cue.words and own_words else "")
        )
        self._told = 0
        self.words = [w for w in map(_plain, cue.words) if w] if own_words else []

    def answer(self) -> Any:
        """Text, or JSON values of the wanted type."""
        wanted = self.cue.wanted
        if self.cue.rules is not None:
            return self.script()
        if wanted is str:
            return self.utterance(self.cue.speaks, self.cue.turns) if self.cue.speaks else self.text(self.cue.act)
        if hasattr(wanted, "rehearse"):
            return wanted.rehearse(self)
        return self.fill()

    # Speech

    def utterance(self, speaker: Speaker, turns: Sequence[tuple[Speaker, str]]) -> str:
        """What ``speaker`` says next in a talk of ``turns``."""
        if speaker == "client":
            return self._client(turns)
        return self._counselor(turns)

    def _client(self, turns: Sequence[tuple[Speaker, str]]) -> str:
        said = "\n".join(text for who, text in turns if who == "client")
        fresh = [w for w in self.words if w.rstrip("。.!！?？") not in said]
        count = sum(who == "client" for who, _ in turns)
        if turns and any(line in turns[-1][1] for line in self.stock["counselor"]["close"]):
            fresh, count = [], 99
        if not turns:
            return self._pick(self.stock["client"]["greet"], said)
        responses = self._left(self.stock["client"]["respond"], said) if count < 99 else []
        # Early on mostly the case's own words, one or two sentences at a time; later what the counselor stirs up.
        if fresh and (count < 2 or self.rng.random() < 0.7 or not responses):
            return self._own(fresh)
        if responses and (count < 9 or fresh):
            return responses[0]
        close = self._pick(self.stock["client"]["close"], said)
        return f"{close} {self.cue.end}" if self.cue.end else close

    def _own(self, fresh: list[str]) -> str:
        first_person = r"我|咱" if self.cue.lang == "zh" else r"\b(?:I|my|me|we|our)\b|\bI'"
        text = fresh[0]
        if not re.search(first_person, text):
            frame = str(self.rng.choice(self.stock["client"]["fragment"]))
            text = frame.format(w=text.rstrip("。.；;，, "))
            return text if text[-1] in "。.!?！？" else text + "."
        text += "" if re.search(r"[。.!！?？…”\"]$", text) else ("。" if self.cue.lang == "zh" else ".")
        if len(fresh) > 1 and len(text) < 40 and re.search(first_person, fresh[1]):
            text += ("" if self.cue.lang == "zh" else " ") + fresh[1]
        return str(self.rng.choice(self.stock["client"]["lead"])) + text

    def _counselor(self, turns: Sequence[tuple[Speaker, str]]) -> str:
        said = "\n".join(text for who, text in turns if who == "counselor")
        count = sum(who == "counselor" for who, _ in turns)
        heard = next((text for who, text in reversed(turns) if who == "client"), "")
        stock = self.stock["counselor"]
        quote = self.quote(heard)
        if count == 0 and not quote:
            return self._pick(stock["open"], said)
        if count > 13 or any(line in heard for line in self.stock["client"]["close"]):
            return self._pick(stock["close"], said)
        phase = _PHASES[count % len(_PHASES)]
        usable = self._left([p for p in stock[phase] if quote or "{q}" not in p], said) or stock["explore"]
        return str(usable[0]).format(q=quote or self._topic())

    def quote(self, text: str) -> str:
        """A clause of ``text`` short enough to be quoted; empty when there is none worth it."""
        client = self.stock["client"]
        frames = [lead.strip() for lead in client["lead"]] + [
            frame.split("{w}")[0].strip() for frame in client["fragment"]
        ]
        for frame in sorted(filter(None, frames), key=len, reverse=True):
            text = text.removeprefix(frame).strip()
        clauses = [c.strip(" 。.!！?？…“”\"'") for s in sentences(text) for c in re.split(r"[，,；;：:、]|\s-\s", s)]
        low, high = (4, 16) if self.cue.lang == "zh" else (3, 9)
        size = len if self.cue.lang == "zh" else lambda c: len(c.split())
        fit = [c for c in clauses if low <= size(c) <= high and not re.match(r"(?:and|but|or|so|which) ", c)]
        return self.rng.choice(fit) if fit else ""

    def _left(self, stock: Sequence[str], said: str) -> list[str]:
        """The lines of the stock that were not said yet, in this dialogue's order."""
        left = [p for p in stock if max(re.split(r"\{\w\}", p), key=len).strip("“”") not in said]
        self.order.shuffle(left)
        return left

    def _pick(self, stock: Sequence[str], said: str) -> str:
        return str((self._left(stock, said) or list(stock))[0])

    # Text and typed values

    def text(self, act: str, **more: str) -> str:
        """A paragraph for ``act``: plan, summary, feedback ..."""
        template = str(self.stock["text"].get(act, self.stock["text"]["default"]))
        return template.format(**({"w": self._topic(), "label": act} | more))

    def _topic(self) -> str:
        heard = [self.quote(text) for who, text in self.cue.turns if who == "client"]
        own = [self.quote(w) or w[:24] for w in self.words]
        fit = [h for h in heard if h] or own
        return self.rng.choice(fit) if fit else ("这件事" if self.cue.lang == "zh" else "what brings them here")

    def fill(self, schema_: dict[str, Any] | None = None) -> Any:
        """A value for the wanted type, or for a JSON schema, that any validator of that form accepts."""
        return self._fill(schema_ or schema(self.cue.wanted, self.cue.lang), self.cue.act)

    def _fill(self, node: dict[str, Any], name: str) -> Any:
        if "anyOf" in node:
            return self._fill(next((o for o in node["anyOf"] if o.get("type") != "null"), node["anyOf"][0]), name)
        if "const" in node:
            return node["const"]
        if "enum" in node:
            return self.rng.choice(node["enum"])
        kind = node.get("type")
        if kind == "object":
            return {key: self._fill(field, key) for key, field in node.get("properties", {}).items()}
        if kind == "array":
            return self._items(node, name)
        if kind in ("integer", "number"):
            low, high = node.get("minimum", 0), node.get("maximum", node.get("minimum", 0) + 5)
            return self.rng.randint(int(low), int(high))
        if kind == "boolean":
            return self.rng.random() < 0.5
        return self._string(node, name)

    def _items(self, node: dict[str, Any], name: str) -> list[Any]:
        low = int(node.get("minItems", 1))
        count = max(low, min(int(node.get("maxItems", low + 2)), low + self.rng.randint(0, 1)))
        item = node.get("items", {})
        if "enum" in item:
            return self.rng.sample(item["enum"], min(count, len(item["enum"])))
        return [self._fill(item, name) for _ in range(count)]

    def _string(self, node: dict[str, Any], name: str) -> str:
        if self.cue.act in ("intake", "derive") and self.words:
            self._told += 1  # a facet is written from the case's own sentences, one after the other
            return self.words[(self._told - 1) % len(self.words)]
        if name in _SAID:
            text = self.utterance(self.cue.speaks or "counselor", self.cue.turns)
        else:
            known = next((key for key, parts in _FIELD.items() if any(part in name for part in parts)), "default")
            text = self.text(known)
        return text[: int(node.get("maxLength", 10_000))]

    # Whole dialogues

    def script(self) -> Any:
        """A whole dialogue that keeps the script rules: prefixed lines, or typed turns."""
        rules = self.cue.rules
        fewest, most = rules.messages
        wanted = max(fewest, min(most or 10_000, max(12, fewest + 2)))
        turns: list[tuple[Speaker, str]] = []
        speaker: Speaker = rules.first or "client"
        if rules.last and (wanted % 2 == 0) == (rules.last == speaker):
            wanted += 1 if most is None or wanted < most else -1
        for at in range(wanted):
            closing = at >= wanted - 2
            stock = self.stock[speaker]
            said = "\n".join(t for _, t in turns)
            turns.append((speaker, self._pick(stock["close"], said) if closing else self.utterance(speaker, turns)))
            speaker = "counselor" if speaker == "client" else "client"
        if not rules.prefixes:
            return {"turns": [{"speaker": who, "text": text} for who, text in turns]}
        name = {who: prefix for prefix, who in reversed(rules.prefixes.items())}
        colon = "：" if self.cue.lang == "zh" else ": "
        return "\n".join(f"{name[who]}{colon}{text}" for who, text in turns)


_NOTHING = re.compile(r"^(?:not specified|undisclosed|n/?a|none|unknown|无|未知|不详|不明)[.。]?$", re.IGNORECASE)


def _plain(text: str) -> str:
    """A sentence of the case as it can be said; empty for fields that hold nothing."""
    text = re.sub(r"^\s*[\w\s/]{1,40}:\s+(?=\S)", "", text.strip())
    return "" if _NOTHING.match(text) or len(text) < 4 else text
