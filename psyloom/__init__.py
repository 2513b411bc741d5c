"""psyloom: published systems for mental-health dialogue as running code, in Chinese and English.

Names load on first use, so that ``import psyloom`` costs next to nothing and changes nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Case": "psyloom.records",
    "Dialogue": "psyloom.records",
    "Rating": "psyloom.records",
    "Turn": "psyloom.records",
    "read_jsonl": "psyloom.records",
    "write_jsonl": "psyloom.records",
    "PsyloomError": "psyloom.errors",
}
__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"psyloom has no {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
