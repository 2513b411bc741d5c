"""From the words a user types (``openai:gpt-4o-mini``) to a model."""

import os
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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


def addresses(provider: str, model: str, env: Mapping[str, str]) -> list[str]:
    """The base URLs of a provider: that of ``PROVIDER_BASE_URL``, else of the table; those that an address itself is."""
    if provider == "url":
        return [url.strip() for url in model.partition("#")[0].split(",")]
    return [env.get(f"{provider.upper()}_BASE_URL") or providers().get(provider, {}).get("url", "")]


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
    if provider not in providers() or (provider == "url" and model != spec):
        known = [*(name for name in providers() if name != "url"), REHEARSAL, "llamacpp"]
        raise UnknownName("provider", provider, known, see="or give http://host/v1#MODEL")
    return _endpoint(spec, provider, model, concurrency, env, options)


def _endpoint(
    spec: str, provider: str, model: str, concurrency: int, env: Mapping[str, str], options: dict[str, Any]
) -> Model:
    from psyloom.llm.endpoint import Endpoint

    facts = providers()[provider]
    urls = addresses(provider, model, env)
    if provider == "url":
        model = spec.partition("#")[2]
    for url in urls:
        _checked(url)
    if not model:
        raise UsageError(
            f"{spec!r} names no model",
            do=f"write {'http://host/v1#MODEL' if provider == 'url' else provider + ':MODEL'}",
        )
    name = facts.get("key") or facts.get("key_optional")
    key = env.get(name, "").strip() if name else ""
    if facts.get("key") and not key:
        raise MissingKey(
            f"{provider} needs a key and {name} is not set", do=f"export {name}=..., then `psyloom doctor`"
        )
    known = {"json": facts["json"], "own": frozenset(facts["top"])}
    return Endpoint(spec, model, urls, key=key, concurrency=concurrency, **(known | options))


def _checked(url: str) -> None:
    """Raises UsageError for what is no address, and for one with a password or a query: run.toml would keep them."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is no address of a server", do="write it as http://host:port/v1#MODEL")
    secret = "a password" if parts.username or parts.password else "a query (?...)" if parts.query else ""
    if secret:
        raise UsageError(
            f"the address holds {secret}, and files would keep it",
            do="write http://host:port/v1#MODEL; a key goes into PSYLOOM_API_KEY",
        )
