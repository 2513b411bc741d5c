"""What every writer of whole dialogues holds its model to."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from psyloom.agents.wording import is_foreign
from psyloom.errors import UsageError
from psyloom.llm import Answer, Call
from psyloom.llm.rehearsal import Rehearsal
from psyloom.records import Case, Lang, read_jsonl
from psyloom.systems import find_system, find_systems, make_role
from tests.support import write

# Writer -> (prompt of the dialogue or of a part of it, the field that holds a whole message; "": prefixed lines)
SCRIPTS = {
    "cactus": ("script", "text"),
    "cadss": ("generate", "counselor"),
    "catch": ("stage", "counselor"),
    "cpsycoun": ("demo", "text"),
    "crisp": ("substep", "help_seeker"),
    "emollm": ("dialogue", ""),
    "mindchat": ("self_chat", "text"),
    "psyaug": ("session", "text"),
    "psydt": ("session", ""),
    "smile": ("dialogue", ""),
    "soulchat": ("rewrite", ""),
}

Messages = list[str]


def in_another_language(messages: Messages, lang: Lang) -> Messages:
    said = {"en": "我最近总是睡不好，也不想上班。", "zh": "I have not slept well for weeks."}
    return with_one(messages, said[lang])


def as_a_list(messages: Messages, lang: Lang) -> Messages:
    said = {"en": "There is this: 1. the nights; 2. the mornings.", "zh": "有这些：1、晚上睡不着；2、早上起不来。"}
    return with_one(messages, said[lang])


def with_one(messages: Messages, said: str) -> Messages:
    """The messages but for one, neither the first nor, of many, the last: openings and ends have rules of their own."""
    return [said if n == len(messages) // 2 else message for n, message in enumerate(messages)]


def word_for_word_again(messages: Messages, _: Lang) -> Messages:
    at = max(range(len(messages)), key=lambda n: len(messages[n]))
    again = at + 1 if at + 1 < len(messages) else at - 1
    return [messages[at] if n == again else message for n, message in enumerate(messages)]


@dataclass
class Spoiled:
    """A rehearsal whose first script of two messages or more is spoiled."""

    prompt: str
    field: str
    spoil: Callable[[Messages, Lang], Messages]
    lang: Lang
    name: str = "spoiled"
    done: bool = False

    async def __call__(self, call: Call, /) -> Answer:
        answer = await Rehearsal()(call)
        if self.done or call.prompt != self.prompt:
            return answer
        value = json.loads(answer.text) if self.field else [line_of(line) for line in answer.text.splitlines()]
        places = list(places_of(value, self.field or "text"))
        if len(places) < 2:
            return answer
        self.done = True
        spoiled = self.spoil([place[key] for place, key in places], self.lang)
        for (place, key), text in zip(places, spoiled, strict=True):
            place[key] = text
        text = json.dumps(value) if self.field else "\n".join(line["who"] + line["text"] for line in value)
        return replace(answer, text=text)

    async def aclose(self) -> None: ...


def line_of(line: str) -> dict[str, str]:
    who = re.match(r"[^:：]*[:：]\s*", line)
    assert who
    return {"who": who[0], "text": line[who.end() :]}


def places_of(value: Any, field: str) -> Iterator[tuple[dict[str, str], str]]:
    """Where messages stand in an answer."""
    if isinstance(value, list):
        for one in value:
            yield from places_of(one, field)
    elif isinstance(value, dict):
        if isinstance(value.get(field), str):
            yield value, field
        for one in value.values():
            yield from places_of(one, field)


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [("language", in_another_language), ("list", as_a_list), ("repeats", word_for_word_again)],
    ids=lambda it: it if isinstance(it, str) else "",
)
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("slug", SCRIPTS)
async def test_a_script_with_such_a_message_is_asked_for_again(slug: str, lang: Lang, rule: str, spoil: Any) -> None:
    case = next(case for case in read_jsonl(find_system(slug).cases(), Case) if case.lang == lang)
    model = Spoiled(*SCRIPTS[slug], spoil, lang)
    dialogue = await write(slug, case, model)
    assert model.done
    assert dialogue.quality.guards.get(f"script: {rule}") == 1
    assert dialogue.quality.kept == {}


@pytest.mark.parametrize("slug", SCRIPTS)
@pytest.mark.parametrize(("of", "lang"), [("zh", "en"), ("en", "zh")])
async def test_a_case_in_the_other_language_is_rehearsed_in_the_runs_own(slug: str, of: Lang, lang: Lang) -> None:
    case = next(case for case in read_jsonl(find_system(slug).cases(), Case) if case.lang == of)
    dialogue = await write(slug, case, Rehearsal(), lang=lang)
    assert [turn.text for turn in dialogue.turns if is_foreign(turn.text, lang)] == []
    assert len(dialogue.turns) >= 6


def ranges() -> list[tuple[str, str]]:
    """(slug, option) of every writer's option that holds two whole numbers."""
    writers = [
        (slug, system.role("writer")) for slug, system in find_systems().items() if "writer" in system.card.roles
    ]
    return [
        (slug, name)
        for slug, writer in writers
        for name, field in writer.model_fields.items()
        if is_range(field.default)
    ]


def is_range(default: Any) -> bool:
    return isinstance(default, tuple) and [type(number) for number in default] == [int, int]


@pytest.mark.parametrize(("slug", "option"), ranges())
def test_a_range_that_nothing_can_keep_to_is_refused_before_anything_is_asked(slug: str, option: str) -> None:
    told = {"[20, 8]": "the fewest come first", "5": "e.g. [8, 20]", "[8]": "e.g. [8, 20]", "[0, 5]": "greater than 0"}
    for given, words in told.items():
        with pytest.raises(UsageError, match=re.escape(words)):
            make_role(slug, "writer", {option: given})
    assert getattr(make_role(slug, "writer", {option: "[8, 20]"}), option) == (8, 20)
