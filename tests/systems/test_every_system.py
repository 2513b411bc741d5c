"""What holds for every system, whoever writes it: adding a folder adds its tests."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from psyloom.agents import Annotator, Ask, Desk, Models, Pairing, Writer
from psyloom.agents.prompts import load_prompt, prompts_in
from psyloom.knowledge import label_set
from psyloom.records import FACETS, Case, Dialogue, Lang, Session, read_jsonl
from psyloom.runs import pair, run_cases, writer_for
from psyloom.runs.engine import Work, roles_of
from psyloom.systems import find_systems, make_role
from tests.canary import Listening, a_dialogue, canary_case, faults_of_sight, leaves_of, widened

SYSTEMS = find_systems()
LANGS = ("zh", "en")
OPENED = {"cadss": {"closed": False}, "psyaug": {"other_topics": True}}  # a canary is in no list of labels or topics


# What wakes the agents that a default run of a system does not ask: (system, role, options, what the case lacks).
WOKEN: list[tuple[str, str, dict[str, object], tuple[str, ...]]] = [
    ("amie", "writer", {}, ("clinical.complaint", "clinical.present_illness")),
    ("amie", "writer", {"mental_health": True}, ()),
    ("amie", "pairing", {"counselor.mental_health": True, "client.mental_health": True}, ()),
    ("amie", "pairing", {"client.knows_diagnosis": True}, ()),
    ("cactus", "writer", {"score": True}, ()),
    ("cactus", "writer", {}, ("intake",)),
    ("cactus", "pairing", {"client.client_sees_full_record": True}, ()),
    ("cadss", "writer", OPENED["cadss"], ("scenario.situation",)),
    ("catch", "writer", {}, ("personality",)),
    ("cpsycoun", "writer", {"classify": True}, ()),
    ("diacbt", "writer", {"how": "talk", "sessions": 1, "samples": 1}, ("cognition",)),
    ("emollm", "writer", {}, ()),
    ("escot", "writer", {}, ("scenario.situation",)),
    ("interactive_agents", "pairing", {"counselor.rivals": ["guest:plain"]}, ()),
    ("mdd5k", "pairing", {"client.verify": True}, ()),
    ("mindchat", "writer", {"interactive": True}, ()),
    ("mindchat", "pairing", {"counselor.assess": "guilt", "max_exchanges": 6}, ()),
    ("notechat", "writer", {"extractor": "llm"}, ()),
    ("notechat", "writer", {"single_prompt": True}, ()),
    ("patient_psi", "pairing", {"client.baseline": True}, ()),
    ("psychat", "pairing", {"counselor.strategist": "llm"}, ()),
    ("psydial", "writer", {"profile": True}, ()),
    ("psydt", "writer", {}, ("personality",)),
]


def pairing(slug: str, options: Mapping[str, object] | None = None) -> Pairing:
    """A system's two sides; who is alone meets the baseline or the client of Interactive Agents."""
    roles = SYSTEMS[slug].card.roles
    sides = slug if "counselor" in roles else "plain", slug if "client" in roles else "interactive_agents"
    return pair(*sides, {"max_exchanges": 3, **(options or {})})


def works() -> list[tuple[str, Work, tuple[str, ...]]]:
    """Everything that can be run, with what its case lacks: writers, annotators, pairings, and what is woken."""
    found: list[tuple[str, Work, tuple[str, ...]]] = []
    for slug, system in SYSTEMS.items():
        roles = system.card.roles
        if "writer" in roles:
            found.append((f"{slug} writer", writer_for(slug, OPENED.get(slug)), ("extra.book",)))
        if {"counselor", "client"} & set(roles):
            found.append((f"{slug} pairing", pairing(slug), ()))
        if "annotator" in roles:
            annotator = make_role(slug, "annotator")
            assert isinstance(annotator, Annotator)
            found.append((f"{slug} annotator", annotator, ()))
    for slug, role, options, without in WOKEN:
        work = pairing(slug, options) if role == "pairing" else make_role(slug, role, options)
        found.append((f"{slug} {role} {'+'.join((*options, *without))}", work, without))  # type: ignore[arg-type]
    return found


WORKS = works()


def short(value: object) -> str:
    return value if isinstance(value, str) else ""


def subject(work: Work, lang: Lang) -> Dialogue | None:
    """A dialogue for an annotator, with the labels and notes of those who write about labelled talks."""
    if not isinstance(work, Annotator):
        return None
    session = Session(turns=a_dialogue(lang), notes={"consultation_target": "sleep"})
    known = {"escot_strategy": "question", "esconv_strategy": "question", "catch_stage": "target"}
    for turn in session.turns[2::2]:
        turn.labels = [label_set(name).label(word) for name, word in known.items()]
    return Dialogue(id="d", lang=lang, sessions=[session])


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
        words = re.sub(r"^# (?:system|user|talk)$|\s", "", words, flags=re.MULTILINE)
        if not words:
            continue  # nothing but included parts
        chinese = len(re.findall(r"[\u4e00-\u9fff]", words))
        assert (chinese > len(words) / 4) == (prompt.lang == "zh"), f"{prompt.path.name}: {chinese} of {len(words)}"


@pytest.mark.parametrize("slug", SYSTEMS)
def test_the_bundled_cases_are_valid_and_in_both_languages(slug: str) -> None:
    cases = list(read_jsonl(SYSTEMS[slug].cases(), Case))
    assert 3 <= len(cases) <= 6
    assert {case.lang for case in cases} == set(LANGS)
    assert all(case.source and case.source.licence == "Apache-2.0" for case in cases)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize(("name", "work", "without"), WORKS, ids=short)
async def test_no_agent_reads_what_it_may_not_see_and_none_may_see_what_it_does_not_read(
    name: str, work: Work, without: tuple[str, ...], lang: Lang
) -> None:
    assert await faults_of_sight(work, canary_case(lang, without), subject(work, lang)) == []


@pytest.mark.parametrize("slug", SYSTEMS)
async def test_every_agent_of_a_system_is_asked_where_sight_is_tested(slug: str) -> None:
    prompts = prompts_in(SYSTEMS[slug].folder / "prompts")
    asked = [await agents_of(work, without) for name, work, without in WORKS if name.split()[0] == slug]
    assert {prompt.front.agent for prompt in prompts} - set().union(*asked) == set()


@pytest.mark.parametrize(("name", "work", "without"), WORKS, ids=short)
async def test_widening_any_entry_of_a_sight_is_found_out(name: str, work: Work, without: tuple[str, ...]) -> None:
    for kind, role in roles_of(work).items():
        for agent, seen in role.seen_by().items():
            hidden = next((f for f in FACETS if f not in {s.split(".")[0] for s in seen}), None)
            if hidden is None:
                continue
            wider = widened(role, agent, hidden)
            tampered = work.model_copy(update={kind: wider}) if isinstance(work, Pairing) else wider
            faults = await faults_of_sight(tampered, canary_case("en", without), subject(work, "en"))
            asked = await agents_of(work, without)
            if agent in asked:
                assert any(f.startswith(f"{agent} may see {hidden}") for f in faults), f"{name}: {agent} + {hidden}"


async def agents_of(work: Work, without: tuple[str, ...]) -> set[str]:
    """The agents that a run asks."""
    model, case = Listening(), canary_case("en", without)
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
    assert len({dialogue.id for dialogue in dialogues}) == len(dialogues)
    wanted = {case.id for case in read_jsonl(SYSTEMS[slug].cases(), Case)}
    assert {dialogue.case.id for dialogue in dialogues if dialogue.case} == wanted, "a case may give several dialogues"
    for dialogue in dialogues:
        assert dialogue.lineage
        assert dialogue.lineage.rehearsal
        assert len(dialogue.turns) >= 2
        chinese = sum(bool(re.search(r"[\u4e00-\u9fff]", turn.text)) for turn in dialogue.turns)
        assert (chinese > len(dialogue.turns) / 2) == (dialogue.lang == "zh")
