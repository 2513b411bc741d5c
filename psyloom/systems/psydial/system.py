"""PsyDial, RMRR: a real session lives on with another client. ACL 2025 long 1049.

Retrieve a public complaint that is like the session; Mask every client line; Reconstruct the client from the complaint
into the gaps; Refine the counselor lines that no longer fit. No prompt holds a word of the real client.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from psyloom.agents import Ask, Sight, Talk, Writer
from psyloom.agents.annotating import once_each
from psyloom.agents.guards import Said, faults
from psyloom.agents.retrieval import Nearest
from psyloom.agents.script import reject
from psyloom.agents.wording import is_foreign, is_list
from psyloom.errors import MissingFacet
from psyloom.records import Case, Dialogue, Lang, Session, Turn
from psyloom.systems.psydial.answers import Reconstruction, Refinement, filled, refined, windows
from psyloom.systems.psydial.gates import OVERLAP, RealClient, edited
from psyloom.systems.psydial.mask import CLIENT, PLACEHOLDER, masked
from psyloom.systems.psydial.pool import complaint_text, complaints, sessions, spoken
from psyloom.systems.sessions import forget_client, session_of

HEAVY = 0.5  # share of a counselor line that may change before it is flagged
LENGTH: dict[Lang, int] = {"zh": 35, "en": 25}  # characters, words; 34.5 in the authors' reference set
_MEANT = ("empty", "role_flip", "leaked_reasoning", "repeats")  # a real session may well say goodbye twice
# What is wrong is said by number only: the real words must not come back to the model as a hint.
WORDS: dict[str, dict[Lang, str]] = {
    "guard": {"en": "line {}: {}", "zh": "第 {} 条：{}"},
    "language": {"en": "line {} is not in English", "zh": "第 {} 条不是中文"},
    "list": {
        "en": "line {} is formatted as a list; it must read like speech",
        "zh": "第 {} 条写成了列表，应当像说话一样",
    },
    "placeholder": {
        "en": "line {} still holds a placeholder in square brackets; write words in its place",
        "zh": "第 {} 条还留着方括号占位符，要换成具体的话",
    },
    "entity": {
        "en": "line {} uses a name that must not be used; choose another or leave it out",
        "zh": "第 {} 条用了不能用的名称，请换一个或者不写",
    },
    "copied": {
        "en": "line {} comes too close to wording that must not be used; say it quite differently",
        "zh": "第 {} 条和不能使用的说法太接近，请完全换一种说法",
    },
    "overlap": {
        "en": "too many phrases of these lines must not be used; tell it in the help-seeker's own way",
        "zh": "这些话里不能使用的说法太多，请换成这位求助者自己的讲法",
    },
}  # fmt: skip
WORDS["near"] = WORDS["copied"]


class PsyDial(Writer):
    """Two calls for each window of twenty exchanges. A case brings its session in ``extra.session``, as turns
    (`psyloom cases psydial SESSIONS --make session`).

    A case without a session, but with a post, is a complaint that looks for a session: masked sessions may be public.
    """

    sight: ClassVar[Sight] = {
        "profiler": {"post.title", "post.text"},
        "reconstructor": {"post.title", "post.text"},
        "refiner": frozenset(),
    }

    complaints: Path | None = Field(
        None, description="JSON Lines file of cases with public posts; without one, a bundled sample"
    )
    sessions: Path | None = Field(
        None, description="JSON Lines file of dialogues, real or masked, for posts without a session; without one, a bundled sample"
    )  # fmt: skip
    embedder: str = Field(
        "lexical", description="how likeness is measured: lexical, or module:function, a local function from texts to vectors"
    )  # fmt: skip
    threshold: float | None = Field(
        None, ge=-1, le=1, description="likeness under which a match is flagged as weak; default 0.1 lexical, else 0.5"
    )
    among: int = Field(1, ge=1, description="draw by the seed from so many of the closest, so that uses are spread")
    window: int = Field(20, ge=1, description="exchanges that are rebuilt in one call")
    profile: bool = Field(
        False, description="one call more for each complaint: a life and a timeline for long sessions"
    )
    strict: bool = Field(
        True, description="ask again when something of the real client shows; false keeps and counts it"
    )

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        source, notes = self._retrieve(case, ask)
        real = RealClient.of(source, ask.lang, f"{case.get('post.title') or ''}{case.get('post.text')}")
        hidden = masked(source, ask.lang)
        # Once for each complaint, whichever session comes first.
        profile = await ask.once(notes["complaint"], "profile", str) if self.profile else ""
        rebuilt = await self._reconstruct(hidden, profile, real, ask)
        turns = await self._refine(rebuilt, real, ask)
        ratio = _edit_ratio(rebuilt, turns)
        notes["flags"] = [*notes["flags"], *(["heavy_edit"] if ratio > HEAVY else [])]
        stages = {"masked": hidden, "reconstructed": rebuilt, "refined": turns}
        ask.desk.dialogue.extra["stages"] = {name: [turn.text for turn in some] for name, some in stages.items()}
        ask.desk.dialogue.quality.measures |= real.measures(turns) | {
            "similarity": notes["similarity"], "edit_ratio": ratio, "windows": len(list(windows(hidden, self.window))),
        }  # fmt: skip
        return ask.dialogue(turns, **notes)

    def _retrieve(self, case: Case, ask: Ask) -> tuple[list[Turn], dict[str, Any]]:
        """1. The session to rebuild and what was found for it; the complaint becomes the case's post.

        From here on the case holds nothing of the real client.
        """
        own = session_of(case)
        if own:
            pool = complaints(self._file(self.complaints, "complaints", ask.lang), self.embedder)
            at, likeness = self._draw(pool[1], spoken(own), ask)
            forget_client(case)
            case.post, case.source = pool[0][at].post, pool[0][at].source
            return own, self._notes(pool[0][at].id, likeness)
        if case.post is None:
            raise MissingFacet(
                f"case {case.id!r} has neither a session nor a post", do="put a session's turns into extra.session"
            )
        frames = sessions(self._file(self.sessions, "sessions", ask.lang), self.embedder)
        at, likeness = self._draw(frames[1], complaint_text(case.post), ask)
        return frames[0][at].turns, self._notes(case.id, likeness) | {"session": frames[0][at].id}

    def _file(self, given: Path | None, bundled: str, lang: Lang) -> Path:
        return given or self.home() / f"{bundled}.{lang}.jsonl"

    def _draw(self, index: Nearest, query: str, ask: Ask) -> tuple[int, float]:
        found = ask.rng("match").choice(index.nearest(query, self.among))
        return found.at, 1 - found.distance

    def _notes(self, complaint: str, likeness: float) -> dict[str, Any]:
        usual = 0.1 if self.embedder == "lexical" else 0.5
        weak = likeness < (usual if self.threshold is None else self.threshold)
        return {"complaint": complaint, "similarity": round(likeness, 3), "flags": ["weak_match"] if weak else []}

    async def _reconstruct(self, hidden: list[Turn], profile: str, real: RealClient, ask: Ask) -> list[Turn]:
        """3. The client's lines, written from the complaint; the counselor's stay byte for byte."""
        done: list[Turn] = []
        for window in windows(hidden, self.window):
            gaps = [int(gap[1]) for turn in window if (gap := CLIENT.fullmatch(turn.text))]
            if gaps:
                check = self._filled(window, done, gaps, real, ask)
                found = await ask.as_(self, talk_of([*done, *window], ask.lang))(
                    "reconstruct", Reconstruction, check=check, before=lines(done), window=lines(window), gaps=gaps,
                    profile=profile, length=LENGTH[ask.lang],
                )  # fmt: skip
                window = filled(window, found)
            done += window
        return done

    def _filled(self, window: list[Turn], done: list[Turn], gaps: list[int], real: RealClient, ask: Ask) -> Any:
        def script(found: Reconstruction) -> str | None:
            if wrong := once_each([line.number for line in found.lines], gaps, ask.lang):
                return reject(ask, "gaps", wrong)
            turns = filled(window, found)
            spots = dict(zip((n for n, turn in enumerate(window) if turn.speaker == "client"), gaps, strict=True))
            fault = next(
                (f for at, k in spots.items() if (f := self._fault([*done, *turns], len(done) + at, k, real, ask))),
                None,
            )
            new = [turn.text for turn in (*done, *turns) if turn.speaker == "client"]
            return fault or (self._gate("overlap", 0, ask) if real.overlap(new) >= OVERLAP else None)

        return script

    async def _refine(self, rebuilt: list[Turn], real: RealClient, ask: Ask) -> list[Turn]:
        """4. The counselor's lines that clash with the new story; the client's stay byte for byte."""
        done: list[Turn] = []
        for window in windows(rebuilt, self.window):
            found = await ask.as_(self, talk_of(window, ask.lang))(
                "refine", Refinement, check=self._refined(window, done, real, ask), before=lines(done), window=lines(window),
            )  # fmt: skip
            done += refined(window, found)
        return done

    def _refined(self, window: list[Turn], done: list[Turn], real: RealClient, ask: Ask) -> Any:
        counselor = [n for n, turn in enumerate(window, 1) if turn.speaker == "counselor"]

        def script(found: Refinement) -> str | None:
            numbers = [edit.number for edit in found.edits]
            if wrong := once_each(numbers, [n for n in counselor if n in numbers], ask.lang):
                return reject(ask, "edits", wrong)
            turns = [*done, *refined(window, found)]
            return next((f for n in counselor if (f := self._fault(turns, len(done) + n - 1, n, real, ask))), None)

        return script

    def _fault(self, turns: Sequence[Turn], at: int, number: int, real: RealClient, ask: Ask) -> str | None:
        """What is wrong with one line, in words for the model, who knows it as ``number``."""
        turn, lang = turns[at], ask.lang
        if PLACEHOLDER.search(turn.text):
            return reject(ask, "placeholder", WORDS["placeholder"][lang].format(number))
        if turn.speaker == "client" or turn.thought:  # a counselor's line that nobody wrote anew is as it was
            if is_foreign(turn.text, lang):
                return reject(ask, "language", WORDS["language"][lang].format(number))
            if is_list(turn.text):
                return reject(ask, "list", WORDS["list"][lang].format(number))
            heard = faults(Said(turn.text, turn.speaker, lang, [(t.speaker, t.text) for t in turns[:at]]))
            if said := next(((guard, why) for guard, why in heard if guard in _MEANT), None):
                return reject(ask, said[0], WORDS["guard"][lang].format(number, said[1]))
        leak = real.leak(turn.text)
        return self._gate(leak, number, ask) if leak else None

    def _gate(self, rule: str, number: int, ask: Ask) -> str | None:
        """A leak: asked to be mended, or only counted when not strict."""
        if self.strict:
            return reject(ask, rule, WORDS[rule][ask.lang].format(number))
        kept = ask.desk.dialogue.quality.kept
        kept[f"script: {rule}"] = kept.get(f"script: {rule}", 0) + 1
        return None


def lines(turns: Sequence[Turn]) -> list[tuple[str, str]]:
    """Turns as a prompt reads them."""
    return [(turn.speaker, turn.text) for turn in turns]


def talk_of(turns: Sequence[Turn], lang: Lang) -> Talk:
    return Talk(Dialogue(id="window", lang=lang, sessions=[Session(turns=list(turns))]))


def _edit_ratio(before: Sequence[Turn], after: Sequence[Turn]) -> float:
    """How much of the counselor's lines was changed, on average; 0-1."""
    pairs = [(a.text, b.text) for a, b in zip(before, after, strict=True) if a.speaker == "counselor"]
    return round(sum(edited(a, b) for a, b in pairs) / len(pairs), 3) if pairs else 0.0
