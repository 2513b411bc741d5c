"""Instruments as data."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from psyloom.errors import BadRecord, UnknownName, UsageError
from psyloom.judging.results import results
from psyloom.knowledge.instruments import Instrument, all_instruments, instrument, instruments
from psyloom.knowledge.items import Item
from tests.judging.talks import rating

ALL = list(all_instruments())
CHINESE = re.compile(r"[\u4e00-\u9fff]")

TREE = """
id = "walk"
en = "Walk"
zh = "路线"
source = "test"
licence = "test"
rates = "counselor"
[[dimension]]
id = "first"
en = "First"
zh = "一"
[[item]]
id = "a"
en = "A"
zh = "甲"
kind = "choice"
dimension = "first"
option = [{{ id = "yes", en = "yes", zh = "是", go = "{yes}" }}, {{ id = "no", en = "no", zh = "否", go = "{no}" }}]
[[item]]
id = "b"
en = "B"
zh = "乙"
kind = "choice"
dimension = "{dimension}"
option = [{{ id = "yes", en = "yes", zh = "是", go = "{back}" }}]
"""


def from_text(folder: Path, text: str, name: str = "own.toml") -> Instrument:
    (folder / name).write_text(text, "utf-8")
    return instrument(folder / name)


def tree(folder: Path, yes: str = "b", no: str = "end", back: str = "end", dimension: str = "first") -> Instrument:
    return from_text(folder, TREE.format(yes=yes, no=no, back=back, dimension=dimension))


@pytest.mark.parametrize("tool", ALL, ids=lambda tool: tool.id)
def test_every_instrument_speaks_both_languages_and_says_where_it_comes_from(tool: Instrument) -> None:
    named = [tool, *tool.items, *tool.subscales, *tool.ratios, *tool.alarms, *tool.dimensions]
    named += [option for item in tool.items for option in item.options]
    worded = [*tool.bands, *(a for i in tool.items for a in i.anchors), *(c for i in tool.items for c in i.criteria)]
    worded += [item.ask for item in tool.items] + [item.guide for item in tool.items] + [tool.guide, *tool.sees]
    for words in [*named, *worded]:
        assert bool(words.en) == bool(words.zh), words
        assert not CHINESE.search(words.en), words
        assert not words.zh or CHINESE.search(words.zh) or words.zh.isascii(), words
    assert tool.source
    assert tool.licence


@pytest.mark.parametrize("tool", [t for t in ALL if t.validated], ids=lambda tool: tool.id)
def test_our_words_for_a_validated_scale_never_bear_its_plain_name(tool: Instrument) -> None:
    assert tool.wording == "own"
    assert "informed" in tool.en
    assert "参照" in tool.zh


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_a_model_scored_is_called_llm_rated_and_what_a_person_scored_is_not(lang: str) -> None:
    suffix = {"en": "(LLM-rated)", "zh": "（大模型评分）"}[lang]
    for tool in ALL:
        assert tool.title(lang, "model").endswith(suffix)  # type: ignore[arg-type]
        assert tool.title(lang, "client").endswith(suffix)  # type: ignore[arg-type]
        assert suffix not in tool.title(lang, "human")  # type: ignore[arg-type]


def test_the_keys_of_the_two_short_alliance_forms_differ_and_only_one_reverses_items() -> None:
    keys = {name: _numbers(instrument(name)) for name in ("wai_o_s", "wai_s", "wai_sr")}
    assert keys["wai_o_s"] == keys["wai_s"] == {"task": [1, 2, 8, 12], "bond": [3, 5, 7, 9], "goal": [4, 6, 10, 11]}
    assert keys["wai_sr"] == {"task": [1, 2, 10, 12], "bond": [3, 5, 7, 9], "goal": [4, 6, 8, 11]}
    reversed_ = {name: [n for n, i in enumerate(instrument(name).items, 1) if i.reverse] for name in keys}
    assert reversed_ == {"wai_o_s": [4, 10], "wai_s": [4, 10], "wai_sr": []}


def _numbers(tool: Instrument) -> dict[str, list[int]]:
    order = [item.id for item in tool.items]
    return {scale.id: [order.index(item) + 1 for item in scale.items] for scale in tool.subscales}


@pytest.mark.parametrize(
    ("name", "items", "scale"),
    [
        ("ctrs", 6, (0, 6)),
        ("ctrs_11", 11, (0, 6)),
        ("wai", 12, (1, 7)),
        ("wai_sr", 12, (1, 5)),
        ("panas", 20, (1, 5)),
        ("phq9", 9, (0, 3)),
        ("gad7", 7, (0, 3)),
        ("session_pulse", 4, (0, 10)),
        ("sudosys", 4, (1, 5)),
        ("preference", 9, None),
        ("amie_patient", 26, None),
        ("autocbt", 6, (0, 7)),
        ("amie_specialist", 32, None),
        ("miti", 14, None),
        ("psydt_reply", 5, None),
        ("mdd5k", 7, None),
        ("soulchat", 4, None),
    ],
)
def test_published_sizes_and_ranges_are_kept(name: str, items: int, scale: tuple[float, float] | None) -> None:
    tool = instrument(name)
    assert (len(tool.items), tool.scale) == (items, scale)


FIVE = ("likert", 1, 5)
YES_NO = ("binary",)


def _kind(item: Item) -> tuple[object, ...]:
    """How an item is answered: its scale, or the values of its options."""
    if item.kind == "likert":
        return ("likert", item.low, item.high)
    return (item.kind, *(option.value for option in item.options))


@pytest.mark.accepts("amie", 8)
def test_the_axes_of_amie_keep_their_scales_and_every_one_may_not_apply() -> None:
    patient, specialist = instrument("amie_patient"), instrument("amie_specialist")
    assert [_kind(item) for item in patient.items] == [FIVE] * 9 + [YES_NO] * 2 + [YES_NO] * 11 + [FIVE] * 4
    worst = {item.id: min(item.anchors, key=lambda anchor: anchor.at).en for item in patient.items[:9]}
    assert [*worst.values()] == ["poor"] * 7 + ["strongly disagree"] * 2
    diagnosis = {item.id: _kind(item) for item in specialist.items[22:]}
    assert [_kind(item) for item in specialist.items[:22]] == [FIVE] * 22
    assert [*diagnosis.values()] == [
        FIVE, ("choice", 1, 2, 4, 5), FIVE, ("choice", 1, 2, 5, 5), ("choice", 1, 3, 5), YES_NO, ("choice", 1, 3, 5),
        YES_NO, ("choice", 1, 2, 5, 5), YES_NO,
    ]  # fmt: skip
    assert all(item.na for item in (*patient.items, *specialist.items))


@pytest.mark.accepts("amie", 8)
def test_an_axis_that_does_not_apply_is_in_no_mean() -> None:
    tool = instrument("amie_patient")
    given = [
        rating(tool, {"polite": 5, "at_ease": None, "honest": 2}, "d1"),
        rating(tool, {"polite": 2, "honest": None}, "d2"),
    ]
    (found,) = results(given, tool)
    assert found.items == {"polite": 3.5, "honest": 2}
    assert (found.counts["polite"], found.counts["honest"], found.failed) == (2, 1, 0)


def test_the_two_cpsycoun_rubrics_keep_their_different_maxima() -> None:
    assert [item.high for item in instrument("cpsycoune").items] == [2, 4, 3, 1]
    assert [item.high for item in instrument("cpsycoune_turn").items] == [2, 3, 3, 1]
    for item in instrument("cpsycoune").items:
        assert sum(c.points or 0 for c in item.criteria) == item.high


def test_the_longer_form_repeats_the_items_of_the_shorter_one_and_not_its_keys() -> None:
    short, long = instrument("ctrs"), instrument("ctrs_11")
    assert [item for item in long.items if short.find(item.id)] == list(short.items)
    assert [len(scale.items) for scale in long.subscales] == [6, 5]


def test_a_range_can_be_set_and_anchors_move_with_it() -> None:
    tool = instrument("wai@1-5")
    assert tool.scale == (1, 5)
    assert [a.at for a in tool["steps"].anchors] == [1, 3, 5]
    assert [a.en for a in tool["steps"].anchors] == [a.en for a in instrument("wai")["steps"].anchors][::3]
    assert tool["steps"].silent == (3,)


def test_a_range_is_refused_where_the_items_have_none_in_common() -> None:
    with pytest.raises(UsageError, match="miti has no one scale"):
        instrument("miti@1-7")
    with pytest.raises(UsageError, match="5-1 is no range"):
        instrument("wai@5-1")


def test_an_unknown_name_is_one_clear_error_with_the_nearest_names() -> None:
    with pytest.raises(UnknownName, match=r"no instrument called 'pana'[\s\S]*panas"):
        instrument("pana")
    with pytest.raises(UnknownName, match=r"no item of ctrs called 'focuss'[\s\S]*focus"):
        instrument("ctrs")["focuss"]


def test_an_item_is_found_by_its_id_its_name_in_either_language_and_its_number() -> None:
    tool = instrument("ctrs")
    assert tool["1"] == tool["理解"] == tool["Understanding"] == tool["understanding"] == tool.items[0]


def test_licensed_words_replace_ours_and_change_name_and_version_but_not_the_scoring(tmp_path: Path) -> None:
    words = tmp_path / "licensed.toml"
    words.write_text(
        'id = "ctrs"\nwording = "licensed"\nen = "The scale itself"\nlicence = "permission no. 1"\n'
        '[[item]]\nid = "focus"\nask.en = "Words under licence?"\n',
        "utf-8",
    )
    ours, licensed = instrument("ctrs"), instrument("ctrs", words)
    assert licensed["focus"].ask.en == "Words under licence?"
    assert (licensed.title("en"), licensed.version, licensed.licence) == (
        "The scale itself", "1+licensed", "permission no. 1",
    )  # fmt: skip
    assert licensed["strategy"] == ours["strategy"]
    assert licensed.subscales == ours.subscales


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('id = "wai_o_s"\nwording = "licensed"\n', 'does not say id = "ctrs"'),
        ('id = "ctrs"\n', 'wording = "licensed"'),
        ('id = "ctrs"\nwording = "licensed"\n[[item]]\nid = "focus"\nhigh = 9\n', "'focus': high is not for a wording"),
        ('id = "ctrs"\nwording = "licensed"\n[[item]]\nid = "focis"\n', "item 'focis' is not for a wording"),
    ],
)
def test_a_wording_may_change_words_only(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "w.toml").write_text(text, "utf-8")
    with pytest.raises(BadRecord, match=re.escape(says)):
        instrument("ctrs", tmp_path / "w.toml")


def test_an_instrument_of_ones_own_is_read_from_a_file(tmp_path: Path) -> None:
    assert tree(tmp_path).id == "walk"
    assert instrument(str(tmp_path / "own.toml")).items[1].id == "b"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"back": "a"}, "go in a circle: a -> b -> a"),
        ({"back": "b"}, "go in a circle: b -> b"),
        ({"yes": "c"}, "question 'a' jumps to 'c', which does not exist"),
        ({"yes": "end"}, "question 'b' can never be reached"),
        ({"dimension": "second"}, "question 'b' of a decision tree must be a choice and name its dimension"),
    ],
)
def test_a_decision_tree_that_cannot_be_walked_is_refused_when_it_loads(
    tmp_path: Path, change: dict[str, str], says: str
) -> None:
    with pytest.raises(BadRecord, match=re.escape(says)):
        tree(tmp_path, **change)


PLAIN = 'id = "x"\nen = "X"\nzh = "某"\nsource = "s"\nlicence = "l"\nrates = "counselor"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PLAIN, "item: Field required"),
        (PLAIN + 'labels = ["crisp_step/defense"]\n[[item]]\nid = "a"\nen = "A"\nzh = "甲"\nkind = "binary"\n', 'labels need unit = "turn"'),
        (PLAIN + '[[item]]\nid = "a"\nen = "A"\nzh = "甲"\n', "item 'a' needs a scale"),
        (PLAIN + '[scale]\nlow = 0\nhigh = 2\n[[item]]\nid = "a"\nen = "A"\nzh = "甲"\nanchor = [{ at = 3 }]\n', "anchor at 3"),
        (PLAIN + '[scale]\nhigh = 2\n' + '[[item]]\nid = "a"\nen = "A"\nzh = "甲"\n' * 2, "item 'a' stands there twice"),
        (PLAIN + '[[item]]\nid = "a"\nen = "A"\nzh = "甲"\nkind = "pairwise"\n', 'needs unit = "pair"'),
        (PLAIN + '[[item]]\nid = "a"\nen = "A"\nzh = "甲"\nkind = "choice"\n', "a choice needs some"),
        (PLAIN + '[[item]]\nid = "a"\nen = "A"\nzh = "甲"\nkind = "count"\n[[subscale]]\nid = "s"\nen = "S"\nzh = "分"\nitems = [2]\n', "number beyond 1"),
        (PLAIN + '[[item]]\nid = "a"\nen = "A"\nzh = "甲"\nkind = "count"\n[[band]]\nscore = "t"\nlow = 0\n', "'t' is no item or score"),
        ("id = ", "cannot read"),
    ],
)  # fmt: skip
def test_a_faulty_file_is_one_clear_error(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadRecord, match=re.escape(says)):
        from_text(tmp_path, text)


def test_every_alias_leads_to_one_instrument() -> None:
    names = [name for tool in ALL for name in (tool.id, *tool.aliases)]
    assert len(names) == len(set(names))
    assert instrument("wai") == instrument("wai_o_s")
    assert set(instruments()) == {tool.id for tool in ALL}


def test_bands_rise_and_the_symptom_forms_keep_their_cut_offs() -> None:
    for tool in ALL:
        for score in {band.score for band in tool.bands}:
            lows = [band.low for band in tool.bands if band.score == score]
            assert all(a < b for a, b in pairwise(lows)), tool.id
    assert [band.low for band in instrument("phq9").bands] == [0, 5, 10, 15, 20]
    assert [band.low for band in instrument("gad7").bands] == [0, 5, 10, 15]
