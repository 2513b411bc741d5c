"""MindChat: settings become a chat that a model holds with itself. X-D Lab, a project without a paper.

The flow of its second age: a theme, four kinds of settings (personality, role, situation, dialogue), their cross
product, self chat, and a score as the inspection of the finished talk.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, StringConstraints

from psyloom.agents import (
    Ask,
    Check,
    Client,
    Counselor,
    Range,
    Rules,
    Script,
    ScriptRules,
    Sight,
    Talk,
    TurnsCheck,
    Writer,
    converse,
    take_end,
)
from psyloom.agents.guards import fold
from psyloom.agents.script import keeps
from psyloom.knowledge import label_set
from psyloom.llm.rehearsal.actor import Actor
from psyloom.records import Case, Dialogue, Lang, Scenario, Turn
from psyloom.systems.mindchat.assessment import Assessment, assess

THEMES = label_set("mindchat_theme")
SLOTS = ("personality", "role", "situation", "dialogue")
DIMENSIONS = ("empathy", "guidance", "fidelity", "coherence", "naturalness", "safety")
LONGEST: dict[Lang, int] = {"zh": 60, "en": 40}  # characters, words; published replies stay near 30 to 60 characters
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Points = Annotated[int, Field(ge=1, le=5)]
WORDS: dict[str, dict[Lang, str]] = {
    "few": {"en": "{} needs {} different items", "zh": "{} 需要 {} 条互不相同的设定"},
    "medical": {
        "en": "message {} diagnoses, prescribes or promises a cure ({!r}); a chat companion does none of these",
        "zh": "第 {} 条下了诊断、开了药或者保证能好（“{}”），陪伴者不能这样说",
    },
    "long": {"en": "message {} is longer than {} words", "zh": "第 {} 条超过了 {} 个字"},
    "questions": {"en": "message {} asks more than one question", "zh": "第 {} 条问了不止一个问题"},
}
MEDICAL: dict[Lang, re.Pattern[str]] = {
    "zh": re.compile(r"你(?:这是|就是|得了|患了|患有|确诊)[^，。？]{0,6}(?:症|障碍|抑郁|焦虑症)|(?:服用|吃点?|加量)[^，。？]{0,8}(?:片|毫克|mg|药)|保证[^，。？]{0,4}(?:治好|好起来)|包治"),
    "en": re.compile(r"\byou (?:have|suffer from) (?:[a-z]+ ){0,2}(?:depression|disorder|syndrome)\b|\btake \d+ ?mg\b|\bI (?:promise|guarantee) (?:that )?you will (?:be cured|recover)", re.IGNORECASE),
}  # fmt: skip


class Card(BaseModel):
    """The setting card of a theme: what may be combined."""

    personality: list[Text]
    role: list[Text]
    situation: list[Text]
    dialogue: list[Text]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, list[str]]:
        gap = "，" if actor.cue.lang == "zh" else ", "
        halves = actor.stock["setting"]
        theme = next(iter(actor.recorded("scenario.type")), actor.stock["cbt"]["topic"])
        named = " ".join(word if word.isupper() else word.lower() for word in theme.split())
        return {
            slot: [f"{a}{gap}{b}".format(t=named) for a in halves[slot][0] for b in halves[slot][1]] for slot in SLOTS
        }


class Setting(BaseModel):
    """One of each kind: the prompt of one self chat."""

    personality: str
    role: str
    situation: str
    dialogue: str


class SelfChat(Script):
    """The whole talk, and how safe its client is."""

    safety: Literal["none", "watch", "crisis"]

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, Any]:
        return {**actor.script(), "safety": "none"}


class Scores(BaseModel):
    """The inspection, 1 to 5 points each."""

    empathy: Points
    guidance: Points
    fidelity: Points
    coherence: Points
    naturalness: Points
    safety: Points

    @classmethod
    def rehearse(cls, actor: Actor) -> dict[str, int]:
        return dict.fromkeys(DIMENSIONS, 4)

    @property
    def mean(self) -> float:
        return float(sum(getattr(self, name) for name in DIMENSIONS) / len(DIMENSIONS))

    @property
    def verdict(self) -> Literal["keep", "review", "drop"]:
        return verdict_of(self.mean, self.safety)


def verdict_of(mean: float, safety: float) -> Literal["keep", "review", "drop"]:
    """Drop under 3.0 or with safety under 4, review up to 3.5, keep above."""
    if mean < 3.0 or safety < 4:
        return "drop"
    return "review" if mean <= 3.5 else "keep"


class MindChat(Writer):
    """One self chat and one inspection a case; the setting card is written once for its theme.

    A case may bring its theme (``scenario.type``) and its situation; what it does not bring is drawn by the seed.
    """

    sight: ClassVar[Sight] = {
        "setting_writer": {"scenario.type"},
        "self_chat": {"scenario.type", "scenario.situation"},
        "inspector": {"scenario.situation"}, "client": {"scenario.type", "scenario.situation"}, "counselor": frozenset(),
    }  # fmt: skip

    theme: str = Field("", description="for cases that name none in scenario.type; empty: drawn by the seed")
    items: int = Field(12, ge=1, description="fewest settings of each kind on a card")
    cards: int = Field(1, ge=1, description="cards of a theme, for large runs: a case draws one of them")
    interactive: bool = Field(False, description="two agents talk in turns, two calls an exchange, instead of one call")
    exchanges: Range = Field((4, 10), description="fewest and most exchanges")
    inspect: bool = Field(
        True, description="score the talk, one call more; its verdict is noted, nothing is thrown away"
    )
    strict: bool = Field(True, description="ask again for a script that breaks a rule; false keeps it")

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        theme = self._theme(ask)
        scenario = case.scenario or Scenario()
        case.scenario = scenario.model_copy(update={"type": scenario.type or [theme]})
        number = ask.rng("card").randrange(self.cards) + 1
        card = await ask.once(
            f"{theme}/{number}", "settings", Card, check=enough(self.items, ask.lang), theme=theme, items=self.items, card=number
        )  # fmt: skip
        # Drawn, not multiplied out: the cross product of a few cards is larger than any run.
        drawn = {slot: ask.rng(slot).choice(getattr(card, slot)) for slot in SLOTS}
        drawn["situation"] = case.scenario.situation or drawn["situation"]
        case.scenario = case.scenario.model_copy(update={"situation": drawn["situation"]})
        setting = Setting(**drawn)
        notes: dict[str, Any] = {"theme": theme, "setting": drawn}
        dialogue = await (self._talk if self.interactive else self._script)(theme, setting, notes, ask)
        if self.inspect:
            found = await ask("score", Scores, talk=Talk(dialogue), setting=setting)
            seen = notes.get("safety") == "crisis" and found.verdict == "keep"  # a person should read it first
            notes["inspection"] = {"score": "review" if seen else found.verdict}
            dialogue.quality.measures |= {name: getattr(found, name) for name in DIMENSIONS} | {
                "score": round(found.mean, 2)
            }
        dialogue.sessions[-1].notes = notes
        return dialogue

    def _theme(self, ask: Ask) -> str:
        """The case's own theme, the option's, or one by the seed; in the dialogue's language where it is a known one."""
        scenario = ask.sees("self_chat").scenario
        given = next((word for word in scenario.type if word), "") or self.theme
        known = THEMES.find(given) if given else ask.rng("theme").choice(THEMES.terms)
        if known:
            ask.desk.dialogue.labels.append(THEMES.label(known.id))
        return known.name(ask.lang) if known else given

    async def _script(self, theme: str, setting: Setting, notes: dict[str, Any], ask: Ask) -> Dialogue:
        lang, (fewest, most) = ask.lang, self.exchanges
        rules = ScriptRules(
            messages=(2 * fewest, 2 * most), first="client", last="counselor", no_lists=True, language=True, guarded=True,
            more=[not_medical(lang)],
        )  # fmt: skip
        found = await ask(
            "self_chat", SelfChat, check=keeps(ask, rules, said, strict=self.strict), prefer=brief(lang) if self.strict else None,
            rules=rules, theme=theme, setting=setting, fewest=fewest, most=most, longest=LONGEST[lang],
        )  # fmt: skip
        notes["safety"] = found.safety
        return ask.dialogue([line.turn() for line in found.turns])

    async def _talk(self, theme: str, setting: Setting, notes: dict[str, Any], ask: Ask) -> Dialogue:
        counselor = MindChatCounselor()
        rules = Rules(
            max_exchanges=self.exchanges[1], min_exchanges=self.exchanges[0], first="client", last="counselor"
        )
        return await converse(ask, client=SettingClient(theme=theme, setting=setting), counselor=counselor, rules=rules)


class SettingClient(Client):
    """The user of an interactive self chat, who is nothing but a setting."""

    sight: ClassVar[Sight] = {"client": MindChat.sight["client"]}

    theme: str = Field(description="what the talk is about")
    setting: Setting = Field(description="personality, role, situation and course of the talk")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        text = await ask("client", talk=talk, theme=self.theme, setting=self.setting)
        text, closes = take_end(text, END)
        return Turn(speaker="client", text=text, closes=closes)


class MindChatCounselor(Counselor):
    """Receives the feeling, then asks at most one question; leads by asking, hardly advises. May assess one thing."""

    sight: ClassVar[Sight] = {"counselor": frozenset(), "assessor": frozenset()}

    assess: Literal["none", "hypochondriasis", "somatic_anxiety", "interest", "guilt", "suicidal_ideation"] = Field(
        "none", description="ask four questions about it, one a turn, then give it 0 to 4 points"
    )

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        advised = False
        if self.assess != "none":
            memory = talk.memory(self, Assessment)
            memory.dimension = self.assess
            if turn := await assess(memory, talk, ask):
                return turn
            advised = memory.ended == "done"
        told = sum(turn.speaker == "client" for turn in talk.turns)

        def companion(text: str) -> str | None:
            turns = [Turn.counselor(text)]
            return not_medical(ask.lang)(turns) or too_long(turns, ask.lang) or too_many(turns, ask.lang)

        return Turn.counselor(
            await ask(
                "counselor",
                talk=talk,
                longest=LONGEST[ask.lang],
                may_suggest=told > 3 and not advised,
                prefer=companion,
            )
        )


END = "[/END]"


def said(chat: SelfChat) -> list[tuple[Any, str]]:
    return [(line.speaker, line.text) for line in chat.turns]


def enough(items: int, lang: Lang) -> Check:
    """Every kind has so many different settings."""

    def enough(card: Card) -> str | None:
        short = next((slot for slot in SLOTS if len({fold(text) for text in getattr(card, slot)}) < items), None)
        return WORDS["few"][lang].format(short, items) if short else None

    return enough


def not_medical(lang: Lang) -> TurnsCheck:
    """The counselor gives no diagnosis, no prescription and no promise of a cure."""

    def medical(turns: Sequence[Turn]) -> str | None:
        for at, turn in enumerate(turns, 1):
            if turn.speaker == "counselor" and (found := MEDICAL[lang].search(turn.text)):
                return WORDS["medical"][lang].format(at, found[0])
        return None

    return medical


def brief(lang: Lang) -> Check:
    """Replies are short and ask one thing."""

    def brief(chat: SelfChat) -> str | None:
        turns = [line.turn() for line in chat.turns]
        return too_long(turns, lang) or too_many(turns, lang)

    return brief


def too_long(turns: Sequence[Turn], lang: Lang) -> str | None:
    for at, turn in enumerate(turns, 1):
        if turn.speaker == "counselor" and len(turn.text if lang == "zh" else turn.text.split()) > LONGEST[lang]:
            return WORDS["long"][lang].format(at, LONGEST[lang])
    return None


def too_many(turns: Sequence[Turn], lang: Lang) -> str | None:
    for at, turn in enumerate(turns, 1):
        if turn.speaker == "counselor" and len(re.findall("[?？]+", turn.text)) > 1:
            return WORDS["questions"][lang].format(at)
    return None
