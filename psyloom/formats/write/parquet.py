"""Parquet files of chat messages, for data that outgrow JSON Lines and for Hugging Face datasets."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psyloom.errors import MissingExtra
from psyloom.formats.write.chat import messages_rows
from psyloom.formats.write.examples import Plan, cut
from psyloom.formats.write.files import Row, fresh
from psyloom.formats.write.writer import Put
from psyloom.records import Dialogue

ROWS_A_GROUP = 1000
"""Rows held in memory and written together."""


@contextmanager
def open_parquet(path: Path, plan: Plan) -> Iterator[Put]:
    """The rows of the messages format with the dialogue's language, in row groups of ROWS_A_GROUP.

    Raises:  MissingExtra when pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as trouble:
        raise MissingExtra("Parquet", "formats") from trouble
    schema = _schema(pa, plan)
    waiting: list[Row] = []
    with fresh(path) as part, pq.ParquetWriter(part, schema) as file:

        def flush() -> None:
            file.write_table(pa.Table.from_pylist(waiting, schema=schema))
            waiting.clear()

        def write(dialogue: Dialogue) -> int:
            rows = [row for example in cut(dialogue, plan) for row in messages_rows(example, plan)]
            waiting.extend(row | {"lang": dialogue.lang} for row in rows)
            if len(waiting) >= ROWS_A_GROUP:
                flush()
            return len(rows)

        yield write
        flush()


def _schema(pa: Any, plan: Plan) -> Any:
    message = [("role", pa.string()), ("content", pa.string())]
    if plan.mark != "no":
        message.append(("weight", pa.int8()))
    if plan.options.thoughts == "hidden":
        message.append(("reasoning_content", pa.string()))
    fields = [("id", pa.string())] if plan.options.ids else []
    return pa.schema([*fields, ("lang", pa.string()), ("messages", pa.list_(pa.struct(message)))])
