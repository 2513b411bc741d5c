"""Transcripts for people: plain text and Markdown, one file per dialogue."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from psyloom.formats.write.examples import Plan, thought_text, with_thought
from psyloom.formats.write.files import new_folder
from psyloom.formats.write.writer import Open, Put
from psyloom.records import Dialogue, Label, Session, Turn

WORDS = {
    "en": {"session": "Session", "summary": "Summary", "labels": "Labels", "thought": "Thought", "colon": ": "},
    "zh": {"session": "会谈", "summary": "小结", "labels": "标签", "thought": "思考", "colon": "："},
}


def _by_file(suffix: str, render: Callable[[Dialogue, Plan], Iterator[tuple[str, str]]]) -> Open:
    @contextmanager
    def open_folder(path: Path, plan: Plan) -> Iterator[Put]:
        with new_folder(path) as put:

            def write(dialogue: Dialogue) -> int:
                files = list(render(dialogue, plan))
                for name, text in files:
                    put(name, suffix, text)
                return len(files)

            yield write

    return open_folder


def spoken(turn: Turn, dialogue: Dialogue, plan: Plan) -> str:
    """What a turn says, with its reasoning before it when thoughts are wanted in."""
    return with_thought(turn.text, thought_text(turn, dialogue.lang) if plan.options.thoughts == "in" else "")


def label_text(label: Label) -> str:
    """A label as ``set:id``, with ``@start-end`` when it marks a span."""
    return f"{label.set}:{label.id}" + (f"@{label.span[0]}-{label.span[1]}" if label.span else "")


def plain(dialogue: Dialogue, plan: Plan) -> Iterator[tuple[str, str]]:
    """``Name: text`` for every turn, with an empty line between sessions."""
    texts = ["".join(_line(turn, dialogue, plan) for turn in session.turns) for session in dialogue.sessions]
    if plan.options.sessions == "joined":
        yield dialogue.id, "\n".join(texts)
    else:
        yield from ((f"{dialogue.id}#session{number}", text) for number, text in enumerate(texts, 1))


def _line(turn: Turn, dialogue: Dialogue, plan: Plan) -> str:
    name = plan.options.name(turn.speaker, dialogue.lang)
    return name + WORDS[dialogue.lang]["colon"] + spoken(turn, dialogue, plan) + "\n"


def markdown(dialogue: Dialogue, plan: Plan) -> Iterator[tuple[str, str]]:
    """Headings for the sessions, bold names, labels and hidden thoughts under their turn."""
    words = WORDS[dialogue.lang]
    parts = [f"# {dialogue.id}"]
    if dialogue.labels:
        parts.append(words["labels"] + words["colon"] + _codes(dialogue.labels))
    for number, session in enumerate(dialogue.sessions, 1):
        parts += _section(session, number, dialogue, plan)
    yield dialogue.id, "\n\n".join(parts) + "\n"


def _section(session: Session, number: int, dialogue: Dialogue, plan: Plan) -> Iterator[str]:
    words = WORDS[dialogue.lang]
    yield f"## {words['session']} {number}"
    if session.labels:
        yield words["labels"] + words["colon"] + _codes(session.labels)
    for turn in session.turns:
        name = plan.options.name(turn.speaker, dialogue.lang)
        yield f"**{name}{words['colon'].strip()}** " + _hard_lines(spoken(turn, dialogue, plan))
        if plan.options.thoughts == "hidden" and turn.thought:
            yield _quoted(words["thought"] + words["colon"] + thought_text(turn, dialogue.lang))
        if turn.labels:
            yield _quoted(_codes(turn.labels))
    if session.summary:
        yield f"### {words['summary']}"
        yield _hard_lines(session.summary)


def _codes(labels: list[Label]) -> str:
    return " ".join(f"`{label_text(label)}`" for label in labels)


def _hard_lines(text: str) -> str:
    return text.replace("\n", "  \n")


def _quoted(text: str) -> str:
    return "> " + _hard_lines(text).replace("\n", "\n> ")


open_text = _by_file(".txt", plain)
open_markdown = _by_file(".md", markdown)
