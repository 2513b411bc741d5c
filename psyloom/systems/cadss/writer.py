"""PGSim, which made CPsDD: a scenario, a path of strategies, a dialogue along the path, and its polish.

The k-th message of the supporter carries out the k-th strategy of the path. What the Generator writes the Modifier
rewrites: texts only, so that number, order, speakers and strategies stay by construction.
"""

from collections.abc import Sequence
from random import Random
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field, StringConstraints

from psyloom.agents import Ask, ScriptRules, Sight, Talk, Writer
from psyloom.agents.annotating import talk_of
from psyloom.agents.script import keeps, reject
from psyloom.errors import BadRecord
from psyloom.knowledge import LabelSet, OneOf, Term, label_set
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Case, Dialogue, Lang, Scenario, Speaker, Turn
from psyloom.safety.review import violation

STRATEGIES = label_set("cadss_strategy")
# The quadruple: facet field -> its labels. Problem, cause and focus may have several, in their order.
QUADRUPLE: dict[str, LabelSet] = {
    "group": label_set("cadss_group"), "type": label_set("cadss_problem"), "cause": label_set("cadss_cause"),
    "focus": label_set("cadss_focus"),
}  # fmt: skip
RECOMMENDED = ("recommend_music", "recommend_film", "recommend_books", "other_recommendation")
SHORTEST, LONGEST = 6, 30  # utterances of an accepted dialogue
WORDS: dict[str, dict[Lang, str]] = {
    "size": {"en": "there are {} steps; the path has {}", "zh": "写了 {} 步，路径是 {} 步"},
    "step": {"en": "step {} must carry out {}, not {}", "zh": "第 {} 步要用“{}”，而不是“{}”"},
    "silent": {"en": "the client does not answer in step {}", "zh": "第 {} 步里求助者没有回应"},
    "after": {"en": "nobody speaks after the last message of the counselor: client must be null there", "zh": "咨询师最后一条之后没有人再说话，那里的 client 填 null"},
    "texts": {"en": "there are {} messages; the draft has {}", "zh": "写了 {} 条，草稿是 {} 条"},
}  # fmt: skip
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Step(BaseModel):
    """One step of the path: the supporter's message and the client's answer, none after the last."""

    strategy: Annotated[str, OneOf(STRATEGIES)]
    counselor: Text
    client: Text | None


class Draft(BaseModel):
    """What the Generator writes. The rehearsal reads the path from its talk: one turn a step, its text the strategy."""

    steps: list[Step] = Field(min_length=1)

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        turns: list[tuple[Speaker, str]] = []
        steps = []
        for at, (_, strategy) in enumerate(actor.cue.turns):
            spoken = _rehearsed(actor, strategy, turns)
            turns.append(("counselor", spoken))
            last = at + 1 == len(actor.cue.turns)
            heard = None if last else actor.utterance("client", turns, may_close=False)
            turns += [] if heard is None else [("client", heard)]
            steps.append({"strategy": STRATEGIES[strategy].name(actor.cue.lang), "counselor": spoken, "client": heard})
        return {"steps": steps}


def _rehearsed(actor: Actor, strategy: str, turns: Sequence[tuple[Speaker, str]]) -> str:
    """A line of the stock that does what the strategy says."""
    stock, said = actor.stock["counselor"], "\n".join(text for _, text in turns)
    kinds = {
        "opening_greeting": ["open"], "closing_words": ["close"], "comfort_and_encouragement": ["normalise", "encourage"],
        "suggest_methods": ["solve"], "guiding_question": ["explore"],
    }.get(strategy)  # fmt: skip
    lines = [line for kind in kinds for line in stock[kind]] if kinds else actor.stock["recommendation"][strategy]
    fitting = [line for line in actor.left(lines, said) if "{q}" not in line]
    return fitting[0] if fitting else actor.utterance("counselor", turns, may_close=False)


class Polished(BaseModel):
    """What the Modifier writes: every message of the draft anew, in its order."""

    texts: list[Text] = Field(min_length=1)

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {"texts": [text for _, text in actor.cue.turns]}


def draw_path(rng: Random, most_recommended: int = 3) -> list[str]:
    """A path of 7 to 11 strategies.

    Greeting; 2 to 4 guiding questions with 1 or 2 comforts between them; up to 2 methods; 1 to 3 recommendations, each
    kind once; comfort; closing. Grammar and lengths are ours.
    """
    while True:
        asked = ["guiding_question"] * rng.randint(2, 4)
        for _ in range(rng.randint(1, 2)):
            asked.insert(rng.randint(1, len(asked) - 1), "comfort_and_encouragement")
        methods = ["suggest_methods"] * rng.randint(0, 2)
        fewest = min(1, most_recommended)
        recommended = rng.sample(RECOMMENDED, rng.randint(fewest, min(3, most_recommended)))
        path = ["opening_greeting", *asked, *methods, *recommended, "comfort_and_encouragement", "closing_words"]
        if 7 <= len(path) <= 11:
            return path


class Pgsim(Writer):
    """Generator, Modifier, review."""

    sight: ClassVar[Sight] = {
        "situation_writer": {"scenario.group", "scenario.type", "scenario.cause", "scenario.focus"},
        "generator": {"scenario.group", "scenario.type", "scenario.cause", "scenario.focus", "scenario.situation",
                      "scenario.severity_before", "scenario.severity_after"},
        "modifier": {"scenario.situation"},
    }  # fmt: skip

    modifier: bool = Field(True, description="false: the Generator's draft is the dialogue")
    closed: bool = Field(
        True, description="refuse a scenario or path with words outside the label lists; false passes them on"
    )
    recommendations: int = Field(
        3, ge=0, le=3, description="most recommendations (music, film, book, other) of a drawn path"
    )
    strict: bool = Field(True, description="false: form and review rules are not checked; the path always is")

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        path = self._scenario(case, ask)
        if not case.get("scenario.situation"):
            text = await ask("situation", **self._quadruple(ask, "situation_writer"))
            case.scenario = (case.scenario or Scenario()).model_copy(update={"situation": text})
        steps = (await self._generate(ask, path)).steps
        draft = messages(steps)
        turns = await self._polish(ask, path, draft) if self.modifier else draft
        labels = [[STRATEGIES.label(step.strategy)] for step in steps]
        dialogue = ask.dialogue(
            (Turn(speaker=who, text=text, labels=labels[at // 2] if who == "counselor" else [])
             for at, (who, text) in enumerate(turns)),
            path=list(path),
        )  # fmt: skip
        dialogue.labels += self._labels(ask)
        dialogue.extra |= {"draft": [text for _, text in draft]} if self.modifier else {}
        return dialogue

    def _scenario(self, case: Case, ask: Ask) -> tuple[str, ...]:
        """Complete the scenario with what the seed draws, and return its path.

        Raises: BadRecord for a path too short or too long, severity that grows, or with ``closed`` a foreign word.
        """
        scenario, rng = case.scenario or Scenario(), ask.rng("scenario")
        drawn: dict[str, Any] = {}
        for field, labels in QUADRUPLE.items():
            given = getattr(scenario, field)
            if self.closed and (strays := [word for word in given if word not in labels]):
                labels[strays[0]]  # raises UnknownName with the nearest labels
            if not given:
                count = 1 if field in ("group", "cause") else rng.randint(1, 2)
                drawn[field] = [term.name(ask.lang) for term in rng.sample(labels.terms, count)]
        before, after = scenario.severity_before, scenario.severity_after
        if before is None:
            drawn["severity_before"] = before = float(rng.randint(max(2, int(after or 2)), 5))
        if after is None:
            drawn["severity_after"] = after = max(1.0, before - rng.randint(1, 2))
        if after > before:
            what = f"case {case.id!r}: severity_after {after:g} is above severity_before {before:g}"
            raise BadRecord(what, do="the trouble must not be worse at the end")
        case.scenario = scenario.model_copy(update=drawn)
        case.derived += ["scenario"] if drawn or scenario.situation is None else []
        return self._path(case, ask)

    def _path(self, case: Case, ask: Ask) -> tuple[str, ...]:
        """The case's path, or one drawn by the seed."""
        given = case.scenario.path if case.scenario else []
        strays = [word for word in given if word not in STRATEGIES]
        if strays and self.closed:
            STRATEGIES[strays[0]]  # raises UnknownName with the nearest labels
        if not given or strays:
            ask.desk.dialogue.quality.kept.update({"path: foreign words, drawn instead": 1} if strays else {})
            drawn = draw_path(ask.rng("path"), self.recommendations)
            assert case.scenario
            case.scenario.path = [STRATEGIES[one].name(ask.lang) for one in drawn]
            return tuple(drawn)
        path = tuple(STRATEGIES[word].id for word in given)
        if not SHORTEST <= 2 * len(path) - 1 <= LONGEST:
            what = f"case {case.id!r}: a path of {len(path)} strategies makes {2 * len(path) - 1} messages"
            raise BadRecord(what, do=f"give it so many that there are {SHORTEST} to {LONGEST}")
        return path

    def _quadruple(self, ask: Ask, agent: str) -> dict[str, Any]:
        """The scenario as an agent sees it: labels where the lists have them, other words as they stand."""
        scenario = ask.sees(agent).scenario
        return {
            field: [labels.find(word) or word for word in getattr(scenario, field)]
            for field, labels in QUADRUPLE.items()
        }

    def _labels(self, ask: Ask) -> list[Any]:
        quadruple = self._quadruple(ask, "generator")
        return [
            QUADRUPLE[field].label(one.id)
            for field, found in quadruple.items()
            for one in found
            if isinstance(one, Term)
        ]

    async def _generate(self, ask: Ask, path: tuple[str, ...]) -> Draft:
        """The whole dialogue in one call; a step with another strategy than the path's is asked for again."""
        form = keeps(ask, self._rules, lambda draft: messages(draft.steps), strict=self.strict)

        def wrong(draft: Draft) -> str | None:
            fault = off_path(draft.steps, path, ask) or form(draft)
            return fault or (self._reviewed(messages(draft.steps), ask) if not self.modifier else None)

        score = script([("counselor", strategy) for strategy in path], ask.lang)
        return await ask.as_(ask.role, score)(
            "generate", Draft, check=wrong, path=STRATEGIES.some(path), **self._quadruple(ask, "generator")
        )

    async def _polish(
        self, ask: Ask, path: tuple[str, ...], draft: list[tuple[Speaker, str]]
    ) -> list[tuple[Speaker, str]]:
        """The dialogue in the Modifier's words, reviewed."""
        strategies = STRATEGIES.some(path)

        def spoken(polished: Polished) -> list[tuple[Speaker, str]]:
            return [(who, text) for (who, _), text in zip(draft, polished.texts, strict=False)]

        form = keeps(ask, self._rules, spoken, strict=self.strict)

        def wrong(polished: Polished) -> str | None:
            if len(polished.texts) != len(draft):
                return reject(ask, "messages", WORDS["texts"][ask.lang].format(len(polished.texts), len(draft)))
            return form(polished) or self._reviewed(spoken(polished), ask)

        lines = [
            (who, strategies[at // 2] if who == "counselor" else None, text) for at, (who, text) in enumerate(draft)
        ]
        return spoken(await ask.as_(ask.role, script(draft, ask.lang))("modify", Polished, check=wrong, lines=lines))

    @property
    def _rules(self) -> ScriptRules:
        return ScriptRules(
            first="counselor", last="counselor", no_lists=True, language=True, unsaid=(STRATEGIES,), guarded=True
        )

    def _reviewed(self, said: Sequence[tuple[Speaker, str]], ask: Ask) -> str | None:
        found = violation(said, ask.lang) if self.strict else None
        return reject(ask, *found) if found else None


def off_path(steps: Sequence[Step], path: Sequence[str], ask: Ask) -> str | None:
    """Where a draft leaves the path: another number of steps, another strategy, a missing or a surplus answer."""
    lang = ask.lang
    if len(steps) != len(path):
        return reject(ask, "path", WORDS["size"][lang].format(len(steps), len(path)))
    for at, (step, wanted) in enumerate(zip(steps, path, strict=True), 1):
        if step.strategy != wanted:
            names = (STRATEGIES[one].name(lang) for one in (wanted, step.strategy))
            return reject(ask, "path", WORDS["step"][lang].format(at, *names))
        if (step.client is None) != (at == len(path)):
            return reject(ask, "path", WORDS["silent" if step.client is None else "after"][lang].format(at))
    return None


def script(said: Sequence[tuple[Speaker, str]], lang: Lang) -> Talk:
    """Messages as a talk."""
    return talk_of([Turn(speaker=who, text=text) for who, text in said], lang)


def messages(steps: Sequence[Step]) -> list[tuple[Speaker, str]]:
    """Steps as messages: the supporter opens and has the last word."""
    said: list[tuple[Speaker, str]] = []
    for step in steps:
        said.append(("counselor", step.counselor))
        said += [("client", step.client)] if step.client else []
    return said
