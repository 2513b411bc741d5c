"""Hypothesis strategies for any record, made from the models themselves."""

from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Interval, Le, MinLen
from hypothesis import strategies as st
from pydantic import BaseModel, JsonValue

from psyloom.records import Label, Turn

words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2), max_leaves=4,
)  # fmt: skip


@cache
def any_of(kind: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Valid instances of a model: every field with any value of its type, or its default."""
    if kind is Turn:
        return _turns()
    fields = {}
    for name, field in kind.model_fields.items():
        value = _values(field.annotation, field.metadata)
        fields[name] = value if field.is_required() else st.just(field.get_default(call_default_factory=True)) | value
    return st.fixed_dictionaries(fields).map(lambda given: kind.model_validate(given))


@st.composite
def _turns(draw: st.DrawFn) -> Turn:
    turn = Turn(speaker=draw(st.sampled_from(["client", "counselor"])), text=draw(words), closes=draw(st.booleans()))
    if draw(st.booleans()):
        label = draw(any_of(Label)).model_copy(update={"span": (0, draw(st.integers(1, len(turn.text))))})
        turn.labels = [label]
    turn.extra = draw(st.dictionaries(words, json_values, max_size=2))
    return turn


def _values(annotation: Any, metadata: Any = ()) -> st.SearchStrategy[Any]:
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation is JsonValue or getattr(annotation, "__name__", "") == "JsonValue":
        return json_values
    if origin is Annotated:
        return _values(args[0], args[1:])
    if origin in (Union, UnionType):
        return st.one_of(*(_values(a, metadata) for a in args))
    if origin is Literal:
        return st.sampled_from(args)
    if origin in (list, tuple) and (origin is list or args[-1] is Ellipsis):
        return st.lists(_values(args[0]), max_size=2)
    if origin is tuple:
        return st.tuples(*map(_values, args))
    if origin is dict:
        return st.dictionaries(_values(args[0]), _values(args[1]), max_size=2)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return st.deferred(lambda: any_of(annotation))
    return _plain(annotation, metadata)


def _plain(annotation: Any, metadata: Any) -> st.SearchStrategy[Any]:
    low = next((m.ge for m in metadata if isinstance(m, Ge | Interval) and m.ge is not None), None)
    high = next((m.le for m in metadata if isinstance(m, Le | Interval) and m.le is not None), None)
    simple = {
        type(None): st.none(), bool: st.booleans(), int: st.integers(low if low is not None else -99, high if high is not None else 99),
        float: st.floats(low, high, allow_nan=False, allow_infinity=False),
    }  # fmt: skip
    if annotation is str:
        return words if any(isinstance(m, MinLen) for m in metadata) else words | st.just("")
    return simple[annotation]
