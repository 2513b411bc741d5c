"""DeepPsy-Agent: which helping stage is this, think in writing, then answer. arXiv 2503.15876.

Before each reply the stage is found (stages.py). The chat model is told the stage, writes its thought and the reply in
one call (thinking.py). The data that such a model learns from is made of hotline conversations (data.py).
"""

from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from psyloom.agents import Ask, Counselor, Rules, Sight, Talk
from psyloom.knowledge import LabelSet
from psyloom.records import Case, Lang, Turn
from psyloom.systems.deeppsy.data import DeepPsyData
from psyloom.systems.deeppsy.stages import FIRST, PLAN, STAGES, Memory, detect
from psyloom.systems.deeppsy.thinking import TECHNIQUES, UNSAID, think

__all__ = ["PLAN", "STAGES", "TECHNIQUES", "DeepPsy", "DeepPsyData"]


class DeepPsy(Counselor):
    """Stage detection, stage in the prompt, thought, reply; two calls a turn."""

    sight: ClassVar[Sight] = {"detector": frozenset(), "counselor": frozenset()}
    unsaid: ClassVar[tuple[LabelSet, ...]] = UNSAID

    without: Literal["nothing", "stage", "thought", "both"] = Field(
        "nothing", description="ablation: the chat model is not told the stage, writes no thought, or both"
    )
    max_exchanges: int = Field(20, ge=1, description="exchanges of a session")

    def rules(self, case: Case, lang: Lang) -> Rules:
        """It ends when the client leaves, when both take leave, or with a goodbye after a step was agreed."""
        return replace(super().rules(case, lang), max_exchanges=self.max_exchanges, last="counselor")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        memory = talk.memory(self, Memory, session=True)
        before = memory.stage
        found = await detect(memory, talk, ask)
        turn = await think(
            "reply", PLAN[memory.stage or FIRST], talk, ask, staged=self.without not in ("stage", "both"),
            thinks=self.without not in ("thought", "both"),
        )  # fmt: skip
        turn.extra |= {"stage_before": before, "stage": memory.stage, "detector": found}
        return turn
