"""Plays one answer from its cue."""

import random
import re
import tomllib
from collections.abc import Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from psyloom.llm.answers import schema
from psyloom.llm.model import Cue
from psyloom.llm.rehearsal.speech import client_lines, counselor_lines, ended, quotes_of, shares
from psyloom.llm.rehearsal.values import Text, made
from psyloom.llm.rehearsal.voice import in_language, own
from psyloom.records import Lang, Speaker, Turn


@cache
def phrases(lang: Lang) -> dict[str, dict[str, Any]]:
    """The phrase stock of one language."""
    return tomllib.loads((Path(__file__).parent / f"phrases.{lang}.toml").read_text("utf-8"))


_FIELD = {
    "plan": ("plan", "agenda"),
    "summary": ("summary", "memory", "memo", "recap"),
    "emotion": ("emotion", "feeling", "mood"),
    "cause": ("stimul", "cause", "trigger", "event"),
    "appraisal": ("apprais", "belief", "thought", "cognition"),
    "rationale": ("reason", "why", "rationale"),
    "problem": ("problem", "trouble", "topic"),
    "solution": ("solution", "step", "homework", "action"),
    "factor": ("factor",),
    "feedback": ("feedback", "suggestion", "comment", "advice"),
    "technique": ("technique", "method"),
}  # fmt: skip
_RETOLD = ("intake", "derive", "situation")  # acts that write the case down once more
_SAID = ("response", "reply", "utterance", "text", "message", "say")


class Actor:
    """One answer. Every choice comes from the cue's seed, so the same cue gives the same answer."""

    def __init__(self, cue: Cue, *, own_words: bool = True) -> None:
        self.cue, self.stock = cue, phrases(cue.lang)
        self.rng = random.Random(f"{cue.seed}/{cue.take}")
        places = [*cue.paths, *[""] * len(cue.words)][: len(cue.words)]
        found = [
            (path, _plain(word, whole=not path)) for path, word in zip(places, cue.words, strict=True) if own_words
        ]
        self.given = [word for _, word in found if word]  # as a judge may quote it
        # A case in another language than the talk's gives it no words.
        found = [(path, word) for path, word in found if word and in_language(word, cue.lang)]
        self.words, self._where = [word for _, word in found], {word: path for path, word in reversed(found)}
        # One order of the stock per dialogue, so that two cases differ and one dialogue does not repeat itself.
        self.order = "/".join([*cue.seed.split("/")[:-2], *self.words[:1]])
        self._told = 0
        self.before = "\n".join(text for _, text in cue.before)
        self.homework = [task for task in cue.homework if own_words and in_language(task, cue.lang)]

    def answer(self) -> Any:
        """Text, or JSON values of the wanted type."""
        wanted = self.cue.wanted
        if hasattr(wanted, "rehearse"):
            return wanted.rehearse(self)
        part = self.cue.rules if isinstance(self.cue.rules, str) else ""
        if self.cue.rules is not None and not part:
            return self.script()
        if wanted is str and self.cue.speaks:
            # Who only answers leaves the ending to the other side.
            return self.utterance(self.cue.speaks, self.cue.turns, may_close=self.cue.act != "answer", part=part)
        if wanted is str:
            return self.text(self.cue.act)
        return self.fill()

    # Speech

    def utterance(
        self, speaker: Speaker, turns: Sequence[tuple[Speaker, str]], *, may_close: bool = True, part: str = ""
    ) -> str:
        """What ``speaker`` says next in a talk of ``turns``; asked again, the next thing that fits.

        part: of the stock, from which a counselor's message comes.
        """
        lines = (
            client_lines(self, turns, may_close, self.since)
            if speaker == "client"
            else counselor_lines(self, turns, may_close, part)
        )
        return list(islice(lines, self.cue.take + 1))[-1]

    def left(self, stock: Sequence[str], said: str, *, in_turn: bool = False) -> list[str]:
        """The lines of ``stock`` whose words do not stand in ``said`` yet, in this dialogue's order or in that of the stock
        (``in_turn``); those of an earlier session last."""
        bare = {line: max(re.split(r"\{\w\}", line), key=len).strip("“” ") for line in stock}
        left = [line for line in stock if bare[line] not in said]
        place = {line: 0.0 if in_turn else random.Random(self.order + line).random() for line in left}
        return sorted(left, key=lambda line: (bare[line] in self.before, place[line]))

    @property
    def since(self) -> list[str]:
        """What the client has to tell of the time since the last session; nothing in the first."""
        stock = self.stock["cbt"]
        tried = [self.left(stock["tried"], "")[0].format(t=task) for task in self.homework[:1]]
        return [*tried, *self.left(stock["week"], "")[:1]] if self.before or tried else []

    @property
    def own(self) -> list[str]:
        """The words as the client itself would say them."""
        return list(self._own(self.words))

    def said_of(self, word: str) -> str:
        """One of the words as the client itself would say it; as it stands where that cannot be told."""
        return next(iter(self._own([word])), word)

    def _own(self, words: Sequence[str]) -> dict[str, str]:
        return own([(self._where.get(word, ""), word) for word in words], self.cue.lang, self.stock["told"])

    def on(self, topic: str) -> dict[str, str]:
        """What the case says on a doctor's topic: each sentence as the client would say it -> as it stands.

        It is on the topic by its words, or by the place where it stands.
        """
        place = self.stock["inquiry"]["place"].get(topic)

        def belongs(where: str, word: str) -> bool:
            field = where.split(".")[-1].replace("_", " ")
            return where.startswith(place) if place else shares(topic, word) or shares(topic, field)

        return {said: word for said, word in self._own(self.words).items() if belongs(self._where.get(word, ""), word)}

    @property
    def story(self) -> list[str]:
        """What the client has to tell: its own words, or a trouble of the stock where the case gives it none."""
        *trouble, last = self.stock["client"]["trouble"]
        return self.own or [*self.left(trouble, ""), last]

    def recorded(self, *paths: str) -> list[str]:
        """The words that stand at these paths of the case, or below them."""
        return [word for word in self.words if any(f"{self._where.get(word)}.".startswith(f"{p}.") for p in paths)]

    @property
    def client_stock(self) -> list[str]:
        """Everything a client says that is not its own."""
        client = self.stock["client"]
        answers = [line for entry in client["answer"] for line in entry["say"]]
        pieces = [
            *self.stock["inquiry"]["thanks"],
            *self.stock["inquiry"]["other"],
            *self.stock["cbt"]["week"],
            *client["greet"],
            *client["lead"],
            *client["respond"],
            *client["close"],
            *answers,
        ]
        return [line.strip() for line in (*pieces, *client["more"][0], *client["more"][1])]

    def quote(self, text: str) -> str:
        """A clause of ``text`` short enough to be quoted; empty when there is none worth it."""
        found = quotes_of(self, text)
        return self.rng.choice(found) if found else ""

    # Text and typed values

    def text(self, act: str, **more: str) -> str:
        """A paragraph for ``act``: plan, summary, feedback ..."""
        if act in _RETOLD:
            return ("" if self.cue.lang == "zh" else " ").join(ended(w, self.cue.lang) for w in self.story[:4])
        template = str(self.stock["text"].get(act, self.stock["text"]["default"]))
        return template.format(**({"w": self._topic(), "label": act} | more))

    def _topic(self) -> str:
        heard = [self.quote(text) for who, text in self.cue.turns if who == "client"]
        told = [q for w in self.own if (q := self.quote(w))] or [short(w) for w in self.own]
        fit = [h for h in heard if h] or told
        return self.rng.choice(fit) if fit else ("这件事" if self.cue.lang == "zh" else "what brings them here")

    def fill(self, schema_: dict[str, Any] | None = None, *, text: Text | None = None) -> Any:
        """A value for the wanted type, or for a JSON schema, that any validator of that form accepts.

        text: makes the strings, from their schema and the field's name.
        """
        return made(schema_ or schema(self.cue.wanted, self.cue.lang), self.cue.act, self.rng, text or self._string)

    def _string(self, node: dict[str, Any], name: str) -> str:
        if self.cue.act in _RETOLD:
            return self.retold()
        if name in _SAID:
            return self.utterance(self.cue.speaks or "counselor", self.cue.turns)
        return self.text(next((key for key, parts in _FIELD.items() if any(part in name for part in parts)), "default"))

    def retold(self) -> str:
        """The next of the case's own sentences: a facet is written from them, one after the other."""
        self._told += 1
        return self.story[(self._told - 1) % len(self.story)]

    # Whole dialogues

    def script(self) -> Any:
        """A whole dialogue that keeps the script rules: prefixed lines, or typed turns."""
        rules = self.cue.rules
        fewest, most = rules.messages
        wanted = max(fewest, min(most or 10_000, max(12, fewest + 2)))
        speaker: Speaker = rules.first or "client"
        if rules.last and (wanted % 2 == 0) == (rules.last == speaker):
            if rules.first is None:
                speaker = "counselor"
            else:
                wanted += 1 if most is None or wanted < most else -1
        turns: list[tuple[Speaker, str]] = []
        for at in range(wanted):
            turns.append((speaker, self._ending(speaker, turns, wanted - at) or self._fitting(speaker, turns)))
            speaker = "counselor" if speaker == "client" else "client"
        if not rules.prefixes:
            return {"turns": [{"speaker": who, "text": text} for who, text in turns]}
        name = {who: prefix for prefix, who in reversed(rules.prefixes.items())}
        colon = "：" if self.cue.lang == "zh" else ": "
        return "\n".join(f"{name[who]}{colon}{text}" for who, text in turns)

    def _fitting(self, speaker: Speaker, turns: Sequence[tuple[Speaker, str]]) -> str:
        """The first line that breaks none of the rules that hold anywhere."""
        lines = list((client_lines if speaker == "client" else counselor_lines)(self, turns, False))[self.cue.take :]

        def fits(line: str) -> bool:
            so_far = [Turn(speaker=who, text=text) for who, text in (*turns, (speaker, line))]
            return not any(check(so_far) for check in self.cue.rules.anywhere)

        return next(filter(fits, lines), self.utterance(speaker, turns, may_close=False))

    def _ending(self, speaker: Speaker, turns: Sequence[tuple[Speaker, str]], left: int) -> str:
        """The last lines of a script: both say goodbye, and nothing is asked right before it."""
        said = "\n".join(text for _, text in turns)
        kinds = {
            1: ("close",),
            2: ("close",),
            3: ("encourage", "normalise") if speaker == "counselor" and turns else (),
        }
        return next((line for kind in kinds.get(left, ()) for line in self.left(self.stock[speaker][kind], said)), "")


_NOTHING = re.compile(r"^(?:not specified|undisclosed|n/?a|none|unknown|无|未知|不详|不明)[.。]?$", re.IGNORECASE)


def _plain(text: str, whole: bool) -> str:
    """A sentence of the case without the name of its field; empty for fields that hold nothing.

    whole: nothing shorter than a short sentence counts.
    """
    text = re.sub(r"^\s*[\w/]{1,20}(?:[ /][\w/]{1,20}){0,2}:\s+(?=\S)", "", text.strip())
    shortest = 2 if not whole or re.search(r"[\u4e00-\u9fff]", text) else 4
    return "" if _NOTHING.match(text) or len(text) < shortest or not re.search(r"\w", text) else text


def short(sentence: str) -> str:
    """The beginning of a sentence, cut between two words."""
    sentence = sentence.strip(" 。.!！?？")
    return sentence if len(sentence) <= 40 else sentence[:40].rsplit(" ", 1)[0] + "…"
