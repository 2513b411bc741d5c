"""PsyChat: behaviors by sentence, strategies of the nearest talk, a packed prompt, N candidates, the best one."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.agents import Ask, Talk
from psyloom.errors import BadRecord, UsageError
from psyloom.records import Case, Dialogue, Lang, Session, Turn, read_jsonl, write_jsonl
from psyloom.systems import make_role
from psyloom.systems.psychat.base import BEHAVIORS, BUNDLED, STRATEGIES, Base, base, told
from psyloom.systems.psychat.samples import generator_samples, left_cut, recall_at_1, selector_samples
from psyloom.systems.psychat.system import PsyChat, pieces, reactions, voted
from tests.support import Scripted, desk_for, text_of

LANGS: tuple[Lang, ...] = ("zh", "en")
ASKED = {"en": "What goes through your mind when you lie awake?", "zh": "醒着的那几个钟头，你心里都在想些什么？"}
SAID = {"en": "I go through what I said that day. I am hopeless.", "zh": "就是想白天哪句话说错了。我太没用了。"}
LABELS = {"en": ["Giving Information", "Self-criticism or Hopelessness"], "zh": ["提供信息", "自责或绝望"]}


def talk_of(lang: Lang) -> Talk:
    talk = Talk(desk_for(Case(id="a", lang=lang), None).dialogue)
    talk.add(Turn.counselor(ASKED[lang]))
    talk.add(Turn.client(SAID[lang]))
    return talk


async def reply(model: Any, lang: Lang = "en", **options: Any) -> tuple[Turn, Talk]:
    counselor = PsyChat(**options)
    desk = desk_for(Case(id="a", lang=lang), model)
    talk = talk_of(lang)
    return await counselor.reply(talk, Ask(desk, counselor, talk)), talk


def model(lang: Lang = "en", **more: Any) -> Scripted:
    numbers = iter(range(99))
    replies: dict[str, Any] = {
        "behaviors": {"labels": LABELS[lang]},
        "respond": lambda _: {
            "reply": {"en": f"Reply number {next(numbers)}.", "zh": f"这是第{next(numbers)}条回复。"}[lang]
        },
        "select": lambda call: {"scores": [10] * 7 + [90] + [20] * 2},
    }
    return Scripted(**replies | more)


@pytest.mark.parametrize("lang", LANGS)
async def test_every_sentence_of_the_client_gets_one_behavior_and_each_has_its_reaction(lang: Lang) -> None:
    turn, talk = await reply(model(lang), lang)
    labels = talk.turns[1].labels
    assert [label.id for label in labels] == ["giving_information", "self_criticism_or_hopelessness"]
    assert "".join(talk.turns[1].text[slice(*label.span)] for label in labels if label.span).replace(" ", "") == SAID[
        lang
    ].replace(" ", "")
    assert reactions([label.id for label in labels]) == ["positive", "negative"]
    assert turn.extra["client_behaviors"] == ["giving_information", "self_criticism_or_hopelessness"]


@pytest.mark.parametrize("lang", LANGS)
async def test_a_sentence_without_a_label_or_a_label_outside_the_list_is_asked_for_again(lang: Lang) -> None:
    asked = model(lang, behaviors=[{"labels": LABELS[lang][:1]}, {"labels": LABELS[lang]}])
    await reply(asked, lang)
    assert len(asked.asked("behaviors")) == 2
    assert not {"Positive reaction", "积极反应"} & set(
        asked.asked("behaviors")[0].schema["properties"]["labels"]["items"]["enum"]
    )


def test_a_piece_shorter_than_two_characters_joins_the_one_before() -> None:
    assert [SAID["zh"][a:b] for a, b in pieces(SAID["zh"])] == ["就是想白天哪句话说错了。", "我太没用了。"]
    assert len(pieces("我知道的。嗯。")) == 1


@pytest.mark.parametrize("lang", LANGS)
async def test_the_strategies_are_those_of_the_nearest_entry_and_its_distance_is_kept(lang: Lang) -> None:
    turn, talk = await reply(model(lang), lang)
    known = base(None, lang, None, "euclidean")
    ((entry, found),) = known.nearest(told(talk.turns[:2], lang))
    assert turn.extra["demonstration_id"] == entry.id
    assert turn.extra["distance"] == found.distance
    assert tuple(label.id for label in turn.labels) == entry.strategies
    assert {label.set for label in turn.labels} == {STRATEGIES.id}
    assert entry.id.startswith(f"base-{lang}-1"), "it is the talk about lying awake"


@pytest.mark.parametrize("lang", LANGS)
async def test_the_packed_prompt_has_the_demonstration_first_and_ends_with_an_open_counselor_line(lang: Lang) -> None:
    asked = model(lang)
    turn, talk = await reply(asked, lang)
    packed = asked.asked("respond")[0].messages[-1]["content"]
    entry = next(e for e in base(None, lang, None, "euclidean").entries if e.id == turn.extra["demonstration_id"])
    open_line = {"en": "Counselor:", "zh": "咨询师："}[lang]
    demo, task = packed.split({"en": "Now act as", "zh": "现在请你作为"}[lang])
    assert demo.strip().endswith(entry.response)
    assert task.endswith(f"{told(talk.turns[:2], lang)}\n{open_line}")
    for part, behaviors, strategies in (
        (demo, entry.behaviors, entry.strategies),
        (task, ("giving_information", "self_criticism_or_hopelessness"), entry.strategies),
    ):
        assert all(BEHAVIORS[one].name(lang) in part for one in behaviors)
        assert all(STRATEGIES[one].name(lang) in part for one in strategies)


@pytest.mark.parametrize("lang", LANGS)
async def test_ten_candidates_are_written_and_the_highest_score_is_sent(lang: Lang) -> None:
    asked = model(lang)
    turn, _ = await reply(asked, lang)
    assert asked.counts() == {"behaviors": 1, "respond": 10, "select": 1}
    candidates = turn.extra["candidates"]
    assert isinstance(candidates, list)
    assert len(candidates) == 10
    assert turn.extra["chosen"] == 7
    assert turn.text == candidates[7]["text"]  # type: ignore[index,call-overload]
    assert {(call.decoding["temperature"], call.decoding["top_p"]) for call in asked.asked("respond")} == {(0.8, 0.8)}


async def test_n_is_an_option_and_a_single_candidate_needs_no_selector() -> None:
    asked = model()
    turn, _ = await reply(asked, candidates=1)
    assert asked.counts() == {"behaviors": 1, "respond": 1}
    three = model(select={"scores": [1, 2, 3]})
    turn, _ = await reply(three, candidates=3)
    assert turn.extra["chosen"] == 2


async def test_too_few_scores_are_asked_for_again() -> None:
    asked = model(select=[{"scores": [1]}, {"scores": [9, 1]}])
    turn, _ = await reply(asked, candidates=2)
    assert turn.extra["chosen"] == 0
    assert len(asked.asked("select")) == 2


@pytest.mark.parametrize("lang", LANGS)
async def test_the_simplified_mode_needs_no_base_classifier_or_selector(lang: Lang, tmp_path: Path) -> None:
    asked = Scripted(simplified={"en": "I hear you.", "zh": "我听见了。"}[lang])
    turn, _ = await reply(asked, lang, mode="simplified", base=tmp_path / "missing.jsonl")
    assert len(asked.calls) == 1
    assert turn.labels == []
    assert asked.calls[0].messages[-1]["content"].endswith({"en": "Counselor:", "zh": "咨询师："}[lang])


def recognize(context: str, sentences: list[str]) -> list[str]:
    assert ASKED["en"] in context
    return ["Defending" for _ in sentences]


def strategies(history: str, behaviors: list[str]) -> list[str]:
    assert SAID["en"] in history
    assert behaviors == ["defending"]
    return ["Restatement"]


def score(history: str, candidates: list[str]) -> list[float]:
    return [float(len(candidates) - at) for at in range(len(candidates))]


def embed(texts: list[str]) -> list[list[float]]:
    return [[float(len(text))] for text in texts]


async def test_every_module_can_be_a_function_of_ones_own() -> None:
    asked = model()
    turn, _ = await reply(asked, recognizer=recognize, strategist=strategies, selector=score, embed=embed)
    assert asked.counts() == {"respond": 10}
    assert [label.id for label in turn.labels] == ["restatement"]
    assert turn.extra["chosen"] == 0


def test_a_function_is_named_on_the_command_line_and_its_name_is_kept_with_the_run() -> None:
    made = make_role("psychat", "counselor", {"selector": "tests.systems.test_psychat:score"})
    assert made.selector is score  # type: ignore[attr-defined]
    assert made.model_dump(mode="json")["selector"] == "tests.systems.test_psychat:score"
    with pytest.raises(UsageError, match="selector"):
        make_role("psychat", "counselor", {"selector": "no.such:thing"})


async def test_every_module_can_be_retrieval_and_then_only_the_candidates_are_calls() -> None:
    asked = model()
    turn, talk = await reply(asked, recognizer="retrieval", selector="retrieval")
    assert asked.counts() == {"respond": 10}
    assert [label.id for label in talk.turns[1].labels] == ["giving_information", "self_criticism_or_hopelessness"]
    candidates = turn.extra["candidates"]
    assert isinstance(candidates, list)
    scores = [one["score"] for one in candidates]  # type: ignore[index,call-overload]
    assert scores.index(max(scores)) == turn.extra["chosen"]


async def test_a_model_can_choose_the_strategies() -> None:
    asked = model(strategies={"strategies": ["Reflection of Feelings"]})
    turn, _ = await reply(asked, strategist="llm")
    assert [label.id for label in turn.labels] == ["reflection_of_feelings"]


def test_the_policy_is_a_distribution_learnt_from_the_base() -> None:
    known = base(None, "en", None, "euclidean")
    policy = known.policy(["defending"])
    assert abs(sum(policy.values()) - 1) < 1e-9
    assert list(policy.values()) == sorted(policy.values(), reverse=True)
    assert "reflection_of_feelings" in list(policy)[:2]


async def test_the_policy_leads_the_reply_when_it_is_chosen() -> None:
    turn, _ = await reply(model(), strategist="policy")
    policy = base(None, "en", None, "euclidean").policy(["giving_information", "self_criticism_or_hopelessness"])
    assert [label.id for label in turn.labels] == [*policy][:2]


def test_several_neighbors_vote_and_without_a_majority_the_nearest_decides() -> None:
    assert voted([("a", "b"), ("b", "c"), ("b",)]) == ("b",)
    assert voted([("a",), ("b",), ("c",)]) == ("a",)
    assert voted([("a", "b")]) == ("a", "b")


async def test_any_labelled_corpus_can_be_the_base_and_one_without_labels_is_refused(tmp_path: Path) -> None:
    dialogues = [d for d in read_jsonl(BUNDLED, Dialogue) if d.id == "base-en-3"]
    write_jsonl(tmp_path / "own.jsonl", dialogues)
    turn, _ = await reply(model(), base=tmp_path / "own.jsonl")
    assert str(turn.extra["demonstration_id"]).startswith("base-en-3/")
    write_jsonl(
        tmp_path / "bare.jsonl",
        [Dialogue(id="x", lang="en", sessions=[Session(turns=[Turn.client("a"), Turn.counselor("b")])])],
    )
    with pytest.raises(BadRecord, match="no counselor's turn"):
        await reply(model(), base=tmp_path / "bare.jsonl")


def test_the_hierarchy_of_labels_can_be_asked_for() -> None:
    assert {term.id for term in STRATEGIES.children("challenging")} == {
        "interpretation", "confrontation", "invite_to_explore_new_actions", "invite_to_take_new_perspectives",
    }  # fmt: skip
    assert len(STRATEGIES.children("supporting")) == 8
    assert len(BEHAVIORS.children("positive")) == 5
    assert len(BEHAVIORS.children("negative")) == 6


def test_the_bundled_base_shows_every_strategy_and_nearly_every_behavior_in_both_languages() -> None:
    for lang in LANGS:
        found = base(None, lang, None, "euclidean").entries
        assert {one for entry in found for one in entry.strategies} == set(STRATEGIES.leaves.ids)
        assert set(BEHAVIORS.leaves.ids) - {one for entry in found for one in entry.behaviors} <= {
            "focus_disconnection"
        }


@given(st.lists(st.integers(), max_size=40), st.integers(2, 20))
def test_a_long_context_loses_its_oldest_words_and_keeps_the_leading_token(tokens: list[int], longest: int) -> None:
    cut = left_cut(tokens, longest)
    assert len(cut) == min(len(tokens), longest)
    assert cut[:1] == tokens[:1]
    assert cut[1:] == tokens[1:][-(longest - 1) :]


@pytest.mark.parametrize("lang", LANGS)
def test_there_is_one_training_sample_for_each_counselors_turn_with_its_own_strategies(lang: Lang) -> None:
    known = base(None, lang, None, "euclidean")
    dialogue = next(d for d in read_jsonl(BUNDLED, Dialogue) if d.lang == lang)
    samples = list(generator_samples(dialogue, known))
    answers = [turn.text for turn in dialogue.turns if turn.speaker == "counselor"]
    assert [sample["output"] for sample in samples] == answers
    for sample, entry in zip(samples, [e for e in known.entries if e.id.startswith(f"{dialogue.id}/")], strict=True):
        assert sample["output"] not in sample["input"]
        assert all(STRATEGIES[one].name(lang) in sample["input"] for one in entry.strategies)


def test_selector_samples_have_one_real_reply_and_nine_others() -> None:
    dialogues = [d for d in read_jsonl(BUNDLED, Dialogue) if d.lang == "en"]
    samples = list(selector_samples(dialogues, random.Random(0)))
    assert len(samples) == len(
        Base(
            "en",
            [e for d in dialogues for e in base(None, "en", None, "euclidean").entries if e.id.startswith(f"{d.id}/")],
        ).entries
    )
    real = {turn.text for d in dialogues for turn in d.turns if turn.speaker == "counselor"}
    for sample in samples:
        candidates, positive = sample["candidates"], sample["positive"]
        assert isinstance(candidates, list)
        assert len(set(candidates)) == 10
        assert set(candidates) <= real
        assert isinstance(positive, int)


def test_recall_counts_real_replies_on_top_and_ties_win_nothing() -> None:
    assert recall_at_1([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]], [0, 0, 0]) == pytest.approx(1 / 3)


async def test_a_named_strategy_is_asked_for_again_but_everyday_words_are_not() -> None:
    asked = model(
        respond=[{"reply": "I use Reflection of Feelings here."}, {"reply": "I have no answer to that confrontation."}]
    )
    turn, _ = await reply(asked, candidates=1)
    assert "confrontation" in turn.text
    assert len(asked.asked("respond")) == 2
    assert "Reflection" not in text_of(asked.asked("behaviors")[0])
