"""The sentence classifier: what it reads, that it learns, and that it labels like any other annotator."""

import math
import random
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.cli.classifier import _chance, classifier
from psyloom.errors import BadRecord, MissingExtra, UnknownName, UsageError
from psyloom.knowledge import label_set
from psyloom.records import Dialogue, Lang, Session, Turn
from psyloom.records.sentences import spans
from psyloom.training import classifier as the_classifier
from psyloom.training.classifier import Recipe
from psyloom.training.sentences import Marks, inputs, labelled, messages

BEHAVIORS = label_set("client_reaction")
MARKS = Marks(cls=1, sep=2, speakers={"counselor": 3, "client": 4})
# How a made-up client talks when it reacts in some way; the words tell the label.
SAYS = {
    "zh": {
        "confirming": ["嗯，是的。", "对，就是这样。", "是啊，没错。"],
        "giving_information": ["上周三开会的时候。", "大概有两个月了。", "在公司，晚上九点。"],
        "defending": ["可是不这样不行！", "我必须检查一遍！", "不检查肯定出错！"],
        "expressing_confusion": ["什么意思？", "没太听懂？", "你说的是哪个？"],
    },
    "en": {
        "confirming": ["Yes, exactly.", "Right, that is it.", "Yes, it is so."],
        "giving_information": ["On Wednesday in the office.", "About two months ago.", "At nine in the evening."],
        "defending": ["But I have to check it!", "But it must be done!", "But somebody has to!"],
        "expressing_confusion": ["What do you mean?", "Which one do you mean?", "How do you mean that?"],
    },
}


def talks(many: int, seed: int = 0, by: str | None = "anna") -> list[Dialogue]:
    """Dialogues in which each of the client's sentences is labelled by its words."""
    rng, found = random.Random(seed), []
    for number in range(many):
        lang: Lang = "zh" if number % 2 else "en"
        turns = []
        for _ in range(4):
            turns.append(Turn.counselor({"zh": "后来呢？", "en": "And then?"}[lang]))
            kinds = rng.choices(sorted(SAYS[lang]), k=rng.randint(1, 2))
            said = [rng.choice(SAYS[lang][kind]) for kind in kinds]
            text = ("" if lang == "zh" else " ").join(said)
            turns.append(
                Turn.client(text, [BEHAVIORS.label(k, span=s, by=by) for k, s in zip(kinds, spans(text), strict=True)])
            )
        found.append(Dialogue(id=f"d{number}", lang=lang, sessions=[Session(turns=turns)]))
    return found


def characters(text: str) -> list[int]:
    return [ord(c) for c in text]


# What it reads


def test_the_context_comes_first_each_message_opened_by_its_speaker_then_the_sentences_of_the_target() -> None:
    turns = [Turn.counselor("你好。"), Turn.client("嗯。累。")]
    (message,) = messages(Dialogue(id="d", lang="zh", sessions=[Session(turns=turns)]), "client", 10)
    (one,) = inputs(message, characters, MARKS, 510)
    hello, yes, tired = characters("你好。"), characters("嗯。"), characters("累。")
    assert list(one.ids) == [1, 3, *hello, 2, 4, 1, *yes, 2, 1, *tired, 2]
    assert list(one.types) == [0] * 6 + [1] * 9
    assert [one.ids[start] for start in one.starts] == [1, 1]
    assert one.own == (0, 1)


@settings(deadline=None)
@given(
    texts=st.lists(st.text("我睡ab。. ", min_size=1, max_size=30), min_size=1, max_size=6),
    limit=st.integers(16, 60),
)
def test_no_sequence_is_too_long_and_every_sentence_stands_in_exactly_one(texts: list[str], limit: int) -> None:
    turns = [Turn(speaker="client" if n % 2 else "counselor", text=text) for n, text in enumerate(texts)]
    dialogue = Dialogue(id="d", lang="zh", sessions=[Session(turns=turns)])
    for message in messages(dialogue, turns[-1].speaker, 10):
        found = inputs(message, characters, MARKS, limit)
        assert all(len(one.ids) == len(one.types) <= limit for one in found)
        assert [at for one in found for at in one.own] == list(range(len(message.pieces)))
        assert all(one.ids[start] == MARKS.cls for one in found for start in one.starts)


def test_the_oldest_context_is_dropped_first() -> None:
    turns = [Turn.counselor("甲甲甲甲。"), Turn.client("乙乙。"), Turn.counselor("丙丙。"), Turn.client("丁。")]
    (_, message) = messages(Dialogue(id="d", lang="zh", sessions=[Session(turns=turns)]), "client", 10)
    (one,) = inputs(message, characters, MARKS, 16)
    assert ord("丙") in one.ids
    assert ord("乙") in one.ids
    assert ord("甲") not in one.ids


def test_a_sentence_takes_the_label_that_covers_most_of_it_else_that_of_the_turn() -> None:
    labels = [BEHAVIORS.label("extending", span=(0, 3)), BEHAVIORS.label("defending", span=(3, 6))]
    turn = Turn.client("我累了。真的。", labels)
    whole = Turn.client("我累了。真的。", [BEHAVIORS.label("extending", by="b")])
    dialogue = Dialogue(id="d", lang="zh", sessions=[Session(turns=[turn, whole])])
    first, second = messages(dialogue, "client", 10)
    known = Recipe(labels="client_reaction", speaker="client").learned
    assert labelled(first, "client_reaction", None, known).labels == ("extending", "defending")
    assert labelled(second, "client_reaction", None, known).labels == ("extending", "extending")
    assert labelled(second, "client_reaction", "c", known).labels == (None, None)


def test_groups_are_learned_instead_of_labels_and_rare_labels_can_be_dropped() -> None:
    coarse = Recipe(labels="client_reaction", speaker="client", level="coarse")
    assert set(coarse.classes()) == {"positive", "negative", "others"}
    assert coarse.learned("Changing Topics") == "negative"
    nine = Recipe(
        labels="client_reaction", speaker="client", drop=("shifting_topics", "sarcastic_answer", "focus_disconnection")
    )
    assert len(nine.classes()) == 9
    assert nine.learned("shifting_topics") is None


# What it learns


def test_without_the_libraries_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(MissingExtra, match="psyloom\\[train\\]"):
        the_classifier.libraries()


def test_a_group_is_favored_only_by_a_classifier_of_groups_and_otherwise_told_why() -> None:
    recipe = Recipe(labels="client_reaction", speaker="client", level="coarse")
    assert _chance("negative", "0.2", recipe) == 0.2
    with pytest.raises(UsageError, match=r"negative is a group(.|\n)*level=coarse"):
        _chance("negative", "0.2", recipe.model_copy(update={"level": "fine"}))
    with pytest.raises(UnknownName, match="dancing"):
        _chance("dancing", "0.2", recipe)


@pytest.mark.parametrize("setting", ["epochs=0", "level=deep", "colour=red"])
def test_a_setting_that_is_none_is_refused_in_one_line(setting: str, tmp_path: Path) -> None:
    given_ = ["train", str(tmp_path), "--labels", "client_reaction", "--speaker", "client", "--out", str(tmp_path)]
    with pytest.raises(UsageError) as refused:
        CliRunner().invoke(classifier, [*given_, "--set", setting], catch_exceptions=False)
    assert setting in refused.value.happened
    assert "\n" not in refused.value.happened
    assert "pydantic" not in refused.value.happened


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny classifier with random weights at first, trained for a few seconds on generated dialogues."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from psyloom.training.learn import train

    out = tmp_path_factory.mktemp("classifier")
    recipe = Recipe(
        labels="client_reaction", speaker="client", width=32, layers=1, epochs=6, rate=5e-3, limit=128, context=2
    )
    heard: list[int] = []
    scores = train(talks(60), recipe, out, lambda epoch, macro_f1: heard.append(epoch))
    assert heard == [1, 2, 3, 4, 5, 6]
    assert scores["valid"].sentences + scores["test"].sentences > 20
    assert scores["test"].accuracy > scores["test"].chance + 0.3
    return out


def test_a_tiny_random_encoder_learns_far_better_than_chance_and_says_so_for_every_class(trained: Path) -> None:
    from psyloom.training.classifier import load
    from psyloom.training.learn import _parts, evaluate

    classifier = load(str(trained))
    unseen = [m for part in _parts(talks(20, seed=9), classifier.recipe).values() for m in part]
    scores = evaluate(classifier, unseen)
    assert scores.accuracy > 0.8 > scores.chance
    assert set(scores.f1) >= set(SAYS["en"])
    assert math.isclose(scores.macro_f1, sum(scores.f1.values()) / len(scores.f1))


async def test_it_labels_every_sentence_of_its_side_and_leaves_texts_and_other_labels_alone(trained: Path) -> None:
    from psyloom.training.annotator import ClassifierAnnotator
    from tests.support import Scripted, annotate

    (before,) = talks(1, seed=3)
    dialogue = await annotate(ClassifierAnnotator(path=trained), before.model_copy(deep=True), Scripted(), by="tiny")
    assert [turn.text for turn in dialogue.turns] == [turn.text for turn in before.turns]
    for turn, old in zip(dialogue.turns, before.turns, strict=True):
        own = [label for label in turn.labels if label.by == "tiny"]
        assert [label for label in turn.labels if label.by == "anna"] == old.labels
        assert [label.span for label in own] == (list(spans(turn.text)) if turn.speaker == "client" else [])


async def test_a_rare_label_can_be_favored_from_a_probability_on(trained: Path) -> None:
    from psyloom.training.annotator import ClassifierAnnotator
    from tests.support import Scripted, annotate

    favored = ClassifierAnnotator(path=trained, favor={"defending": 0.0})
    dialogue = await annotate(favored, talks(1, seed=3)[0], Scripted(), by="tiny")
    assert {label.id for turn in dialogue.turns for label in turn.labels if label.by == "tiny"} == {"defending"}


async def test_it_runs_over_a_file_like_any_annotator(trained: Path, tmp_path: Path) -> None:
    from psyloom.records import read_jsonl, write_jsonl
    from psyloom.runs import run_cases
    from psyloom.training.annotator import ClassifierAnnotator

    write_jsonl(tmp_path / "d.jsonl", talks(3, seed=5))
    summary = await run_cases(ClassifierAnnotator(path=trained), tmp_path / "d.jsonl", tmp_path / "run")
    assert (summary.dialogues, summary.failures, summary.progress.calls) == (3, 0, 0)
    for dialogue in read_jsonl(tmp_path / "run/dialogues.jsonl", Dialogue):
        assert dialogue.annotations["classifier"].options["path"] == str(trained)
        assert not dialogue.annotations["classifier"].rehearsal
        assert {label.by for turn in dialogue.turns for label in turn.labels} == {"anna", "classifier"}


def test_nothing_to_learn_from_and_a_folder_without_classifier_are_said(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from psyloom.training.classifier import load
    from psyloom.training.learn import train

    with pytest.raises(UsageError, match="psyinsight_emotion"):
        train(talks(2), Recipe(labels="psyinsight_emotion", speaker="client"), tmp_path)
    with pytest.raises(BadRecord, match="holds no classifier"):
        load(str(tmp_path))
