"""What holds for every system, whoever writes it: adding a folder adds its tests."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from psyloom.agents import Annotator, Pairing, Role
from psyloom.agents.prompts import load_prompt, prompts_in
from psyloom.knowledge import label_set
from psyloom.records import FACETS, Case, Dialogue, Lang, Session, read_jsonl
from psyloom.runs import pair, run_cases, writer_for
from psyloom.runs.engine import Work, roles_of
from psyloom.systems import find_systems, make_role
from tests.canary import Heard, a_dialogue, canary_case, faults_in, hear, leaves_of, widened

SYSTEMS = find_systems()
LANGS = ("zh", "en")
# What a run of the canary needs: it is in no list of labels or topics, and a small part of a plan shows it as well.
OPENED = {"cadss": {"closed": False}, "diacbt": {"share": 0.1}, "psyaug": {"other_topics": True}}
PASSAGES = Path(tempfile.gettempdir()) / f"psyloom-passages-{os.getpid()}"
NOT_ASKED = {"deeppsy/record"}  # what a training example reads instead of a case


class Woken(NamedTuple):
    """What wakes the agents and prompts that a default run of a system leaves asleep.

    without: what the case lacks; changes: see `Listening`.
    """

    slug: str
    role: str
    options: Mapping[str, Any] = {}
    without: tuple[str, ...] = ()
    changes: Mapping[str, Mapping[str, Any]] = {}


WOKEN = [
    Woken("amie", "writer", without=("clinical.complaint", "clinical.present_illness")),
    Woken("amie", "writer", {"passages": str(PASSAGES)}, ("clinical.complaint", "clinical.present_illness")),
    Woken("amie", "writer", {"mental_health": True}),
    Woken("amie", "pairing", {"counselor.mental_health": True, "client.mental_health": True}),
    Woken("amie", "pairing", {"client.knows_diagnosis": True}),
    Woken("autocbt", "pairing", {"counselor.mode": "generation"}),
    Woken("autocbt", "pairing", {"counselor.mode": "prompt_cbt"}),
    Woken("cactus", "writer", {"score": True}),
    Woken("cactus", "writer", without=("intake",)),
    Woken("cactus", "pairing", {"client.client_sees_full_record": True}),
    Woken("cadss", "writer", OPENED["cadss"], ("scenario.situation",)),
    Woken("catch", "writer", without=("personality",)),
    Woken("cpsycoun", "writer", {"classify": True}),
    Woken("diacbt", "writer", {"how": "talk", "sessions": 2, "samples": 1, "max_exchanges": 4}, ("cognition",)),
    Woken("emollm", "writer"),
    Woken("escot", "writer", without=("scenario.situation",)),
    Woken("intentionesc", "pairing", {"counselor.mode": "stepwise", "counselor.check_expectation": True}),
    Woken("intentionesc", "annotator", changes={"verify": {"reply_carries_out": False}}),
    Woken("interactive_agents", "pairing", {"counselor.rivals": ["guest:plain"]}),
    Woken("interactive_agents", "pairing", {"sessions": 2}),
    Woken("mdd5k", "pairing", {"client.verify": True}),
    Woken("mdd5k", "pairing", {"max_exchanges": 60}),
    Woken("mdd5k", "pairing", {"max_exchanges": 60, "counselor.batch_duplicates": True}),
    Woken("mdd5k", "pairing", {"counselor.direct": True}),
    Woken("mindchat", "writer", {"interactive": True}),
    Woken("mindchat", "pairing", {"counselor.assess": "guilt", "max_exchanges": 6}),
    Woken("mindchat", "pairing", {"counselor.assess": "guilt"}, changes={"assess": {"risk": True}}),
    Woken("notechat", "writer", {"extractor": "llm"}),
    Woken("notechat", "writer", {"single_prompt": True}),
    Woken("patient_psi", "pairing", {"client.baseline": True}),
    Woken("psychat", "pairing", {"counselor.mode": "simplified"}),
    Woken("psychat", "pairing", {"counselor.strategist": "llm"}),
    Woken("psydial", "writer", {"profile": True}),
    Woken("psydt", "writer", without=("personality",)),
    Woken(
        "psyinsight", "annotator", {"ocr": True}, changes={"extract": {"turns": []}, "therapy": {"label": "unknown"}}
    ),
    Woken("sudosys", "pairing", {"max_exchanges": 20, "counselor.closing": True}),
]


def pairing(slug: str, options: Mapping[str, object] | None = None) -> Pairing:
    """A system's two sides; who is alone meets the baseline or the client of Interactive Agents."""
    roles = SYSTEMS[slug].card.roles
    sides = slug if "counselor" in roles else "plain", slug if "client" in roles else "interactive_agents"
    return pair(*sides, {"max_exchanges": 3, **(options or {})})


class Run(NamedTuple):
    """Something that can be run, what its case lacks, and what is said in it that seldom is."""

    name: str
    work: Work
    without: tuple[str, ...] = ()
    changes: Mapping[str, Mapping[str, Any]] = {}

    @property
    def slug(self) -> str:
        return self.name.split()[0]

    async def heard(self, lang: Lang) -> Heard:
        """What the run showed; it is run once in each language."""
        if (self.name, lang) not in HEARD:
            HEARD[self.name, lang] = await self.hear(self.work, lang)
        return HEARD[self.name, lang]

    async def hear(self, work: Work, lang: Lang) -> Heard:
        return await hear(work, self.case(lang), subject(work, lang), self.changes)

    def case(self, lang: Lang) -> Case:
        return canary_case(lang, self.without)


HEARD: dict[tuple[str, Lang], Heard] = {}


def runs() -> Iterator[Run]:
    """Everything that can be run: writers, annotators, pairings, and what is woken."""
    for slug, system in SYSTEMS.items():
        roles = system.card.roles
        if "writer" in roles:
            yield Run(f"{slug} writer", writer_for(slug, OPENED.get(slug)), ("extra.book",))
        if {"counselor", "client"} & set(roles):
            yield Run(f"{slug} pairing", pairing(slug))
        if "annotator" in roles:
            yield Run(f"{slug} annotator", make_role(slug, "annotator"))  # type: ignore[arg-type]
    for slug, role, options, without, changes in WOKEN:
        work = pairing(slug, options) if role == "pairing" else make_role(slug, role, options)
        what = "+".join([*(f"{name}={value}" for name, value in options.items()), *without, *changes])
        yield Run(f"{slug} {role} {what}", work, without, changes)  # type: ignore[arg-type]


RUNS = list(runs())


def named(run: object) -> str:
    return run.name if isinstance(run, Run) else ""


@pytest.fixture(autouse=True, scope="module")
def passages() -> Iterator[None]:
    """What AMIE may read about the condition of the canary's case."""
    for name in (one.name for lang in LANGS for one in canary_case(lang).clinical.diagnoses):
        (PASSAGES / name).mkdir(parents=True, exist_ok=True)
        (PASSAGES / name / "symptoms1.txt").write_text("It comes and goes.")
    yield
    shutil.rmtree(PASSAGES)


def subject(work: Work, lang: Lang) -> Dialogue | None:
    """A dialogue for an annotator, with the labels and notes of those who write about labelled talks."""
    if not isinstance(work, Annotator):
        return None
    turns = a_dialogue(lang)
    sessions = [Session(turns=turns, notes={"consultation_target": "sleep"}), Session(turns=a_dialogue(lang)[1:])]
    known = {"escot_strategy": "question", "esconv_strategy": "question", "catch_stage": "target"}
    for turn in turns[2::2]:
        turn.labels = [label_set(name).label(word) for name, word in known.items()]
    return Dialogue(id="d", lang=lang, sessions=sessions)


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
@pytest.mark.parametrize("run", RUNS, ids=named)
async def test_no_agent_reads_what_it_may_not_see_and_none_may_see_what_it_does_not_read(run: Run, lang: Lang) -> None:
    assert faults_in((await run.heard(lang)).shown, run.work, leaves_of(run.case(lang))) == []


@pytest.mark.parametrize("slug", SYSTEMS)
async def test_every_prompt_of_a_system_is_rendered_where_sight_is_tested(slug: str) -> None:
    prompts = {f"{slug}/{prompt.name}.{prompt.lang}" for prompt in prompts_in(SYSTEMS[slug].folder / "prompts")}
    rendered = set().union(*[(await run.heard(lang)).rendered for run in RUNS for lang in LANGS if run.slug == slug])
    assert {name for name in prompts - rendered if name.rpartition(".")[0] not in NOT_ASKED} == set()


@pytest.mark.parametrize("run", RUNS, ids=named)
async def test_widening_any_entry_of_a_sight_is_found_out(run: Run) -> None:
    asked, wider, more = (await run.heard("en")).shown, dict[str, Role](), list[tuple[str, str]]()
    for kind, role in roles_of(run.work).items():
        unseen = {agent: [f for f in FACETS if f not in {s.split(".")[0] for s in seen}]
                  for agent, seen in role.seen_by().items() if agent in asked}  # fmt: skip
        hidden = {agent: facets[0] for agent, facets in unseen.items() if facets}
        wider[kind] = widened(role, hidden)
        more += hidden.items()
    work = run.work.model_copy(update=wider) if isinstance(run.work, Pairing) else next(iter(wider.values()))
    faults = faults_in((await run.hear(work, "en")).shown, work, leaves_of(run.case("en")))
    for agent, facet in more:
        assert any(f.startswith(f"{agent} may see {facet}") for f in faults), f"{agent} + {facet}"


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
