"""Client Reactions: what the counselor does and how the client reacts, sentence by sentence. ACL 2023, arXiv 2306.15334.

A counselor's sentence has one of 12 strategies or Others, a client's one of 11 behaviors or Others. Intention and
reaction are the groups of these labels: `intentions` and `reaction` derive them for a message.
"""

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field

from psyloom.agents import Annotator, Ask, Sight
from psyloom.agents.annotating import coarse, label_sentences, labels_in, where_it_comes_right
from psyloom.knowledge import LabelSet, label_set
from psyloom.records import Dialogue, Label, Speaker, Turn

STRATEGIES, BEHAVIORS = label_set("client_reactions_strategy"), label_set("client_reaction")
OF: dict[Speaker, tuple[str, LabelSet]] = {"counselor": ("strategy", STRATEGIES), "client": ("behavior", BEHAVIORS)}


class ReactionAnnotator(Annotator):
    """One call a message: a label and its evidence for each of its sentences, in the light of what was said before."""

    sight: ClassVar[Sight] = {"annotator": frozenset()}

    context: int = Field(10, ge=0, description="messages before the one to be labelled that are shown; 10 in the paper")

    async def annotate(self, dialogue: Dialogue, ask: Ask) -> Dialogue:
        """Adds the labels with the sentence as their span; a message without a sentence gets none, and one whose answer
        was wrong twice is noted with its reason."""
        shown = {
            (number, at): session.turns[max(0, at - self.context) : at + 1]
            for number, session in enumerate(dialogue.sessions)
            for at, turn in enumerate(session.turns)
            if turn.text.strip()
        }
        labelled = await where_it_comes_right(ask, {at: self._labels(turns, ask) for at, turns in shown.items()})
        for at, labels in labelled.items():
            shown[at][-1].labels = [*shown[at][-1].labels, *labels]
        return dialogue

    @staticmethod
    async def _labels(turns: list[Turn], ask: Ask) -> list[Label]:
        prompt, labels = OF[turns[-1].speaker]
        return await label_sentences(ask, prompt, labels, turns)


def intentions(labels: Iterable[Label], by: str | None = None) -> set[str]:
    """The intentions of a counselor's message: ids out of supporting, challenging, others."""
    return {coarse(STRATEGIES, label.id) for label in labels_in(labels, STRATEGIES, by)}


def reaction(labels: Iterable[Label], by: str | None = None) -> str | None:
    """The reaction of a client's message: negative if any sentence is, else positive if any is, else others.

    Returns: None when nothing is labelled.
    """
    found = {coarse(BEHAVIORS, label.id) for label in labels_in(labels, BEHAVIORS, by)}
    return next((one for one in ("negative", "positive", "others") if one in found), None)
