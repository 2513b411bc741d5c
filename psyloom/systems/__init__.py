"""The systems: one folder each, found by its ``card.toml``, loaded when used."""

from psyloom.systems.catalog import Card, System, find_system, find_systems, make_role

__all__ = ["Card", "System", "find_system", "find_systems", "make_role"]
