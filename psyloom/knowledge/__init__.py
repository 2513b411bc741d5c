"""What the field knows, as data: label sets in Chinese and English, one loader for all of them."""

from psyloom.knowledge.labels import LabelSet, OneOf, Term, label_set, label_sets

__all__ = ["LabelSet", "OneOf", "Term", "label_set", "label_sets"]
