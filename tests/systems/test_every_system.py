"""What holds for every system, whoever writes it: adding a folder adds its tests."""

import re
from itertools import product
from pathlib import Path

import pytest

from psyloom.agents import Annotator, Pairing, Writer
from psyloom.agents.prompts import load_prompt, prompts_in
from psyloom.records import FACETS, Case, Dialogue, Session, read_jsonl
from psyloom.runs import run_cases, writer_for
from psyloom.runs.engine import Work, roles_of
from psyloom.systems import find_systems, make_role
from tests.canary import a_dialogue, canary_case, faults_of_sight, leaves_of, widened

SYSTEMS = find_systems()
LANGS = ("zh", "en")
OPENED = {"cadss": {"closed": False}}  # a canary is in no list of labels


def works() -> list[tuple[str, Work]]:
    """Everything that can be run: writers, annotators, and each system's own pairing."""
    found: list[tuple[str, Work]] = []
    for slug, system in SYSTEMS.items():
        roles = system.card.roles
        if "writer" in roles:
            found.append((f"{slug} writer", writer_for(slug, OPENED.get(slug))))
        if {"counselor", "client"} <= set(roles):
            talkers = Pairing(counselor=make_role(slug, "counselor"), client=make_role(slug, "client"), max_exchanges=3)
            found.append((f"{slug} pairing", talkers))
        if "annotator" in roles:
            annotator = make_role(slug, "annotator")
            assert isinstance(annotator, Annotator)
            found.append((f"{slug} annotator", annotator))
    return found


WORKS = works()


def short(value: object) -> str:
    return value if isinstance(value, str) else ""


def subject(work: Work, lang: str) -> Dialogue | None:
    return (
        Dialogue(id="d", lang=lang, sessions=[Session(turns=a_dialogue(lang))]) if isinstance(work, Annotator) else None
    )


@pytest.mark.parametrize("slug", SYSTEMS)
def test_the_card_says_whose_the_system_is_and_what_of_it_is_ours(slug: str) -> None:
    card = SYSTEMS[slug].card
    assert card.title
    assert card.ids
    assert card.tags
    assert card.paper
    assert card.defaults
    assert re.search(r"[\u4e00-\u9fff]", card.summary.zh)
    assert card.summary.en.isascii() or "Ψ" in card.summary.en
    assert all(SYSTEMS[slug].role(role).__doc__ for role in card.roles)
    speaks = bool({"counselor", "writer"} & set(card.roles))
    assert bool(card.system_prompt.en) == speaks == bool(re.search(r"[\u4e00-\u9fff]", card.system_prompt.zh))


@pytest.mark.parametrize("slug", SYSTEMS)
def test_every_option_says_what_it_does(slug: str) -> None:
    for role in SYSTEMS[slug].card.roles:
        for name, field in SYSTEMS[slug].role(role).model_fields.items():
            assert field.description, f"{slug}:{role} {name}"


def prompt_names() -> list[tuple[Path, str]]:
    folders = [system.folder / "prompts" for system in SYSTEMS.values()]
    return [
        (folder, name) for folder in folders for name in sorted({p.name.split(".")[0] for p in folder.glob("*.md")})
    ]


@pytest.mark.parametrize(("folder", "name"), prompt_names(), ids=lambda v: v if isinstance(v, str) else v.parent.name)
def test_the_twins_of_a_prompt_use_the_same_words_and_the_same_settings(folder: Path, name: str) -> None:
    if name.startswith("_"):
        assert {p.name.split(".")[1] for p in folder.glob(f"{name}.*.md")} == set(LANGS)
        return
    zh, en = load_prompt(folder, name, "zh"), load_prompt(folder, name, "en")
    assert zh.slots == en.slots
    assert zh.front == en.front
    assert [section.role for section in zh.sections] == [section.role for section in en.sections]


@pytest.mark.parametrize("slug", SYSTEMS)
def test_chinese_prompts_are_chinese_and_english_prompts_are_english(slug: str) -> None:
    for prompt in prompts_in(SYSTEMS[slug].folder / "prompts"):
        words = re.sub(
            r"\{[{%].*?[%}]\}|^\+\+\+.*?^\+\+\+", "", prompt.path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE
        )
        chinese = len(re.findall(r"[\u4e00-\u9fff]", words))
        if not re.sub(r"# (?:system|user|talk)|\s", "", words):
            continue  # nothing but included parts
        assert (chinese > len(words) / 4) == (prompt.lang == "zh"), f"{prompt.path.name}: {chinese} of {len(words)}"


@pytest.mark.parametrize("slug", SYSTEMS)
def test_the_bundled_cases_are_valid_and_in_both_languages(slug: str) -> None:
    cases = list(read_jsonl(SYSTEMS[slug].cases(), Case))
    assert 3 <= len(cases) <= 6
    assert {case.lang for case in cases} == set(LANGS)
    assert all(case.source and case.source.licence == "Apache-2.0" for case in cases)


@pytest.mark.parametrize(("name", "work", "lang"), [(n, w, lang) for (n, w), lang in product(WORKS, LANGS)], ids=short)
async def test_no_agent_reads_what_it_may_not_see_and_none_may_see_what_it_does_not_read(
    name: str, work: Work, lang: str
) -> None:
    assert await faults_of_sight(work, lang, subject(work, lang)) == []


@pytest.mark.parametrize(("name", "work"), WORKS, ids=short)
async def test_widening_any_entry_of_a_sight_is_found_out(name: str, work: Work) -> None:
    for kind, role in roles_of(work).items():
        for agent, seen in type(role).sight.items():
            hidden = next((f for f in FACETS if f not in {s.split(".")[0] for s in seen}), None)
            if hidden is None:
                continue
            wider = widened(role, agent, hidden)
            tampered = work.model_copy(update={kind: wider}) if isinstance(work, Pairing) else wider
            faults = await faults_of_sight(tampered, "en", subject(work, "en"))
            asked = await agents_of(work)
            if agent in asked:
                assert any(f.startswith(f"{agent} may see {hidden}") for f in faults), f"{name}: {agent} + {hidden}"


async def agents_of(work: Work) -> set[str]:
    """The agents that a default run asks."""
    from psyloom.agents import Ask, Desk, Models
    from tests.canary import Listening

    model, case = Listening(), canary_case("en")
    dialogue = subject(work, "en")
    desk = Desk.for_case(case, Models({"": model})) if dialogue is None else Desk(dialogue, case, Models({"": model}))
    await (work.write(case, Ask(desk, work)) if isinstance(work, Writer) else work.annotate(dialogue, Ask(desk, work)))
    return set(model.shown)


def test_the_canary_case_marks_every_text_of_every_facet() -> None:
    marked = leaves_of(canary_case("en"))
    assert {path.split(".")[0] for path in marked} == set(FACETS)
    assert {
        "intake.reason",
        "cognition.core_beliefs.helpless",
        "cognition.situations.emotions",
        "post.answers.text",
    } <= marked


@pytest.mark.parametrize("slug", [slug for slug, s in SYSTEMS.items() if {"writer", "counselor"} & set(s.card.roles)])
async def test_its_own_cases_become_dialogues_in_both_languages(slug: str, tmp_path: Path) -> None:
    summary = await run_cases(slug, SYSTEMS[slug].cases(), tmp_path / "run")
    assert summary.failures == 0, (tmp_path / "run/failures.jsonl").read_text()
    dialogues = list(read_jsonl(tmp_path / "run/dialogues.jsonl", Dialogue))
    assert len(dialogues) == sum(1 for _ in read_jsonl(SYSTEMS[slug].cases(), Case))
    for dialogue in dialogues:
        assert dialogue.lineage
        assert dialogue.lineage.rehearsal
        assert len(dialogue.turns) >= 2
        chinese = sum(bool(re.search(r"[\u4e00-\u9fff]", turn.text)) for turn in dialogue.turns)
        assert (chinese > len(dialogue.turns) / 2) == (dialogue.lang == "zh")
