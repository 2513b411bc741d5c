import tomllib
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.errors import UsageError
from psyloom.judging.metrics import emotion_arc, valence
from tests.judging.metrics.given import dialogue

LEXICON = tomllib.loads(files("psyloom.judging.metrics").joinpath("valence.toml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我很难过", -1),
        ("今天轻松多了", 1),
        ("我不开心", -1),
        ("我不是很开心", -1),
        ("现在没那么焦虑了", 1),
        ("觉得没意思", -1),
        ("没有希望了", -1),
        ("虽然很累，但是很开心", 0),
        ("昨天去了超市", 0),
        ("I feel hopeless and sad", -1),
        ("I feel hopeful", 1),
        ("I am not happy at all", -1),
        ("I don't feel so anxious anymore", 1),
        ("It was Tuesday", 0),
        ("我 feel 很 sad", -1),
        ("", 0),
    ],
)
def test_valence_reads_plain_and_negated_words(text: str, expected: int) -> None:
    assert valence(text) == expected


def test_valence_is_pleasant_less_unpleasant_over_both() -> None:
    # calm and proud against sad: (2 - 1) / 3.
    assert valence("calm and proud, though sad") == pytest.approx(1 / 3)


def test_a_negation_reaches_three_english_words_and_no_further() -> None:
    assert valence("not all that happy") == -1
    assert valence("not that it matters: happy") == 1


@settings(deadline=None)
@given(st.text(max_size=80))
def test_valence_stays_in_its_range(text: str) -> None:
    assert -1 <= valence(text) <= 1


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_word_is_both_pleasant_and_unpleasant_or_listed_twice(lang: str) -> None:
    words = [*LEXICON[lang]["positive"], *LEXICON[lang]["negative"]]
    assert len(words) == len(set(words))


@pytest.mark.parametrize(("sign", "side"), [(1, "positive"), (-1, "negative")])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_listed_word_reads_as_listed(lang: str, sign: int, side: str) -> None:
    assert [word for word in LEXICON[lang][side] if valence(word.rstrip("*")) != sign] == []


def test_the_arc_is_the_mean_of_each_part_of_the_clients_messages() -> None:
    talk = dialogue("c: sad", "k: happy", "c: sad but calm", "c: Tuesday", "k: sad", "c: happy")
    assert emotion_arc(talk, bins=2) == (-0.5, 0.5)
    assert emotion_arc(talk, bins=4) == (-1.0, 0.0, 0.0, 1.0)


def test_parts_of_unequal_length_leave_no_message_out() -> None:
    seen: list[str] = []

    def note(text: str) -> float:
        seen.append(text)
        return 0.0

    emotion_arc(dialogue(*(f"c: {i}" for i in range(7))), bins=3, valence=note)
    assert seen == [str(i) for i in range(7)]


def test_another_lexicon_can_be_plugged_in() -> None:
    assert emotion_arc(dialogue("c: a", "c: b"), bins=2, valence=lambda text: float(text == "b")) == (0.0, 1.0)


def test_a_dialogue_shorter_than_its_parts_is_refused() -> None:
    with pytest.raises(UsageError, match="1 messages by the client, too few for 2 parts"):
        emotion_arc(dialogue("c: sad", "k: I see"), bins=2)
