"""Rehearsal: the back end that needs no model. Deterministic, offline, filled from the case's own words.

It goes by the call's `Cue`, never by the prompt, and makes the first run, the docs and the tests real end to end.
What it writes is no data: dialogues are marked ``rehearsal``.
"""

from pydantic_core import to_json

from psyloom.llm.model import Answer, Call
from psyloom.llm.rehearsal.actor import Actor


class Rehearsal:
    """A `Model` without a model.

    own_words: False leaves the case's words out, so that a test can see which words a prompt itself holds.
    """

    def __init__(self, *, own_words: bool = True) -> None:
        self.name = "rehearsal"
        self._own_words = own_words

    async def __call__(self, call: Call, /) -> Answer:
        if call.cue is None:
            raise ValueError("rehearsal needs a cue; ask through psyloom.agents.Ask")
        answer = Actor(call.cue(), own_words=self._own_words).answer()
        text = answer if isinstance(answer, str) else to_json(answer).decode()
        if call.on_text:
            call.on_text(text)
        return Answer(
            text, prompt_tokens=sum(len(m["content"]) for m in call.messages) // 4, completion_tokens=len(text) // 4
        )

    async def aclose(self) -> None:
        """Nothing to give back."""
