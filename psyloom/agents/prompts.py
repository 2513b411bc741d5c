"""Prompts are files: ``prompts/NAME.LANG.md`` with TOML front matter and ``# system`` / ``# talk`` / ``# user`` sections.

Stable text comes first, the history next, what changes every turn last, so that a server's prefix cache hits.
"""

import re
import tomllib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, cast

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from psyloom.agents.sight import Missing
from psyloom.agents.words import Local
from psyloom.errors import BadPrompt, PsyloomError
from psyloom.llm import Decoding, Message
from psyloom.records import Lang, Speaker

SectionRole = Literal["system", "user", "assistant", "talk"]
_STEADY = (str, int, float, bool, tuple, Local, type(None))
_SECTION = re.compile(r"^# (system|user|assistant|talk)[ \t]*$", re.MULTILINE)


class Front(BaseModel):
    """Front matter of a prompt file."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    agent: str = Field(description="whose prompt it is: decides what of the case it may see, and which model answers")
    act: str = Field(description="what the answer does, for the rehearsal back end: reply, plan, script, label ...")
    speaks: Speaker | None = Field(None, description="the answer is said aloud by this speaker: the guards watch it")
    says: str | None = Field(None, description="field of a typed answer that is said aloud")
    end: str | None = Field(None, description="token with which the speaker closes the session")
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = None
    max_tokens: int | None = Field(None, gt=0)
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    stop: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Section:
    """One message of a prompt. ``words``: what its template, with all it includes, reads from outside."""

    role: SectionRole
    template: Template
    words: frozenset[str]

    def mark(self, slots: Mapping[str, Any]) -> tuple[Hashable, ...] | None:
        """What the text depends on besides the case; None when that changes too freely to be kept."""
        marks: list[Hashable] = []
        for word in sorted(self.words - {"case", "lang"}):
            value = slots.get(word)
            value = tuple(value) if isinstance(value, list) else value
            if not isinstance(value, _STEADY) or (
                isinstance(value, tuple) and not all(isinstance(v, _STEADY) for v in value)
            ):
                return None
            marks.append(value)
        return tuple(marks)


@dataclass(frozen=True)
class Prompt:
    """A prompt in one language, checked and compiled."""

    name: str
    lang: Lang
    path: Path
    front: Front
    sections: tuple[Section, ...]
    slots: frozenset[str]
    hash: str

    @cached_property
    def decoding(self) -> Decoding:
        """The decoding parameters that the file sets."""
        given = self.front.model_dump(exclude_none=True, exclude={"agent", "act", "speaks", "says", "end"})
        return cast(Decoding, {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()})

    @cached_property
    def reads_talk(self) -> bool:
        """Does it show the talk, as messages or in its text?"""
        return any(section.role == "talk" or "talk" in section.words for section in self.sections)

    def render(
        self, slots: Mapping[str, Any], talk: Iterable[Message] = (), kept: dict[Hashable, str] | None = None
    ) -> list[Message]:
        """The messages to send; ``talk`` stands where the file has its ``# talk`` section.

        kept: texts of this session's sections, so that one that stays the same is rendered once.
        """
        messages: list[Message] = []
        for number, section in enumerate(self.sections):
            if section.role == "talk":
                messages += talk
                continue
            mark = section.mark(slots) if kept is not None else None
            key = (self.path, number, mark)
            if mark is None or kept is None:
                text = self._section(section.template, slots)
            elif (known := kept.get(key)) is None:
                text = kept[key] = self._section(section.template, slots)
            else:
                text = known
            if text:
                messages.append({"role": section.role, "content": text})
        return messages

    def _section(self, template: Template, slots: Mapping[str, Any]) -> str:
        try:
            return template.render(slots).strip()
        except (TemplateError, TypeError) as trouble:
            what = f"{self.path.name}: {trouble}"
            raise BadPrompt(what, do="every word a prompt uses must be given to ask()") from trouble


def _finalize(value: Any) -> Any:
    if isinstance(value, Missing):
        raise value.error()
    return value


@cache
def _environment(folder: Path) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder), undefined=StrictUndefined, finalize=_finalize,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


@cache
def load_prompt(folder: Path, name: str, lang: Lang) -> Prompt:
    """Read ``folder/NAME.LANG.md``.

    Raises: BadPrompt, naming the file and the fault: missing, front matter, sections, template syntax.
    """
    path = folder / f"{name}.{lang}.md"
    if not path.is_file():
        have = sorted({p.name.split(".")[0] for p in folder.glob("*.md")})
        raise BadPrompt(
            f"there is no prompt file {path.name} in {folder.parent.name}",
            do=f"prompts there: {', '.join(have) or 'none'}",
        )
    text = path.read_text("utf-8")
    try:
        _, front, body = re.split(r"^\+\+\+[ \t]*$", text, maxsplit=2, flags=re.MULTILINE)
        environment = _environment(folder)
        parts = _SECTION.split(body)
        if parts[0].strip() or len(parts) == 1:
            raise ValueError("text must stand under '# system', '# talk' or '# user'")
        sections = tuple(
            Section(
                cast(SectionRole, role), environment.from_string(part), frozenset(_paths(environment, part, whole=True))
            )
            for role, part in zip(parts[1::2], parts[2::2], strict=True)
        )
        slots = frozenset(_paths(environment, body))
        return Prompt(name, lang, path, Front.model_validate(tomllib.loads(front)), sections, slots, _digest(text))
    except PsyloomError:
        raise
    except (ValueError, ValidationError, TemplateError) as trouble:
        raise BadPrompt(
            f"{path}: {trouble}", do="a prompt file is: +++ TOML +++ then '# system' / '# talk' / '# user' sections"
        ) from trouble


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _paths(environment: ImmutableSandboxedEnvironment, body: str, *, whole: bool = False) -> set[str]:
    """Every word the text reads from outside, with all it includes: ``case.intake.reason``, or ``case`` if ``whole``."""
    found = _words(environment, body)
    if whole:
        return {path.split(".")[0] for path in found}
    return {path for path in found if not any(other.startswith(path + ".") for other in found)}


def _words(environment: ImmutableSandboxedEnvironment, body: str) -> set[str]:
    tree = environment.parse(body)
    outer = meta.find_undeclared_variables(tree)
    dotted = {path for node in tree.find_all(nodes.Getattr) if (path := _dotted(node)) and path.split(".")[0] in outer}
    found = outer | dotted
    for partial in meta.find_referenced_templates(tree):
        if partial and environment.loader:
            found |= _words(environment, environment.loader.get_source(environment, partial)[0])
    return found


def _dotted(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr) and (inner := _dotted(node.node)):
        return f"{inner}.{node.attr}"
    return None


def prompts_in(folder: Path) -> list[Prompt]:
    """All prompts of a folder, in both languages."""
    found = []
    for path in sorted(folder.glob("*.*.md")):
        name, lang, _ = path.name.split(".")
        if re.match(r"\+\+\+", path.read_text("utf-8")):  # a file without front matter is only included by others
            found.append(load_prompt(folder, name, cast(Lang, lang)))
    return found
