"""PsyChat: behaviors by sentence, strategies of the nearest talk, a packed prompt, N candidates, the best one."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.agents import Ask, Talk
from psyloom.errors import BadRecord, UsageError
from psyloom.knowledge import LabelSet
from psyloom.records import Case, Dialogue, Lang, Session, Turn, read_jsonl, write_jsonl
from psyloom.systems import make_role
from psyloom.systems.psychat.answers import pieces, reactions, voted
from psyloom.systems.psychat.base import BEHAVIORS, BUNDLED, STRATEGIES, WINDOW, Base, base, told
from psyloom.systems.psychat.samples import generator_samples, recall_at_1, selector_samples
from psyloom.systems.psychat.system import PsyChat
from psyloom.training.annotator import ClassifierAnnotator
from psyloom.training.sentences import Marks, Message, inputs
from tests.runs.workshop import psyloom
from tests.support import Scripted, annotate, desk_for, text_of

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


@pytest.mark.accepts("psychat", 1)
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
    assert len(BEHAVIORS.leaves) == 12


@pytest.mark.accepts("psychat", 1)
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


@pytest.mark.accepts("psychat", 2)
@pytest.mark.parametrize("lang", LANGS)
async def test_the_strategies_are_those_of_the_nearest_entry_and_its_distance_is_kept(lang: Lang) -> None:
    turn, talk = await reply(model(lang), lang)
    known = base(None, lang, None, "euclidean")
    ((entry, found),) = known.nearest(talk.turns[:2])
    assert turn.extra["demonstration_id"] == entry.id
    assert turn.extra["distance"] == found.distance
    assert tuple(label.id for label in turn.labels) == entry.strategies
    assert {label.set for label in turn.labels} == {STRATEGIES.id}
    assert entry.id.startswith(f"base-{lang}-1"), "it is the talk about lying awake"


@pytest.mark.accepts("psychat", 2)
@pytest.mark.parametrize("lang", LANGS)
def test_n_grams_find_by_what_was_said_last_however_long_the_talk_was_about_something_else(lang: Lang) -> None:
    known = base(None, lang, None, "euclidean")
    talks = {entry.id.split("/")[0]: entry for entry in known.entries}  # the last entry of each talk
    (about, *_), at = known.entries[-1].history, talks[f"base-{lang}-1"]
    ((found, _),) = known.nearest([*[about] * 20, *at.history[-WINDOW:]])
    assert found == at


@pytest.mark.accepts("psychat", 2)
def test_an_encoder_reads_whole_histories() -> None:
    read: list[str] = []

    def encode(texts: list[str]) -> list[list[float]]:
        read.extend(texts)
        return [[float(len(text))] for text in texts]

    entries = base(None, "en", None, "euclidean").entries
    longest = max(entries, key=lambda entry: len(entry.history)).history
    assert len(longest) > WINDOW
    Base("en", entries, encode).nearest(longest)
    assert read.count(told(longest, "en")) == 2, "once in the base, once asked for"


def far_and_near(texts: list[str]) -> list[list[float]]:
    """The talk at hand lies at (3, 0); of the base one talk lies nearer, another in the same direction."""
    at = {"base-en-1": [9.0, 0.0], "base-en-2": [2.0, 1.0]}
    told_of = {
        told(entry.history, "en"): at.get(entry.id.split("/")[0], [50.0, 50.0])
        for entry in base(None, "en", None, "euclidean").entries
    }
    return [told_of.get(text, [3.0, 0.0]) for text in texts]


@pytest.mark.accepts("psychat", 2)
async def test_one_neighbor_decides_and_it_is_the_nearest_by_euclidean_distance_unless_told_otherwise() -> None:
    options = PsyChat()
    assert (options.neighbors, options.metric) == (1, "euclidean")
    turn, _ = await reply(model(), embed=far_and_near)
    assert str(turn.extra["demonstration_id"]).startswith("base-en-2/")
    assert turn.extra["distance"] == pytest.approx(2**0.5)
    aligned, _ = await reply(model(), embed=far_and_near, metric="cosine")
    assert str(aligned.extra["demonstration_id"]).startswith("base-en-1/")


@pytest.mark.accepts("psychat", 3)
@pytest.mark.parametrize("lang", LANGS)
async def test_the_packed_prompt_has_the_demonstration_first_and_ends_with_an_open_counselor_line(lang: Lang) -> None:
    defending = BEHAVIORS["defending"].name(lang)
    asked = model(lang, behaviors={"labels": [defending] * 2})
    turn, talk = await reply(asked, lang)
    packed = asked.asked("respond")[0].messages[-1]["content"]
    entry = next(e for e in base(None, lang, None, "euclidean").entries if e.id == turn.extra["demonstration_id"])
    open_line = {"en": "Counselor:", "zh": "咨询师："}[lang]
    demo, task = packed.split({"en": "Now act as", "zh": "现在请你作为"}[lang])
    assert demo.strip().endswith(entry.response)
    assert task.endswith(f"{told(talk.turns[:2], lang)}\n{open_line}")
    for part, behaviors, strategies in (
        (demo, entry.behaviors, entry.strategies),
        (task, ("defending",), entry.strategies),
    ):
        assert all(BEHAVIORS[one].name(lang) in part for one in behaviors)
        assert all(STRATEGIES[one].name(lang) in part for one in strategies)
    assert defending not in demo


@pytest.mark.accepts("psychat", 4)
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


@pytest.mark.accepts("psychat", 4)
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


@pytest.mark.accepts("psychat", 9)
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


@pytest.mark.accepts("psychat", 10)
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


@pytest.mark.accepts("psychat", 6)
@pytest.mark.parametrize("kind", [STRATEGIES, BEHAVIORS], ids=lambda kind: kind.id)
def test_the_hierarchy_of_labels_is_exported_as_it_is(kind: LabelSet) -> None:
    told = json.loads(psyloom("labels", kind.id, "--json").out)
    assert {term["id"]: term["parent"] for term in told["label"]} == {term.id: term.parent for term in kind.terms}
    assert LabelSet.model_validate(told) == kind
    indents = {
        line.split()[0]: len(line) - len(line.lstrip()) for line in psyloom("labels", kind.id).out.split("\n")[2:-1]
    }
    assert all(indents[term.id] - indents[term.parent] == 2 for term in kind.terms if term.parent)


@pytest.mark.accepts("psychat", 6)
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


@pytest.mark.accepts("psychat", 5)
@given(st.lists(st.text("我睡不着", min_size=1, max_size=40), min_size=1, max_size=12), st.integers(32, 120))
def test_a_classifiers_context_is_cut_from_the_left_and_the_leading_token_stays(texts: list[str], limit: int) -> None:
    turns = [Turn.counselor(text) for text in texts]
    marks = Marks(cls=-1, sep=-2, speakers={"counselor": -3, "client": -4})
    (found,) = inputs(
        Message(Turn.client("嗯，是的。"), tuple(turns), ((0, 5),)), lambda t: [*map(ord, t)], marks, limit
    )
    whole = [token for turn in turns for token in (-3, *map(ord, turn.text), -2)]
    target = [-4, -1, *map(ord, "嗯，是的。"), -2]
    context = list(found.ids[1 : -len(target)])
    assert found.ids[0] == -1
    assert list(found.ids[-len(target) :]) == target
    assert context == whole[len(whole) - len(context) :]
    assert len(found.ids) <= limit
    dropped = texts[: len(texts) - context.count(-3)]
    assert not dropped or len(found.ids) + len(dropped[-1]) + 2 > limit


@pytest.mark.accepts("psychat", 7)
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


@pytest.mark.accepts("psychat", 8)
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
    said = {(told(d.turns[:at], "en"), turn.text) for d in dialogues for at, turn in enumerate(d.turns)}
    for sample in samples:
        candidates, positive = sample["candidates"], sample["positive"]
        assert isinstance(candidates, list)
        assert len(set(candidates)) == 10
        assert set(candidates) <= real
        assert (sample["history"], candidates[positive]) in said
    assert len({sample["positive"] for sample in samples}) > 5, "the real reply may stand anywhere"
    again = list(selector_samples(dialogues, random.Random(1)))
    assert [{*one["candidates"]} for one in again] != [{*one["candidates"]} for one in samples], "others are drawn"


def test_wrong_replies_are_of_the_same_language_and_too_few_of_them_are_said() -> None:
    both = list(read_jsonl(BUNDLED, Dialogue))
    for sample in selector_samples(both, random.Random(0)):
        assert len({bool(re.search("[\u4e00-\u9fff]", one)) for one in sample["candidates"]}) == 1
    few = both[0].model_copy(update={"sessions": [Session(turns=both[0].turns[:6])]})
    with pytest.raises(UsageError, match="too few for 9"):
        list(selector_samples([few], random.Random(0)))


@pytest.mark.accepts("psychat", 8)
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


# Exports


def test_training_files_come_from_the_command_line(tmp_path: Path) -> None:
    def rows(kind: str, *more: str) -> list[dict[str, Any]]:
        out = tmp_path / f"{kind}.jsonl"
        ran = psyloom("export", str(BUNDLED), "--to", f"psychat.{kind}", "--out", str(out), *more)
        assert ran.code == 0, ran.err
        return [json.loads(line) for line in out.read_text("utf-8").splitlines()]

    dialogues = list(read_jsonl(BUNDLED, Dialogue))
    replies = [turn.text for d in dialogues for turn in d.turns if turn.speaker == "counselor"]
    assert [row["output"] for row in rows("generator")] == replies
    assert sorted(row["candidates"][row["positive"]] for row in rows("selector")) == sorted(replies)
    labels = [label for d in dialogues for turn in d.turns for label in turn.labels if label.set == BEHAVIORS.id]
    found = rows("classifier", "--target", "client")
    assert [row["label"] for row in found] == [sorted(BEHAVIORS.leaves.ids).index(label.id) for label in labels]
    assert {tuple(row) for row in found} == {("context", "response", "label")}
    own = {d.lang: d for d in dialogues}
    write_jsonl(tmp_path / "own.jsonl", own.values())
    (tmp_path / "generator.jsonl").unlink()
    others = [d for d in dialogues if d not in own.values()]
    shown = [
        (row["input"], d)
        for d in others
        for row in generator_samples(d, base(tmp_path / "own.jsonl", d.lang, None, "euclidean"))
    ]
    assert [row["input"] for row in rows("generator", "--base", str(tmp_path / "own.jsonl"))] == [
        text for text, _ in shown
    ]
    assert all(own[d.lang].turns[0].text in text for text, d in shown)


def test_an_export_that_a_system_does_not_offer_is_one_clear_error(tmp_path: Path) -> None:
    ran = psyloom("export", str(BUNDLED), "--to", "psychat.generater", "--out", str(tmp_path / "x.jsonl"))
    assert ran.code == 2
    assert "did you mean psychat.generator" in ran.err


# Trained classifiers


class Certain:
    """A classifier that is sure of one label, and surer of it in a text with that word."""

    def __init__(self, argument: str) -> None:
        self.label, self.word = argument.split("/")

    def classify(self, turn: Turn, before: list[Turn], pieces: list[tuple[int, int]]) -> list[dict[str, float]]:
        assert before[-1].speaker != turn.speaker
        sure = [0.9 if self.word in turn.text[start:end] else 0.6 for start, end in pieces]
        return [{self.label: p, "others": 0.1} for p in sure]


HERE = "tests.systems.test_psychat:Certain"


async def test_a_trained_classifier_can_be_each_module_and_is_named_with_what_it_is_loaded_from() -> None:
    options = {
        "recognizer": f"{HERE}(defending/am)", "strategist": f"{HERE}(interpretation/am)",
        "selector": f"{HERE}(interpretation/number 4)",
    }  # fmt: skip
    asked = model()
    turn, talk = await reply(asked, **options)
    assert asked.counts() == {"respond": 10}
    assert [label.id for label in talk.turns[1].labels] == ["defending", "defending"]
    assert turn.extra["client_behaviors"] == ["defending"]
    assert [label.id for label in turn.labels] == ["interpretation", "others"]
    assert turn.text == "Reply number 4."
    kept = make_role("psychat", "counselor", options).model_dump(mode="json")
    assert {name: kept[name] for name in options} == options
    assert make_role("psychat", "counselor", kept) == make_role("psychat", "counselor", options)


def test_a_folder_without_a_classifier_is_said_before_anything_runs(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    with pytest.raises(BadRecord, match="holds no classifier"):
        make_role("psychat", "counselor", {"recognizer": f"psyloom.training.classifier:load({tmp_path})"})


@pytest.mark.parametrize("option", ["recognizer", "strategist", "selector"])
def test_a_function_that_cannot_be_called_with_what_it_is_given_is_said_before_anything_runs(option: str) -> None:
    with pytest.raises(UsageError, match=r"os:getcwd|posix:getcwd"):
        make_role("psychat", "counselor", {option: "os:getcwd"})


def test_a_base_or_an_encoder_that_is_none_is_said_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "broken.jsonl").write_text("no JSON\n")
    write_jsonl(tmp_path / "bare.jsonl", [Dialogue(id="x", lang="en", sessions=[Session(turns=[Turn.client("a")])])])
    with pytest.raises(BadRecord, match=r"broken\.jsonl:1"):
        make_role("psychat", "counselor", {"base": str(tmp_path / "broken.jsonl")})
    with pytest.raises(BadRecord, match=r"bare\.jsonl holds no counselor's turn"):
        make_role("psychat", "counselor", {"base": str(tmp_path / "bare.jsonl")})
    with pytest.raises(UsageError, match="the embedder"):
        make_role("psychat", "counselor", {"embed": "math:sqrt"})


async def test_what_psyloom_classifier_trains_recognizes_foretells_and_selects(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from psyloom.training.classifier import Recipe
    from psyloom.training.learn import train

    kinds = {
        "recognizer": (BEHAVIORS.id, "client", False), "strategist": (STRATEGIES.id, "client", True),
        "selector": (STRATEGIES.id, "counselor", False),
    }  # fmt: skip
    dialogues = list(read_jsonl(BUNDLED, Dialogue))
    options = {}
    for name, (labels, speaker, ahead) in kinds.items():
        tiny = Recipe(labels=labels, speaker=speaker, ahead=ahead, epochs=1, width=8, layers=1, limit=64, context=2)
        train(dialogues, tiny, tmp_path / name)
        options[name] = f"psyloom.training.classifier:load({tmp_path / name})"
    asked = model()
    turn, talk = await reply(asked, **options)
    assert asked.counts() == {"respond": 10}
    assert len(talk.turns[1].labels) == 2
    assert {label.id for label in talk.turns[1].labels} <= set(BEHAVIORS.leaves.ids)
    assert {label.id for label in turn.labels} <= set(STRATEGIES.leaves.ids)
    assert len(turn.labels) == 2
    assert all(0 < one["score"] < 1 for one in turn.extra["candidates"])  # type: ignore[union-attr,index,call-overload]
    with pytest.raises(UsageError, match="foretells"):
        await annotate(ClassifierAnnotator(path=tmp_path / "strategist"), dialogues[0], Scripted())
