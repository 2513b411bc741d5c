"""Interactive Agents: a client that knows one help post, a counselor that knows only the talk. arXiv 2408.15787."""

from typing import ClassVar

from pydantic import Field

from psyloom.agents import Ask, Client, Counselor, Rules, Sight, Talk, said
from psyloom.agents.script import is_list
from psyloom.knowledge import label_set
from psyloom.records import Case, Lang, Turn

STAGES = label_set("helping_stage")
HELLO: dict[Lang, str] = {"zh": "你好", "en": "Hello"}
# The paper's eleven phrases; the English ones are ours.
END_PHRASES: dict[Lang, tuple[str, ...]] = {
    "zh": ("再见", "加油", "保重", "欢迎回来", "一切顺利", "祝你好运", "期待听到", "期待再次", "期待你", "下一次", "下次见"),
    "en": ("goodbye", "Goodbye", "take care", "Take care", "good luck", "Good luck", "all the best", "look forward to",
           "next session", "see you next"),
}  # fmt: skip


class InteractiveClient(Client):
    """Takes its request apart and reveals it bit by bit."""

    sight: ClassVar[Sight] = {"client": {"post.title", "post.text"}}
    needs: ClassVar[frozenset[str]] = frozenset({"post"})

    rounds: int = Field(50, ge=1, description="rounds the client is told the session needs")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        return Turn.client(await ask("client", talk=talk, rounds=self.rounds))


class InteractiveCounselor(Counselor):
    """Explores, brings insight, then action; never reads the profile, never ends the session itself."""

    response_check: bool = Field(
        True, description="ask again for a reply over the limit, with line breaks or an enumeration"
    )
    longest: int = Field(
        200, ge=1, description="characters of a Chinese reply; an English one may have this many words / 2"
    )
    max_exchanges: int = Field(50, ge=1, description="patience limit of a session")

    def rules(self, case: Case, lang: Lang) -> Rules:
        """A fixed greeting by the client, the counselor's word last, end phrases in the counselor's lines only."""
        return Rules(
            opening=[Turn.client(HELLO[lang])], max_exchanges=self.max_exchanges, last="counselor",
            stop=[said(END_PHRASES[lang], "counselor")],
        )  # fmt: skip

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        def response_check(text: str) -> str | None:
            return self.fault(text, ask.lang)

        return Turn.counselor(
            await ask("counselor", talk=talk, stages=STAGES, prefer=response_check if self.response_check else None)
        )

    def fault(self, text: str, lang: Lang) -> str | None:
        """The paper's response check: what is wrong with a reply, or None."""
        if len(text if lang == "zh" else text.split()) > (self.longest if lang == "zh" else self.longest // 2):
            return {"zh": f"超过了 {self.longest} 个字", "en": f"it has more than {self.longest // 2} words"}[lang]
        if "\n" in text.strip():
            return {"zh": "里面有换行", "en": "it has line breaks"}[lang]
        if is_list(text):
            return {"zh": "里面有分条列举", "en": "it has an enumeration"}[lang]
        return None
