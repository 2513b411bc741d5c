"""psyloom practice: the trainer of PATIENT-Psi in the terminal."""

import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from psyloom.cli.chat import keep, talk_with, talks_in
from psyloom.cli.place import Place
from psyloom.cli.run import models_of, pairs
from psyloom.errors import MissingFacet, UnknownName, UsageError
from psyloom.knowledge import LabelSet, Term, label_set
from psyloom.records import Case, Dialogue, Lang, read_jsonl

if TYPE_CHECKING:
    from psyloom.agents import Desk
    from psyloom.systems.patient_psi.system import PatientPsi
    from psyloom.systems.patient_psi.trainer import Answers, Practice

_COLON: dict[Lang, str] = {"en": ": ", "zh": "："}
_WHOLE = 5  # the item with which the second part of the form begins
WORDS: dict[Lang, dict[str, str]] = {
    "en": {
        "card": "{name}, {style}: {manner}\nRelevant history: {history}",
        "task": "Talk for about {minutes} minutes and find out how this person thinks, then end with an empty line: a form follows."
        " You speak first, e.g. \"Hello {name}, how have you been this week?\" A lone ? shows this card again.",
        "care": "This patient may speak of not wanting to live. Stop whenever it is too much.",
        "one": "Part 1: fill in from ONE situation, the most telling one if several came up.",
        "whole": "Part 2: go by what the whole talk showed.",
        "numbers": "numbers, e.g. 1 3; nothing for none",
        "yours": "you", "true": "reference",
        "again": "Number of an item to change, or nothing to end",
    },
    "zh": {
        "card": "{name}，{style}：{manner}\n相关经历：{history}",
        "task": "请谈大约 {minutes} 分钟，弄明白这个人是怎么想的，然后输入空行结束，接着填一张表。由你先开口，比如：“{name}你好，这一周"
        "过得怎么样？”单独输入 ? 可以再看一遍这张卡片。",
        "care": "这位来访者可能会谈到不想活。觉得吃不消，随时可以停下。",
        "one": "第一部分：只根据一个情境来填；谈到几个的话，选最能说明问题的那个。",
        "whole": "第二部分：以整场谈话里看到的为准。",
        "numbers": "填序号，如 1 3；没有就直接回车",
        "yours": "你的答案", "true": "参考",
        "again": "要改哪一项就输入它的序号，直接回车结束",
    },
}  # fmt: skip


@click.command()
@click.option(
    "--style", type=click.Choice(label_set("patient_style").ids), help="How the patient talks. Default: the case's own."
)
@click.option("--cases", "file", type=click.Path(path_type=Path), help="Patients. Default: the system's own cases.")
@click.option("--id", "id_", help="Which patient. Default: the next one assigned, else any.")
@click.option(
    "--assigned", type=click.Path(path_type=Path), help="File of patients' ids, one a line, to be met in this order."
)
@click.option("--record", type=Place(), help="Add the session to this file.")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Only patients in this language.")
@click.option("--seed", type=int, help="Which patient comes, where that is left to chance.")
@click.option("--model", "models", multiple=True, metavar="[AGENT=]MODEL", help="Who answers. Default: rehearsal.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="An option of the patient.")
def practice(
    style: str | None, file: Path | None, id_: str | None, assigned: Path | None, record: Path | None,
    lang: str | None, seed: int | None, models: tuple[str, ...], settings: tuple[str, ...],
) -> None:  # fmt: skip
    """Be the therapist of a simulated patient, write down its cognitive model, and see the true one beside yours.

    Until you have filled in the form you see the patient's name, style and history alone.

    Example: psyloom practice --lang zh --style reserved --model openai:gpt-4o --record sessions.jsonl
    """
    from psyloom.agents import Ask, Desk
    from psyloom.runs import check_agents, open_models
    from psyloom.systems import make_role
    from psyloom.systems.patient_psi.system import PatientPsi
    from psyloom.systems.patient_psi.trainer import Practice

    role = make_role("patient_psi", "client", dict(pairs(settings)) | ({"style": style} if style else {}))
    assert isinstance(role, PatientPsi)
    met = talks_in(record) if record else []  # better told now than after the talk
    case, was_assigned = _patient(file, id_, lang, assigned, met, random.Random(seed))
    check_agents(models_of(models), [role])
    desk = Desk.for_case(case, open_models(models_of(models)), seed=seed or 0)
    given = Practice(case, role.style_of(case, Ask(desk, role)), desk.dialogue.lang)
    try:
        made = _session(role, desk, given)
        desk.dialogue.extra["practice"] = {"style": given.style.id, "assigned": was_assigned, **made}
    finally:
        if record and desk.dialogue.turns:
            desk.dialogue.extra.setdefault("practice", {"style": given.style.id, "assigned": was_assigned})
            desk.dialogue.id = f"{case.id}/{len(met) + 1}"
            keep(record, role, desk, met)


def _patient(
    file: Path | None, id_: str | None, lang: str | None, assigned: Path | None, met: list[Dialogue], rng: random.Random
) -> tuple[Case, bool]:
    """The patient of this session, and whether it was assigned."""
    from psyloom.agents.derive import lacking
    from psyloom.systems import find_system
    from psyloom.systems.patient_psi.system import PatientPsi
    from psyloom.systems.patient_psi.trainer import sampled

    source = file or find_system("patient_psi").cases()
    cases = {case.id: case for case in read_jsonl(source, Case) if lang in (None, case.lang)}
    if not cases:
        raise UsageError(f"no case in {source} is in {lang}", do="leave out --lang, or give other --cases")
    queue = assigned.read_text("utf-8").split() if assigned else []
    used = [str(one.case.id) for one in met if one.case and _was_assigned(one)]
    chosen, from_queue = (id_, False) if id_ else sampled(list(cases), queue, used, rng)
    if chosen not in cases:
        raise UnknownName("case", chosen, cases, see=f"in {source}")
    missing = lacking(cases[chosen], PatientPsi().wants())
    if missing:
        raise MissingFacet(
            f"case {chosen!r} lacks {', '.join(missing)}", do="choose another case with --cases and --id"
        )
    return cases[chosen], from_queue


def _was_assigned(dialogue: Dialogue) -> bool:
    kept = dialogue.extra.get("practice")
    return isinstance(kept, dict) and bool(kept.get("assigned"))


def _session(role: "PatientPsi", desk: "Desk", given: "Practice") -> dict[str, Any]:
    """Card, talk, form, review; what is kept of them."""
    from psyloom.systems.patient_psi.trainer import ASKED, MINUTES, Answers

    words = WORDS[given.lang]
    name, manner, history = given.card()
    card = words["card"].format(
        name=name, style=manner.name(given.lang), manner=manner.definition.of(given.lang), history=history
    )
    click.echo(f"{card}\n")
    click.echo(words["task"].format(minutes=MINUTES, name=name))
    if given.cautious():
        click.echo(words["care"])
    talk_with(role, desk, aside=card)
    if not desk.dialogue.turns:
        return {}
    answers = Answers.model_validate({k: v for part in ASKED for k, v in _answer(part, given.lang).items()})
    while True:
        _compare(given, answers)
        again = _line(f"{words['again']}> ")
        if not again.isdecimal() or not 1 <= int(again) <= len(ASKED):
            break
        answers = Answers.model_validate(answers.model_dump() | _answer(ASKED[int(again) - 1], given.lang))
    reviewed = given.review(answers)
    return {"answers": answers.model_dump(exclude_defaults=True), "review": [list(row) for row in reviewed]}


def _answer(part: Term, lang: Lang) -> dict[str, Any]:
    """What the trainee gives for one item, by field."""
    from psyloom.systems.patient_psi.generator import EMOTIONS
    from psyloom.systems.patient_psi.trainer import ASKED, BELIEFS

    words, number = WORDS[lang], ASKED.index(part) + 1
    if number in (1, _WHOLE):
        click.echo(f"\n{words['one' if number == 1 else 'whole']}")
    click.echo(f"\n{number}. {part.name(lang)}{_COLON[lang]}{part.definition.of(lang)}")
    if part.id == "emotions":
        return {"emotions": _choice(EMOTIONS, lang)}
    if part.id == "core_beliefs":
        return {kind: _choice(labels, lang) for kind, labels in BELIEFS.items()}
    return {part.id: _line("> ")}


def _choice(labels: LabelSet, lang: Lang) -> list[str]:
    """The ids chosen from a numbered list; asked again for a number that is not on it."""
    if labels.id != "ccd_emotion":
        click.echo(f"   {getattr(labels, lang)}")
    for number, term in enumerate(labels.terms, 1):
        click.echo(f"   {number:2} {term.name(lang)}")
    while True:
        chosen = [int(number) for number in re.findall(r"[0-9]+", _line(f"({WORDS[lang]['numbers']})> "))]
        if all(1 <= number <= len(labels) for number in chosen):
            return [labels.ids[number - 1] for number in chosen]


def _compare(given: "Practice", answers: "Answers") -> None:
    from psyloom.systems.patient_psi.trainer import ASKED

    words = WORDS[given.lang]
    numbers = {part.id: number for number, part in enumerate(ASKED, 1)}
    click.echo("")
    for row in given.review(answers):
        click.echo(f"{numbers[row.item]}. {row.name}")
        if row.answer:
            click.echo(f"   {words['yours']}{_COLON[given.lang]}{' / '.join(row.answer)}")
        click.echo(f"   {words['true']}{_COLON[given.lang]}{' / '.join(row.reference)}")


def _line(prompt: str) -> str:
    try:
        return input(prompt).strip()
    except EOFError:
        return ""
