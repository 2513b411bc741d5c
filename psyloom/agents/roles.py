"""The four roles a system may offer. A role is a typed set of options and one method; it keeps no state.

Options are pydantic fields: their defaults are faithful to the paper, ablations and improvements are other values.
A role's folder holds its prompts (``prompts/``); its class says what each of its agents may see of the case.
"""

import sys
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel, ConfigDict

from psyloom.agents.course import write_record
from psyloom.agents.dials import Dials
from psyloom.agents.parting import takes_leave
from psyloom.agents.sight import Sight
from psyloom.knowledge import LabelSet
from psyloom.records import Case, Dialogue, Lang, Speaker, Turn

if TYPE_CHECKING:
    from psyloom.agents.ask import Ask
    from psyloom.agents.talk import Talk


Stop = Callable[["Talk"], str | None]
"""Looks at the talk after each turn; returns why the session is over, or None."""


@dataclass(frozen=True)
class Rules:
    """When a session begins and ends.

    opening:       turns that are said without a call.
    first:         who speaks first when there is no opening.
    max_exchanges: exchanges in the session; those that the opening completes are not counted.
    min_exchanges: earlier wishes to end are not heard.
    last:          who has the last word.
    stop:          further reasons to end, each looked at after every turn; see `parted`.
    """

    max_exchanges: int = 20
    min_exchanges: int = 0
    first: Speaker = "counselor"
    last: Speaker | None = None
    opening: Sequence[Turn] = ()
    stop: Sequence[Stop] = ()


def parted(talk: "Talk") -> str | None:
    """Stop when both have taken leave, one after the other: with every counselor whose paper sets no other end."""
    *_, before, last = (None, None, *talk.turns)
    both = before and last and before.speaker != last.speaker and takes_leave(before.text) and takes_leave(last.text)
    return "both took leave" if both else None


GREETING: dict[Lang, str] = {
    "en": "Hello, it is good to see you. What brings you here today?",
    "zh": "你好，欢迎你来。今天想聊些什么？",
}
AGAIN: dict[Lang, str] = {
    "en": "Hello, good to see you again. How have you been since last time?",
    "zh": "你好，又见面了。上次之后这段时间过得怎么样？",
}


@cache
def _folder(module: str, *below: str) -> Path:
    return Path(str(sys.modules[module].__file__)).parent.joinpath(*below)


class Role(BaseModel):
    """What every role has.

    sight:  agent -> what of the case its prompts may read.
    needs:  facets, or fields of facets, without which the role cannot work.
    unsaid: label sets whose names must not be said aloud.
    recalls: its own prompts tell of earlier sessions, so that nothing is added to them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    sight: ClassVar[Sight] = {}
    needs: ClassVar[frozenset[str]] = frozenset()
    unsaid: ClassVar[tuple[LabelSet, ...]] = ()
    recalls: ClassVar[bool] = False

    def wants(self) -> frozenset[str]:
        """The needs in force; a role made of others wants what they want."""
        return self.needs

    def guests(self) -> frozenset[str]:
        """Names, besides its agents', for which a run may give a model; a role that lets others speak overrides it."""
        return frozenset()

    def seen_by(self) -> Sight:
        """The sight in force; a role with an option that changes it overrides this."""
        return self.sight

    @classmethod
    def home(cls) -> Path:
        """The system's folder: where the class is written."""
        return _folder(cls.__module__)

    @classmethod
    def prompts(cls) -> Path:
        """The folder of the system's prompt files."""
        return _folder(cls.__module__, "prompts")

    @classmethod
    def system(cls) -> str:
        """The system's slug: its folder's name."""
        return cls.home().name


class Writer(Role):
    """Case in, whole dialogue out."""

    @abstractmethod
    async def write(self, case: Case, ask: "Ask") -> Dialogue: ...

    def dialogues(self, written: Dialogue) -> Iterable[Dialogue]:
        """What a run keeps of a case: what was written; a system that makes several dialogues of one overrides it."""
        return [written]


class Client(Role):
    """History in, the client's next turn out."""

    speaker: ClassVar[Speaker] = "client"

    def follows(self) -> Set[str]:
        """The dials that move it; one that no model plays overrides it."""
        return Dials.model_fields.keys()

    @abstractmethod
    async def reply(self, talk: "Talk", ask: "Ask") -> Turn: ...


class Counselor(Role):
    """History in, the counselor's next turn out.

    meets_once: what it does is over after one session, which it brings to a diagnosis or to the end of a record: there
                it takes leave by a rule of its own, so that there is no next session and no least length.
    """

    speaker: ClassVar[Speaker] = "counselor"
    meets_once: ClassVar[bool] = False

    def rules(self, case: Case, lang: Lang) -> Rules:
        """The frame of a session with this counselor; a system whose paper sets another frame overrides it.

        The case's own opening lines are used when it has some, else the counselor greets, anew or again. It ends when
        both have taken leave, if not before.
        """
        lines = [Turn(speaker=who, text=text) for line in case.opening for who, text in line.items()]
        return Rules(opening=lines or [Turn.counselor((AGAIN if case.course else GREETING)[lang])], stop=[parted])

    async def record(self, talk: "Talk", ask: "Ask") -> None:
        """Write down on the case what the session under way leaves to the next; for a record of its own override it.

        Whoever runs several sessions calls it at the end of each.
        """
        await write_record(talk, ask)

    @abstractmethod
    async def reply(self, talk: "Talk", ask: "Ask") -> Turn: ...


class Annotator(Role):
    """Dialogue in, the same dialogue with labels or reasoning out; texts stay as they are.

    idle: of an annotator that may find nothing to do: what a dialogue lacks that took no call, and what helps.
    """

    idle: ClassVar[str] = ""

    @abstractmethod
    async def annotate(self, dialogue: Dialogue, ask: "Ask") -> Dialogue: ...
