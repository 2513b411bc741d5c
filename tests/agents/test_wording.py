"""The form of what somebody says: not longer than it may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyloom.agents.wording import shortened, size
from psyloom.records import Lang


@pytest.mark.parametrize("lang", ["zh", "en"])
@given(st.text("我想，。 no,.!", min_size=1, max_size=200), st.integers(1, 60))
def test_what_is_shortened_is_a_beginning_that_fits(lang: Lang, text: str, longest: int) -> None:
    fits = shortened(text, longest, lang)
    said, kept = "".join(text.split()), "".join(fits.split())
    assert size(fits, lang) <= longest
    assert said.startswith(kept) or (kept[-1] in "。." and said.startswith(kept[:-1]) and said[len(kept) - 1] in "，,")


@pytest.mark.parametrize(
    ("lang", "text", "longest", "fits"),
    [
        (
            "en",
            "We will try supportive psychotherapy, and see you again soon.",
            6,
            "We will try supportive psychotherapy.",
        ),
        ("en", "It went on for 1,000 days, I think, or a little more.", 6, "It went on for 1,000 days."),
        ("en", "It is late. We will try supportive psychotherapy, and see.", 8, "It is late."),
        ("zh", "先做支持性的心理治疗，两周以后再来一次。", 11, "先做支持性的心理治疗。"),
    ],
)
def test_what_ends_within_a_sentence_is_closed_as_one(lang: Lang, text: str, longest: int, fits: str) -> None:
    assert shortened(text, longest, lang) == fits
