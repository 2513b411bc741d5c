"""Reading the code blocks of a document, and running them in one folder from top to bottom as a reader would."""

import io
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from psyloom.cli import main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
CANARY = "-canary-of-a-key"
TYPED = "I keep checking the door.\n\n"  # what the reader types into `psyloom chat`: one line, then an empty one


@dataclass(frozen=True)
class Block:
    """One fenced block. ``file``: the name behind the language, under which the reader saves it."""

    where: str
    lang: str
    file: str
    code: str


def blocks(document: Path) -> list[Block]:
    """The fenced blocks of a document, in order."""
    text = document.read_text("utf-8")
    return [
        Block(f"{document.name}:{text.count(chr(10), 0, found.start()) + 1}", *found.groups(default=""))
        for found in re.finditer(r"^```(\w*)(?: (\S+))?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


def commands(block: Block) -> list[str]:
    """The lines of a shell block, continued lines joined, comments dropped."""
    lines = block.code.replace("\\\n", " ").splitlines()
    return [line.strip() for line in (re.sub(r"(^|\s)#\s.*", "", line) for line in lines) if line.strip()]


def targets() -> set[str]:
    """What `make` can make."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def extras() -> set[str]:
    """The optional parts of psyloom."""
    return set(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"])


class Reader:
    """Does what a document says, in the folder it stands in.

    url: a server that takes the place of every address in a command; skips: lines that cannot run here.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, url: str, skips: Callable[[str], bool]) -> None:
        self.monkeypatch, self.url, self.skips = monkeypatch, url, skips

    def follow(self, document: Path) -> None:
        """Run every block of a document; a block that fails is named by its place."""
        for block in blocks(document):
            try:
                self.run(block)
            except BaseException as trouble:
                trouble.add_note(f"in the block at {block.where}")
                raise

    def run(self, block: Block) -> None:
        """Save a block that has a file name, run any other."""
        if block.file:
            path = Path(block.file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, "utf-8")
        elif block.lang == "sh":
            for line in commands(block):
                self._line(line)
        elif block.lang == "python":
            exec(compile(block.code, block.where, "exec"), {"__name__": "__main__"})
        else:
            pytest.fail(f"a block of language {block.lang!r} without a file name is not run by anybody")

    def _line(self, line: str) -> None:
        first, *rest = words = shlex.split(line)
        if self.skips(line):
            return
        if first == "psyloom":
            self._psyloom([re.sub(r"http://[\w:]+/v1", self.url, word) for word in rest], line)
        elif first == "make":
            assert set(rest) <= targets(), f"the Makefile has no target for {line!r}"
        elif first == "export":
            name, _, value = rest[0].partition("=")
            self.monkeypatch.setenv(name, f"{value}{CANARY}" if name.endswith("KEY") else value)
        elif words[:2] == ["pip", "install"]:
            assert set(re.findall(r"\[([\w,]+)\]", line)) <= extras(), f"there is no such extra: {line!r}"
        elif "=" in first or first == "python":
            self._subprocess(words)
        else:
            assert line == ". .venv/bin/activate", f"nobody knows how to run {line!r}"

    def _psyloom(self, words: list[str], line: str) -> None:
        out = io.StringIO()
        self.monkeypatch.setattr("sys.stdin", io.StringIO(TYPED))
        words, target = (words[: words.index(">")], words[-1]) if ">" in words else (words, "")
        code: object = 0
        with redirect_stdout(out):
            try:
                main(words)
            except SystemExit as end:
                code = end.code
        assert not code, f"{line!r} ends with {code}:\n{out.getvalue()}"
        assert not re.search(r"\b[1-9]\d* failures", out.getvalue()), f"{line!r}:\n{out.getvalue()}"
        if target:
            Path(target).write_text(out.getvalue(), "utf-8")

    def _subprocess(self, words: list[str]) -> None:
        given = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
        command = [sys.executable if word == "python" else word for word in words if word.split("=")[0] not in given]
        done = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
