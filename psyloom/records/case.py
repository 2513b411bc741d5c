"""Case: who the client is before any talk. Facets are what different fields of practice write down."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from psyloom.records.record import Lang, Part, Record, Source

Attitude = Literal["positive", "neutral", "negative"]


class Facet(Part):
    """One view of a client. Every field may be missing: sources differ in what they record."""

    def leaves(self) -> Iterator[tuple[str, str]]:
        """Yield (dotted path, text) of every filled text in the facet; list items share their list's path."""
        return _leaves("", self.model_dump(exclude_none=True))

    @model_validator(mode="before")
    @classmethod
    def _null_is_missing(cls, given: Any) -> Any:
        """A null where the facet has a list means: nothing is known."""
        if not isinstance(given, dict):
            return given
        filled = {name for name, field in cls.model_fields.items() if field.default_factory is not None}
        return {name: value for name, value in given.items() if value is not None or name not in filled}


class Demographics(Facet):
    """人口学信息。"""

    name: str | None = None
    age: int | str | None = Field(None, description="years, or words when only roughly known")
    gender: str | None = None
    occupation: str | None = None
    education: str | None = None
    marital_status: str | None = None
    family: str | None = None
    place: str | None = None


class Answer(Part):
    """One answer to a post."""

    text: str
    id: str | None = None
    author: str | None = Field(None, description="who answered, as the source names them")
    about_author: str | None = Field(None, description="credentials or profile text of who answered")
    extra: dict[str, JsonValue] = Field(default_factory=dict)


class Post(Facet):
    """求助帖: a public single-turn question with its answers."""

    title: str | None = None
    text: str = Field(min_length=1)
    topic: str | None = None
    answers: list[Answer] = Field(default_factory=list)


class Intake(Facet):
    """心理咨询登记表, sections 2 to 6; section 1 is `demographics`. Source: CACTUS, arXiv 2407.03103."""

    problem: str | None = Field(None, description="2 presenting problem: what, since when, course, what was tried")
    reason: str | None = Field(None, description="3 reason for seeking counseling")
    history: str | None = Field(None, description="4 past history, medical history included")
    functioning: str | None = Field(None, description="5 work or study, relationships, daily life")
    support: str | None = Field(None, description="6 social support")


class CoreBeliefs(Part):
    """核心信念 in Beck's three categories."""

    helpless: list[str] = Field(default_factory=list)
    unlovable: list[str] = Field(default_factory=list)
    worthless: list[str] = Field(default_factory=list)
    other: list[str] = Field(default_factory=list)


class Situation(Part):
    """One situation of a cognitive model: what happened, was thought, felt and done."""

    situation: str
    automatic_thoughts: list[str] = Field(default_factory=list)
    emotions: list[str] = Field(default_factory=list)
    behaviors: list[str] = Field(default_factory=list)


class Cognition(Facet):
    """认知概念化图 (CCD), in the order of PATIENT-Ψ, arXiv 2405.19660."""

    history: str | None = None
    core_beliefs: CoreBeliefs = Field(default_factory=CoreBeliefs)
    intermediate_beliefs: list[str] = Field(default_factory=list)
    intermediate_beliefs_during_depression: list[str] = Field(default_factory=list)
    coping_strategies: list[str] = Field(default_factory=list)
    situations: list[Situation] = Field(default_factory=list)


class Thought(Facet):
    """消极想法: one negative thought with its distortions and the persona that has it."""

    thought: str = Field(min_length=1)
    distortions: list[str] = Field(default_factory=list, description="label ids or the source's own names")
    persona: str | None = None
    scene: str | None = None


class Report(Facet):
    """咨询案例报告: a counselor's report of a finished counseling. Source: CPsyCoun, arXiv 2405.16433."""

    title: str | None = None
    type: str | None = None
    method: str | None = None
    brief: str | None = Field(None, description="案例简述: demographics and problems of the client")
    process: str | None = Field(None, description="咨询经过: what was done, told in the third person")
    reflections: str | None = Field(None, description="经验感想: what the counselor takes from it")


class Note(Facet):
    """病历记录: one clinical note as free text."""

    text: str = Field(min_length=1)


class Diagnosis(Part):
    """One diagnosis."""

    name: str
    code: str | None = None
    system: str | None = Field(None, description="ICD-10, ICD-11, DSM-5 ...")


class Clinical(Facet):
    """A psychiatric record. Source of the fields: MDD-5k, arXiv 2408.12142."""

    complaint: str | None = Field(None, description="主诉")
    present_illness: str | None = Field(None, description="现病史")
    physical_illness: str | None = Field(None, description="重要或相关躯体疾病史")
    family_history: str | None = Field(None, description="家族史")
    personal_history: dict[str, str] = Field(default_factory=dict, description="个人史")
    mental_state: dict[str, str] = Field(default_factory=dict, description="精神检查")
    risk: dict[str, str] = Field(default_factory=dict, description="suicide, self-harm, violence, protective factors")
    questions: list[str] = Field(default_factory=list, description="what the patient wants to ask")
    diagnoses: list[Diagnosis] = Field(default_factory=list)
    treatment: str | None = Field(None, description="处理意见")


class Portrait(Facet):
    """来访者画像. Source of the fields: SuDoSys, arXiv 2411.10681."""

    mood: str | None = Field(None, description="当前情绪")
    symptoms: str | None = Field(None, description="当前症状表现")
    stressors: str | None = Field(None, description="困扰和压力来源")
    age: str | None = Field(None, description="推测年龄")
    gender: str | None = Field(None, description="推测性别")
    mental_health_history: str | None = Field(None, description="既往心理健康史")
    habits: str | None = Field(None, description="生活习惯")
    occupation: str | None = Field(None, description="职业")
    hobbies: str | None = Field(None, description="个人爱好和兴趣")


class Personality(Facet):
    """大五人格: each trait as a level or in words."""

    openness: str | None = None
    conscientiousness: str | None = None
    extraversion: str | None = None
    agreeableness: str | None = None
    neuroticism: str | None = None
    summary: str | None = None


class Disposition(Facet):
    """How the client behaves in counseling."""

    attitude: Attitude | None = None
    instruction: str | None = Field(None, description="the attitude spelled out, when the case brings its own words")
    style: str | None = Field(None, description="conversational style")
    resistance: float | None = Field(None, ge=0, le=1)
    openness: float | None = Field(None, ge=0, le=1)
    verbosity: float | None = Field(None, ge=0, le=1)


class Scenario(Facet):
    """场景: who seeks help for what, why, and where the support should lead."""

    situation: str | None = None
    group: list[str] = Field(default_factory=list)
    type: list[str] = Field(default_factory=list, description="problem types")
    cause: list[str] = Field(default_factory=list)
    focus: list[str] = Field(default_factory=list, description="what the support centers on")
    emotion: str | None = None
    severity_before: float | None = None
    severity_after: float | None = None
    path: list[str] = Field(default_factory=list, description="strategies in the order they should come")


class Score(Part):
    """A number that was said aloud in a session: a mood out of 10, how far a thought is believed out of 100."""

    what: str = Field(min_length=1)
    score: int | float
    out_of: int | float


class Meeting(Part):
    """What one session leaves to the next, as its counselor wrote it down from the talk alone."""

    summary: str
    homework: list[str] = Field(default_factory=list, description="agreed for the time until the next session")
    ratings: list[Score] = Field(default_factory=list)
    learnt: list[str] = Field(
        default_factory=list, description="what the counselor knows of the client by now; the client is the facets"
    )
    left_open: list[str] = Field(default_factory=list, description="what was put off or promised for next time")


class Case(Record):
    """Who the client is. ``id``, ``lang`` and at least one facet make a usable case."""

    kind: ClassVar[str] = "case"

    id: str = Field(min_length=1)
    lang: Lang
    source: Source | None = None
    demographics: Demographics | None = None
    post: Post | None = None
    intake: Intake | None = None
    cognition: Cognition | None = None
    thought: Thought | None = None
    report: Report | None = None
    note: Note | None = None
    clinical: Clinical | None = None
    portrait: Portrait | None = None
    personality: Personality | None = None
    disposition: Disposition | None = None
    scenario: Scenario | None = None
    opening: list[dict[Literal["client", "counselor"], str]] = Field(
        default_factory=list, description='lines that open the talk, e.g. [{"counselor": "..."}, {"client": "..."}]'
    )
    course: list[Meeting] = Field(
        default_factory=list, description="what the sessions so far left, in order; kept apart from the client's facets"
    )
    derived: list[str] = Field(default_factory=list, description="facets a model derived from the others")
    extra: dict[str, JsonValue] = Field(default_factory=dict, description="what the source holds beyond the facets")

    def leaves(self) -> Iterator[tuple[str, str]]:
        """Yield (dotted path, text) of every filled text in every facet, in the order of the class."""
        for facet in FACETS:
            if (value := getattr(self, facet)) is not None:
                for path, text in value.leaves():
                    yield f"{facet}.{path}", text

    def get(self, path: str) -> Any:
        """The value at a dotted path such as ``"intake.reason"``; None where any step is missing."""
        value: Any = self
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else getattr(value, step, None)
            if value is None:
                return None
        return value


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}" if path else str(key), inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(path, inner)


FACETS: tuple[str, ...] = (
    "demographics", "post", "intake", "cognition", "thought", "report",
    "note", "clinical", "portrait", "personality", "disposition", "scenario",
)  # fmt: skip
