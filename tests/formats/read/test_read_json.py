"""JSON out of a stream: whatever the chunks, the same values; a broken one costs only itself."""

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from psyloom.formats.read._json import Broken, values

# Machines that are busy with something else make no test fail.
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
leaves = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=8) | st.floats(-1e6, 1e6)
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
sizes = st.integers(1, 40)


def cut(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(0, len(text), size))


def found(text: str, each: bool = False, size: int = 7) -> list[Any]:
    return [value for _, _, value in values(cut(text, size), each)]


@calm
@given(st.lists(documents, max_size=6), sizes, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_an_array_gives_its_elements_whatever_the_chunks(given: list[Any], size: int, indent: Any, plain: bool) -> None:
    text = json.dumps(given, indent=indent, ensure_ascii=plain)
    assert found(text, each=True, size=size) == given


@calm
@given(st.lists(documents, min_size=1, max_size=6), sizes, st.sampled_from(["\n", "\r\n", "\n\n", " \n "]))
def test_json_lines_give_their_values_whatever_the_chunks(given: list[Any], size: int, end: str) -> None:
    text = end.join(json.dumps(one, ensure_ascii=False) for one in given)
    assert found(text, size=size) == given


@calm
@given(documents, sizes, st.sampled_from([None, 2]))
def test_a_whole_value_is_one_value(given: Any, size: int, indent: Any) -> None:
    ((number, alone, value),) = values(cut(json.dumps(given, indent=indent), size))
    assert (number, alone, value) == (1, True, given)


@calm
@given(st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=3)), min_size=1, max_size=6), st.data())
def test_a_broken_element_is_reported_and_the_others_are_read(given: list[dict[str, str]], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(given) - 1))
    texts = [json.dumps(one, ensure_ascii=False) for one in given]
    texts[at] = '{"a": nonsense, "b": {"c": [1, 2]}}'
    back = found("[" + ",\n".join(texts) + "]", each=True, size=data.draw(sizes))
    assert isinstance(back[at], Broken)
    assert back[:at] + back[at + 1 :] == given[:at] + given[at + 1 :]


def test_a_broken_line_is_reported_with_its_number_and_the_others_are_read() -> None:
    back = list(values(cut('{"a": 1}\n\n{"a": \n{"a": 3}\n', 5)))
    assert [(number, value) for number, _, value in back if not isinstance(value, Broken)] == [
        (1, {"a": 1}),
        (4, {"a": 3}),
    ]
    assert [number for number, _, value in back if isinstance(value, Broken)] == [3]


def test_a_unicode_line_separator_inside_a_string_ends_nothing() -> None:
    lines = ["今天\u2028很累", "a\u2029b\x85c"]
    assert found("\n".join(json.dumps(line, ensure_ascii=False) for line in lines)) == lines


def test_raw_line_breaks_inside_strings_are_read() -> None:
    assert found('[{"a": "one\ntwo\t"}]', each=True) == [{"a": "one\ntwo\t"}]


def test_an_array_cut_short_gives_what_is_whole_and_says_so() -> None:
    *whole, last = found('[{"a": 1}, {"a": 2}, {"a": "unfin', each=True)
    assert whole[:2] == [{"a": 1}, {"a": 2}]
    assert isinstance(last, Broken)


def test_a_missing_comma_is_reported() -> None:
    back = found('[{"a": 1} {"a": 2}]', each=True)
    assert back[0] == {"a": 1}
    assert "no comma" in back[1].what


def test_an_array_is_read_before_its_end_has_arrived() -> None:
    def endless() -> Iterator[str]:
        yield "["
        while True:
            yield '{"text": "' + "很长" * 500 + '"},'

    stream = values(endless(), each=True)
    assert [next(stream)[0] for _ in range(3)] == [1, 2, 3]


def test_numbers_are_positions_in_an_array_and_lines_otherwise() -> None:
    assert [number for number, _, _ in values(["[1,\n\n2]"], each=True)] == [1, 2]
    assert [number for number, _, _ in values(["1\n\n2\n"])] == [1, 3]


def test_only_a_value_that_is_alone_says_so() -> None:
    assert [alone for _, alone, _ in values(['{"a": 1}\n'], each=True)] == [True]
    assert [alone for _, alone, _ in values(['{"a": 1}\n{"a": 2}\n'])] == [False, False]
    assert [alone for _, alone, _ in values(['[{"a": 1}]'], each=True)] == [False]
