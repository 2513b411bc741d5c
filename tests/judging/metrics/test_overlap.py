import math
import random

import pytest

from psyloom.errors import UsageError
from psyloom.judging.metrics import bleu, chrf, rouge
from tests.judging.metrics.given import dialogue

FOUND, WANTED = "the cat sat on the mat", "the cat is on the mat"


def test_bleu_is_the_geometric_mean_of_clipped_precisions() -> None:
    # 5 of 6 words, 3 of 5 pairs (the-cat, on-the, the-mat): sqrt(5/6 x 3/5).
    assert bleu(FOUND, WANTED, order=1) == pytest.approx(5 / 6)
    assert bleu(FOUND, WANTED, order=2) == pytest.approx(math.sqrt(5 / 6 * 3 / 5))


def test_corpus_bleu_pools_counts_and_sentence_bleu_averages_texts() -> None:
    # 1 of 1 and 1 of 3 words: pooled 2 of 4, averaged (1 + 1/3) / 2.
    texts, wanted = ["a", "a x y"], ["a", "a b c"]
    assert bleu(texts, wanted, order=1) == pytest.approx(2 / 4)
    assert bleu(texts, wanted, order=1, level="sentence") == pytest.approx((1 + 1 / 3) / 2)


def test_sentence_bleu_counts_a_missing_match_as_a_tenth() -> None:
    # Words 2 of 3, pairs 0 of 2 counted as 0.1 of 2.
    assert bleu("a b c", "b a d", order=2, level="sentence") == pytest.approx(math.sqrt(2 / 3 * 0.1 / 2))


def test_sentence_bleu_is_nltk_with_smoothing_method_one() -> None:
    translate = pytest.importorskip("nltk.translate.bleu_score")
    rng = random.Random(1)
    texts = [" ".join(rng.choices("abcdefgh", k=rng.randint(5, 12))) for _ in range(20)]
    wanted = [" ".join(rng.choices("abcdefgh", k=rng.randint(5, 12))) for _ in range(20)]
    smooth = translate.SmoothingFunction().method1
    theirs = [
        translate.sentence_bleu([b.split()], a.split(), smoothing_function=smooth)
        for a, b in zip(texts, wanted, strict=True)
    ]
    assert bleu(texts, wanted, level="sentence") == pytest.approx(sum(theirs) / len(theirs))


def test_chinese_bleu_is_over_words() -> None:
    # 我 很 难过 against 我 有点 难过: 2 of 3.
    assert bleu("我很难过。", "我有点难过！", order=1) == pytest.approx(2 / 3)


def test_chrf_is_the_f_score_of_character_ngrams() -> None:
    # ab against ac: 1-grams 1 of 2, 2-grams 0 of 1, no longer ones: precision and recall (0.5 + 0) / 2.
    assert chrf("ab", "ac") == pytest.approx(0.25)
    assert chrf("我很难过", "我很难过") == pytest.approx(1)


def test_rouge_n_is_clipped_overlap_both_ways() -> None:
    found = rouge("a a b", "a b c d", "1")
    # Shared: one a, one b. Precision 2/3, recall 2/4, F1 = 2 x 2/3 x 1/2 / (2/3 + 1/2) = 4/7.
    assert (found.precision, found.recall, found.f1) == pytest.approx((2 / 3, 2 / 4, 4 / 7))
    assert rouge(FOUND, WANTED, "2").f1 == pytest.approx(3 / 5)


def test_rouge_l_is_the_longest_common_subsequence() -> None:
    # the cat ... on the mat: 5 words of 6 on both sides.
    assert rouge(FOUND, WANTED, "L").f1 == pytest.approx(5 / 6)
    assert rouge("a b c", "c b a", "L").f1 == pytest.approx(1 / 3)


def test_rouge_reads_chinese() -> None:
    assert rouge("我很难过", "我有点难过", "1", by="characters").f1 == pytest.approx(2 * 3 / (4 + 5))


def test_an_empty_reply_scores_zero() -> None:
    assert rouge("", "a b", "L").f1 == bleu("", "a b", 1) == 0


def test_a_dialogue_is_scored_against_its_reference_by_one_side() -> None:
    found, wanted = dialogue("c: x", "k: a b"), dialogue("c: y", "k: a c")
    assert rouge(found, wanted, "1", side="counselor").f1 == pytest.approx(1 / 2)


def test_texts_and_references_must_be_as_many() -> None:
    with pytest.raises(UsageError, match="2 texts stand against 1 references"):
        bleu(["a", "b"], ["a"])


def test_no_text_is_an_error() -> None:
    with pytest.raises(UsageError, match="no text"):
        rouge([], [])


@pytest.mark.filterwarnings("ignore")
def test_rouge_is_what_the_reference_package_finds_with_our_tokens() -> None:
    rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer")

    class Blanks:
        def tokenize(self, text: str) -> list[str]:
            return text.split()

    rng = random.Random(2)
    scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=Blanks())
    for _ in range(20):
        found, wanted = (" ".join(rng.choices("abcde", k=rng.randint(1, 15))) for _ in range(2))
        theirs = scorer.score(wanted, found)
        for kind in ("1", "2", "L"):
            ours = rouge(found, wanted, kind)  # type: ignore[arg-type]
            expected = theirs[f"rouge{kind}"]
            assert (ours.precision, ours.recall, ours.f1) == pytest.approx(
                (expected.precision, expected.recall, expected.fmeasure)
            )
