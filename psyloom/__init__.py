"""psyloom: published systems for mental-health dialogue as running code, in Chinese and English.

Names load on first use, so that ``import psyloom`` costs next to nothing and changes nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Annotator": "psyloom.agents",
    "Answer": "psyloom.llm",
    "Ask": "psyloom.agents",
    "Case": "psyloom.records",
    "Client": "psyloom.agents",
    "Counselor": "psyloom.agents",
    "Desk": "psyloom.agents",
    "Dialogue": "psyloom.records",
    "Models": "psyloom.agents",
    "PsyloomError": "psyloom.errors",
    "Rating": "psyloom.records",
    "Talk": "psyloom.agents",
    "Turn": "psyloom.records",
    "Writer": "psyloom.agents",
    "back_end": "psyloom.llm",
    "connect": "psyloom.llm",
    "converse": "psyloom.agents",
    "find_systems": "psyloom.systems",
    "make_role": "psyloom.systems",
    "pair": "psyloom.runs",
    "read_jsonl": "psyloom.records",
    "run_cases": "psyloom.runs",
    "write_jsonl": "psyloom.records",
}
__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"psyloom has no {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
