"""Formats: read what the field released."""

from psyloom.formats.read import Choice, Format, formats, read, save, sniff

__all__ = ["Choice", "Format", "formats", "read", "save", "sniff"]
