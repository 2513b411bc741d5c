"""The tree of one situation, and its paths.

One situation has several channels, so it gives several dialogues with the same beginning. Its nodes are kept flat,
each with its parent's id; a leaf's id (``l1c2-l2c1``: second channel of loop 1, first of loop 2) names its path.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field, JsonValue, StringConstraints

from psyloom.knowledge import OneOf, Term, label_set
from psyloom.records import Dialogue, Quality, Session, Turn

DISTORTIONS, STRATEGIES = label_set("crisp_distortion"), label_set("crisp_strategy")
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Channel(BaseModel):
    """A distorted belief that can be worked on, with the help-seeker's thought that shows it."""

    distortion: Annotated[str, OneOf(DISTORTIONS)]
    thought: Text


class Verdict(BaseModel):
    """Has the thought shifted? If so, what stands in its place."""

    restructured: bool
    new_thought: str | None = None


class Filtered(BaseModel):
    """What the filters said about a path; None: not asked, since an earlier one had failed.

    expert: perspective -> mean of its criteria, 1-5; scores: criterion -> 1-5; remarks: perspective -> weakest points.
    reason: why the path is kept apart.
    """

    basic: bool
    safety: bool | None = None
    expert: dict[str, float] | None = None
    scores: dict[str, int] = Field(default_factory=dict)
    remarks: dict[str, str] = Field(default_factory=dict)
    reason: str | None = None


class Inference(BaseModel):
    """What common sense adds to an event, along one relation of ATOMIC."""

    relation: str
    text: str


class Node(BaseModel):
    """An identification with its channels, or the restructuring of one channel (1, 2 ...) of its parent."""

    id: str
    parent: str | None = None
    loop: int
    turns: list[Turn] = Field(default_factory=list)
    channels: list[Channel] = Field(default_factory=list)
    channel: int | None = None
    verdict: Verdict | None = None
    remaining: bool | None = None
    filtered: Filtered | None = None
    commonsense: dict[str, list[Inference]] = Field(default_factory=dict)


def leaf_ids(nodes: Sequence[Node]) -> list[str]:
    """The ids of the nodes nothing follows, in the tree's order: one for every path."""
    parents = {node.parent for node in nodes}
    return [node.id for node in nodes if node.id not in parents]


def path_to(nodes: Sequence[Node], leaf: str) -> list[Node]:
    """The nodes from the root to ``leaf``."""
    by_id = {node.id: node for node in nodes}
    path = [by_id[leaf]]
    while path[0].parent is not None:
        path.insert(0, by_id[path[0].parent])
    return path


def on_trial(path: Sequence[Node]) -> list[Channel]:
    """The channels that a path has put on trial, loop by loop."""
    pairs = zip(path[::2], path[1::2], strict=False)
    return [found.channels[one.channel - 1] for found, one in pairs if one.channel]


def named(channels: Sequence[Channel]) -> list[tuple[Term, str]]:
    """Channels as a prompt tells them: (distortion, thought)."""
    return [(DISTORTIONS[channel.distortion], channel.thought) for channel in channels]


def treated_in(path: Sequence[Node]) -> list[Term]:
    """The distortions that a path has put on trial."""
    return [distortion for distortion, _ in named(on_trial(path))]


def turns_on(path: Sequence[Node]) -> list[Turn]:
    """What was said on a path so far."""
    return [turn for node in path for turn in node.turns]


def loops_of(path: Sequence[Node]) -> list[dict[str, Any]]:
    """What happened in each loop of a path: the channels found, which was followed, its verdict."""
    return [
        {
            "loop": found.loop, "channels": [channel.model_dump() for channel in found.channels],
            "followed": treated.channel, "verdict": treated.verdict and treated.verdict.model_dump(),
            "remaining": treated.remaining,
        }
        for found, treated in zip(path[::2], path[1::2], strict=True)
    ]  # fmt: skip


def session_of(nodes: Sequence[Node], leaf: str) -> Session:
    """One path as a session: its turns, the distortions it treats as labels, its loops as notes."""
    path = path_to(nodes, leaf)
    return Session(
        turns=turns_on(path),
        labels=[DISTORTIONS.label(channel.distortion, reason=channel.thought) for channel in on_trial(path)],
        notes={"leaf": leaf, "loops": loops_of(path)},
        ended="no distorted belief remains" if path[-1].remaining is False else "limit",
    )


def inferred_in(*nodes: Node) -> dict[str, JsonValue]:
    """Sub-step -> the inferences that its prompt held."""
    return {step: [one.model_dump() for one in used] for node in nodes for step, used in node.commonsense.items()}


def measures_of(session: Session) -> dict[str, float]:
    """strategies_per_turn: labelled sentences of the therapist's turns, on average; loops: of this path."""
    each = [sum(x.set == STRATEGIES.id for x in t.labels) for t in session.turns if t.speaker == "counselor"]
    loops = session.notes["loops"]
    assert isinstance(loops, list)
    return {"strategies_per_turn": sum(each) / max(1, len(each)), "loops": len(loops)}


def put_path(dialogue: Dialogue, nodes: Sequence[Node], leaf: str) -> None:
    """Make one path the dialogue's session, with its measures, the inferences used and what the filters said about it."""
    path = path_to(nodes, leaf)
    dialogue.sessions = [session_of(nodes, leaf)]
    dialogue.quality.measures |= measures_of(dialogue.sessions[0])
    used = [inferred_in(*pair) for pair in zip(path[::2], path[1::2], strict=True)]
    if any(used):
        dialogue.extra["commonsense"] = list[JsonValue](used)
    if filtered := path[-1].filtered:
        dialogue.extra["filter"] = filtered.model_dump(exclude_none=True)
        dialogue.quality.apart = filtered.reason


def leaves(dialogue: Dialogue) -> Iterator[Dialogue]:
    """Every path of a dialogue's tree as a dialogue of its own, without a call; those of a situation share its case.

    What the whole tree took, calls and rejects, stands with the first path, so that sums over a file are right.
    """
    nodes = [Node.model_validate(node) for node in _listed(dialogue.extra["tree"])]
    quality = dialogue.quality.model_copy(deep=True, update={"apart": None, "measures": {}})
    for leaf in leaf_ids(nodes):
        one = dialogue.model_copy(deep=True)
        one.id, one.quality = f"{dialogue.id}-{leaf}", quality
        one.extra = {key: value for key, value in one.extra.items() if key not in ("tree", "commonsense", "filter")}
        one.extra["situation"] = dialogue.id
        put_path(one, nodes, leaf)
        quality = Quality()
        yield one


def _listed(value: Any) -> list[Any]:
    assert isinstance(value, list)
    return value
