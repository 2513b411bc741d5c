"""Interactive Agents: a client that knows one help post, a counselor that knows only the talk. arXiv 2408.15787."""

from collections.abc import Coroutine
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar, Literal, Self, cast

from pydantic import BaseModel, Field, JsonValue, create_model, model_validator

from psyloom.agents import Ask, Client, Counselor, Models, Rules, Sight, Talk, said
from psyloom.agents.script import is_list
from psyloom.agents.together import gather
from psyloom.errors import AnswerRejected
from psyloom.knowledge import label_set
from psyloom.llm import Decoding
from psyloom.records import Case, Lang, Turn
from psyloom.systems.catalog import make_role

STAGES = label_set("helping_stage")
HELLO: dict[Lang, str] = {"zh": "你好", "en": "Hello"}
# The paper's eleven phrases; the English ones are ours.
END_PHRASES: dict[Lang, tuple[str, ...]] = {
    "zh": ("再见", "加油", "保重", "欢迎回来", "一切顺利", "祝你好运", "期待听到", "期待再次", "期待你", "下一次", "下次见"),
    "en": ("goodbye", "Goodbye", "take care.", "Take care.", "take care!", "Take care!", "good luck", "Good luck", "all the best",
           "look forward to seeing", "look forward to hearing", "next session", "see you next"),
}  # fmt: skip


LETTERS = "ABCDEFGH"


class Arena(BaseModel):
    """What the rivals remember: name -> its talk."""

    rivals: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Pick(BaseModel):
    """The judge's answer; see `pick_of`."""

    best: str


@cache
def pick_of(count: int) -> type[Pick]:
    """An answer that is one of the first ``count`` letters."""
    fields: dict[str, Any] = {"best": (Literal[tuple(LETTERS[:count])], ...)}
    return create_model("Pick", __base__=Pick, **fields)


class InteractiveClient(Client):
    """Takes its request apart and reveals it bit by bit."""

    sight: ClassVar[Sight] = {"client": {"post.title", "post.text"}}
    needs: ClassVar[frozenset[str]] = frozenset({"post"})

    rounds: int = Field(50, ge=1, description="rounds the client is told the session needs")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        arena: Decoding = {"max_tokens": 100} if talk.turns and "from" in talk.turns[-1].extra else {}
        return Turn.client(await ask("client", talk=talk, rounds=self.rounds, decoding=arena))


class InteractiveCounselor(Counselor):
    """Explores, brings insight, then action; never reads the profile, never ends the session itself."""

    response_check: bool = Field(
        True, description="ask again for a reply over the limit, with line breaks or an enumeration"
    )
    longest: int = Field(
        200, ge=1, description="characters of a Chinese reply; an English one may have this many words / 2"
    )
    max_exchanges: int = Field(50, ge=1, description="patience limit of a session")
    rivals: tuple[str, ...] = Field(
        (),
        max_length=len(LETTERS) - 1,
        description="arena: systems whose counselors answer too, and a judge picks what is said; NAME:SYSTEM for one under"
        " a name of its own, so that --model NAME=MODEL is its model",
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if len({self.system(), *self._rivals()}) <= len(self.rivals):
            raise ValueError(f"rivals need names that differ from each other and from {self.system()}: NAME:SYSTEM")
        return self

    def wants(self) -> frozenset[str]:
        return self.needs.union(*(rival.wants() for rival in self._rivals().values()))

    def guests(self) -> frozenset[str]:
        return frozenset(self._rivals())

    def _rivals(self) -> dict[str, Counselor]:
        named = (spec.rpartition(":") for spec in self.rivals)
        return {name or slug: cast(Counselor, make_role(slug, "counselor")) for name, _, slug in named}

    def rules(self, case: Case, lang: Lang) -> Rules:
        """A fixed greeting by the client, the counselor's word last, end phrases in the counselor's lines only."""
        return Rules(
            opening=[Turn.client(HELLO[lang])], max_exchanges=self.max_exchanges, last="counselor",
            stop=[said(END_PHRASES[lang], "counselor")],
        )  # fmt: skip

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        def response_check(text: str) -> str | None:
            return self.fault(text, ask.lang)

        own = ask("counselor", talk=talk, stages=STAGES, prefer=response_check if self.response_check else None)
        if not self.rivals:
            return Turn.counselor(await own)
        return await self._pick(talk, ask, own)

    async def _pick(self, talk: Talk, ask: Ask, own: Coroutine[Any, Any, str]) -> Turn:
        """The arena: all answer one history, the answers are shuffled under letters, a judge picks the one that is said."""
        rivals = self._rivals()
        memory = talk.memory(self, Arena)
        replies = (self._answer(name, rival, memory, talk, ask) for name, rival in rivals.items())
        said, others = await gather(own, gather(*replies))
        answers: list[tuple[str, Turn]] = [(self.system(), Turn.counselor(said)), *zip(rivals, others, strict=True)]
        rng = ask.rng(f"arena {len(talk.turns)}")
        rng.shuffle(answers)
        options = dict(zip(LETTERS, answers, strict=False))
        try:
            best = (
                await ask(
                    "judge", pick_of(len(options)), talk=talk, options={k: t.text for k, (_, t) in options.items()}
                )
            ).best
        except AnswerRejected:  # the released code gives the dialogue up (DEFAULT: by chance, and counted)
            best = rng.choice(list(options))
            kept = ask.desk.dialogue.quality.kept
            kept["arena_by_chance"] = kept.get("arena_by_chance", 0) + 1
        source, turn = options[best]
        log: list[JsonValue] = [
            {"from": name, "text": one.text, "chosen": letter == best} for letter, (name, one) in options.items()
        ]
        turn.extra |= {"from": source, "candidates": log}
        return turn

    @staticmethod
    async def _answer(name: str, rival: Counselor, memory: Arena, talk: Talk, ask: Ask) -> Turn:
        """What a rival would say, by the model that was given for its name, if one was.

        It has the talk to itself: two of one system remember apart, and what the losers note leaves no trace.
        """
        model = ask.desk.models.by_agent.get(name)
        desk = replace(ask.desk, models=Models({"": model}) if model else ask.desk.models, answered_by={})
        own_talk = Talk.load(memory.rivals.get(name, {"dialogue": {"id": name, "lang": ask.lang}, "memories": {}}))
        for at, session in enumerate(talk.dialogue.sessions):
            own = own_talk.dialogue.sessions[at] if at < len(own_talk.dialogue.sessions) else own_talk.begin_session()
            own.summary, own.turns = session.summary, [turn.model_copy(deep=True) for turn in session.turns]
        own_talk.opening = talk.opening
        turn = await rival.reply(own_talk, Ask(desk, rival, own_talk))
        memory.rivals[name] = own_talk.dump()
        ask.desk.answered_by |= dict.fromkeys((name,), next(iter(desk.answered_by.values()), ""))
        return turn

    def fault(self, text: str, lang: Lang) -> str | None:
        """The paper's response check: what is wrong with a reply, or None."""
        if len(text if lang == "zh" else text.split()) > (self.longest if lang == "zh" else self.longest // 2):
            return {"zh": f"超过了 {self.longest} 个字", "en": f"it has more than {self.longest // 2} words"}[lang]
        if "\n" in text.strip():
            return {"zh": "里面有换行", "en": "it has line breaks"}[lang]
        if is_list(text):
            return {"zh": "里面有分条列举", "en": "it has an enumeration"}[lang]
        return None
