"""Typed answers: how a type is described to a model, and how text becomes a value of that type."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from psyloom.knowledge.labels import loaded
from psyloom.llm.answer_words import FAULTS_ZH, WORDS
from psyloom.records import Lang

__all__ = ["WORDS", "NotTyped", "form", "parse", "schema"]


_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@cache
def schema(kind: Any, lang: Lang) -> dict[str, Any]:
    """JSON schema of ``kind`` for constrained decoding, label names in ``lang``, every field required."""
    raw = _adapter(kind).json_schema()
    raw.pop("description", None)  # a docstring is for those who read the code
    return cast(dict[str, Any], _strict(raw, raw.get("$defs", {}), lang))


def _strict(node: Any, defs: dict[str, Any], lang: Lang) -> Any:
    """A schema without references and titles; ``defs``: what references stand for."""
    if isinstance(node, list):
        return [_strict(item, defs, lang) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = {k: v for k, v in defs[node["$ref"].rsplit("/", 1)[-1]].items() if k != "description"}
        return _strict({**target, **{k: v for k, v in node.items() if k != "$ref"}}, defs, lang)
    fields = {name: _strict(field, defs, lang) for name, field in node.get("properties", {}).items()}
    labels = [term.name(lang) for term in loaded(node["labels"]).terms] if "labels" in node else None
    left_out = ("title", "default", "$defs", "discriminator", "properties", "labels")
    # Servers that enforce schemas know anyOf, not oneOf.
    node = {{"oneOf": "anyOf"}.get(k, k): _strict(v, defs, lang) for k, v in node.items() if k not in left_out}
    if labels:
        node["enum"] = labels
    if "description" in node and bool(_CHINESE.search(node["description"])) != (lang == "zh"):
        del node["description"]  # what is written for a field in the other language is no help to the model
    if fields:
        node |= {"properties": fields, "required": list(fields), "additionalProperties": False}
    return node


@cache
def form(kind: Any, lang: Lang) -> str:
    """The wanted form in words a model reads well; stands in the prompt whatever the back end can enforce."""
    return f"{WORDS[lang]['ask']}\n{_shape(schema(kind, lang), WORDS[lang], '')}"


def _shape(node: dict[str, Any], words: dict[str, str], indent: str) -> str:
    if "anyOf" in node:
        return f" {words['or']} ".join(_shape(option, words, indent) for option in node["anyOf"])
    if "enum" in node:
        return f"{words['one of']} {' | '.join(_json(value) for value in node['enum'])}"
    if "const" in node:
        return _json(node["const"])
    if node.get("type") == "array":
        return _list(node, words, indent)
    if node.get("type") == "object":
        return _object(node, words, indent)
    return words.get(str(node.get("type")), words["text"]) + _bounds(node, words)


def _list(node: dict[str, Any], words: dict[str, str], indent: str) -> str:
    if "prefixItems" in node:
        return f"[{', '.join(_shape(item, words, indent) for item in node['prefixItems'])}]"
    listed = f"{words['list']} {_shape(node.get('items', {}), words, indent)}"
    return f"[{listed}]{_note(node, words, {'minItems': 'at least', 'maxItems': 'at most'})}"


def _object(node: dict[str, Any], words: dict[str, str], indent: str) -> str:
    inner = indent + "  "
    if "properties" not in node:
        name = _shape(node["propertyNames"], words, inner) if "propertyNames" in node else words["name"]
        value = node.get("additionalProperties")
        return f"{{{name}: {_shape(value if isinstance(value, dict) else {}, words, inner)}, ...}}"
    *_, last = node["properties"]
    lines = [
        f"{inner}{_json(name)}: {_shape(field, words, inner)}{'' if name == last else ','}"
        + (f"  // {field['description']}" if field.get("description") else "")
        for name, field in node["properties"].items()
    ]
    return "{\n" + "\n".join(lines) + f"\n{indent}}}"


def _bounds(node: dict[str, Any], words: dict[str, str]) -> str:
    """The limits of a number or a text, in words."""
    if "minimum" in node and "maximum" in node:
        return " " + words["between"].format(node["minimum"], node["maximum"])
    limits = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "up to", "exclusiveMaximum": "below"}
    return _note(node, words, limits | {"maxLength": "characters"})


def _note(node: dict[str, Any], words: dict[str, str], limits: dict[str, str]) -> str:
    said = [words[word].format(node[key]) for key, word in limits.items() if key in node]
    return words["note"].format(words["comma"].join(said)) if said else ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


class NotTyped(ValueError):
    """The text is no value of the wanted type; the message tells the model what to mend."""


def parse(text: str, kind: Any, lang: Lang) -> Any:
    """Turn a model's text into a value of ``kind``: the last one in the text, whatever stands around it.

    Raises: NotTyped with the reason in ``lang``.
    """
    words = WORDS[lang]
    try:
        values = _values(text)
    except ValueError as trouble:
        raise NotTyped(words["not json"].format(trouble) if text.strip() else words["empty"]) from trouble
    wrong: list[ValidationError] = []
    for value in values:
        try:
            return _adapter(kind).validate_python(value)
        except ValidationError as trouble:
            wrong.append(trouble)
    raise NotTyped(words["and"].join(_faults(wrong[0], lang))) from wrong[0]


def _values(text: str) -> list[Any]:
    """The JSON in ``text``: the whole of it, else what stands in brackets, the last one first.

    Raises: ValueError when there is none.
    """
    try:
        return [from_json(text)]
    except ValueError:
        pieces = [*reversed(list(_bracketed(text))), text[text.find("{") : text.rfind("}") + 1]]
        found = [value for piece in pieces for value in _lenient(piece)]
        if found or not (longest := max(pieces, key=len)):
            return found or [from_json(text)]
        return [from_json(longest)]


def _lenient(piece: str) -> list[Any]:
    try:
        # A line break inside a string is no JSON, but what is meant is plain.
        return [json.loads(piece, strict=False)]
    except (ValueError, RecursionError):
        return []


_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\]]', re.DOTALL)


def _bracketed(text: str) -> Iterator[str]:
    """The outermost {...} and [...] of ``text``; nothing inside one counts by itself, least of all if it is open."""
    depth = start = 0
    for token in _TOKEN.finditer(text):
        if depth == 0 and token[0] not in "{[":
            continue
        start = token.start() if depth == 0 else start
        depth += (token[0] in "{[") - (token[0] in "}]")
        if depth == 0:
            yield text[start : token.end()]


def _faults(trouble: ValidationError, lang: Lang) -> Iterator[str]:
    """The first few things that are wrong, each with the field it is about."""
    for error in trouble.errors(include_url=False)[:4]:
        said = error["msg"]
        if lang == "zh" and error["type"] in FAULTS_ZH:
            facts = {k: v.replace(" or ", " 或 ") if k == "expected" else v for k, v in error.get("ctx", {}).items()}
            said = FAULTS_ZH[error["type"]].format(**facts)
        where = ".".join(str(step) for step in error["loc"])
        yield WORDS[lang]["field"].format(where, said) if where else said
