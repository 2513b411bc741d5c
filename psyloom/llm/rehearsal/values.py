"""Values for a typed answer, made from its JSON schema."""

from collections.abc import Callable
from math import ceil, floor
from random import Random
from typing import Any

Text = Callable[[dict[str, Any], str], str]


def made(node: dict[str, Any], name: str, rng: Random, text: Text) -> Any:
    """A value that every validator of the schema ``node`` accepts, but for string patterns and formats.

    name: of the field it is for; text: makes the strings, from their schema and the field's name.
    """
    if "anyOf" in node:
        options = [option for option in node["anyOf"] if option.get("type") != "null"]
        return made((options or node["anyOf"])[0], name, rng, text)
    if "const" in node:
        return node["const"]
    if "enum" in node:
        return rng.choice(node["enum"])
    kind = node.get("type")
    if kind == "object":
        return _object(node, name, rng, text)
    if kind == "array":
        return _array(node, name, rng, text)
    if kind in ("integer", "number"):
        return _number(node, rng)
    if kind == "boolean":
        return rng.random() < 0.5
    return None if kind == "null" else _sized(text(node, name), node)


def _object(node: dict[str, Any], name: str, rng: Random, text: Text) -> dict[str, Any]:
    if "properties" in node:
        return {key: made(field, key, rng, text) for key, field in node["properties"].items()}
    fewest = int(node.get("minProperties", 0))
    names = node.get("propertyNames", {}).get("enum") or [f"{name} {n}" for n in range(1, fewest + 1)]
    value = node.get("additionalProperties")
    return {key: made(value if isinstance(value, dict) else {}, key, rng, text) for key in names[:fewest]}


def _array(node: dict[str, Any], name: str, rng: Random, text: Text) -> list[Any]:
    if "prefixItems" in node:
        return [made(item, name, rng, text) for item in node["prefixItems"]]
    fewest = int(node.get("minItems", 0))
    most = int(node.get("maxItems", max(fewest, 1) + 1))
    count = rng.randint(max(fewest, min(1, most)), min(most, max(fewest, 1) + 1))
    item = node.get("items", {})
    if "enum" in item:
        picked = rng.sample(item["enum"], min(count, len(item["enum"])))
        return picked if node.get("uniqueItems") else picked + rng.choices(item["enum"], k=count - len(picked))
    items: list[Any] = []
    for n in range(1, count + 1):
        found = made(item, name, rng, text)
        # A list that says the same thing twice is no good list, and no set at all; in nested ones tries multiply.
        for _ in range(60 if item.get("type") in ("string", "integer", "number") else 4):
            if found not in items:
                break
            found = made(item, name, rng, text)
        if found in items and len(items) >= fewest:
            break
        if found in items and item.get("type") == "string" and "const" not in item:
            found = _sized(f"{n} {found}", item)
        items.append(found)
    return items


def _number(node: dict[str, Any], rng: Random) -> float:
    low = node.get("minimum", node.get("exclusiveMinimum"))
    high = node.get("maximum", node.get("exclusiveMaximum"))
    step = node.get("multipleOf", 1 if node["type"] == "integer" else None)
    reach = 5 * (step or 1)
    if low is None:
        low = 0 if high is None or high >= reach else high - reach
    high = low + reach if high is None else high
    if step is None:
        return float(low + (high - low) * rng.choice((0.25, 0.5, 0.75)))
    first = floor(low / step) + 1 if "exclusiveMinimum" in node else ceil(low / step)
    last = ceil(high / step) - 1 if "exclusiveMaximum" in node else floor(high / step)
    number = rng.randint(first, last) * step
    return int(number) if node["type"] == "integer" else number


def _sized(text: str, node: dict[str, Any]) -> str:
    """``text`` made long enough and cut short enough."""
    fewest = int(node.get("minLength", 0))
    while len(text) < fewest:
        text += f" {text}" if text else "..."
    return text[: int(node.get("maxLength", len(text)))]
