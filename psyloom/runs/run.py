"""Running a system over a file: what the command line and Python call."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.types import PathType

from psyloom import __version__
from psyloom.agents import Client, Counselor, Models, Pairing, Role, Writer
from psyloom.agents.course import PROMPTS
from psyloom.agents.dials import Dials
from psyloom.agents.prompts import prompts_in
from psyloom.errors import BadRecord, UnknownName, UsageError
from psyloom.llm import Decoding, Model, connect
from psyloom.llm.connect import REHEARSAL, split
from psyloom.llm.journal import Journal, Journaled
from psyloom.llm.limits import Budget, Budgeted
from psyloom.llm.prices import Price, price
from psyloom.records import Case, Defect, Dialogue, Lang
from psyloom.records.jsonl import parse_line
from psyloom.runs.engine import READS_DIALOGUES, Engine, Settings, Work, no_none, roles_of
from psyloom.runs.folder import RunFolder, dialogues_in
from psyloom.runs.told import Progress, Summary
from psyloom.systems import find_system, make_role
from psyloom.systems.catalog import json_or_text

_FRAME = ("max_exchanges", "min_exchanges", "sessions", "record")


def writer_for(slug: str, options: Mapping[str, Any] | None = None) -> Writer:
    """A system's writer; where it has none, its counselor paired with its client.

    Options go to whichever role has them; ``client.x`` and ``counselor.x`` say which.
    Raises: UnknownName for an option or role that does not exist.
    """
    system = find_system(slug)
    if "writer" in system.card.roles:
        dials, rest = take_dials(options)
        writer = make_role(slug, "writer", rest | ({"dials": dials} if dials else {}))
        assert isinstance(writer, Writer)
        return writer
    return pair(slug, slug, options)


def take_dials(options: Mapping[str, Any] | None) -> tuple[Dials | None, dict[str, Any]]:
    """The dials among some options, and the other options. Raises: UsageError for a dial that cannot be set so."""
    given = {key.removeprefix("dials."): value for key, value in (options or {}).items() if key.startswith("dials.")}
    rest = {key: value for key, value in (options or {}).items() if not key.startswith("dials.")}
    try:
        return Dials(**{name: json_or_text(value) for name, value in given.items()}) if given else None, rest
    except ValidationError as trouble:
        raise _wrong(trouble, "dials.") from trouble


def _wrong(trouble: ValidationError, prefix: str = "") -> UsageError:
    error = trouble.errors(include_url=False)[0]
    where, what = ".".join(map(str, error["loc"])), str(error["msg"])
    what = f"{what} (got {error['input']!r})" if where else what.removeprefix("Value error, ")
    e_g = "e.g. --set max_exchanges=10, --set dials.resistance=0.8, --set dials.trajectory=defending,extending"
    do = e_g if where else "change that option or leave it out, or take another counselor or client"
    return UsageError(f"option {prefix}{where}{': ' if where else ''}{what}", do=do)


def pair(counselor: str, client: str, options: Mapping[str, Any] | None = None) -> Pairing:
    """Any system's counselor with any system's client."""
    given: dict[str, dict[str, Any]] = {"counselor": {}, "client": {}, "": {}}
    dials, rest = take_dials(options)
    known = {"counselor": find_system(counselor).role("counselor"), "client": find_system(client).role("client")}
    for key, value in rest.items():
        side, _, name = key.rpartition(".")
        owner = side or next(
            (s for s in known if name in known[s].model_fields and name not in Pairing.model_fields), ""
        )
        if owner not in given:
            raise UsageError(
                f"there is no side called {owner!r}", do="write counselor.OPTION, client.OPTION or dials.OPTION"
            )
        given[owner][name] = value
    frame: dict[str, Any] = {k: v for k, v in given[""].items() if k in _FRAME}
    for name in given[""].keys() - frame:
        others: dict[str, type[BaseModel]] = {"client": known["client"], "dials": Dials}
        taken = {f"{side}.{one}" for side, kind in others.items() for one in kind.model_fields}
        see = f"see {' and '.join(f'`psyloom system {slug}`' for slug in dict.fromkeys((counselor, client)))}"
        raise UnknownName(
            f"option of {counselor}:counselor", name, {*known["counselor"].model_fields, *_FRAME, *taken}, see=see
        )
    talker, other = make_role(counselor, "counselor", given["counselor"]), make_role(client, "client", given["client"])
    assert isinstance(talker, Counselor)
    assert isinstance(other, Client)
    try:
        return Pairing(counselor=talker, client=other, dials=dials, **frame)
    except ValidationError as trouble:
        raise _wrong(trouble) from trouble


def open_models(
    specs: Mapping[str, str | Model], *, concurrency: int = 64, budget: Budget | None = None, journal: Journal | None = None,
    prices: Mapping[str, Price] | None = None,
) -> Models:  # fmt: skip
    """Connect ``agent -> model name``; one connection for each name. Without "" the rehearsal answers for the rest.

    A model of your own may stand instead of a name. Raises: UsageError for a limited cost without a known price.
    """
    opened: dict[str | Model, Model] = {}
    for spec in {*specs.values(), *(() if "" in specs else (REHEARSAL,))}:
        model = connect(spec, concurrency=concurrency) if isinstance(spec, str) else spec
        if budget is not None:
            model = Budgeted(model, budget, price(*split(model.name), dict(prices or {})))
        opened[spec] = Journaled(model, journal) if journal is not None else model
    return Models({"": opened[specs.get("", REHEARSAL)]} | {agent: opened[spec] for agent, spec in specs.items()})


async def run_cases(
    work: str | Work,
    cases: Path | str,
    out: Path | str,
    *,
    options: Mapping[str, Any] | None = None,
    models: Mapping[str, str | Model] | str | Model = REHEARSAL,
    lang: Lang | None = None,
    limit: int | None = None,
    seed: int = 0,
    concurrency: int = 64,
    tries: int = 3,
    budget: Budget | None = None,
    prices: Mapping[str, Price] | None = None,
    derive_missing: bool = False,
    traces: bool = True,
    by: str = "",
    decoding: Mapping[str, Decoding] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    signals: bool = False,
) -> Summary:
    """Run a system over a file of cases into a folder; started again, it goes on where it stopped.

    Args:    work: a system's slug, a writer, or an annotator; cases: a JSON Lines file of cases, or of the dialogues
             (or a run's folder) that an annotator labels (``by``: its name on the labels, instead of its system's).
             models: one name, or agent -> name ("" for all others); a model of your own may stand instead of a name.
             decoding: agent -> decoding parameters instead of those of its prompt files ("" for all agents).
             budget: counts and limits what is spent; signals: handle Ctrl-C (first: finish open calls, second: leave).
    Returns: the summary; a case that failed is a line of failures.jsonl, and the rest goes on.
    Raises:  UsageError before anything is started.
    """
    work = writer_for(work, options) if isinstance(work, str) else work
    cases, out = dialogues_in(Path(cases)) if isinstance(work, READS_DIALOGUES) else Path(cases), Path(out)
    specs = dict(models) if isinstance(models, Mapping) else {"": models}
    settings = Settings(lang, seed, tries, derive_missing, traces, by, decoding or {})
    check_agents(specs, roles_of(work).values())
    surveyed, total = survey(cases, Dialogue if isinstance(work, READS_DIALOGUES) else Case)
    config = configuration(work, specs, settings, surveyed)
    budget = budget or Budget()
    # Models come first: a wrong name or a missing key is said before a folder is made.
    opened = open_models(specs, concurrency=concurrency, budget=budget, prices=prices)
    try:
        with closing(RunFolder(out, config)) as folder:
            journaled = {agent: Journaled(model, folder.journal) for agent, model in opened.by_agent.items()}
            engine = Engine(work, folder, Models(journaled), budget, settings)
            engine.progress.total = total if limit is None else min(limit, total)
            engine.on_progress = on_progress
            return await engine.over(cases, limit=limit, concurrency=concurrency, signals=signals)
    finally:
        for model in opened.by_agent.values():
            await model.aclose()


def agents_of(roles: Iterable[Role]) -> set[str]:
    """Everybody for whom a model may be given by name."""
    return {name for r in roles for name in (*(prompt.front.agent for prompt in prompts_in(r.prompts())), *r.guests())}


def check_agents(models: Mapping[str, object], roles: Iterable[Role]) -> None:
    """Raise UnknownName for a model that is given to an agent that none of the roles has."""
    given = set(models) - {"", "writer", "client", "counselor", "annotator", "deriver"}
    known = agents_of(roles) if given else set()
    for agent in sorted(given - known):
        raise UnknownName("agent", agent, known | {"client", "counselor"}, see="(--model AGENT=MODEL)")


def check_decoding(decoding: Mapping[str, object], known: set[str]) -> None:
    """Raise UnknownName for decoding parameters of an agent that is none of ``known`` and writes no records."""
    known = known | {"deriver", "recorder"}
    for agent in sorted(set(decoding) - known - {""}):
        raise UnknownName("agent", agent, known, see="(--decode AGENT.KEY=VALUE)")


def configuration(
    work: Work, models: Mapping[str, str | Model], settings: Settings, cases: dict[str, Any]
) -> dict[str, Any]:
    """What makes a run the same run: everything that the dialogues depend on."""
    roles = roles_of(work)
    return {
        "psyloom": __version__,
        "roles": {kind: role.system() for kind, role in roles.items()},
        "options": no_none(work.model_dump(mode="json")),
        "models": {agent or "default": m if isinstance(m, str) else m.name for agent, m in models.items()},
        "prompts": {role.system(): prompts_hash(role) for role in roles.values()},
        "lang": settings.lang or "case",
        "seed": settings.seed,
        "tries": settings.tries,
        "derive": settings.derive,
        "by": settings.by,
        "decoding": {agent or "default": dict(given) for agent, given in settings.decoding.items()},
        "cases": cases,
    } | ({"files": files} if (files := side_files(work)) else {})


def side_files(work: BaseModel, prefix: str = "") -> dict[str, str]:
    """Option -> hash of the content, for every option that names a file or a folder (a run's: its dialogues).

    Raises: UsageError for a file that cannot be read, or is empty.
    """
    found: dict[str, str] = {}
    for name, field in type(work).model_fields.items():
        value = getattr(work, name)
        folder = any(isinstance(kind, PathType) and kind.path_type == "dir" for kind in field.metadata)
        if isinstance(value, BaseModel):
            found |= side_files(value, f"{prefix}{name}.")
        elif isinstance(value, Path):
            found[f"{prefix}{name}"] = _content(value, f"{prefix}{name}", folder)
    return found


def _content(path: Path, option: str, folder: bool) -> str:
    """Of a folder, such as a trained classifier's, all files count, by name and content."""
    file = dialogues_in(path)
    files = sorted(one for one in path.rglob("*") if one.is_file()) if folder else [file]
    whole, some = blake2b(digest_size=8), False
    try:
        for one in files:
            content = one.read_bytes()
            some = some or bool(content.strip())
            whole.update(content if one is file else f"{one.relative_to(path)}\n".encode() + content)
    except OSError as trouble:
        what = f"option {option}: cannot read {trouble.filename}: {trouble.strerror}"
        raise UsageError(what, do="give the path of a file") from trouble
    if not some:
        raise UsageError(f"option {option}: {path if folder else file} is empty", do="give one that holds something")
    return whole.hexdigest()


def prompts_hash(role: Role) -> str:
    """Of the prompts and tables in the system's folder, and of the prompts that all systems share."""
    own = (path for path in role.home().rglob("*") if path.suffix in (".md", ".toml") and path.name != "card.toml")
    texts = "".join(path.read_text("utf-8") for path in (*sorted(own), *sorted(PROMPTS.glob("*.md"))))
    return blake2b(texts.encode(), digest_size=8).hexdigest()


def survey(cases: Path, kind: type[Case | Dialogue]) -> tuple[dict[str, Any], int]:
    """What run.toml keeps of the cases file, and how many lines are not blank.

    Raises: BadRecord for a file that cannot be read twice, is empty, or holds records of another kind.
    """
    digest, size, count = blake2b(digest_size=8), 0, 0
    do = f"give the path of a JSON Lines file of {kind.kind}s"
    if cases.exists() and not cases.is_file():
        raise BadRecord(f"{cases} is no regular file", do=do)
    try:
        with cases.open("rb") as file:
            for number, raw in enumerate(file, 1):
                digest.update(raw)
                size += len(raw)
                if raw.isspace():
                    continue
                if not count and isinstance(defect := parse_line(raw, kind, str(cases), number), Defect):
                    _refuse_other_kind(defect)
                count += 1
    except OSError as trouble:
        raise BadRecord(f"cannot read {cases}: {trouble.strerror}", do=do) from trouble
    if not count:
        raise BadRecord(f"{cases} is empty", do=f"it should hold one {kind.kind} a line, as JSON")
    return {"path": str(cases), "bytes": size, "digest": digest.hexdigest()}, count


def _refuse_other_kind(defect: Defect) -> None:
    """A file of another kind is a mistake in the command, not in its lines."""
    if defect.field == "psyloom":
        raise BadRecord(str(defect), do="`run` and `simulate` take cases, `annotate` takes dialogues")
