"""SoulChat: a long question and one long answer become a conversation full of empathy. EMNLP 2023 Findings 83.

One call rewrites the pair: step by step the model says what the user needs and how the answer shows empathy, then
writes the conversation. The counselor is the chat of the released demo; the annotator is the cleaning stage (review.py).
"""

import re
from typing import ClassVar, Literal

from pydantic import Field

from psyloom.agents import Ask, Counselor, Range, ScriptRules, Sight, Talk, Writer, write_script
from psyloom.knowledge import label_set
from psyloom.records import Case, Dialogue, Lang, Speaker, Turn
from psyloom.systems.posts import question_of
from psyloom.systems.soulchat.review import SoulChatReview as SoulChatReview

TOPICS = label_set("soulchat_topic")
EMPATHY = label_set("soulchat_empathy")
PREFIXES: dict[Lang, dict[str, Speaker]] = {
    "zh": {"用户": "client", "心理咨询师": "counselor"},
    "en": {"User": "client", "Counselor": "counselor"},
}
LEAD_IN: dict[Lang, str] = {"zh": "改写后的对话：", "en": "The rewritten conversation:"}


class SoulChat(Writer):
    """One call for each question and answer."""

    sight: ClassVar[Sight] = {"script_writer": {"post.title", "post.text", "post.answers.text"}}
    needs: ClassVar[frozenset[str]] = frozenset({"post.text", "post.answers"})

    answer: Literal["first", "random"] = Field("first", description="which answer of the post; random: by the seed")
    messages: Range = Field((8, 20), description="fewest and most messages, both sides together")
    strict: bool = Field(True, description="ask again for a script that breaks a rule; false keeps and flags it")

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        post = ask.sees("script_writer").post
        number = ask.rng("answer").randrange(len(post.answers)) if self.answer == "random" else 0
        rules = ScriptRules(
            PREFIXES[ask.lang], messages=self.messages, first="client", last="counselor", after=LEAD_IN[ask.lang],
            no_lists=True, language=True, guarded=True,
        )  # fmt: skip
        turns = await write_script(
            ask, "rewrite", rules, strict=self.strict, empathy=EMPATHY, answer=post.answers[number].text,
            fewest=self.messages[0], most=self.messages[1], lead_in=LEAD_IN[ask.lang],
        )  # fmt: skip
        self._label_topic(case, ask)
        return ask.dialogue(turns, question=question_of(case), answer=number)

    def _label_topic(self, case: Case, ask: Ask) -> None:
        """The post's topic as the dialogue's label, where it is one of the twelve."""
        if term := TOPICS.find(case.get("post.topic") or ""):
            ask.desk.dialogue.labels.append(TOPICS.label(term.id))


class SoulChatCounselor(Counselor):
    """The demo's chat with the tuned model: prefixed lines of the last exchanges, no instruction."""

    sight: ClassVar[Sight] = {"counselor": frozenset()}

    past: int = Field(5, ge=0, description="earlier exchanges that the model reads")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        text = await ask("reply", talk=talk, last=2 * self.past + 1)
        return Turn.counselor(re.sub(r"\n+", "\n", text))
