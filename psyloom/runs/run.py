"""Running a system over a file: what the command line and Python call."""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from psyloom import __version__
from psyloom.agents import Client, Counselor, Models, Pairing, Role, Writer
from psyloom.errors import BadRecord, UsageError
from psyloom.llm import Model, connect
from psyloom.llm.connect import REHEARSAL, split
from psyloom.llm.journal import Journal, Journaled
from psyloom.llm.limits import Budget, Budgeted
from psyloom.llm.prices import Price, price
from psyloom.records import Lang
from psyloom.runs.engine import Engine, Progress, Settings, Summary, Work, no_none, roles_of
from psyloom.runs.folder import RunFolder
from psyloom.systems import find_system, make_role


def writer_for(slug: str, options: Mapping[str, Any] | None = None) -> Writer:
    """A system's writer; where it has none, its counselor paired with its client.

    Options go to whichever role has them; ``client.x`` and ``counselor.x`` say which.
    Raises: UnknownName for an option or role that does not exist.
    """
    system = find_system(slug)
    if "writer" in system.card.roles:
        writer = make_role(slug, "writer", dict(options or {}))
        assert isinstance(writer, Writer)
        return writer
    return pair(slug, slug, options)


def pair(counselor: str, client: str, options: Mapping[str, Any] | None = None) -> Pairing:
    """Any system's counselor with any system's client."""
    given: dict[str, dict[str, Any]] = {"counselor": {}, "client": {}, "": {}}
    known = {"counselor": find_system(counselor).role("counselor"), "client": find_system(client).role("client")}
    for key, value in (options or {}).items():
        side, _, name = key.rpartition(".")
        owner = side or next(
            (s for s in known if name in known[s].model_fields and name not in Pairing.model_fields), ""
        )
        if owner not in given:
            raise UsageError(f"there is no side called {owner!r}", do="write counselor.OPTION or client.OPTION")
        given[owner][name] = value
    rest = {k: int(v) for k, v in given[""].items() if k in ("max_exchanges", "min_exchanges")}
    for name in set(given[""]) - set(rest):
        given["counselor"][name] = given[""][name]  # make_role says that it does not exist, and what does
    talker, other = make_role(counselor, "counselor", given["counselor"]), make_role(client, "client", given["client"])
    assert isinstance(talker, Counselor)
    assert isinstance(other, Client)
    return Pairing(counselor=talker, client=other, **rest)


def open_models(
    specs: Mapping[str, str], *, concurrency: int = 64, budget: Budget | None = None, journal: Journal | None = None,
    prices: Mapping[str, Price] | None = None,
) -> Models:  # fmt: skip
    """Connect ``agent -> model name``; one connection for each name. Without "" the rehearsal answers for the rest."""
    opened: dict[str, Model] = {}
    for spec in {*specs.values(), *(() if "" in specs else (REHEARSAL,))}:
        model = connect(spec, concurrency=concurrency)
        if budget is not None:
            model = Budgeted(model, budget, price(*split(spec), dict(prices or {})))
        opened[spec] = Journaled(model, journal) if journal is not None else model
    return Models({"": opened[specs.get("", REHEARSAL)]} | {agent: opened[spec] for agent, spec in specs.items()})


async def run_cases(
    work: str | Work,
    cases: Path | str,
    out: Path | str,
    *,
    options: Mapping[str, Any] | None = None,
    models: Mapping[str, str] | str = REHEARSAL,
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
    on_progress: Callable[[Progress], None] | None = None,
    signals: bool = False,
) -> Summary:
    """Run a system over a file of cases into a folder; started again, it goes on where it stopped.

    Args:    work: a system's slug, a writer, or an annotator; cases: a JSON Lines file of cases, or of the dialogues
             that an annotator labels (``by``: its name on the labels, instead of its system's).
             models: one name, or agent -> name ("" for all others).
             budget: counts and limits what is spent; signals: handle Ctrl-C (first: finish open calls, second: leave).
    Returns: the summary; a case that failed is a line of failures.jsonl, and the rest goes on.
    Raises:  UsageError before anything is started.
    """
    cases, out = Path(cases), Path(out)
    work = writer_for(work, options) if isinstance(work, str) else work
    specs = {"": models} if isinstance(models, str) else dict(models)
    settings = Settings(lang, seed, tries, derive_missing, traces, by)
    survey, total = _survey(cases)
    config = configuration(work, specs, settings, survey)
    for spec in specs.values():  # a wrong name or a missing key is said before a folder is made
        await connect(spec).aclose()
    budget = budget or Budget()
    folder = RunFolder(out, config)
    try:
        opened = open_models(specs, concurrency=concurrency, budget=budget, journal=folder.journal, prices=prices)
        engine = Engine(work, folder, opened, budget, settings)
        engine.progress.total = total if limit is None else min(limit, total)
        engine.on_progress = on_progress
        return await engine.over(cases, limit=limit, concurrency=concurrency, signals=signals)
    finally:
        folder.close()


def configuration(work: Work, models: Mapping[str, str], settings: Settings, cases: dict[str, Any]) -> dict[str, Any]:
    """What makes a run the same run: everything that the dialogues depend on."""
    roles = roles_of(work)
    return {
        "psyloom": __version__,
        "roles": {kind: role.system() for kind, role in roles.items()},
        "options": no_none(work.model_dump(mode="json")),
        "models": {agent or "default": spec for agent, spec in models.items()},
        "prompts": {role.system(): _prompts_hash(role) for role in roles.values()},
        "lang": settings.lang or "case",
        "seed": settings.seed,
        "tries": settings.tries,
        "derive": settings.derive,
        "by": settings.by,
        "cases": cases,
    }


def _prompts_hash(role: Role) -> str:
    texts = "".join(path.read_text("utf-8") for path in sorted((role.home() / "prompts").glob("*.md")))
    return blake2b(texts.encode(), digest_size=8).hexdigest()


def _survey(cases: Path) -> tuple[dict[str, Any], int]:
    """What run.toml keeps of the cases file, and how many lines are not blank. Raises BadRecord."""
    digest, size, count = blake2b(digest_size=8), 0, 0
    try:
        with cases.open("rb") as file:
            for raw in file:
                digest.update(raw)
                size += len(raw)
                count += not raw.isspace()
    except OSError as trouble:
        raise BadRecord(
            f"cannot read {cases}: {trouble.strerror}", do="give the path of a JSON Lines file of cases"
        ) from trouble
    if not count:
        raise BadRecord(f"{cases} is empty", do="it should hold one case a line, as JSON")
    return {"path": str(cases), "bytes": size, "digest": digest.hexdigest()}, count
