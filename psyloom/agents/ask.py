"""Ask: one typed question to a language model through a named prompt."""

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar, cast, overload

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from psyloom.agents.course import PROMPTS, recalled
from psyloom.agents.desk import Asked, Desk
from psyloom.agents.dials import told_where
from psyloom.agents.guards import END, Said, clean, faults
from psyloom.agents.prompts import Front, Prompt, load_prompt
from psyloom.agents.roles import Role
from psyloom.agents.sight import Veil, View, look
from psyloom.agents.talk import Talk, TalkView
from psyloom.agents.words import localized
from psyloom.errors import AnswerRejected
from psyloom.llm import Answer, Call, Cue, Decoding, Message
from psyloom.llm.answers import WORDS, NotTyped, form, parse, schema
from psyloom.records import Artefact, Dialogue, Lang, Session, Speaker, Turn
from psyloom.safety.cues import cue_in

T = TypeVar("T")
Check = Callable[[Any], str | None]  # a named function: its name is what is counted
"""Takes a value, returns what is wrong with it, or None. The words go back to the model."""


class Ask:
    """Bound to one role of one dialogue: knows its prompts, what its agents see, and which models answer."""

    def __init__(self, desk: Desk, role: Role, talk: Talk | None = None) -> None:
        self.desk, self.role, self.talk = desk, role, talk
        self.lang: Lang = desk.dialogue.lang
        self._folder = role.prompts()
        self.kind = next((c.__name__.lower() for c in type(role).__mro__ if c.__module__ == Role.__module__), "role")

    @property
    def by(self) -> str:
        """The name under which this role's labels go."""
        return self.desk.by or self.role.system()

    def as_(self, role: Role, talk: Talk | None = None) -> "Ask":
        """The same desk for another role."""
        return Ask(self.desk, role, talk or self.talk)

    def with_prompts(self, folder: Path) -> "Ask":
        """The same role, asked through the prompts of another folder."""
        other = Ask(self.desk, self.role, self.talk)
        other._folder = folder
        return other

    def rng(self, what: str) -> random.Random:
        """Seeded by run, dialogue and ``what``: the same choice in every repetition of the run."""
        return self.desk.rng(f"{self.role.system()}/{what}")

    def deal(self, what: str, cards: Sequence[T]) -> T:
        """One of ``cards`` by the case's position in its file, which is all it depends on besides the seed.

        Every ``len(cards)`` cases in a row get each card once, in an order of their own.
        """
        round_, at = divmod(self.desk.position, len(cards))
        rng = random.Random(f"{self.desk.seed}/{self.role.system()}/{what}/{round_}")
        return rng.sample(cards, len(cards))[at]

    def sees(self, agent: str, *, aloud: bool = False) -> View:
        """The case as ``agent`` sees it, for choices made in code; aloud: it is said as it stands, so nothing hidden."""
        veil = self._veil(agent) if aloud else None
        return look(self.desk.case, self.role.seen_by(), agent, veil and replace(veil, instead=""))

    def held_back(self, agent: str) -> Collection[str]:
        """The sentences of the case that ``agent``, a client with an openness dial, does not tell yet."""
        veil = self._veil(agent)
        return veil.hidden if veil else ()

    def _veil(self, agent: str) -> Veil | None:
        """What a client with an openness dial does not tell yet."""
        dials = self.desk.dials
        if dials is None or self.talk is None:
            return None
        seen = self.role.seen_by().get(agent, frozenset())
        turns = _said(self.talk.dialogue.turns)
        return dials.veil(self.desk.case, seen, turns, self.lang)

    def _end(self, front: Front) -> str | None:
        """The token with which a speaker closes the session: its prompt's own, or the one that a dial gives a client."""
        given = front.speaks == "client" and self.desk.dials and self.desk.dials.may_end
        return front.end or (END if given else None)

    def dialogue(self, turns: Iterable[Turn], **notes: Any) -> Dialogue:
        """The desk's dialogue with one session of ``turns``; ``notes`` go to the session."""
        self.desk.dialogue.sessions.append(Session(turns=list(turns), notes=notes))
        return self.desk.dialogue

    async def once(self, owner: str, name: str, kind: type[T], /, *, check: Check | None = None, **slots: Any) -> T:
        """Like asking, but once for each ``owner`` of the run, whichever dialogue comes first.

        The value is kept as an artefact, with its calls, rejects and trace: they are the owner's, not the dialogue's.
        One that never comes right leaves its attempts with every dialogue that asked, its counts with the first.
        """
        key = f"{self.role.system()}/{name}.{self.lang}/{owner}"
        desk = replace(
            self.desk, dialogue=Dialogue(id=key, lang=self.lang), on_text=None, trace=[], prompts={}, answered_by={},
            borrowed=set(), _made=Counter(),
        )  # fmt: skip
        shelf, quality = self.desk.shelf, desk.dialogue.quality

        async def make() -> T:
            shelf.traces[key] = desk.trace
            value = await Ask(desk, self.role)(name, kind, check=check, **slots)
            shelf.kept[key] = Artefact(
                id=key, system=self.role.system(), name=name, owner=owner, lang=self.lang,
                value=to_jsonable_python(value), models=desk.answered_by, quality=quality,
            )  # fmt: skip
            return value

        try:
            value = await shelf.once(key, make)
        except Exception:  # whatever stopped it is raised again; the attempts must not get lost on the way
            self.desk.trace += shelf.traces[key]
            self.desk.dialogue.quality.add(quality)
            raise
        self.desk.borrowed.add(key)
        self.desk.prompts[f"{self.role.system()}/{name}.{self.lang}"] = load_prompt(self._folder, name, self.lang).hash
        return value

    @overload
    async def __call__(
        self,
        name: str,
        /,
        *,
        check: Check | None = None,
        prefer: Check | None = None,
        rules: Any = None,
        decoding: Decoding | None = None,
        goes_on: int = 0,
        on_answer: Callable[[Answer], None] | None = None,
        **slots: Any,
    ) -> str: ...
    @overload
    async def __call__(
        self,
        name: str,
        kind: type[T],
        /,
        *,
        check: Check | None = None,
        prefer: Check | None = None,
        rules: Any = None,
        decoding: Decoding | None = None,
        goes_on: int = 0,
        on_answer: Callable[[Answer], None] | None = None,
        **slots: Any,
    ) -> T: ...
    async def __call__(
        self,
        name: str,
        kind: Any = str,
        /,
        *,
        check: Check | None = None,
        prefer: Check | None = None,
        rules: Any = None,
        decoding: Decoding | None = None,
        goes_on: int = 0,
        on_answer: Callable[[Answer], None] | None = None,
        **slots: Any,
    ) -> Any:
        """Ask for a value of ``kind`` (text without one) through ``prompts/NAME.LANG.md``.

        Args:    check: what must hold: a faulty answer is asked for again, and in the end the case fails.
                 prefer: what should hold: a faulty answer is asked for again, and in the end kept and counted
                 under the function's name.
                 rules: for the rehearsal back end: a script's rules, or the part of its stock that a message comes from.
                 decoding: parameters instead of those the prompt's file sets, e.g. ``{"logprobs": True}``; what the
                 run sets goes before both.
                 goes_on: how often an answer that breaks off is asked to be continued, instead of asked for again.
                 on_answer: gets the answer that is used, with what a value cannot show: log probabilities, tokens.
                 slots: the words the prompt uses.
        Raises:  AnswerRejected after ``tries`` unacceptable answers; what the back end raises.
        """
        prompt = load_prompt(self._folder, name, self.lang)
        messages = self._messages(prompt, kind, slots)
        fault = ""
        for take in range(self.desk.tries):
            last, answer = await self._answer(prompt, messages, kind, rules, take, decoding or {})
            asked = last
            for _ in range(goes_on):
                if asked.finish == "length":
                    more = _again(messages, asked.answer, WORDS[self.lang]["go on"])
                    last, answer = await self._answer(prompt, more, str, rules, take, decoding or {})
                    asked = replace(last, answer=asked.answer + last.answer)
            value, hard, soft = self._judge(asked, prompt, kind, check, prefer)
            if hard is None and (not soft or take + 1 == self.desk.tries):
                self.desk.dialogue.quality.kept.update(_plus(self.desk.dialogue.quality.kept, soft))
                if on_answer:
                    on_answer(answer)
                return value
            last.rejected = fault = hard or _and(self.lang, soft)
            self._count(soft)
            messages = _again(messages, asked.answer, WORDS[self.lang]["again"].format(fault))
        raise AnswerRejected(
            f"{self.role.system()}: {prompt.front.agent} gave no acceptable answer to {name!r} in {self.desk.tries} tries; last fault: {fault}",
            do="see its trace for every attempt; try a stronger model",
        )

    def _messages(self, prompt: Prompt, kind: Any, slots: Mapping[str, Any]) -> list[Message]:
        front = prompt.front
        veil = self._veil(front.agent) if front.speaks == "client" else None
        view = look(self.desk.case, self.role.seen_by(), front.agent, veil)
        words = {"lang": self.lang, "case": view} | {k: localized(v, self.lang) for k, v in slots.items()}
        talk = slots.get("talk", self.talk)
        chat = TalkView(talk, self.lang).messages(front.speaks or "counselor") if isinstance(talk, Talk) else ()
        kept = self.talk.kept if self.talk and veil is None else None
        messages = prompt.render(words, chat, kept)
        if kind is not str:
            host = next((m for m in messages if m["role"] == "system"), messages[-1])
            at = messages.index(host)
            messages[at] = {"role": host["role"], "content": f"{host['content']}\n\n{form(kind, self.lang)}"}
        if prompt.reads_talk and isinstance(talk, Talk):
            messages = self._recalling(messages, front)
        return self._dialled(messages, front) if front.speaks == "client" else messages

    def _recalling(self, messages: list[Message], front: Front) -> list[Message]:
        """The prompt of one that reads the talk, with what went before it: after what is stable, before the history."""
        mine = self.kind == "counselor" or front.speaks == "client"
        if self.role.recalls or not mine or self._folder == PROMPTS:
            return messages
        words = recalled(self.desk.case.course, front.speaks or "counselor", self.lang, speaks=bool(front.speaks))
        first, *rest = messages
        return [{"role": first["role"], "content": f"{first['content']}\n\n{words}"}, *rest] if words else messages

    def _dialled(self, messages: list[Message], front: Front) -> list[Message]:
        """The client's prompt with what its dials ask of this message, as the last thing it reads."""
        if self.desk.dials is None or self.talk is None:
            return messages
        own, end = self.talk.of_client, None if front.end else self._end(front)
        if not (words := self.desk.dials.instruction(own, self.lang, end)):
            return messages
        return _told(messages, words)

    async def _answer(
        self, prompt: Prompt, messages: list[Message], kind: Any, rules: Any, take: int, decoding: Decoding
    ) -> tuple[Asked, Answer]:
        """Send one call and put it on the trace."""
        desk, front = self.desk, prompt.front
        model = desk.models.of(front.agent, front.speaks or self.kind)
        call = Call(
            messages, {**prompt.decoding, **decoding, **self._decoding(front.agent)}, None if kind is str else schema(kind, self.lang), scope=desk.dialogue.id, agent=front.agent, prompt=prompt.name,
            cue=lambda: self._cue(prompt, kind, rules, take, call), on_text=desk.on_text if kind is str and front.speaks else None,
        )  # fmt: skip
        call.occurrence = desk.occurrence(call.content)
        at = (max(0, len(desk.dialogue.sessions) - 1), len(self.talk.turns) if self.talk else 0)
        desk.prompts[f"{self.role.system()}/{prompt.name}.{prompt.lang}"] = prompt.hash
        desk.answered_by[front.agent] = model.name
        desk.dialogue.quality.calls += 1
        asked = Asked(front.agent, prompt.name, model.name, *at, take, messages)
        desk.trace.append(asked)  # in the order of asking, whichever of several answers comes first
        try:
            answer: Answer = await model(call)
        except BaseException:
            desk.trace[:] = [one for one in desk.trace if one is not asked]
            raise
        asked.answer, asked.reasoning, asked.finish = answer.text, answer.reasoning, answer.finish
        asked.prompt_tokens, asked.completion_tokens = answer.prompt_tokens, answer.completion_tokens
        return asked, answer

    def _decoding(self, agent: str) -> Decoding:
        """The run's own parameters for an agent, instead of those in its prompt files."""
        return cast(Decoding, {**self.desk.decoding.get("", {}), **self.desk.decoding.get(agent, {})})

    def _cue(self, prompt: Prompt, kind: Any, rules: Any, take: int, call: Call) -> Cue:
        front = prompt.front
        seen = self.role.seen_by().get(front.agent, frozenset())
        held = self.held_back(front.agent) if front.speaks == "client" else ()
        known = [(path, fact) for path, fact in told_where(self.desk.case, seen) if fact not in held]
        *before, turns = [_said(one.turns) for one in self.talk.dialogue.sessions] if self.talk else [()]
        homework = tuple(self.desk.case.course[-1].homework) if self.desk.case.course else ()
        # By what is asked, not by when: calls side by side may be answered in any order, some of them from the journal.
        seed = f"{self.desk.seed}/{self.desk.dialogue.id}/{prompt.name}/{call.content.hex()}-{call.occurrence}"
        return Cue(
            front.act, front.agent, self.lang, seed, front.speaks, self._end(front),
            tuple(fact for _, fact in known), turns, kind, rules, take, tuple(path for path, _ in known),
            tuple(chain.from_iterable(before)), homework, partial(cue_in, lang=self.lang),
        )  # fmt: skip

    def _judge(
        self, asked: Asked, prompt: Prompt, kind: Any, check: Check | None, prefer: Check | None
    ) -> tuple[Any, str | None, list[tuple[str, str]]]:
        """(value, what must be mended, what should be mended) of one answer."""
        words = WORDS[self.lang]
        try:
            value = asked.answer.strip() if kind is str else parse(asked.answer, kind, self.lang)
        except NotTyped as fault:
            return None, words["cut off"] if asked.finish == "length" else str(fault), []
        if value == "":
            return value, words["empty"], []
        soft: list[tuple[str, str]] = []
        if asked.finish == "length":
            soft.append(("cut_off", words["cut off"]))
        if prompt.front.speaks:
            value, heard = self._heard(value, prompt)
            soft += heard
        if check and (wrong := check(value)):
            return value, wrong, soft
        if prefer and (wish := prefer(value)):
            soft.append((prefer.__name__.strip("<>"), wish))
        return value, None, soft

    def _heard(self, value: Any, prompt: Prompt) -> tuple[Any, list[tuple[str, str]]]:
        """Clean what is said aloud and let the guards listen."""
        front, end = prompt.front, self._end(prompt.front)
        assert front.speaks
        text = clean(value if isinstance(value, str) else str(getattr(value, front.says or "text")), front.speaks, end)
        spoken = text.replace(end, "").strip() if end else text
        turns = _said(self.talk.turns) if self.talk else ()
        heard = list(faults(Said(spoken, front.speaks, self.lang, turns, self.role.unsaid)))
        if not front.end:  # the token of a dial, of which the role knows nothing
            text, self.desk.leaving = spoken, spoken != text
        if isinstance(value, BaseModel):
            return value.model_copy(update={front.says or "text": text}), heard
        return text, heard

    def _count(self, soft: Sequence[tuple[str, str]]) -> None:
        quality = self.desk.dialogue.quality
        quality.rejected += 1
        quality.guards.update(_plus(quality.guards, soft))


def _said(turns: Iterable[Turn]) -> tuple[tuple[Speaker, str], ...]:
    return tuple((turn.speaker, turn.text) for turn in turns)


def _and(lang: Lang, soft: Sequence[tuple[str, str]]) -> str:
    return ("；" if lang == "zh" else "; ").join(dict.fromkeys(reason for _, reason in soft))


def _plus(counts: Mapping[str, int], soft: Sequence[tuple[str, str]]) -> dict[str, int]:
    return {name: counts.get(name, 0) + 1 for name, _ in soft}


def _again(messages: list[Message], answer: str, words: str) -> list[Message]:
    """The prompt with an answer and what is said to it; an empty one is left out, as not every server takes it."""
    return _told([*messages, {"role": "assistant", "content": answer}] if answer.strip() else messages, words)


def _told(messages: list[Message], words: str) -> list[Message]:
    """The prompt with more words of the user, at the end of its last message if that is the user's."""
    *before, last = messages
    if last["role"] != "user":
        return [*messages, {"role": "user", "content": words}]
    return [*before, {"role": "user", "content": f"{last['content']}\n\n{words}"}]
