"""The command line: what it prints, and that whatever it can do needs no line changed for a new system."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic_core import from_json

from psyloom import __version__
from psyloom.cli import COMMANDS, app
from psyloom.errors import MissingExtra
from psyloom.records import Case, Dialogue, Label, Post, Session, Turn, read_jsonl, write_jsonl
from psyloom.records.dialogue import Element
from psyloom.systems import find_systems, make_role
from tests.runs.workshop import (
    CARD,
    ROOT,
    TALK,
    Ended,
    apart,
    case,
    cases,
    dialogues,
    environment,
    make_system,
    psyloom,
    server,
)

OWN = ("systems", "system", "cases", "run", "simulate", "annotate", "chat", "show", "schema", "doctor")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    try:
        helped = psyloom(name, "--help")
    except MissingExtra:
        pytest.skip("an optional part is not installed")
    assert helped.code == 0
    assert helped.out.startswith(f"Usage: psyloom {name} ")
    assert helped.err == ""


@pytest.mark.parametrize("name", OWN)
def test_every_option_says_what_it_does(name: str) -> None:
    command = app.get_command(click.Context(app), name)
    assert command
    assert command.help
    for option in command.params:
        assert isinstance(option, click.Argument) or option.help, f"{name} {option.opts[0]}"


HEAVY = {"aiohttp", "jinja2", "rich", "sqlite3", "uvloop", "asyncio", "numpy", "torch"}
HEAVY |= {f"psyloom.{floor}" for floor in ("agents", "systems", "runs", "judging", "curation", "training", "serving")}
GROUND = {"pydantic", "pydantic_core", "psyloom.records", "psyloom.llm", "psyloom.formats"}
OPTIONS_FROM_THE_GROUND = {"export", "practice"}  # the fields of ExportOptions, the styles of a label set


def helped(*words: str) -> tuple[str, set[str]]:
    """What is told, and what was loaded for it."""
    code = "import sys; from psyloom.cli import main\ntry: main(sys.argv[1:])\nfinally: print(*sys.modules)"
    words = (sys.executable, "-c", code, *words, "--help")
    told = subprocess.run(words, capture_output=True, text=True, env=environment(), check=True)
    return told.stdout, set(told.stdout.splitlines()[-1].split())


def test_help_lists_every_command_and_loads_nothing_heavy() -> None:
    told, loaded = helped()
    assert all(re.search(rf"^  {name}  +\S", told, re.MULTILINE) for name in COMMANDS)
    assert "psyloom.cli" in loaded
    assert not loaded & (HEAVY | GROUND)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_loads_nothing_heavy(name: str) -> None:
    told, loaded = helped(name)
    assert told.startswith(f"Usage: psyloom {name} ")
    assert not loaded & (HEAVY if name in OPTIONS_FROM_THE_GROUND else HEAVY | GROUND)


def test_psyloom_alone_shows_the_help() -> None:
    assert psyloom() == psyloom("--help")
    assert psyloom().code == 0


def test_the_version_is_told() -> None:
    assert psyloom("--version").out == f"psyloom {__version__}\n"


def slugs(*words: str) -> set[str]:
    ran = psyloom("systems", *words, "--json")
    assert ran.code == 0
    return {row["slug"] for row in json.loads(ran.out)}


def test_systems_are_listed_by_tag_role_and_language() -> None:
    cards = {slug: system.card for slug, system in find_systems().items()}
    assert slugs() == set(cards)
    assert (
        slugs("--tag", "specific therapy")
        == {s for s, card in cards.items() if "Specific Therapy" in card.tags}
        >= {"cactus"}
    )
    assert slugs("--role", "writer") == {s for s, card in cards.items() if "writer" in card.roles} >= {"cactus"}
    assert (
        slugs("--lang", "zh")
        == {s for s, card in cards.items() if "zh" in card.paper_languages}
        >= {"interactive_agents"}
    )
    assert slugs("--lang", "en", "--tag", "Specific Therapy", "--role", "client") >= {"cactus"}
    assert slugs("--tag", "Specific Therapy") & slugs("--tag", "Data Synthesis") >= {"cactus"}


def test_the_list_of_systems_holds_each_name_in_one_piece_and_its_summary_in_the_language_asked_for() -> None:
    listed = psyloom("systems").out
    for slug, system in find_systems().items():
        assert re.search(rf"^{slug}  {', '.join(system.card.roles)};", listed, re.MULTILINE)
    assert find_systems()["interactive_agents"].card.summary.zh in psyloom("systems", "--lang", "zh").out
    assert "no system fits" in psyloom("systems", "--lang", "zh", "--tag", "no such tag").out


def test_one_system_is_shown_with_its_options_and_with_what_is_the_papers_and_what_is_ours() -> None:
    shown = psyloom("system", "cactus").out
    card = find_systems()["cactus"].card
    for text in (card.title, card.summary.en, *card.paper, *card.defaults, *card.departures, '--set attitude="case"'):
        assert text in shown
    assert card.summary.zh in psyloom("system", "cactus", "--lang", "zh").out
    assert " et al. ACL 2024" in psyloom("system", "escot").out


@pytest.mark.parametrize("slug", find_systems())
def test_every_system_is_shown_as_json_that_holds_its_card_and_its_options(slug: str) -> None:
    facts = json.loads(psyloom("system", slug, "--json").out)
    assert facts["slug"] == slug
    assert facts["title"] == find_systems()[slug].card.title
    assert set(facts["options"]) == set(facts["roles"])
    assert all(
        {"default", "description"} == set(option) for role in facts["options"].values() for option in role.values()
    )


def test_bundled_cases_are_printed_as_json_lines(tmp_path: Path) -> None:
    for more, langs in (((), {"zh", "en"}), (("--lang", "zh"), {"zh"})):
        (tmp_path / "cases.jsonl").write_text(psyloom("cases", "interactive_agents", *more).out, "utf-8")
        assert {case.lang for case in read_jsonl(tmp_path / "cases.jsonl", Case)} == langs


def test_a_schema_accepts_the_bundled_records_and_refuses_others(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    psyloom("run", "interactive_agents", cases(tmp_path / "c.jsonl", 2), "--out", tmp_path / "out", *TALK)
    lines = {
        "case": psyloom("cases", "cactus").out.splitlines(),
        "dialogue": (tmp_path / "out" / "dialogues.jsonl").read_text("utf-8").splitlines(),
    }
    for kind, records in lines.items():
        schema = json.loads(psyloom("schema", kind).out)
        jsonschema.Draft202012Validator.check_schema(schema)
        for record in map(json.loads, records):
            jsonschema.validate(record, schema)
            for wrong in (record | {"lang": "fr"}, record | {"nonsense": 1}, record | {"psyloom": "rating/1"}):
                with pytest.raises(jsonschema.ValidationError):
                    jsonschema.validate(wrong, schema)
    assert "psyloom" in json.loads(psyloom("schema", "rating").out)["properties"]


def test_a_run_says_what_it_made_and_where(tmp_path: Path) -> None:
    words = ("run", "interactive_agents", cases(tmp_path / "c.jsonl", 3), "--out", tmp_path / "out", *TALK)
    told = psyloom(*words).out
    assert re.match(r"3 dialogues, 0 failures; \d+ calls, 0\.0000 USD, \d+\.\d s\n", told)
    one = psyloom("run", "interactive_agents", cases(tmp_path / "one.jsonl", 1), "--out", tmp_path / "one", *TALK)
    assert one.out.startswith("1 dialogue, 0 failures; ")
    assert "1 dialogue, 0 failures" in (tmp_path / "one" / "report.html").read_text("utf-8")
    assert f"psyloom show {tmp_path / 'out'}" in told
    assert str(tmp_path / "out" / "report.html") in told
    facts = json.loads(psyloom(*words, "--json").out)
    assert (facts["dialogues"], facts["failures"], facts["calls"], facts["stopped"]) == (3, 0, 0, None)
    assert {
        "out",
        "report",
        "replayed",
        "cost_usd",
        "tokens_in",
        "tokens_out",
        "seconds",
        "reasons",
        "examples",
    } <= set(facts)


def test_a_stopped_run_prints_its_json_too(tmp_path: Path) -> None:
    words = ("run", "interactive_agents", cases(tmp_path / "c.jsonl", 3), "--out", tmp_path / "out", *TALK)
    stopped = psyloom(*words, "--max-calls", 3, "--json")
    assert stopped.code == 1
    assert json.loads(stopped.out)["stopped"] == "the budget of 3 calls is spent"
    assert json.loads(stopped.out)["calls"] == 3


def test_any_counselor_talks_with_any_client_each_with_its_own_options(tmp_path: Path) -> None:
    pair = ("--counselor", "interactive_agents", "--client", "cactus")
    sets = ("--set", "max_exchanges=2", "--set", "counselor.longest=50", "--set", "client_sees_full_record=true")
    (tmp_path / "c.jsonl").write_text(psyloom("cases", "cactus").out, "utf-8")
    ran = psyloom("simulate", *pair, tmp_path / "c.jsonl", "--out", tmp_path / "out", *sets, "--derive")
    assert ran.code == 0, ran.err
    for dialogue in dialogues(tmp_path / "out"):
        assert dialogue.lineage
        assert dialogue.lineage.roles == {"counselor": "interactive_agents", "client": "cactus"}
        assert dialogue.lineage.options == {
            "counselor": {"longest": 50}, "client": {"client_sees_full_record": True}, "max_exchanges": 2,
        }  # fmt: skip


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_prompts_can_be_of_another_language_than_the_case(tmp_path: Path, lang: str) -> None:
    words = (
        "run",
        "interactive_agents",
        cases(tmp_path / "c.jsonl", 2),
        "--out",
        tmp_path / "out",
        "--lang",
        lang,
        *TALK,
    )
    assert psyloom(*words).code == 0
    assert {dialogue.lang for dialogue in dialogues(tmp_path / "out")} == {lang}


def test_a_facet_that_a_case_lacks_is_named_and_can_be_derived(tmp_path: Path) -> None:
    pair = ("--counselor", "cactus", "--client", "cactus", "--set", "max_exchanges=2")
    words = ("simulate", *pair, cases(tmp_path / "c.jsonl", 2), "--out", tmp_path / "out")
    lacking = psyloom(*words)
    assert lacking.code == 1
    assert "2 x MissingFacet, first: case 'case-0' lacks intake" in lacking.out
    assert "use --derive" in lacking.out
    assert psyloom(*words, "--derive").code == 0
    for dialogue in dialogues(tmp_path / "out"):
        assert dialogue.case
        assert dialogue.case.derived == ["intake"]
        assert dialogue.case.intake


def chat_with(turns: list[Turn], **more: Any) -> Dialogue:
    return Dialogue(id=more.pop("id", "d1"), lang="en", sessions=[Session(turns=turns, **more)])


def test_show_prints_one_dialogue_with_labels_and_thoughts_and_lists_the_rest(tmp_path: Path) -> None:
    thought = [Element(name="plan", text="ask about [sleep]")]
    turn = Turn(
        speaker="counselor",
        text="How do you [b]sleep[/b]?",
        thought=thought,
        labels=[Label(set="none", id="open question")],
    )
    talk = [turn, Turn.client("睡不好。")]
    write_jsonl(tmp_path / "d.jsonl", [chat_with(talk, ended="limit"), chat_with([Turn.client("Hello")], id="d2")])
    shown = psyloom("show", tmp_path / "d.jsonl").out
    for text in (
        "d1",
        "Counselor",
        "How do you [b]sleep[/b]?",
        "open question",
        "plan: ask about [sleep]",
        "睡不好。",
        "(limit)",
    ):
        assert text in shown
    assert "2 dialogues" in shown
    assert "plan" not in psyloom("show", tmp_path / "d.jsonl", "--no-thoughts").out
    assert "Hello" in psyloom("show", tmp_path / "d.jsonl", "d2").out
    assert "Hello" not in shown


def test_show_prints_why_labels_and_steps_were_given_on_which_words_and_by_whom(tmp_path: Path) -> None:
    told: dict[str, Any] = {"evidence": "No [sleep].", "origin": "inferred"}
    why = Label(set="psyinsight_explanation", id="observation", by="one", reason="He is tired.", **told)
    coded = Label(set="client_reaction", id="extending", by="two", evidence="No [sleep].")
    step = Element(name="emotion", text="He feels worn out.", by="two", **told)
    theme = Label(set="psyinsight_explanation", id="theme", by="one", reason="Nights", origin="source")
    turns = [Turn.client("No [sleep].", [why, coded]), Turn(speaker="counselor", text="I see.", thought=[step])]
    write_jsonl(tmp_path / "d.jsonl", [chat_with(turns, labels=[theme])])
    shown = psyloom("show", tmp_path / "d.jsonl").out
    for text in (
        "one: Observation: He is tired. [inferred: “No [sleep].”]", "two: Extending [“No [sleep].”]",
        "two: emotion: He feels worn out. [inferred: “No [sleep].”]", "one: Theme: Nights [source]",
    ):  # fmt: skip
        assert text in " ".join(shown.split())
    plain = psyloom("show", tmp_path / "d.jsonl", "--no-reasons").out
    assert "two: Extending" in plain
    assert "He feels worn out." in plain
    assert "[inferred" not in plain
    assert "He is tired." not in plain
    assert "one: Theme" in plain
    assert "Nights" not in plain


def test_show_with_notes_prints_the_steps_to_a_reply_the_candidates_and_earlier_versions(tmp_path: Path) -> None:
    steps = [{"agent": "empathy", "text": "Say what hurts.", "method": "unicast", "targets": [2]}]
    turn = Turn.counselor("That hurt.", steps=steps, candidates=[{"from": "plain", "text": "I see.", "chosen": False}])
    earlier = [{"feedback": "Ask first.", "session": {"turns": [{"speaker": "counselor", "text": "Bye then."}]}}]
    told = chat_with([Turn.client("They laughed."), turn])
    told.extra["earlier"] = earlier
    write_jsonl(tmp_path / "d.jsonl", [told])
    kept = ("empathy: Say what hurts.", "method: unicast", "• 2", "plain: I see.", "chosen: false", "feedback: Ask first.",
            "counselor: Bye then.")  # fmt: skip
    shown, short = psyloom("show", tmp_path / "d.jsonl", "--notes").out, psyloom("show", tmp_path / "d.jsonl").out
    assert [text for text in kept if text not in shown] == []
    assert [text for text in kept if text in short] == []
    assert "--notes shows all of it" in short


def test_show_reads_a_run_folder(tmp_path: Path) -> None:
    psyloom("run", "interactive_agents", cases(tmp_path / "c.jsonl", 2, "zh"), "--out", tmp_path / "out", *TALK)
    assert "来访者" in psyloom("show", tmp_path / "out").out
    assert "interactive_agents, rehearsal" in psyloom("show", tmp_path / "out", "case-1").out


def test_doctor_tells_keys_and_never_shows_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("PSYLOOM_API_KEY", "sk-secret")
    monkeypatch.setenv("ZHIPUAI_API_KEY", "  ")
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)
    told, facts = psyloom("doctor"), psyloom("doctor", "--json")
    assert told.code == 0
    assert "openai: OPENAI_API_KEY is set" in told.out
    assert "PSYLOOM_API_KEY is set" in told.out
    assert "deepseek: DEEPSEEK_API_KEY is not set" in told.out
    assert "zhipu: ZHIPUAI_API_KEY is not set" in told.out, "connecting strips it, and nothing is left"
    assert "sk-secret" not in told.out + facts.out
    assert json.loads(facts.out)["keys"]["openai"] is True


def test_doctor_tells_of_every_extra_whether_all_of_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    from psyloom.cli import doctor

    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    monkeypatch.setattr(doctor, "_there", lambda package: package != "torch")
    found = json.loads(psyloom("doctor", "--json").out)["extras"]
    assert found == {name: name != "train" for name in extras}


def test_doctor_asks_a_model_one_question(tmp_path: Path) -> None:
    assert "rehearsal: reachable, structured answers: schema" in psyloom("doctor", "--model", "rehearsal").out
    with server(tmp_path) as (url, log):
        asked = psyloom("doctor", "--model", f"{url}#tiny")
        assert asked.code == 0
        assert "reachable, structured answers: unreliable" in asked.out, "this server answers in words"
        assert len(log.read_text().splitlines()) == 1


def test_output_may_be_cut_short_by_its_reader(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "d.jsonl", (chat_with([Turn.client("I cannot sleep. " * 50)] * 50, id=f"d{n}") for n in range(20))
    )
    make_system(tmp_path)
    [home] = tmp_path.glob("mirror*")
    write_jsonl(home / "cases.jsonl", (case(n) for n in range(3000)))
    for words in (("--systems", home, "cases", home.name), ("show", tmp_path / "d.jsonl")):
        run = subprocess.Popen(
            [sys.executable, "-m", "psyloom", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        assert run.stdout
        assert run.stdout.readline()
        run.stdout.close()
        assert run.stderr
        assert run.stderr.read() == b""
        run.stderr.close()
        run.wait(20)


# A seventh system, somewhere else: no line outside its folder knows of it.


def own(tmp_path: Path, *words: object, **more: Any) -> Ended:
    return psyloom("--systems", tmp_path / "systems", *words, **more)


def test_a_system_in_a_folder_of_ones_own_does_all_that_the_bundled_ones_do(tmp_path: Path) -> None:
    slug, out = make_system(tmp_path / "systems"), tmp_path / "out"
    assert f"{slug}  counselor, client, annotator; en; Mirrors" in own(tmp_path, "systems", "--tag", "mirrors").out
    assert slug in own(tmp_path, "systems", "--json").out
    assert '--set mood="calm"  how the client feels' in own(tmp_path, "system", slug).out
    (tmp_path / "c.jsonl").write_text(own(tmp_path, "cases", slug).out, "utf-8")

    short = ("--set", "max_exchanges=2")
    assert own(tmp_path, "run", slug, tmp_path / "c.jsonl", "--out", out, "--set", "mood=angry", *short).code == 0
    assert [d.lineage and d.lineage.options["client"] for d in dialogues(out)] == [{"mood": "angry"}] * 2
    prompts = [
        from_json(line)["calls"][0]["messages"][0]["content"]
        for line in (out / "traces.jsonl").read_bytes().splitlines()
    ]
    assert "angry Since move number 1" in prompts[0]
    assert "angry 自从第2次搬家" in prompts[1]

    rich = [one for one in read_jsonl(find_systems()["cactus"].cases(), Case) if one.intake]
    write_jsonl(tmp_path / "cactus.jsonl", (one.model_copy(update={"post": case(1).post}) for one in rich))
    for counselor, client, file in ((slug, "cactus", "cactus.jsonl"), ("interactive_agents", slug, "c.jsonl")):
        pair = ("--counselor", counselor, "--client", client, *short)
        ran = own(tmp_path, "simulate", *pair, tmp_path / file, "--out", tmp_path / f"{counselor} {client}")
        assert ran.code == 0, ran.out + ran.err
        assert " 0 failures" in ran.out

    chat = own(tmp_path, "chat", f"client:{slug}", typed="What brings you here?\n")
    assert chat.code == 0
    assert "client: " in chat.out
    labelled = own(tmp_path, "annotate", slug, out / "dialogues.jsonl", "--out", tmp_path / "labelled")
    assert labelled.code == 0
    assert "mirrored" in (tmp_path / "labelled" / "dialogues.jsonl").read_text("utf-8")


def test_the_folder_may_also_be_the_systems_own_or_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = make_system(tmp_path)
    assert slug in psyloom("--systems", tmp_path / slug, "systems").out
    assert slug not in psyloom("systems").out
    monkeypatch.setenv("PSYLOOM_SYSTEMS", str(tmp_path))
    assert slug in psyloom("systems").out
    monkeypatch.undo()


def test_a_system_of_an_installed_package_is_found_through_its_entry_point(tmp_path: Path) -> None:
    slug = make_system(tmp_path)
    package = (tmp_path / slug).rename(tmp_path / "plugged_in")
    (package / "__init__.py").touch()
    info = tmp_path / "plugged_in-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugged_in\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[psyloom.systems]\nplugged_in = plugged_in\n")
    env = environment()
    env["PYTHONPATH"] += f":{tmp_path}"
    assert "plugged_in  counselor, client" in apart("systems", env=env).out
    ran = apart(
        "run", "plugged_in", package / "cases.jsonl", "--out", tmp_path / "out", "--set", "max_exchanges=2", env=env
    )
    assert ran.code == 0, ran.err
    assert {d.lineage and d.lineage.system for d in dialogues(tmp_path / "out")} == {"plugged_in"}


def test_a_role_may_be_that_of_another_system(tmp_path: Path) -> None:
    slug = make_system(
        tmp_path / "systems", card=CARD.replace('"MirrorCounselor"', '"interactive_agents.InteractiveCounselor"')
    )
    ran = own(tmp_path, "run", slug, cases(tmp_path / "c.jsonl", 2), "--out", tmp_path / "out", *TALK)
    assert ran.code == 0
    [made, _] = [dialogue.lineage for dialogue in dialogues(tmp_path / "out")]
    assert made
    assert made.roles == {"counselor": "interactive_agents", "client": slug}


def test_progress_is_told_on_a_terminal_and_elsewhere() -> None:
    from psyloom.cli.progress import Bar
    from psyloom.runs import Progress

    bar = Bar()
    line = bar._line(Progress(200, done=50, failed=2, calls=900, cost=1.25, seconds=10.0, fresh=20))
    assert line == "50/200 cases  2 failed  2.00/s  900 calls  1.250 USD  1:15 left"
    assert bar._line(Progress(None, done=3, cost=None)) == "3 cases  0.00/s  0 calls  ? USD  ? left"


def test_show_cuts_the_case_and_the_notes_to_a_line_each_and_shows_all_when_asked(tmp_path: Path) -> None:
    long = (
        "He looks at the window for a long time before he says anything at all, and then he says very little. The end."
    )
    notes: dict[str, Any] = {
        "plan": {"first_goals": [long, "sleep"], "none": []},
        "mode": "zero-shot",
        "cbt_technique": "alternative_perspective",
    }
    post = Case(id="c", lang="en", post=Post(text=f"{long} So I wrote here."))
    write_jsonl(
        tmp_path / "d.jsonl", [chat_with([Turn.client("Hello")], notes=notes).model_copy(update={"case": post})]
    )
    brief = psyloom("show", tmp_path / "d.jsonl").out
    assert [line.split(":")[0].strip() for line in brief.splitlines() if ": " in line][:3] == [
        "case",
        "plan",
        "mode",
    ]
    assert "cbt technique: Alternative Perspective" in brief
    assert "The end." not in brief
    assert "--notes" in brief
    whole = psyloom("show", tmp_path / "d.jsonl", "--notes").out
    for text in (
        "post:",
        "first goals:",
        "• He looks",
        "• sleep",
        "none: –",
        "The end. So I wrote here.",
        "mode: zero-shot",
    ):
        assert text in " ".join(whole.split())
    assert "--notes" not in whole


@pytest.mark.parametrize("system", ["escot", "intentionesc"])
def test_annotating_says_when_there_was_nothing_to_annotate_and_why_however_often_it_is_started(
    system: str, tmp_path: Path
) -> None:
    talk = [Turn.client("Hello"), Turn.client("I am sad."), Turn.counselor("How come?")]
    ready = [*talk[:2], Turn.counselor("How come?", [Label(set="esconv_strategy", id="question")])]
    write_jsonl(tmp_path / "dialogues.jsonl", [chat_with(talk), chat_with(ready).model_copy(update={"id": "ready"})])
    for _ in range(2):
        told = psyloom("annotate", system, tmp_path, "--out", tmp_path / "made")
        assert f"nothing to annotate in 1 of 2 dialogues: {make_role(system, 'annotator').idle}" in told.out
    counted = json.loads(psyloom("annotate", system, tmp_path, "--out", tmp_path / "made", "--json").out)
    assert counted["idle"].startswith("nothing to annotate in 1 of 2")
    write_jsonl(tmp_path / "dialogues.jsonl", [chat_with(ready)])
    assert "nothing to annotate" not in psyloom("annotate", system, tmp_path, "--out", tmp_path / "all").out


def test_every_command_that_reads_dialogues_takes_a_run_folder(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "dialogues.jsonl", [chat_with([Turn.client("Hello"), Turn.counselor("Hi")])])
    out = ("--out", tmp_path / "made")
    for words in (
        ("show", tmp_path), ("export", tmp_path, "--to", "sharegpt", "--out", tmp_path / "made.json"),
        ("annotate", "escot", tmp_path, *out), ("reply", "--counselor", "cactus", tmp_path, "--out", tmp_path / "replies"),
    ):  # fmt: skip
        ended = psyloom(*words)
        assert "regular file" not in ended.err
        assert ended.code == 0 or "lacks" in ended.out, ended
