"""A module that is imported when it is first used, so that importing psyloom stays light."""

from importlib import import_module
from typing import Any

from psyloom.errors import MissingExtra


class Lazy:
    """Stands for a module: ``np = Lazy("numpy", "agreement statistics")``.

    Raises:  MissingExtra at the first use, naming the extra, when the module is not installed.
    """

    def __init__(self, module: str, what: str, extra: str = "metrics") -> None:
        self._module, self._what, self._extra = module, what, extra

    def __getattr__(self, name: str) -> Any:
        try:
            module = import_module(self._module)
        except ModuleNotFoundError as absent:
            raise MissingExtra(f"{self._what} (package {self._module.partition('.')[0]})", self._extra) from absent
        return getattr(module, name)
