"""Writers: dialogues in the formats that trainers, tools and people read."""

from psyloom.formats.write.options import ExportOptions
from psyloom.formats.write.table import WRITERS, writer_for
from psyloom.formats.write.writer import Counted, Exported, Writer, export

__all__ = ["WRITERS", "Counted", "ExportOptions", "Exported", "Writer", "export", "writer_for"]
