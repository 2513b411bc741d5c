"""SMILE: a help post and one long answer, rewritten into a talk of many turns in one call. arXiv 2305.00450.

Clean the pair, cut it to length, ask once, filter. Two baselines start from no post. Filters as in the paper, under
the names that the script reader counts them by: F1 start, F2 lines, F3 prefix, F4 english, F5 too few. What the prompt
asks for besides (exchanges of one message each, speech in one language) the paper did not check; strict does.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, Field

from psyloom.agents import Annotator, Ask, ScriptRules, Sight, Writer, write_script
from psyloom.agents.annotating import Text, strictly, talk_of
from psyloom.knowledge import OneOf, label_set
from psyloom.records import Case, Dialogue, Label, Lang, Speaker

TOPICS = label_set("smile_topic")
PREFIXES: dict[Lang, dict[str, Speaker]] = {
    "zh": {"求助者": "client", "支持者": "counselor"},
    "en": {"Help-seeker": "client", "Supporter": "counselor"},
}
# The paper's table, in its order: compound forms first, or the pronoun would double.
REPLACED = (
    ("嗨，", ""), ("楼主你", "你"), ("题主你", "你"), ("楼楼你", "你"), ("楼主", "你"), ("题主", "你"), ("楼楼", "你"),
    ("阿凉", "我"), ("答主", "人"),
)  # fmt: skip
OTHER_NAMES = {"SMILE": "smile", "plain": "standard"}  # as the paper and its first data call the methods
_HUG = re.compile(r"抱抱|\bhugs\b|\bhug (?:for|to) you\b", re.IGNORECASE)
_MARKS = "。！？，.!?,\n"
_CLAUSE = re.compile(f"[^{_MARKS}]*[{_MARKS}]+|[^{_MARKS}]+$")


@dataclass(frozen=True)
class Pair:
    """A single-turn dialogue: what was asked and what was answered."""

    question: str
    answer: str

    def cut(self, longest: int) -> "Pair":
        """At most ``longest`` characters, question and answer together; the answer gives way first."""
        question = self.question[:longest]
        return Pair(question, self.answer[: longest - len(question)])


def clean(text: str) -> tuple[str, list[str]]:
    """(text as a counselor without a body or a forum account could say it, dropped clauses about hugs).

    Source: the paper's replacement table and its manual step; a clause ends at 。！？，or their English likes.
    """
    for word, instead in REPLACED:
        text = text.replace(word, instead)
    text = re.sub("你{2,}", "你", text)  # 楼主楼主你 still doubles
    kept, dropped = "", []
    for clause in _CLAUSE.findall(text):
        if _HUG.search(clause):
            dropped.append(clause.strip())
            ending = clause[len(clause.rstrip(_MARKS)) :]
            kept = re.sub("[，,]$", ending, kept)  # the sentence ends where the clause would have ended it
        else:
            kept += clause
    return kept.strip(), dropped


class Smile(Writer):
    """One call, one dialogue."""

    sight: ClassVar[Sight] = {"script_writer": {"post.title", "post.text", "post.answers.text"}}
    needs: ClassVar[frozenset[str]] = frozenset({"post.text", "post.answers"})

    method: Annotated[
        Literal["smile", "standard", "stand.DT", "smile_cot"],
        BeforeValidator(lambda name: OTHER_NAMES.get(name, name) if isinstance(name, str) else name),
    ] = Field(
        "smile",
        description="smile: rewrite the case's post and answer; smile_cot: the same, step by step; "
        "baselines without a post: standard, or plain (the model chooses the topic), stand.DT (one of 56 topics, by "
        "the seed)",
    )
    answer: Literal["first", "random"] = Field("first", description="which answer of the post; random: by the seed")
    longest: int = Field(1800, ge=1, description="characters of question and answer together; the rest is cut off")
    fewest: int = Field(5, ge=2, description="fewest messages (F5); 10 if the paper's 'turns' are read as exchanges")
    strict: bool = Field(
        True,
        description="ask again for a talk that is not what was asked for: its length, whole exchanges begun by the "
        "help-seeker, speech in its language without lists and repetition; false keeps and flags it, as the release does",
    )

    def wants(self) -> frozenset[str]:
        return self.needs if self._rewrites else frozenset()

    def seen_by(self) -> Sight:
        return self.sight if self._rewrites else {}

    @property
    def _rewrites(self) -> bool:
        return self.method in ("smile", "smile_cot")

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        pair, notes = self._source(ask) if self._rewrites else (None, {})
        topic = ask.rng("topic").choice(TOPICS.terms) if self.method == "stand.DT" else None
        rules = ScriptRules(
            PREFIXES[ask.lang], messages=(self.fewest, None), first="client", last="counselor", no_lists=True,
            language=True, guarded=True,
        )  # fmt: skip
        turns = await write_script(
            ask, "dialogue", rules, strict=self.strict, pair=pair, topic=topic, step_by_step=self.method == "smile_cot"
        )  # fmt: skip
        if topic:
            ask.desk.dialogue.labels.append(TOPICS.label(topic.id))
        return ask.dialogue(turns, method=self.method, **notes)

    def _source(self, ask: Ask) -> tuple[Pair, dict[str, Any]]:
        """The pair to rewrite, and what was done to it."""
        post = ask.sees("script_writer").post
        number = ask.rng("answer").randrange(len(post.answers)) if self.answer == "random" else 0
        question, hugs = clean(f"{post.title}\n{post.text}" if post.title else post.text)
        answer, more = clean(post.answers[number].text)
        pair = Pair(question, answer).cut(self.longest)
        done = {"dropped": hugs + more, "cut": len(question + answer) - len(pair.question + pair.answer)}
        return pair, {"answer": number, **{what: found for what, found in done.items() if found}}


class Free(BaseModel):
    """Topics under any name."""

    topics: list[Text] = Field(min_length=1)


class Listed(BaseModel):
    """Topics from the list. Names outside it may come, and are left out."""

    topics: list[Annotated[str, OneOf(TOPICS, strict=False)]] = Field(min_length=1)


_NONE_LISTED: dict[Lang, str] = {"en": "none of the topics is in the list", "zh": "没有一个主题在列表中"}


class SmileTopics(Annotator):
    """Labels a dialogue with the topics it is about, as the paper's study of topic diversity did.

    Asked for strictly, like all labels: one repair, then a typed failure. No words are quoted as evidence: a topic is
    that of the whole talk.
    """

    sight: ClassVar[Sight] = {"topic_labeler": frozenset()}

    limited: bool = Field(True, description="only the 56 topics; false also keeps topics that the model names itself")

    async def annotate(self, dialogue: Dialogue, ask: Ask) -> Dialogue:
        def some_listed(found: Listed | Free) -> str | None:
            return None if any(topic in TOPICS for topic in found.topics) else _NONE_LISTED[ask.lang]

        kind: type[Listed | Free] = Listed if self.limited else Free
        check = some_listed if self.limited else None
        found = await strictly(ask, dialogue.turns)(
            "topics", kind, check=check, talk=talk_of(dialogue.turns, ask.lang), topics=TOPICS, limited=self.limited
        )
        labels = [label for word in found.topics if (label := self._label(word, ask.by))]
        dialogue.labels += [label for at, label in enumerate(labels) if label not in labels[:at]]
        return dialogue

    def _label(self, word: str, by: str) -> Label | None:
        if word in TOPICS:
            return TOPICS.label(word, by=by)
        return None if self.limited else Label(set="smile_topic_unlisted", id=word, by=by)
