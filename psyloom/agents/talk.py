"""A live talk: the dialogue so far and each agent's own state. All of it can be stored and taken up again."""

from collections.abc import Hashable
from math import ceil
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import BaseModel, Field, JsonValue

from psyloom.llm import Message
from psyloom.records import Dialogue, Session, Speaker, Turn

if TYPE_CHECKING:
    from psyloom.agents.roles import Role

M = TypeVar("M", bound=BaseModel)


class Talk:
    """Agents keep nothing themselves: what they remember is in the talk."""

    def __init__(self, dialogue: Dialogue) -> None:
        self.dialogue = dialogue
        self._memories: dict[str, BaseModel] = {}
        self._stored: dict[str, JsonValue] = {}
        self.opening = 0  # turns of the session under way that were given, not generated
        self.given = 0  # of all sessions, the client's messages among them
        self.kept: dict[Hashable, str] = {}  # rendered prompt sections of the session under way
        if not dialogue.sessions:
            self.begin_session()

    def begin_session(self) -> Session:
        """Open the next session."""
        self.dialogue.sessions.append(Session())
        self.kept, self.opening = {}, 0
        return self.session

    @property
    def session(self) -> Session:
        """The session under way."""
        return self.dialogue.sessions[-1]

    @property
    def turns(self) -> list[Turn]:
        """The turns of the session under way."""
        return self.session.turns

    @property
    def of_client(self) -> int:
        """How many messages the client has made, over all sessions; given ones are none."""
        return sum(turn.speaker == "client" for turn in self.dialogue.turns) - self.given

    def add(self, turn: Turn) -> None:
        self.turns.append(turn)

    def last(self, speaker: Speaker) -> str:
        """What ``speaker`` said last in this session; empty when nothing yet."""
        return next((turn.text for turn in reversed(self.turns) if turn.speaker == speaker), "")

    def memory(self, owner: "Role", kind: type[M], *, session: bool = False) -> M:
        """The owner's own state, made with defaults on first use; the same object until the talk ends.

        session: state of the session under way only; the next begins with a fresh one.
        """
        key = f"{owner.system()}.{type(owner).__name__}" + (f"/{len(self.dialogue.sessions)}" if session else "")
        if key not in self._memories:
            self._memories[key] = kind.model_validate(self._stored.pop(key, {}))
        found = self._memories[key]
        assert isinstance(found, kind)
        return found

    def dump(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        memories = self._stored | {key: memory.model_dump(mode="json") for key, memory in self._memories.items()}
        return {"dialogue": self.dialogue.model_dump(mode="json", exclude_defaults=True), "memories": memories}

    @classmethod
    def load(cls, stored: dict[str, Any]) -> "Talk":
        """Take up a talk that `dump` stored."""
        talk = cls(Dialogue.model_validate(stored["dialogue"]))
        talk._stored = dict(stored["memories"])
        return talk


NAMES: dict[str, dict[Speaker, str]] = {
    "en": {"client": "Client", "counselor": "Counselor"},
    "zh": {"client": "来访者", "counselor": "咨询师"},
}


Steady = Annotated[
    bool,
    Field(description="a full window drops two exchanges at once; false: one each time, so that it stays full"),
]
"""Option of a role with a window of the last messages.

A server that caches beginnings of prompts knows nothing of a window that begins elsewhere at every call. This one keeps
its beginning every second time: never more messages than the exact window, and at most two fewer.
"""


class TalkView:
    """What a prompt reads of a talk: who said what. No thoughts, no labels."""

    def __init__(self, talk: Talk, lang: str) -> None:
        self._talk, self._lang = talk, lang

    @property
    def turns(self) -> list[tuple[Speaker, str]]:
        return [(turn.speaker, turn.text) for turn in self._talk.turns]

    @property
    def summaries(self) -> list[str]:
        """Summaries of the earlier sessions."""
        return [session.summary for session in self._talk.dialogue.sessions[:-1] if session.summary]

    def last(self, speaker: Speaker) -> str:
        return self._talk.last(speaker)

    def first(self, speaker: Speaker) -> str:
        return next((text for who, text in self.turns if who == speaker), "")

    def lines(
        self, client: str | None = None, counselor: str | None = None, last: int | None = None, *, steady: bool = False
    ) -> str:
        """The session as ``Name: text`` lines.

        Args:
            last: only so many messages.
            steady: see `Steady`.
        """
        names = (
            NAMES[self._lang] | ({"client": client} if client else {}) | ({"counselor": counselor} if counselor else {})
        )
        colon = "：" if self._lang == "zh" else ": "
        begin = max(len(self.turns) - last, 0) if last else 0
        if last and begin and steady:
            step = 4 if last >= 4 else 2  # whole exchanges: between two prompts of an agent both have spoken
            first = 2 - begin % 2  # where the window began when it was full for the first time
            begin = first + ceil((begin - first) / step) * step
        turns = self.turns[begin:]
        return "\n".join(f"{names[who]}{colon}{text}" for who, text in turns)

    def messages(self, me: Speaker) -> list[Message]:
        """The session as chat messages: own lines are the assistant's, the other's are the user's."""
        return [{"role": "assistant" if who == me else "user", "content": text} for who, text in self.turns]
