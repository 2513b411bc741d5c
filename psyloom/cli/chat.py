"""psyloom chat."""

from difflib import get_close_matches
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from psyloom.cli.place import Place
from psyloom.cli.run import models_of, pairs
from psyloom.errors import FolderTrouble, MissingFacet, PsyloomError, UnknownName, UsageError

if TYPE_CHECKING:
    from psyloom.agents import Ask, Client, Counselor, Desk, Talk
    from psyloom.records import Case, Dialogue, Speaker, Turn

NOTICE = {
    "en": "You are talking to a program, for research and teaching. It is no counselor and cannot help in an emergency: call your"
    " local emergency number, or find a line to talk to at findahelpline.com. Nothing you type is kept unless you use --save (practice: --record).\n"
    "An empty line or Ctrl-D ends the talk.\n",
    "zh": "对面是一个用于研究和教学的程序，不是咨询师，遇到危机时帮不上忙：请拨打当地急救或报警电话，也可以联系身边信任的人或心理援助热线。"
    "除非使用 --save（practice 里是 --record），你写的内容不会被保存。\n输入空行或按 Ctrl-D 结束。\n",
}

OVER = {"en": "(the talk is over)", "zh": "（对话结束）"}


@click.command()
@click.argument("who", metavar="ROLE:SLUG")
@click.option(
    "--cases", "file", type=click.Path(path_type=Path), help="Cases to choose from. Default: the system's own."
)
@click.option("--id", "id_", help="Which case. Default: the first one.")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="First case in this language, and prompts in it.")
@click.option("--model", "models", multiple=True, metavar="[AGENT=]MODEL", help="Who answers. Default: rehearsal.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="An option; see `psyloom system SLUG`.")
@click.option("--save", type=Place(), help="Add the dialogue to this file at the end.")
def chat(
    who: str,
    file: Path | None,
    id_: str | None,
    lang: str | None,
    models: tuple[str, ...],
    settings: tuple[str, ...],
    save: Path | None,
) -> None:
    """Talk with a system's client or counselor in the terminal; you take the other side.

    Example: psyloom chat client:cactus --lang zh --model ollama:qwen3
    """
    from psyloom.agents import Client, Counselor, Desk
    from psyloom.agents.derive import lacking
    from psyloom.runs import check_agents, open_models
    from psyloom.runs.run import take_dials
    from psyloom.systems import find_system, make_role

    kind, _, slug = who.partition(":")
    if kind not in ("client", "counselor") or not slug:
        raise UsageError(f"cannot read {who!r}", do="write client:SLUG or counselor:SLUG, e.g. client:cactus")
    dials, options = take_dials(pairs(settings)) if kind == "client" else (None, pairs(settings))
    role = make_role(slug, kind, options)
    assert isinstance(role, Client | Counselor)
    if dials and isinstance(role, Client):
        dials.followed_by(slug, role.follows())
    case = _case(file or find_system(slug).cases(), id_, lang)
    if missing := lacking(case, role.wants()):
        raise MissingFacet(
            f"case {case.id!r} lacks {', '.join(missing)}", do="choose another case with --cases and --id"
        )
    check_agents(models_of(models), [role])
    opened = open_models(models_of(models))
    desk = Desk.for_case(case, opened, lang="zh" if (lang or case.lang) == "zh" else "en")
    desk.dials = dials
    earlier = talks_in(save) if save else []  # better told now than after the talk
    try:
        talk_with(role, desk)
    finally:
        if save and desk.dialogue.turns:
            keep(save, role, desk, earlier)


def talks_in(file: Path) -> "list[Dialogue]":
    """The talks that a file holds already, to which another one shall be added; the file is made where there is none.

    Raises: FolderTrouble for a file that cannot be written, BadRecord for one that holds something else.
    """
    from psyloom.records import Dialogue, read_jsonl

    try:
        file.open("a+b").close()  # as it will be written, so that a pipe is refused too
    except OSError as trouble:
        what = f"cannot write {file}: {trouble.strerror or trouble}"
        raise FolderTrouble(what, do="give a file in a folder that exists and that you may write to") from trouble
    return list(read_jsonl(file, Dialogue)) if file.stat().st_size else []


def keep(file: Path, role: "Client | Counselor", desk: "Desk", earlier: "list[Dialogue]") -> None:
    """Add a talk to those of a file, under an id of its own, with how it came about: a person was the other side."""
    from psyloom import __version__
    from psyloom.llm.connect import REHEARSAL
    from psyloom.records import Lineage, append_jsonl

    talk, taken = desk.dialogue, {one.id for one in earlier}
    ids = (talk.id, *(f"{talk.id}/{number}" for number in range(2, len(taken) + 2)))
    talk.id = next(one for one in ids if one not in taken)
    other = "counselor" if role.speaker == "client" else "client"
    options: dict[str, Any] = {role.speaker: role.model_dump(mode="json", exclude_defaults=True, exclude_none=True)}
    if desk.dials and (dials := desk.dials.model_dump(mode="json", exclude_defaults=True, exclude_none=True)):
        options["dials"] = dials
    talk.lineage = Lineage(
        system=role.system(), version=__version__, roles={role.speaker: role.system(), other: "person"},
        models=dict(sorted(desk.answered_by.items())), prompts=dict(sorted(desk.prompts.items())), seed=desk.seed,
        options=options, source=desk.case.source, rehearsal=REHEARSAL in desk.answered_by.values(),
    )  # fmt: skip
    append_jsonl(file, talk)


def _case(file: Path, id_: str | None, lang: str | None) -> "Case":
    from psyloom.records import Case, read_jsonl

    ids = []
    for case in read_jsonl(file, Case):
        if id_ in (None, case.id) and lang in (None, case.lang):
            return case
        ids.append(case.id)
    if id_ is None:
        raise UsageError(f"no case in {file} is in {lang}", do="leave out --lang, or give other --cases")
    near = get_close_matches(id_, ids) or ids[:8]
    raise UnknownName("case", id_, near, see=f"in {file}")


def talk_with(role: "Client | Counselor", desk: "Desk", aside: str = "") -> None:
    """Read lines and reply to them. Lines are read outside the event loop, so that Ctrl-C is heard at once.

    aside: what is shown again for the line "?".
    """
    import asyncio

    from psyloom.agents import Ask, Counselor, Talk
    from psyloom.agents.dials import Dials
    from psyloom.records import Turn

    talk, desk.dials = Talk(desk.dialogue), (desk.dials or Dials()).over(desk.case)
    ask = Ask(desk, role, talk)
    stream = _Stream(role.speaker, ask.lang)
    desk.on_text = stream.piece
    click.echo(NOTICE[ask.lang], err=True)
    if isinstance(role, Counselor):
        for turn in takewhile(lambda turn: turn.speaker == "counselor", role.rules(desk.case, ask.lang).opening):
            talk.add(turn)
            stream.finish(turn.text)
    me: Speaker = "counselor" if role.speaker == "client" else "client"
    with asyncio.Runner() as runner:
        try:
            while line := _input(me, ask.lang).strip():
                if aside and line in ("?", "？"):
                    click.echo(aside)
                    continue
                talk.add(Turn(speaker=me, text=line))
                reply = runner.run(_reply(role, talk, ask, stream))
                if reply is None:
                    talk.turns.pop()
                elif reply.closes:
                    click.echo(OVER[ask.lang], err=True)
                    return
        finally:
            for model in desk.models.by_agent.values():
                runner.run(model.aclose())


async def _reply(role: "Client | Counselor", talk: "Talk", ask: "Ask", stream: "_Stream") -> "Turn | None":
    """One reply; a failed one is said and costs nothing but its turn."""
    from psyloom.agents.session import reply as reply_of

    try:
        turn = await reply_of(role, talk, ask)
    except PsyloomError as trouble:
        click.echo(f"({trouble})", err=True)
        return None
    stream.finish(turn.text)
    talk.add(turn)
    return turn


def _input(me: str, lang: str) -> str:
    try:
        return input(f"{_name(me, lang)}> ")
    except EOFError:
        return ""


def _name(who: str, lang: str) -> str:
    return {"client": "来访者" if lang == "zh" else "client", "counselor": "咨询师" if lang == "zh" else "counselor"}[
        who
    ]


class _Stream:
    """Prints a reply as it comes; one that is taken back is printed anew."""

    def __init__(self, speaker: str, lang: str) -> None:
        self._name, self._shown = _name(speaker, lang), ""

    def piece(self, text: str | None) -> None:
        if text is None:
            click.echo("")
            self._shown = ""
            return
        if not self._shown:
            click.echo(f"{self._name}: ", nl=False)
        self._shown += text
        click.echo(text, nl=False)

    def finish(self, text: str) -> None:
        """End the line; show the reply as it stands if it was not streamed or was changed afterwards."""
        if self._shown.strip() != text:
            click.echo(f"{chr(10) if self._shown else ''}{self._name}: {text}", nl=False)
        click.echo("")
        self._shown = ""
