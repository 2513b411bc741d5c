"""What the tests of runs and of the command line share: cases, a small system of their own, psyloom as its users start it."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from psyloom.cli import main
from psyloom.records import Case, Dialogue, Lang, Post, read_jsonl, write_jsonl
from psyloom.systems import catalog

ROOT = Path(__file__).parents[2]
TALK = ("--set", "max_exchanges=4")  # short talks of interactive_agents


def case(number: int, lang: Lang = "en") -> Case:
    """A case whose words no other case has."""
    text = {
        "en": f"Since move number {number} I cannot sleep. I count {number} cars at night. My sister says I should rest.",
        "zh": f"自从第{number}次搬家，我就睡不着。夜里我数过{number}辆车。姐姐劝我好好休息。",
    }[lang]
    return Case(id=f"case-{number}", lang=lang, post=Post(text=text))


def cases(path: Path, many: int, lang: Lang | None = None) -> Path:
    """A file of ``many`` cases, in both languages by turns unless one is given."""
    write_jsonl(path, (case(n, lang or ("zh" if n % 2 else "en")) for n in range(many)))
    return path


def dialogues(out: Path) -> list[Dialogue]:
    return list(read_jsonl(out / "dialogues.jsonl", Dialogue))


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """What went wrong, once it is sure that it is told as it should be: one message, what to do, no traceback."""
        assert "Traceback" not in self.err + self.out, self.err + self.out
        told = [line for line in self.err.splitlines() if line.startswith("psyloom: ")]
        assert len(told) == 1, self.err
        happened, *do = self.err[self.err.index("psyloom: ") :].splitlines()
        assert len(do) == 1, self.err
        assert do[0].startswith("  -> "), self.err
        return f"{happened} {do[0].strip()}"


def psyloom(*words: object, typed: str = "") -> Ended:
    """The command line in this process; ``typed``: what stands at the keyboard."""
    out, err, keyboard, known = io.StringIO(), io.StringIO(), sys.stdin, list(catalog._extra)
    sys.stdin = io.StringIO(typed)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main([str(word) for word in words])
    except SystemExit as end:
        return Ended(int(end.code or 0), out.getvalue(), err.getvalue())
    finally:
        sys.stdin = keyboard
        catalog._extra[:] = known  # what --systems added is for this command only
        catalog.find_systems.cache_clear()
    return Ended(0, out.getvalue(), err.getvalue())


def command(*words: object) -> list[str]:
    """The command line as a process of its own."""
    return [sys.executable, "-m", "psyloom", *map(str, words)]


def environment(**more: str) -> dict[str, str]:
    """For such a process: nothing of the user's settings and keys."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    return (
        kept | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"} | more
    )


def apart(*words: object, typed: str = "", env: dict[str, str] | None = None, **more: Any) -> Ended:
    """The command line in a process of its own."""
    ran = subprocess.run(
        command(*words), input=typed, capture_output=True, text=True, encoding="utf-8", env=env or environment(),
        timeout=60, check=False, **more,
    )  # fmt: skip
    return Ended(ran.returncode, ran.stdout, ran.stderr)


@contextmanager
def server(folder: Path, latency: float = 0.0) -> Iterator[tuple[str, Path]]:
    """A loopback server in another process: (its base URL, its log of requests)."""
    log = folder / "requests.log"
    log.touch()
    run = [sys.executable, "-m", "tests.loopback", "0", str(log), str(latency)]
    with subprocess.Popen(run, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment()) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip(), log
        finally:
            process.kill()


_number = count(1)

CARD = """
title = "Mirror: a system for tests"
year = 2020
ids = ["none"]
tags = ["Mirrors"]
paper_languages = ["en"]
paper = ["nothing"]

[summary]
en = "Says back what it hears."
zh = "把听到的话说回去。"

[roles]
counselor = "MirrorCounselor"
client = "MirrorClient"
annotator = "MirrorLabels"
"""

CODE = '''
"""Mirror: says back what it hears."""

from typing import ClassVar

from pydantic import Field

from psyloom.agents import Annotator, Ask, Client, Counselor, Sight, Talk
from psyloom.records import Dialogue, Label, Turn


class MirrorClient(Client):
    """Says what troubles it."""

    sight: ClassVar[Sight] = {"client": {"post.text"}}
    needs: ClassVar[frozenset[str]] = frozenset({"post"})
    mood: str = Field("calm", description="how the client feels")

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        return Turn.client(await ask("client", talk=talk, mood=self.mood))


class MirrorCounselor(Counselor):
    """Says back what it hears."""

    sight: ClassVar[Sight] = {"counselor": set()}

    async def reply(self, talk: Talk, ask: Ask) -> Turn:
        return Turn.counselor(await ask("counselor", talk=talk))


class MirrorLabels(Annotator):
    """Labels every message of the client."""

    sight: ClassVar[Sight] = {"labeller": set()}

    async def annotate(self, dialogue: Dialogue, ask: Ask) -> Dialogue:
        for turn in dialogue.turns:
            if turn.speaker == "client":
                reason = await ask("label", text=turn.text)
                turn.labels.append(Label(set="mirrored", id=str(len(turn.text)), by=ask.by, reason=reason))
        return dialogue
'''

SPEAKS = """+++
agent = "{who}"
act = "reply"
speaks = "{who}"
+++
# system
{words}

# talk
"""
LABELS = """+++
agent = "labeller"
act = "label"
+++
# user
{{ text }}
"""


def make_system(home: Path, *, card: str = CARD, code: str = CODE) -> str:
    """A system of its own in the folder ``home``; returns its slug, which no other test has."""
    slug = f"mirror{next(_number)}"
    folder = home / slug
    (folder / "prompts").mkdir(parents=True)
    (folder / "card.toml").write_text(card, "utf-8")
    (folder / "system.py").write_text(code, "utf-8")
    words = {
        "client.en": "You are the client. {{ mood }} {{ case.post.text }}", "counselor.en": "You are the counselor.",
        "client.zh": "你是来访者。{{ mood }} {{ case.post.text }}", "counselor.zh": "你是咨询师。",
    }  # fmt: skip
    for name, text in words.items():
        prompt = SPEAKS.format(who=name.split(".")[0], words=text)
        (folder / "prompts" / f"{name}.md").write_text(prompt, "utf-8")
    for lang in ("en", "zh"):
        (folder / "prompts" / f"label.{lang}.md").write_text(LABELS, "utf-8")
    write_jsonl(folder / "cases.jsonl", [case(1, "en"), case(2, "zh")])
    return slug
