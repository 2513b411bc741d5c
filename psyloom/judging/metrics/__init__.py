"""Text metrics: callable on one dialogue, as a reward, and on a set of them.

Each says its range; shares and scores are 0 to 1. Only embeddings, near-duplicates, BLEU, chrF and words of Chinese
text need the ``metrics`` extra, and load it when they are used.
"""

from psyloom.judging.metrics.bertscore import bertscore, transformer
from psyloom.judging.metrics.diversity import LDD, distinct, ead, ldd, self_bleu
from psyloom.judging.metrics.duplicates import near_duplicates, shingles
from psyloom.judging.metrics.emotion import Valence, emotion_arc, valence
from psyloom.judging.metrics.labels import entropy, label_counts, label_distribution, topic_entropy
from psyloom.judging.metrics.length import Lengths, Questions, lengths, questions
from psyloom.judging.metrics.overlap import Overlap, bleu, chrf, rouge
from psyloom.judging.metrics.profile import follows_profile, profile_overlap, profile_text, word_overlap
from psyloom.judging.metrics.repetition import Repetition, jaccard, repetition
from psyloom.judging.metrics.semantic import Cosines, Embedder, lexical, novelty, pairwise_cosine, source_cosine
from psyloom.judging.metrics.tokens import Tokenizer, Unit, tokens

__all__ = [
    "LDD",
    "Cosines",
    "Embedder",
    "Lengths",
    "Overlap",
    "Questions",
    "Repetition",
    "Tokenizer",
    "Unit",
    "Valence",
    "bertscore",
    "bleu",
    "chrf",
    "distinct",
    "ead",
    "emotion_arc",
    "entropy",
    "follows_profile",
    "jaccard",
    "label_counts",
    "label_distribution",
    "ldd",
    "lengths",
    "lexical",
    "near_duplicates",
    "novelty",
    "pairwise_cosine",
    "profile_overlap",
    "profile_text",
    "questions",
    "repetition",
    "rouge",
    "self_bleu",
    "shingles",
    "source_cosine",
    "tokens",
    "topic_entropy",
    "transformer",
    "valence",
    "word_overlap",
]
