"""PDS, progressive dialogue synthesis: an outline first, then stage after stage along it.

Part 1 of CATCH: personality, goal, resources, solution; then the goal stage, the working stage and the ending, each
written with all that was written before. Seven calls.
"""

from typing import ClassVar

from pydantic import Field

from psyloom.agents import Ask, ScriptRules, Sight, Talk, Writer
from psyloom.agents.script import keeps
from psyloom.knowledge import label_set
from psyloom.knowledge.plans import Stage, stage_plan
from psyloom.records import Case, Dialogue, Turn
from psyloom.systems.catch.outline import BigFive, Goal, Outline, Resources, Solution, usable_in, whole_in
from psyloom.systems.catch.parts import Part, messages, part_type, unfinished

PLAN, TECHNIQUES = stage_plan("sst"), label_set("catch_technique")
RULES = ScriptRules(no_lists=True, language=True, unsaid=(TECHNIQUES,), guarded=True)


class Catch(Writer):
    """Outline, then the three stages."""

    sight: ClassVar[Sight] = {
        "profiler": {"post.title", "post.text"},
        "planner": {"post.title", "post.text", "personality"},
        "script_writer": {"post.title", "post.text", "personality"},
    }
    needs: ClassVar[frozenset[str]] = frozenset({"post.text"})

    strict: bool = Field(
        True, description="false: length, form, end conditions and coverage of the plan are asked for and not checked"
    )

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        if case.personality is None:
            case.personality = (await ask("personality", BigFive)).facet(ask.lang)
            case.derived.append("personality")
        goal = (await ask("goal", Goal)).goal
        found = await ask("resources", Resources, check=whole_in(ask.lang), goal=goal)
        resources = found.numbered()
        solution = await ask(
            "solution", Solution, check=usable_in(ask.lang, len(resources)), goal=goal, resources=resources
        )
        talk = Talk(ask.desk.dialogue)
        outline = Outline(goal, resources, solution)
        asking = ask.as_(ask.role, talk)
        parts = {stage.id: await self._stage(asking, talk, stage, outline) for stage in PLAN.stages}
        talk.session.notes |= {
            "consultation_target": goal,
            "outline": {
                "goal": goal,
                "resources": [{"kind": kind, **one.model_dump()} for kind, one in resources],
                "solution": {"positive_resources": [one.text for one in outline.used], "plan": solution.plan},
            },
            "reached": {stage: part.model_dump(exclude={"exchanges"}) for stage, part in parts.items()},
        }
        return talk.dialogue

    async def _stage(self, ask: Ask, talk: Talk, stage: Stage, outline: Outline) -> Part:
        """Write one stage after all that was said, and add its turns to the talk."""
        form = keeps(ask, RULES, lambda part: messages(part.exchanges), strict=self.strict, before=talk.turns)

        def wrong(part: Part) -> str | None:
            return form(part) or (unfinished(part, outline, ask) if self.strict else None)

        part = await ask(
            "stage", part_type(stage, tuple(one.name for one in outline.used)), check=wrong, talk=talk, manual=PLAN,
            techniques=TECHNIQUES, stage=stage, **outline._asdict(),
        )  # fmt: skip
        label = PLAN.labels.label(stage.id)
        for who, text in messages(part.exchanges):
            talk.add(Turn(speaker=who, text=text, labels=[label] if who == "counselor" else []))
        return part
