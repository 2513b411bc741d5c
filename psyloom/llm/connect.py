"""From the words a user types (``openai:gpt-4o-mini``) to a model."""

import os
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from psyloom.errors import MissingKey, UnknownName, UsageError
from psyloom.llm.model import Model

REHEARSAL = "rehearsal"


@cache
def providers() -> dict[str, dict[str, Any]]:
    """The table of OpenAI-compatible providers."""
    return tomllib.loads((Path(__file__).parent / "providers.toml").read_text("utf-8"))


def split(spec: str) -> tuple[str, str]:
    """Part a model's name into provider and the rest: ``("openai", "gpt-4o-mini")``."""
    if spec.startswith(("http://", "https://")):
        return "url", spec
    provider, _, model = spec.partition(":")
    return provider, model


def connect(spec: str, *, concurrency: int = 64, env: Mapping[str, str] | None = None, **options: Any) -> Model:
    """Open a model by name.

    Args:    spec: ``rehearsal``, ``PROVIDER:MODEL``, ``llamacpp:FILE.gguf``, or ``http://host/v1#MODEL``;
             several base URLs for one model are joined with ``,`` before the ``#``.
             options: further words for `Endpoint` or `LlamaCpp`, e.g. ``extra={"top_k": 20}``.
    Raises:  UnknownName, MissingKey, MissingExtra, UsageError.
    """
    env = os.environ if env is None else env
    provider, model = split(spec)
    if provider == REHEARSAL:
        from psyloom.llm.rehearsal import Rehearsal

        return Rehearsal()
    if provider == "llamacpp":
        from psyloom.llm.llamacpp import LlamaCpp

        return LlamaCpp(spec, Path(model), **options)
    if provider not in providers():
        raise UnknownName(
            "provider", provider, [*providers(), REHEARSAL, "llamacpp"], see="or give http://host/v1#MODEL"
        )
    return _endpoint(spec, provider, model, concurrency, env, options)


def _endpoint(
    spec: str, provider: str, model: str, concurrency: int, env: Mapping[str, str], options: dict[str, Any]
) -> Model:
    from psyloom.llm.endpoint import Endpoint

    facts = providers()[provider]
    urls = [env.get(f"{provider.upper()}_BASE_URL") or facts.get("url", "")]
    if provider == "url":
        address, _, model = spec.partition("#")
        urls = address.split(",")
    if not model:
        raise UsageError(
            f"{spec!r} names no model",
            do=f"write {'http://host/v1#MODEL' if provider == 'url' else provider + ':MODEL'}",
        )
    key = env.get(str(facts.get("key") or facts.get("key_optional")))
    if facts.get("key") and not key:
        raise MissingKey(
            f"{provider} needs a key and {facts['key']} is not set",
            do=f"export {facts['key']}=..., then `psyloom doctor`",
        )
    return Endpoint(
        spec, model, urls, key=key, json=facts["json"], own=frozenset(facts["top"]), concurrency=concurrency, **options
    )
