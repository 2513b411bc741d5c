"""CRDial: cognitive restructuring written sub-step by sub-step, channel by channel, loop by loop. arXiv 2504.17238.

Identification goes from automatic thoughts over intermediate beliefs down to core beliefs and ends with up to three
channels. Each channel is put on trial: defense, prosecution, verdict. After every verdict a loop check asks whether
distorted beliefs remain: then it begins anew, else the talk is closed. One situation so becomes a tree, and every path
from its root to a leaf a dialogue that goes through three filters.
"""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, field_validator
from pydantic_core import to_jsonable_python

from psyloom.agents import Ask, ScriptRules, Sight, Talk, Writer
from psyloom.agents.annotating import talk_of
from psyloom.agents.script import keeps
from psyloom.agents.together import gather
from psyloom.knowledge import Term
from psyloom.knowledge.plans import Stage, stage_plan
from psyloom.records import Case, Dialogue, Speaker, Turn
from psyloom.systems.crisp.answers import (
    Closing,
    Commonsense,
    Identified,
    LoopCheck,
    Stretch,
    Tried,
    joined,
    messages,
    stretch_type,
    turn_of,
    turns_of,
)  # fmt: skip
from psyloom.systems.crisp.checks import misjudged, mislabelled, uneven
from psyloom.systems.crisp.commonsense import table
from psyloom.systems.crisp.filters import filtered
from psyloom.systems.crisp.tree import (
    DISTORTIONS,
    STRATEGIES,
    Channel,
    Inference,
    Node,
    leaf_ids,
    leaves,
    named,
    on_trial,
    path_to,
    put_path,
    treated_in,
    turns_on,
)  # fmt: skip

PLAN = stage_plan("crdial")
RULES = ScriptRules(no_lists=True, language=True, unsaid=(STRATEGIES,), guarded=True)


class Crisp(Writer):
    """Grows the tree of a situation; every path is a dialogue."""

    sight: ClassVar[Sight] = {
        "script_writer": {"scenario.situation"},
        "commonsense": {"scenario.situation"},
        "loop_judge": frozenset(),
        "basic_filter": frozenset(),
        "safety_filter": frozenset(),
        "expert_filter": {"scenario.situation"},
    }
    needs: ClassVar[frozenset[str]] = frozenset({"scenario.situation"})

    most_paths: int = Field(
        9,
        ge=1,
        description="most paths of a situation, each a dialogue; shared out evenly among the branches, where there are "
        "fewer than channels the seed draws",
    )
    loops: int = Field(PLAN.loops, ge=1, description="most loops of a path")
    commonsense: Literal["model", "off"] | Path = Field(
        "model",
        description="inferences about the text at hand in every sub-step: written by a model, none, or looked up in a "
        "JSON Lines table with head, relation, tail, such as ATOMIC-10x",
    )
    inferences: int = Field(6, ge=1, description="most inferences of a sub-step")
    second_trial: bool = Field(False, description="a thought that has not shifted is prosecuted and judged once more")
    self_disclosure: bool = Field(
        True, description="false: the therapist tells nothing of itself; a machine has nothing to tell"
    )
    filters: bool = Field(
        True,
        description="basic, safety and expert filter, at most five calls a path; who fails one is kept apart with the reason",
    )
    keep_from: float = Field(3.5, ge=1, le=5, description="lowest mean of the sixteen expert criteria that is kept")
    strict: bool = Field(
        True,
        description="false: form, language, repetitions, names and number of strategies, and whether each stands for one "
        "sentence, are not checked",
    )

    @field_validator("commonsense")
    @classmethod
    def _table_can_be_read(cls, given: str | Path) -> str | Path:
        """Before anything is started: the table is needed in every sub-step, and read once."""
        if isinstance(given, Path):
            table(given)
        return given

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        """The tree, with its first path as the session."""
        nodes = await self._grow(ask, 1, [], self.most_paths)
        if self.filters:
            await gather(*(self._filter(ask, nodes, leaf) for leaf in leaf_ids(nodes)))
        dialogue = ask.desk.dialogue
        put_path(dialogue, nodes, leaf_ids(nodes)[0])
        dialogue.extra["tree"] = to_jsonable_python([n.model_dump(mode="json", exclude_defaults=True) for n in nodes])
        return dialogue

    def dialogues(self, written: Dialogue) -> Iterable[Dialogue]:
        return leaves(written)

    async def _filter(self, ask: Ask, nodes: list[Node], leaf: str) -> None:
        """What the filters say about a path stands on its last node."""
        path = path_to(nodes, leaf)
        path[-1].filtered = await filtered(ask, turns_on(path), on_trial(path), self.keep_from)

    async def _grow(self, ask: Ask, loop: int, above: list[Node], quota: int) -> list[Node]:
        """One loop and all that follows it, in the tree's order; at most ``quota`` paths."""
        top = await self._identify(ask, loop, above)
        most = min(len(top.channels), quota)
        numbers = sorted(ask.rng(f"channels/{top.id}").sample(range(1, len(top.channels) + 1), most))
        shares = [quota // most + (at < quota % most) for at in range(most)]
        branches = (self._branch(ask, [*above, top], n, share) for n, share in zip(numbers, shares, strict=True))
        return [top, *chain(*await gather(*branches))]

    async def _branch(self, ask: Ask, above: list[Node], number: int, quota: int) -> list[Node]:
        """One channel: trial, loop check, then the next loop or the end."""
        node = await self._try(ask, above, number)
        path = [*above, node]
        talk = talk_of(turns_on(path), ask.lang)
        check = await asking(ask, talk)("loop_check", LoopCheck, talk=talk, treated=named(on_trial(path)))
        node.remaining = check.remaining
        if check.remaining and node.loop < self.loops:
            return [node, *await self._grow(ask, node.loop + 1, path, quota)]
        node.turns.append(await self._close(ask, path))
        return [node]

    async def _identify(self, ask: Ask, loop: int, above: list[Node]) -> Node:
        """Automatic thoughts, intermediate beliefs, core beliefs; the last one gives the channels."""
        parent = above[-1].id if above else None
        node = Node(id=f"{parent}-l{loop}" if parent else f"l{loop}", parent=parent, loop=loop)
        for step in PLAN.under("identification"):
            found = await self._step(ask, step, node, [*above, node])
            node.channels = found.channels if isinstance(found, Identified) else []
        return node

    async def _try(self, ask: Ask, above: list[Node], number: int) -> Node:
        """Defense, prosecution, verdict of one channel."""
        top = above[-1]
        node = Node(id=f"{top.id}c{number}", parent=top.id, loop=top.loop, channel=number)
        trial = PLAN.under("restructuring")
        again = trial[1:] if self.second_trial else ()
        for step in (*trial, *again):
            if node.verdict and node.verdict.restructured:
                break
            found = await self._step(ask, step, node, [*above, node], top.channels[number - 1])
            node.verdict = found.verdict if isinstance(found, Tried) else None
        return node

    async def _step(
        self, ask: Ask, step: Stage, node: Node, path: list[Node], channel: Channel | None = None
    ) -> Stretch:
        """Write one sub-step and put its turns on the node."""
        talk, treated = talk_of(turns_on(path), ask.lang), treated_in(path[:-1])
        if inferences := await self._infer(ask, talk):
            node.commonsense[step.id] = inferences
        form = keeps(ask, RULES, messages, strict=self.strict, before=talk.turns)
        allowed = self._strategies()

        def wrong(found: Stretch) -> str | None:
            said = chain.from_iterable(one.therapist for one in found.exchanges)
            lapse = form(found) or mislabelled(said, allowed, ask, strict=self.strict)
            return lapse or misjudged(found, step, channel, treated, ask)

        def strategies(found: Stretch) -> str | None:
            return uneven(found, ask.lang) if self.strict else None

        stretch = await asking(ask, talk)(
            "substep", stretch_type(step, tuple(term.id for term in treated)), check=wrong, prefer=strategies, talk=talk, plan=PLAN, step=step,
            number=node.loop, strategies=allowed, distortions=[term for term in DISTORTIONS.terms if term not in treated], treated=treated,
            channel=channel and DISTORTIONS[channel.distortion], thought=channel and channel.thought, inferences=inferences,
        )  # fmt: skip
        node.turns += turns_of(stretch, step, node.loop, ask.lang)
        return stretch

    async def _infer(self, ask: Ask, talk: Talk) -> list[Inference]:
        """Inferences about what the help-seeker said last; at the beginning, about the situation."""
        if self.commonsense == "off":
            return []
        said = talk.last("client")
        if isinstance(self.commonsense, Path):
            about = said or ask.sees("commonsense").scenario.situation
            return table(self.commonsense).about(about, self.inferences)
        found = await ask("commonsense", Commonsense, said=said, most=self.inferences)
        return [Inference(**one.model_dump()) for one in found.inferences[: self.inferences]]

    async def _close(self, ask: Ask, path: list[Node]) -> Turn:
        """The closing turn, after the loop check has found nothing more or the limit is reached."""
        talk = talk_of(turns_on(path), ask.lang)

        def last_two(closing: Closing) -> list[tuple[Speaker, str]]:
            return [("client", talk.last("client")), ("counselor", joined(closing.sentences, ask.lang)[0])]

        form = keeps(ask, RULES, last_two, strict=self.strict, before=talk.turns[:-1])
        allowed = self._strategies()

        def wrong(closing: Closing) -> str | None:
            return form(closing) or mislabelled(closing.sentences, allowed, ask, strict=self.strict)

        closing = await asking(ask, talk)("closing", Closing, check=wrong, talk=talk, strategies=allowed)
        return turn_of(closing.sentences, [], path[-1].loop, ask.lang)

    def _strategies(self) -> list[Term]:
        """The strategies that may be used."""
        return [term for term in STRATEGIES.terms if self.self_disclosure or term.id != "self_disclosure"]


def asking(ask: Ask, talk: Talk) -> Ask:
    """Branches are written side by side: each asks with its own talk."""
    return ask.as_(ask.role, talk)
