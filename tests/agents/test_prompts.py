"""Prompt files."""

from pathlib import Path

import pytest

from psyloom.agents.prompts import load_prompt
from psyloom.agents.sight import look
from psyloom.errors import BadPrompt, MissingFacet, NotInSight
from psyloom.records import Case

FRONT = '+++\nagent = "planner"\nact = "plan"\ntemperature = 0.5\n+++\n'


def prompt_file(folder: Path, body: str, front: str = FRONT, name: str = "plan") -> Path:
    (folder / f"{name}.en.md").write_text(front + body, "utf-8")
    return folder


def test_a_prompt_becomes_messages_in_the_order_of_its_sections(tmp_path: Path) -> None:
    prompt = load_prompt(prompt_file(tmp_path, "# system\nBe {{ mood }}.\n# talk\n# user\nGo on.\n"), "plan", "en")
    talk = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    assert prompt.render({"mood": "kind"}, talk) == [
        {"role": "system", "content": "Be kind."}, *talk, {"role": "user", "content": "Go on."}
    ]  # fmt: skip
    assert prompt.decoding == {"temperature": 0.5}
    assert prompt.slots == {"mood"}


def test_a_word_that_is_not_given_is_an_error_and_never_blank_text(tmp_path: Path) -> None:
    prompt = load_prompt(prompt_file(tmp_path, "# user\n{{ mood }}\n"), "plan", "en")
    with pytest.raises(BadPrompt, match=r"plan\.en\.md: 'mood' is undefined"):
        prompt.render({})


@pytest.mark.parametrize(
    ("front", "body", "says"),
    [
        (FRONT, "no section\n", "text must stand under"),
        (FRONT, "# user\n{% if x %}\n", "Unexpected end of template"),
        ('+++\nagent = "a"\nact = "b"\nheat = 1\n+++\n', "# user\nx\n", "heat"),
        ('+++\nact = "b"\n+++\n', "# user\nx\n", "agent"),
        ("", "# user\nx\n", "not enough values"),
        ("+++\nagent = \n+++\n", "# user\nx\n", "Invalid value"),
    ],
)
def test_a_faulty_file_is_one_clear_error_that_names_it(tmp_path: Path, front: str, body: str, says: str) -> None:
    with pytest.raises(BadPrompt, match=says) as caught:
        load_prompt(prompt_file(tmp_path, body, front), "plan", "en")
    assert "plan.en.md" in str(caught.value)


def test_a_missing_file_is_an_error_that_lists_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(BadPrompt, match=r"no prompt file plan\.zh\.md[\s\S]*prompts there: plan"):
        load_prompt(prompt_file(tmp_path, "# user\nx\n"), "plan", "zh")


def test_prompts_are_sandboxed(tmp_path: Path) -> None:
    prompt = load_prompt(prompt_file(tmp_path, "# user\n{{ x.__class__.__mro__ }}\n"), "plan", "en")
    with pytest.raises(BadPrompt):
        prompt.render({"x": "text"})


def test_a_missing_facet_is_false_in_a_condition_and_an_error_in_a_text(tmp_path: Path) -> None:
    case = Case.model_validate({"id": "c1", "lang": "en", "intake": {"problem": "sleep"}})
    view = look(case, {"planner": {"intake", "thought"}}, "planner")
    body = "# user\n{% if case.thought.thought %}never{% endif %}{{ case.intake.reason or 'none' }} {{ case.intake.problem }}\n"
    assert load_prompt(prompt_file(tmp_path, body), "plan", "en").render({"case": view})[0]["content"] == "none sleep"
    bare = load_prompt(prompt_file(tmp_path, "# user\n{{ case.intake.reason }}\n", name="bare"), "bare", "en")
    with pytest.raises(MissingFacet, match=r"case 'c1' has no intake\.reason"):
        bare.render({"case": view})


def test_what_is_not_in_sight_cannot_be_rendered(tmp_path: Path) -> None:
    case = Case.model_validate({"id": "c1", "lang": "en", "intake": {"problem": "sleep", "reason": "work"}})
    body = load_prompt(prompt_file(tmp_path, "# user\n{{ case.intake.problem }}\n"), "plan", "en")
    with pytest.raises(NotInSight, match=r"the planner may not see intake\.problem"):
        body.render({"case": look(case, {"planner": {"intake.reason"}}, "planner")})
    with pytest.raises(NotInSight, match="the chooser may not see intake"):
        body.render({"case": look(case, {"planner": {"intake"}}, "chooser")})
