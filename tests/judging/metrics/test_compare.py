import json
import random
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from psyloom.cli.compare import compare as command
from psyloom.errors import PsyloomError, UsageError
from psyloom.judging.compare import Comparison, Measure, _drawn, compare
from psyloom.records import Dialogue, write_jsonl
from tests.judging.metrics.given import dialogue, labelled

WORDS = ["work", "sleep", "tired", "family", "mother", "school", "money", "night", "friend", "alone"]


def talks(n: int, seed: int, *, asks: bool = True, length: int = 6, ends: str = "") -> list[Dialogue]:
    rng = random.Random(seed)

    def line(who: str) -> str:
        return f"{who}: " + " ".join(rng.choices(WORDS, k=rng.randint(5, 9))) + ("?" if who == "k" and asks else ".")

    return [
        dialogue(*(line(who) for _ in range(length) for who in "kc"), f"c: {ends or 'bye'}", id_=f"{seed}-{i}")
        for i in range(n)
    ]


def measure(found: Comparison, name: str) -> Measure:
    (one,) = [m for m in found.measures if m.name == name]
    return one


def test_a_file_compared_with_itself_shows_no_effect_and_only_copies() -> None:
    given = talks(30, seed=1)
    found = compare(given, given, resamples=50)
    assert all(abs(m.size.value) < 1e-9 for m in found.measures if m.name != "near-duplicates across")
    across = measure(found, "near-duplicates across")
    assert (across.a, across.b, across.size.value) == (1.0, 1.0, 1.0)
    assert measure(found, "near-duplicates inside").a == 0.0


def test_two_samples_of_one_source_stay_within_chance() -> None:
    found = compare(talks(60, seed=1), talks(60, seed=2), resamples=200)
    words = measure(found, "client words")
    assert words.chance is not None
    assert words.size.value < 1.5 * words.chance
    assert abs(measure(found, "client message length").size.value) < 0.3


def test_longer_dialogues_and_fewer_questions_show_as_effects() -> None:
    found = compare(talks(25, seed=1, length=9), talks(25, seed=2, asks=False), resamples=100)
    messages = measure(found, "messages")
    assert (messages.a, messages.b, messages.size.value, messages.reading) == (19.0, 13.0, 1.0, "large")
    asking = measure(found, "counselor messages that ask")
    assert (asking.a, asking.b, asking.size.value) == (1.0, 0.0, 1.0)


def test_emotion_is_compared_part_by_part() -> None:
    found = compare(talks(20, seed=1, ends="I feel happy"), talks(20, seed=2, ends="I feel sad"), resamples=50)
    assert measure(found, "client valence, part 4/4").size.value == 1.0
    assert measure(found, "client valence, change").size.value > 0.5


def test_dialogues_too_short_for_an_arc_are_left_out_of_it() -> None:
    found = compare([*talks(20, seed=1), dialogue("k: Hi", "c: Hello")], talks(20, seed=2), resamples=20)
    assert measure(found, "client valence, part 1/4").n == (20, 20)
    assert measure(found, "messages").n == (21, 20)


def test_labels_are_compared_where_both_have_them_and_noted_where_not() -> None:
    a = [labelled("work", "work", id_=str(i)) for i in range(20)]
    b = [labelled("family", id_=str(i)) for i in range(20)]
    b[0].labels[0].set = "stage"
    found = compare(a, b, resamples=20)
    topic = measure(found, "topic")
    assert (topic.size.value, topic.reading, topic.n) == (1.0, "beyond chance", (20, 19))
    assert "only B carries labels of 'stage'" in found.notes


def test_copies_inside_and_across_files_are_counted_apart() -> None:
    a, b = talks(20, seed=1), talks(20, seed=2)
    a[1] = a[0].model_copy(update={"id": "copy"})
    b[0] = a[5].model_copy(update={"id": "taken"})
    found = compare(a, b, resamples=20)
    inside, across = measure(found, "near-duplicates inside"), measure(found, "near-duplicates across")
    assert (inside.a, inside.b) == (2 / 20, 0.0)
    assert (across.a, across.b) == (1 / 20, 1 / 20)
    assert across.size.low < 1 / 20 < across.size.high


def test_a_sample_is_drawn_and_told() -> None:
    found = compare(talks(50, seed=1), talks(30, seed=2), sample=25, resamples=20)
    assert (found.dialogues, found.drawn) == ((50, 30), (25, 25))


def test_every_dialogue_is_as_likely_to_be_drawn() -> None:
    given = talks(10, seed=1, length=1)
    times = Counter(d.id for seed in range(2000) for d in _drawn(given, 3, random.Random(seed))[0])
    # 600 expected of each, standard deviation 20.5.
    assert len(times) == 10
    assert all(abs(count - 600) < 90 for count in times.values())


def test_the_same_seed_gives_the_same_comparison() -> None:
    a, b = talks(22, seed=1), talks(22, seed=2)
    assert compare(a, b, seed=7, resamples=30) == compare(a, b, seed=7, resamples=30)


def test_few_dialogues_are_noted() -> None:
    found = compare(talks(3, seed=1), talks(30, seed=2), resamples=20)
    assert found.notes == ("A holds 3 dialogues, too few to rely on",)


def test_every_effect_lies_in_its_range_and_in_its_interval() -> None:
    found = compare(talks(25, seed=1, length=7), talks(25, seed=2, asks=False, ends="I am glad"), resamples=100)
    for m in found.measures:
        assert (-1 if m.effect == "Cliff's delta" else 0) <= m.size.value <= 1
        assert m.size.low - 1e-9 <= m.size.value <= m.size.high + 1e-9, m


def test_an_empty_side_is_an_error() -> None:
    with pytest.raises(UsageError, match="nothing to compare"):
        compare([], talks(2, seed=1))


def test_chinese_dialogues_are_compared_by_their_words() -> None:
    a = [dialogue("k: 最近怎么样？", f"c: 我失眠{i}天了，很难过", lang="zh", id_=f"a{i}") for i in range(20)]
    b = [dialogue("k: 最近怎么样？", f"c: 孩子成绩下降{i}分", lang="zh", id_=f"b{i}") for i in range(20)]
    found = compare(a, b, resamples=20)
    assert measure(found, "client words").reading == "beyond chance"
    assert measure(found, "counselor words").size.value == 0


def run(*words: str) -> str:
    done = CliRunner().invoke(command, words)
    if isinstance(done.exception, PsyloomError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_the_command_prints_a_table_that_fits_eighty_columns(tmp_path: Path) -> None:
    for name, seed in (("a.jsonl", 1), ("b.jsonl", 2)):
        write_jsonl(tmp_path / name, talks(21, seed=seed))
    shown = run(str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl"), "--resamples", "20")
    table = shown[shown.index("measure") :]
    assert "counselor messages that ask  1.00  1.00 δ 0.00 [0.00, 0.00]" in table
    assert "…" not in table
    assert max(map(len, table.splitlines())) <= 80


def test_the_command_reads_run_folders_and_writes_json(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    write_jsonl(tmp_path / "run" / "dialogues.jsonl", talks(21, seed=1))
    write_jsonl(tmp_path / "b.jsonl", talks(22, seed=2))
    found = json.loads(run(str(tmp_path / "run"), str(tmp_path / "b.jsonl"), "--json", "--resamples", "20"))
    assert found["dialogues"] == [21, 22]
    assert {m["name"] for m in found["measures"]} >= {"messages", "client words", "near-duplicates inside"}
    assert set(found["measures"][0]["size"]) == {"value", "low", "high"}


def test_a_missing_file_is_one_clear_message(tmp_path: Path) -> None:
    with pytest.raises(PsyloomError, match="cannot read"):
        run(str(tmp_path / "no.jsonl"), str(tmp_path / "no.jsonl"))
