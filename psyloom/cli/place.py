"""Where a command writes."""

from pathlib import Path
from typing import Any

import click


class Place(click.Path):
    """A path to write to. An empty one, as of a variable that is not set, would mean the current folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value):
            self.fail("an empty path names no place", param, ctx)
        return super().convert(value, param, ctx)
