"""Every acceptance check of every system is shown by a named test: `pytest.mark.accepts(SLUG, N, ...)` ties the two."""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from psyloom.systems import find_systems

TESTS = Path(__file__).parent
CHECKS = {
    slug: {int(number): text for number, text in checks.items()}
    for slug, checks in tomllib.loads((TESTS / "acceptance.toml").read_text("utf-8")).items()
}


@cache
def claims() -> dict[tuple[str, int], list[str]]:
    """(slug, number of the check) -> the tests that show it, read from their marks."""
    found: dict[tuple[str, int], list[str]] = {}
    for file in sorted(TESTS.rglob("test_*.py")):
        for test, slug, number in marked(ast.parse(file.read_text("utf-8"))):
            found.setdefault((slug, number), []).append(f"{file.relative_to(TESTS)}::{test}")
    return found


def marked(tree: ast.AST) -> Iterator[tuple[str, str, int]]:
    """(test, slug, number) for every number in a mark `accepts` on a function or class."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func).rpartition(".")[2] == "accepts":
                slug, *numbers = map(ast.literal_eval, mark.args)
                yield from ((node.name, slug, number) for number in numbers)


def test_there_are_acceptance_checks_for_every_published_system() -> None:
    assert set(CHECKS) == set(find_systems()) - {"plain"}


@pytest.mark.parametrize("slug", CHECKS)
def test_every_acceptance_check_is_shown_by_a_named_test(slug: str) -> None:
    missing = {number: text for number, text in CHECKS[slug].items() if (slug, number) not in claims()}
    assert not missing


def test_no_test_claims_a_check_that_is_not_on_the_list() -> None:
    unknown = {claim: tests for claim, tests in claims().items() if claim[1] not in CHECKS.get(claim[0], {})}
    assert not unknown
