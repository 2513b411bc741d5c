import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.errors import MissingExtra
from psyloom.judging.metrics import tokens
from psyloom.judging.metrics.lazy import Lazy

MIXED = st.text(alphabet="我最近睡不着，。？！ abcDEF’'3.5ＡＢ\n", max_size=40)


def test_chinese_is_cut_into_words_and_full_width_marks_are_dropped() -> None:
    assert tokens("我最近总是失眠，怎么办？") == ["我", "最近", "总是", "失眠", "怎么办"]


def test_characters_are_single_for_chinese_and_whole_words_for_english() -> None:
    assert tokens("我用 Word 写作业", "characters") == ["我", "用", "word", "写", "作", "业"]


def test_english_keeps_contractions_and_numbers_whole_and_folds_case() -> None:
    assert tokens("I don’t sleep: 3.5 hours, at most!") == ["i", "don't", "sleep", "3.5", "hours", "at", "most"]


def test_mixed_text_is_cut_by_the_script_of_each_run() -> None:
    assert tokens("我 feel 很难过") == ["我", "feel", "很", "难过"]


def test_full_width_letters_are_the_same_words_as_half_width_ones() -> None:
    assert tokens("ＣＢＴ治疗") == tokens("cbt治疗")


def test_rare_characters_outside_the_basic_plane_are_chinese() -> None:
    assert tokens("𠮷", "characters") == ["𠮷"]


def test_a_tokenizer_of_ones_own_gets_the_text_as_it_stands() -> None:
    assert tokens("A, b", str.split) == ["A,", "b"]


@settings(deadline=None)
@given(MIXED)
def test_words_hold_the_same_letters_as_characters(text: str) -> None:
    assert "".join(tokens(text)) == "".join(tokens(text, "characters"))


@settings(deadline=None)
@given(MIXED)
def test_no_token_holds_white_space_or_full_width_marks(text: str) -> None:
    assert not any(re.search(r"[\s，。？！]", token) or not token for token in tokens(text))


def test_cutting_chinese_says_nothing_on_stderr() -> None:
    code = "from psyloom.judging.metrics import tokens; print(tokens('我很难过'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("['我', '很', '难过']", "")


def test_metrics_load_no_heavy_package_until_one_is_used() -> None:
    code = (
        "import sys, psyloom.judging.metrics, psyloom.judging.agreement, psyloom.judging.calibration, "
        "psyloom.judging.compare, psyloom.cli.compare, psyloom.cli.agree; "
        "print(sorted({'numpy', 'scipy', 'jieba', 'sacrebleu', 'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_package_is_told_with_the_extra_that_brings_it() -> None:
    absent = Lazy("no_such_package.inner", "counting stars")
    with pytest.raises(MissingExtra, match=r"counting stars \(package no_such_package\)(.|\n)*psyloom\[metrics\]"):
        absent.anything  # noqa: B018
