"""CPsyCoun, Memo2Demo: a case report becomes a counseling note, the note is acted out. arXiv 2405.16433.

Memo conversion writes the note from the report; demo generation writes the dialogue from report and note, along four
stages. The baseline role_play writes the dialogue from the report alone. The counselor is the model under test of the
benchmark CPsyCounE: `psyloom reply --counselor cpsycoun`, then `psyloom rate --with cpsycoune_turn --by topic`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, StringConstraints

from psyloom.agents import (
    Ask,
    Counselor,
    Line,
    Range,
    Script,
    ScriptRules,
    Sight,
    Talk,
    TurnsCheck,
    Writer,
    write_script,
)
from psyloom.knowledge import OneOf, label_set
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Case, Dialogue, Lang, Turn
from psyloom.safety.private import private as find_private

STAGES, TOPICS, SCHOOLS = (label_set(f"cpsycoun_{name}") for name in ("stage", "topic", "school"))
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
WORDS: dict[str, dict[Lang, str]] = {
    "back": {"en": "message {} goes back to an earlier stage", "zh": "第 {} 条退回到了前面的阶段"},
    "missing": {"en": "these stages do not occur: {}", "zh": "缺少这些阶段：{}"},
    "mention": {
        "en": "message {} says {!r}; neither report nor note may be mentioned",
        "zh": "第 {} 条提到了“{}”；对话里不能出现报告或笔记",
    },
    "private": {
        "en": "message {} tells who or where somebody is: {}",
        "zh": "第 {} 条透露了联系方式、住址或单位：{}",
    },
    "long": {
        "en": "{} % of the messages are longer than {} words; keep most of them shorter",
        "zh": "有 {}% 的发言超过了 {} 个字；大多数要再短一些",
    },
    "firstly": {
        "en": "message {} counts off its points ({}); say one thing at a time",
        "zh": "第 {} 条在罗列要点（{}）；一次只说一件事",
    },
}
# Words that name the source. A word that the report's own brief uses is the client's (a report that is due at work).
SOURCE: dict[Lang, re.Pattern[str]] = {
    "zh": re.compile(
        r"(?:案例|咨询)?报告|(?:咨询)?笔记|咨询记录|备忘录|个案记录|(?:你|您|来访者|个案)的(?:个案)?(?:资料|档案)[里上中]?(?:也|都|还)?(?:写|说|提到|显示|记)"
    ),
    "en": re.compile(
        r"\b(?:case |counseling )?(?:reports?|memos?)\b|\b(?:counseling|case|session) notes?\b"
        # Notes and files of other kinds are everyday things: those count that the talk is led from.
        r"|\b(?:as|what) (?:your|the|my|our) (?:notes?|files?) (?:says?|shows?|mentions?|tells?|describes?|puts?)\b"
        r"|\baccording to (?:your|the|my|our) (?:notes?|files?|records?)\b|\byour (?:notes|file) (?:says?|shows?|mentions?)\b"
        r"|\b(?:it says|I (?:read|see|saw|have)(?: it| that| here)?|written|noted) (?:here )?in (?:your|my|our) (?:notes?|files?)\b",
        re.IGNORECASE,
    ),
}
COUNTED: dict[Lang, re.Pattern[str]] = {
    "zh": re.compile(r"首先.*(?:其次|然后|最后)|第一[，,、是].*第二[，,、是]", re.DOTALL),
    "en": re.compile(r"\bfirst(?:ly)?,.*\b(?:second(?:ly)?|then|finally),", re.IGNORECASE | re.DOTALL),
}


class Plan(BaseModel):
    """三、咨询方案"""

    goals: Text
    techniques: Text
    execution_plan: Text


class Memo(BaseModel):
    """The counseling note (咨询笔记) in its four parts."""

    basic_information: Text
    psychological_problems: Text
    plan: Plan
    reflections: Text

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        gap = "" if actor.cue.lang == "zh" else " "
        first, *more = actor.recorded("report.brief") or actor.story
        return {
            "basic_information": first,
            "psychological_problems": gap.join(more) or actor.text("background"),
            "plan": {
                "goals": actor.text("goal"),
                "techniques": actor.text("technique"),
                "execution_plan": gap.join(actor.recorded("report.process")) or actor.text("plan"),
            },
            "reflections": gap.join(actor.recorded("report.reflections")) or actor.text("guide"),
        }


class StagedLine(Line):
    """One message and the stage it belongs to."""

    stage: Annotated[str, OneOf(STAGES)]

    def turn(self) -> Turn:
        turn = super().turn()
        turn.labels = [STAGES.label(self.stage)]
        return turn


class Demo(Script):
    """The dialogue acted out from the note."""

    turns: Sequence[StagedLine]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        script = actor.script()
        for at, line in enumerate(script["turns"]):
            line["stage"] = STAGES.terms[at * len(STAGES) // len(script["turns"])].id
        return dict(script)


class Kind(BaseModel):
    """What a report is about, in closed lists."""

    topic: Annotated[str, OneOf(TOPICS)]
    school: Annotated[str, OneOf(SCHOOLS)]


class CPsyCoun(Writer):
    """Memo2Demo: two calls for each report."""

    sight: ClassVar[Sight] = {"supervisor": {"report"}, "script_writer": {"report"}, "classifier": {"report"}}
    needs: ClassVar[frozenset[str]] = frozenset({"report.brief", "report.process"})

    method: Literal["memo2demo", "role_play"] = Field(
        "memo2demo", description="role_play: the baseline, one call without note and stages"
    )
    exchanges: Range = Field((5, 15), description="fewest and most exchanges of a dialogue")
    longest: int | None = Field(
        None, ge=1, description="a message should stay under so many characters (zh) or words (en); default 50 and 35"
    )
    short: float = Field(0.8, ge=0, le=1, description="share of messages that should stay under it")
    classify: bool = Field(False, description="one call more: label the dialogue with topic and school of the report")
    strict: bool = Field(True, description="ask again for a script that breaks a rule; false keeps and flags it")

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        memo = await ask.once(case.id, "memo", Memo) if self.method == "memo2demo" else None
        longest = self.longest or (50 if ask.lang == "zh" else 35)
        turns = await write_script(
            ask, "demo", self._rules(case, ask.lang, longest), Demo if memo else Script, strict=self.strict,
            memo=memo, stages=STAGES, fewest=self.exchanges[0], most=self.exchanges[1], longest=longest,
        )  # fmt: skip
        ask.desk.dialogue.quality.measures["short_messages"] = _short(turns, ask.lang, longest)
        if self.classify:
            kind = await ask.once(case.id, "classify", Kind, topics=TOPICS, schools=SCHOOLS)
            ask.desk.dialogue.labels += [TOPICS.label(kind.topic), SCHOOLS.label(kind.school)]
        return ask.dialogue(turns, method=self.method, **({"memo": memo.model_dump()} if memo else {}))

    def _rules(self, case: Case, lang: Lang, longest: int) -> ScriptRules:
        told = case.report.brief or "" if case.report else ""
        checks = [
            source_unmentioned(lang, told),
            nothing_private(lang),
            short(lang, longest, self.short),
            uncounted(lang),
        ]
        if self.method == "memo2demo":
            checks.append(stages_in_order(lang))
        return ScriptRules(
            messages=(2 * self.exchanges[0], 2 * self.exchanges[1]), first="client", last="counselor",
            no_lists=True, language=True, guarded=True, more=checks, soft=frozenset({"short", "uncounted"}),
        )  # fmt: skip


class CPsyCounCounselor(Counselor):
    """The model under test of CPsyCounE: one short instruction and the talk."""

    sight: ClassVar[Sight] = {"counselor": frozenset()}

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        return Turn.counselor(await ask("reply", talk=talk))


def stages_in_order(lang: Lang) -> TurnsCheck:
    """All four stages, none after a later one."""

    def stages(turns: Sequence[Turn]) -> str | None:
        at = [STAGES.ids.index(turn.labels[0].id) for turn in turns]
        for number, (before, now) in enumerate(pairwise(at), 2):
            if now < before:
                return WORDS["back"][lang].format(number)
        missing = [term.name(lang) for n, term in enumerate(STAGES.terms) if n not in at]
        return WORDS["missing"][lang].format(", ".join(missing)) if missing else None

    return stages


def source_unmentioned(lang: Lang, told: str) -> TurnsCheck:
    """Nobody speaks of the report or the note. ``told``: the client's own story, whose words are free."""

    def source(turns: Sequence[Turn]) -> str | None:
        return _first(turns, WORDS["mention"][lang], lambda turn: _named(turn.text, SOURCE[lang], told))

    return source


def nothing_private(lang: Lang) -> TurnsCheck:
    """No telephone number, e-mail, account, address or workplace by name."""

    def private(turns: Sequence[Turn]) -> str | None:
        return _first(turns, WORDS["private"][lang], lambda turn: next(found_in(turn.text), ""))

    def found_in(text: str) -> Iterator[str]:
        return (text[start:end] for _, start, end in find_private(text))

    return private


def uncounted(lang: Lang) -> TurnsCheck:
    """The counselor does not speak in first, second, finally."""

    def uncounted(turns: Sequence[Turn]) -> str | None:
        return _first(turns, WORDS["firstly"][lang], counted)

    def counted(turn: Turn) -> str:
        return _named(turn.text, COUNTED[lang])[:12] if turn.speaker == "counselor" else ""

    return uncounted


def short(lang: Lang, longest: int, share: float) -> TurnsCheck:
    """At least ``share`` of the messages have at most ``longest`` characters (zh) or words (en)."""

    def short(turns: Sequence[Turn]) -> str | None:
        found = _short(turns, lang, longest)
        return None if found >= share else WORDS["long"][lang].format(round((1 - found) * 100), longest)

    return short


def _short(turns: Sequence[Turn], lang: Lang, longest: int) -> float:
    """Share of the messages with at most ``longest`` characters (zh) or words (en)."""
    return sum(len(turn.text if lang == "zh" else turn.text.split()) <= longest for turn in turns) / len(turns)


def _named(text: str, pattern: re.Pattern[str], free: str = "") -> str:
    return next((found[0] for found in pattern.finditer(text) if found[0].lower() not in free.lower()), "")


def _first(turns: Sequence[Turn], words: str, fault: Callable[[Turn], str]) -> str | None:
    return next((words.format(at, found) for at, turn in enumerate(turns, 1) if (found := fault(turn))), None)
