"""Typed answers: how a type is described to a model, and how text becomes a value of that type."""

import json
import re
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from psyloom.knowledge.labels import loaded
from psyloom.records import Lang

T = TypeVar("T")

WORDS = {
    "en": {
        "ask": "Answer with one JSON object and nothing else, in this form:",
        "text": "text",
        "number": "number",
        "integer": "whole number",
        "boolean": "true or false",
        "one of": "one of",
        "list": "list of",
        "at least": "at least {}",
        "at most": "at most {}",
        "or null": "or null",
        "not json": "it is not valid JSON ({})",
        "empty": "it is empty",
        "cut off": "it breaks off in the middle; make it shorter",
        "field": "{}: {}",
        "again": "Your answer cannot be used: {}. Write it again, completely and corrected.",
    },
    "zh": {
        "ask": "只回答一个 JSON 对象，不写别的内容，格式如下：",
        "text": "文字",
        "number": "数字",
        "integer": "整数",
        "boolean": "true 或 false",
        "one of": "以下之一",
        "list": "列表，每项为",
        "at least": "至少 {} 项",
        "at most": "至多 {} 项",
        "or null": "或 null",
        "not json": "不是合法的 JSON（{}）",
        "empty": "内容是空的",
        "cut off": "话没有说完就断了，请写短一些",
        "field": "{}：{}",
        "again": "刚才的回答无法使用：{}。请改正后完整地重新回答。",
    },
}


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@cache
def schema(kind: Any, lang: Lang) -> dict[str, Any]:
    """JSON schema of ``kind`` for constrained decoding, label names in ``lang``, every field required."""
    raw = _adapter(kind).json_schema()
    return cast(dict[str, Any], _strict(_inline(raw, raw.get("$defs", {})), lang))


def _inline(node: Any, defs: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inline(item, defs) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = defs[node["$ref"].rsplit("/", 1)[-1]]
        return _inline({**target, **{k: v for k, v in node.items() if k != "$ref"}}, defs)
    return {k: _inline(v, defs) for k, v in node.items() if k != "$defs"}


def _strict(node: Any, lang: Lang) -> Any:
    if isinstance(node, list):
        return [_strict(item, lang) for item in node]
    if not isinstance(node, dict):
        return node
    node = {k: _strict(v, lang) for k, v in node.items() if k not in ("title", "default") or isinstance(v, dict)}
    if "labels" in node:
        node["enum"] = [term.name(lang) for term in loaded(node.pop("labels")).terms]
    if node.get("type") == "object" and "properties" in node:
        node |= {"required": list(node["properties"]), "additionalProperties": False}
    return node


@cache
def form(kind: Any, lang: Lang) -> str:
    """The wanted form in words a model reads well; stands in the prompt whatever the back end can enforce."""
    return f"{WORDS[lang]['ask']}\n{_shape(schema(kind, lang), WORDS[lang], '')}"


def _shape(node: dict[str, Any], words: dict[str, str], indent: str) -> str:
    if "anyOf" in node:
        options = [option for option in node["anyOf"] if option.get("type") != "null"]
        text = " | ".join(_shape(option, words, indent) for option in options)
        return f"{text} {words['or null']}" if len(options) < len(node["anyOf"]) else text
    if "enum" in node:
        return f"{words['one of']} {' | '.join(json.dumps(value, ensure_ascii=False) for value in node['enum'])}"
    if "const" in node:
        return json.dumps(node["const"], ensure_ascii=False)
    if node.get("type") == "array":
        bounds = [words[w].format(node[k]) for w, k in (("at least", "minItems"), ("at most", "maxItems")) if k in node]
        note = f"  ({', '.join(bounds)})" if bounds else ""
        return f"[{words['list']} {_shape(node.get('items', {}), words, indent)}]{note}"
    if node.get("type") == "object" and "properties" in node:
        inner = indent + "  "
        lines = [
            f'{inner}"{name}": {_shape(field, words, inner)}'
            + (f"  // {field['description']}" if field.get("description") else "")
            for name, field in node["properties"].items()
        ]
        return "{\n" + "\n".join(lines) + f"\n{indent}}}"
    if node.get("type") == "object":
        return "{...}"
    bounds = [str(node[k]) for k in ("minimum", "maximum") if k in node]
    return words.get(str(node.get("type")), words["text"]) + (f" {'-'.join(bounds)}" if len(bounds) == 2 else "")


_FENCE = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)


class NotTyped(ValueError):
    """The text is no value of the wanted type; the message tells the model what to mend."""


def parse(text: str, kind: Any, lang: Lang) -> Any:
    """Turn a model's text into a value of ``kind``. Raises NotTyped with the reason in ``lang``."""
    words = WORDS[lang]
    try:
        return _adapter(kind).validate_python(_json_in(text))
    except ValidationError as trouble:
        faults = (_fault(dict(error), words) for error in trouble.errors(include_url=False, include_context=True)[:4])
        raise NotTyped("; ".join(faults)) from trouble
    except ValueError as trouble:
        raise NotTyped(words["not json"].format(trouble) if text.strip() else words["empty"]) from trouble


def _json_in(text: str) -> Any:
    """The JSON value in ``text``: as it stands, in a fenced block, or between the outermost braces."""
    text = text.strip()
    try:
        return from_json(text)
    except ValueError:
        for piece in (*(_FENCE.findall(text)), text[text.find("{") : text.rfind("}") + 1]):
            try:
                return from_json(piece)
            except ValueError:
                continue
        raise


def _fault(error: dict[str, Any], words: dict[str, str]) -> str:
    where = ".".join(str(step) for step in error["loc"])
    return words["field"].format(where, error["msg"]) if where else str(error["msg"])


_THINK = re.compile(r"^\s*<think>(.*?)</think>\s*", re.DOTALL)


def split_thinking(text: str) -> tuple[str, str]:
    """Part a leading ``<think>...</think>`` block from what follows: (thinking, rest)."""
    found = _THINK.match(text)
    return (found.group(1).strip(), text[found.end() :]) if found else ("", text)
