"""Formats: read what the field released."""

from psyloom.formats.read import formats, read, sniff

__all__ = ["formats", "read", "sniff"]
