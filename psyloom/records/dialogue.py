"""Dialogue: a case's record of talk. One or more sessions of turns."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, JsonValue, PlainSerializer, model_validator

from psyloom.records.case import Case
from psyloom.records.record import Lang, Part, Record, Source

Speaker = Literal["client", "counselor"]


class Label(Part):
    """One label on a turn, or on a span of its text, and who put it there."""

    set: str = Field(min_length=1, description="label set, e.g. 'magnet_technique'")
    id: str = Field(min_length=1, description="label inside the set")
    span: tuple[int, int] | None = Field(
        None, description="[start, end) characters of the turn's text; null: whole turn"
    )
    by: str | None = Field(None, description="annotator: a system, a model or a person; null: the author of the turn")
    reason: str | None = None
    evidence: str | None = Field(None, description="words quoted from the dialogue")
    origin: Literal["source", "inferred"] | None = Field(None, description="was the reason written in the source?")


class Element(Part):
    """One named step of the reasoning before a reply."""

    name: str
    text: str
    by: str | None = Field(None, description="annotator who wrote it afterwards; null: the author of the turn")
    evidence: str | None = Field(None, description="words quoted from the dialogue")
    origin: Literal["source", "inferred"] | None = Field(None, description="was it written in the source?")


class Turn(Part):
    """One message by one speaker. Several in a row by the same speaker are legal."""

    speaker: Speaker
    text: str
    labels: list[Label] = Field(default_factory=list)
    thought: list[Element] = Field(default_factory=list, description="reasoning before the reply; never said aloud")
    closes: bool = Field(False, description="the speaker wants the session to end with this turn")
    extra: dict[str, JsonValue] = Field(default_factory=dict)

    @classmethod
    def counselor(cls, text: str, labels: Iterable[Label] = (), **more: JsonValue) -> Self:
        """A counselor's turn; further words go to ``extra``."""
        return cls(speaker="counselor", text=text, labels=list(labels), extra=more)

    @classmethod
    def client(cls, text: str, labels: Iterable[Label] = (), **more: JsonValue) -> Self:
        """A client's turn; further words go to ``extra``."""
        return cls(speaker="client", text=text, labels=list(labels), extra=more)

    def reasoning(self, by: str | None = None) -> list[Element]:
        """One author's reasoning, where annotators wrote theirs beside each other: that of ``by``, else the first."""
        first = self.thought[0].by if self.thought and by is None else by
        return [element for element in self.thought if element.by == first]

    @model_validator(mode="after")
    def _spans_lie_inside(self) -> Self:
        for label in self.labels:
            if label.span and not 0 <= label.span[0] < label.span[1] <= len(self.text):
                raise ValueError(
                    f"span {list(label.span)} of label {label.id!r} lies outside the text (0-{len(self.text)})"
                )
        return self


class Session(Part):
    """One meeting."""

    turns: list[Turn] = Field(default_factory=list)
    labels: list[Label] = Field(default_factory=list, description="labels of the session as a whole")
    notes: dict[str, JsonValue] = Field(
        default_factory=dict, description="what was written for or about the session: plan, worksheet, memo, homework"
    )
    summary: str | None = None
    ended: str | None = Field(None, description="why the session ended, e.g. 'client closed' or 'limit'")

    def exchanges(self) -> int:
        """Completed pairs of one side's and the other side's message; several in a row count once."""
        changes = 0
        last = None
        for turn in self.turns:
            changes += turn.speaker != last
            last = turn.speaker
        return changes // 2


# Written in order of names: which of several parallel answers came first must not show in a file.
Counts = Annotated[dict[str, int], PlainSerializer(lambda counts: dict(sorted(counts.items())))]


class Quality(Part):
    """What it took to make the dialogue, and what was wrong with it."""

    calls: int = Field(0, ge=0, description="answered calls, rejected ones included")
    rejected: int = Field(0, ge=0, description="answers that had to be asked for again")
    guards: Counts = Field(default_factory=dict, description="guard name -> times a turn was asked for again")
    kept: Counts = Field(default_factory=dict, description="guard name -> faults that stayed after the last try")
    measures: dict[str, float] = Field(default_factory=dict)
    apart: str | None = Field(
        None, description="why the system's own filter keeps the dialogue out of the data set; null: it belongs to it"
    )

    def since(self, before: "Quality") -> "Quality":
        """The calls, rejects and faults that came on top of those ``before``."""
        return Quality(
            calls=self.calls - before.calls, rejected=self.rejected - before.rejected,
            guards=dict(Counter(self.guards) - Counter(before.guards)), kept=dict(Counter(self.kept) - Counter(before.kept)),
        )  # fmt: skip

    def add(self, other: "Quality") -> None:
        """Count the calls, rejects and faults of ``other`` too."""
        self.calls += other.calls
        self.rejected += other.rejected
        self.guards = dict(Counter(self.guards) + Counter(other.guards))
        self.kept = dict(Counter(self.kept) + Counter(other.kept))


class Lineage(Part):
    """How the dialogue came about; enough to make it again."""

    system: str
    version: str = Field(description="version of psyloom")
    roles: dict[str, str] = Field(default_factory=dict, description="role -> system")
    models: dict[str, str] = Field(default_factory=dict, description="agent -> model")
    prompts: dict[str, str] = Field(default_factory=dict, description="prompt -> hash of its file")
    options: dict[str, JsonValue] = Field(default_factory=dict)
    seed: int = 0
    source: Source | None = Field(None, description="source and licence of the case")
    rehearsal: bool = Field(False, description="made without a model: not data")
    took: Quality | None = Field(
        None, description="what annotating took; what making a dialogue took stands in its own quality"
    )


class Dialogue(Record):
    """Talk about one case."""

    kind: ClassVar[str] = "dialogue"

    id: str = Field(min_length=1)
    lang: Lang
    sessions: list[Session] = Field(default_factory=list)
    case: Case | None = Field(None, description="the case as it was used, derived facets included")
    labels: list[Label] = Field(default_factory=list, description="labels of the dialogue as a whole")
    quality: Quality = Field(default_factory=Quality)
    lineage: Lineage | None = None
    annotations: dict[str, Lineage] = Field(
        default_factory=dict, description="annotator's name -> how its labels came about"
    )
    source: Source | None = Field(None, description="where a dialogue that was read, not made, comes from")
    extra: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def turns(self) -> list[Turn]:
        """All turns of all sessions, in order."""
        return [turn for session in self.sessions for turn in session.turns]

    @property
    def places(self) -> "list[Dialogue | Session | Turn]":
        """Everything that can carry labels: the dialogue itself, its sessions, its turns."""
        return [self, *self.sessions, *self.turns]

    def forget(self, by: str) -> None:
        """Take away the labels, and the reasoning, that the annotator called ``by`` put there."""
        for place in self.places:
            place.labels = [label for label in place.labels if label.by != by]
        for turn in self.turns:
            turn.thought = [element for element in turn.thought if element.by != by]


class Artefact(Record):
    """Something written once for an owner and used by many dialogues: a memo of a report, a style card of a counselor."""

    kind: ClassVar[str] = "artefact"

    id: str = Field(min_length=1, description="system/name.lang/owner")
    system: str
    name: str = Field(description="what it is, e.g. 'style_card'")
    owner: str = Field(description="whose it is: a report, a counselor, a source")
    lang: Lang
    value: JsonValue
    models: dict[str, str] = Field(default_factory=dict, description="agent -> model")
    quality: Quality = Field(default_factory=Quality, description="what it took to make it")
