import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyloom.errors import UsageError
from psyloom.judging.metrics import distinct, ead, ldd, self_bleu
from tests.judging.metrics.given import dialogue

TEXTS = st.lists(st.text(alphabet="abcd ", min_size=1).filter(str.strip), min_size=2, max_size=6)


@pytest.mark.accepts("smile", 9)
def test_distinct_is_unique_ngrams_over_all_ngrams() -> None:
    # a b a: 2 unique of 3 words; a-b, b-a: 2 unique of 2 pairs.
    assert distinct("a b a", 1) == pytest.approx(2 / 3)
    assert distinct("a b a", 2) == 1.0


def test_distinct_of_a_set_pools_its_texts() -> None:
    assert distinct(["a b", "a c"], 1) == pytest.approx(3 / 4)


def test_distinct_counts_chinese_by_words_or_by_characters() -> None:
    # 我 很 难过 我 很 累: 4 of 6 words; 我很难过我很累: 5 of 7 characters.
    assert distinct("我很难过，我很累。", 1) == pytest.approx(4 / 6)
    assert distinct("我很难过，我很累。", 1, by="characters") == pytest.approx(5 / 7)


def test_ngrams_cross_messages_only_when_asked() -> None:
    talk = dialogue("c: a b", "k: a b")
    # Messages: a-b twice, 1 of 2. Session: a-b, b-a, a-b, 2 of 3.
    assert distinct(talk, 2) == pytest.approx(1 / 2)
    assert distinct(talk, 2, within="session") == pytest.approx(2 / 3)


def test_distinct_can_look_at_one_side() -> None:
    assert distinct(dialogue("c: a a", "k: b c"), 1, side="client") == pytest.approx(1 / 2)


def test_a_plain_text_has_no_side() -> None:
    with pytest.raises(UsageError, match="no client"):
        distinct("a b", 1, side="client")


@pytest.mark.parametrize("nothing", [[], "", "……", dialogue("c: ！")])
def test_nothing_to_count_is_an_error_not_a_number(nothing: object) -> None:
    with pytest.raises(UsageError):
        distinct(nothing, 1)  # type: ignore[arg-type]


def test_distinct_wants_at_least_unigrams() -> None:
    with pytest.raises(UsageError, match="distinct-0"):
        distinct("a", 0)


@settings(deadline=None)
@given(TEXTS, st.integers(1, 2))
def test_distinct_is_a_share(texts: list[str], n: int) -> None:
    if any(len(text.split()) >= n for text in texts):
        assert 0 < distinct(texts, n) <= 1


def test_ead_divides_by_what_random_draws_would_give() -> None:
    # U = 2, N = 3, V = 4: 4 (1 - (3/4)^3) = 4 x 37/64 = 2.3125; 2 / 2.3125.
    assert ead("a b a", vocabulary=4) == pytest.approx(2 / 2.3125)


def test_ead_of_a_huge_vocabulary_tends_to_distinct_one() -> None:
    assert ead("a b a", vocabulary=10**15) == pytest.approx(distinct("a b a", 1))


def test_ead_of_one_possible_word_is_one() -> None:
    assert ead("a a a", vocabulary=1) == 1.0


def test_a_vocabulary_smaller_than_the_words_seen_is_refused() -> None:
    with pytest.raises(UsageError, match="vocabulary of 1"):
        ead("a b", vocabulary=1)


@pytest.mark.accepts("psydial", 8)
def test_ldd_is_share_of_unique_words_times_unique_words_per_dialogue() -> None:
    # Client: i feel sad / i feel better now. T = 7, U = 5, N = 2: PUW 71.43, UWPD 2.5.
    found = ldd([dialogue("c: I feel sad", "k: Oh"), dialogue("c: I feel better now")], side="client")
    assert (found.puw, found.uwpd) == (71.43, 2.5)
    assert found.ldd == pytest.approx(71.43 * 2.5)


def test_ldd_of_plain_texts_is_refused() -> None:
    with pytest.raises(UsageError, match="a dialogue is measured here"):
        ldd(["a b"])  # type: ignore[list-item]


def test_self_bleu_is_the_mean_bleu_against_all_others() -> None:
    # Unigrams: "a b c" shares 2 of 3 with "a b d" and the other way round, "x" shares nothing.
    assert self_bleu(["a b c", "a b d", "x"], order=1) == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)


def test_self_bleu_punishes_texts_shorter_than_the_nearest_other() -> None:
    # "a b" against "a b c": precision 1, brevity e^(1 - 3/2); "a b c" against "a b": 2/3.
    assert self_bleu(["a b", "a b c"], order=1) == pytest.approx((math.exp(-0.5) + 2 / 3) / 2)


def test_self_bleu_clips_by_the_other_texts_not_by_its_own() -> None:
    # a a a: one a of three is found in "a b"; a b: one of two is found.
    assert self_bleu(["a a a", "a b c"], order=1) == pytest.approx((1 / 3 + 1 / 3) / 2)


def test_self_bleu_of_copies_is_one() -> None:
    assert self_bleu(["我 最近 睡 不好 觉"] * 3) == pytest.approx(1)


def test_self_bleu_of_one_dialogue_is_over_its_messages() -> None:
    talk = dialogue("c: I feel very sad today", "k: Tell me", "c: I feel very sad today")
    assert self_bleu(talk, 1, side="client", within="message") == pytest.approx(1)


def test_self_bleu_of_one_text_is_refused() -> None:
    with pytest.raises(UsageError, match="1 was given"):
        self_bleu("a b c")


def test_self_bleu_is_what_sacrebleu_finds_with_all_others_as_references() -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    rng = random.Random(3)
    texts = [" ".join(rng.choices("abcdef", k=rng.randint(4, 14))) for _ in range(25)]
    scorer = sacrebleu.BLEU(tokenize="none", smooth_method="none", max_ngram_order=2, effective_order=False)
    scores = [
        scorer.sentence_score(text, texts[:place] + texts[place + 1 :]).score / 100 for place, text in enumerate(texts)
    ]
    assert self_bleu(texts, order=2) == pytest.approx(sum(scores) / len(scores))
