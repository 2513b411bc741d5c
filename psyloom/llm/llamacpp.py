"""A GGUF file as a model, in this process: llama.cpp through the package ``xllamacpp``.

The package runs llama.cpp's own server (chat templates, batching, prompt cache, JSON schema to grammar) on native
threads and opens it on the loopback interface, whether one asks for that or not. So we speak to it as to any endpoint:
the event loop stays free, and a call that is given up stops its generation.
"""

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from psyloom.errors import MissingExtra, UsageError
from psyloom.llm.endpoint import Endpoint
from psyloom.llm.model import Call, Decoding


class LlamaCpp(Endpoint):
    """One GGUF file, loaded when constructed; `aclose` gives its memory back.

    n_parallel:   calls answered at the same time, each in a slot of its own; further calls wait in line.
    n_ctx:        tokens of prompt and answer together in one slot, at most what the model was trained with.
    n_gpu_layers: layers kept on a GPU; -1: as many as fit.
    n_threads:    CPU threads; -1: one for each core that computes.
    verbosity:    llama.cpp's own words on stderr: -1 none, 1 errors, 3 everything about loading and speed.
    extra:        fields for every request's body, e.g. {"chat_template_kwargs": {"enable_thinking": False}}.
    timeout:      seconds for one call; a large model on a CPU writes a few tokens a second.

    With a seed in `Call.decoding` the same call gives the same answer. llama.cpp promises this to the last bit only
    for calls that share no batch and no cached prompt: n_parallel=1, extra={"cache_prompt": False}.
    Penalties look back over 64 tokens; extra={"repeat_last_n": -1} makes it the whole context.

    Raises: MissingExtra without xllamacpp; UsageError when there is no such file or llama.cpp cannot load it.
    """

    def __init__(
        self,
        spec: str,
        path: Path,
        *,
        n_parallel: int = 2,
        n_ctx: int = 8192,
        n_gpu_layers: int = -1,
        n_threads: int = -1,
        verbosity: int = -1,
        extra: dict[str, Any] | None = None,
        timeout: float = 3600.0,
    ) -> None:
        path = _checked(path.expanduser())
        native = _xllamacpp()
        params = native.CommonParams()
        params.model.path, params.verbosity = str(path), verbosity
        params.n_parallel, params.n_ctx = n_parallel, n_ctx * n_parallel
        params.n_gpu_layers, params.cpuparams.n_threads = n_gpu_layers, n_threads
        # The port is open to every program and every web page on this machine; the talk is not theirs to read.
        params.api_keys = [key := secrets.token_urlsafe()]
        params.endpoint_slots = False
        self._server = _started(native, params, path)
        url = f"{self._server.listening_address}/v1"
        # json="none": the schema is set in `body`, and a refused request (here: a prompt too long) must not turn it off.
        super().__init__(
            spec, path.stem, [url], key=key, json="none", extra=extra, concurrency=n_parallel, tries=3, timeout=timeout
        )
        # After a streamed answer this server hangs up without a word; a connection kept for the next call would fail it.
        self._headers["Connection"] = "close"

    def body(self, call: Call, *, stream: bool = False) -> dict[str, Any]:
        """The request body for ``call``: schema and repetition penalty under llama.cpp's own names."""
        decoding: dict[str, Any] = dict(call.decoding)
        if "repetition_penalty" in decoding:
            decoding["repeat_penalty"] = decoding.pop("repetition_penalty")
        body = super().body(replace(call, decoding=cast(Decoding, decoding)), stream=stream)
        return body if call.schema is None else {"json_schema": call.schema} | body

    async def aclose(self) -> None:
        await super().aclose()
        self._server = None


def _checked(path: Path) -> Path:
    """``path`` if a GGUF file lies there: llama.cpp itself says only that loading failed, not why."""
    if not path.is_file():
        raise UsageError(f"there is no model file {path}", do="name a file that exists: llamacpp:PATH.gguf")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise UsageError(
                f"{path} is no GGUF file", do="take the model's GGUF release, or convert it with llama.cpp"
            )
    return path


def _xllamacpp() -> Any:
    try:
        import xllamacpp
    except ImportError as absent:
        raise MissingExtra("the llama.cpp back end", "local") from absent
    return xllamacpp


def _started(native: Any, params: Any, path: Path) -> Any:
    """The running server; returns when the weights are loaded."""
    try:
        return native.Server(params)
    except (RuntimeError, ValueError) as trouble:
        raise UsageError(
            f"llama.cpp cannot load {path}",
            do="the file may be cut off (download it again), too large for the memory (take a smaller quantization), "
            "or newer than the package (pip install -U xllamacpp)",
        ) from trouble
