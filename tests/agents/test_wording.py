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
    assert size(fits, lang) <= longest
    assert "".join(text.split()).startswith("".join(fits.split()))
