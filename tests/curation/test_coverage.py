"""Themes and settings: the matrix, its gaps, and a cap on every setting."""

from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from psyloom.cli.curate import curate
from psyloom.curation.coverage import Coverage, capped, settings_of
from psyloom.errors import UsageError
from psyloom.records import Dialogue, Session, read_jsonl, write_jsonl


def made(number: int, theme: str, **setting: str) -> Dialogue:
    return Dialogue(id=f"d{number}", lang="zh", sessions=[Session(notes={"theme": theme, "setting": dict(setting)})])


@st.composite
def sets(draw: st.DrawFn) -> list[Dialogue]:
    drawn = draw(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=120))
    return [made(n, "t", role=f"r{role}", situation=f"s{situation}") for n, (role, situation) in enumerate(drawn)]


@pytest.mark.accepts("mindchat", 6)
@given(sets(), st.sampled_from([0.05, 0.1, 0.3]))
def test_no_setting_is_in_more_than_its_share_of_what_is_kept(dialogues: list[Dialogue], share: float) -> None:
    try:
        kept = set(capped(dialogues, share))
    except UsageError:
        return
    counts = Counter(item for one in dialogues if one.id in kept for item in settings_of(one))
    assert kept
    assert max(counts.values()) <= share * len(kept) + 1e-9


@pytest.mark.accepts("mindchat", 6)
def test_of_a_large_run_all_but_the_surplus_is_kept_at_half_a_percent() -> None:
    even = [made(n, "t", role=f"r{n % 400}", situation=f"s{n % 397}") for n in range(2000)]
    surplus = [made(2000 + n, "t", role="r0", situation=f"s{n}") for n in range(50)]
    kept = set(capped([*even, *surplus]))
    roles = Counter(
        next(text for slot, text in settings_of(one) if slot == "role") for one in (*even, *surplus) if one.id in kept
    )
    assert max(roles.values()) <= 0.005 * len(kept)
    assert len(kept) >= 2000


def test_too_few_settings_are_told_with_what_to_do() -> None:
    with pytest.raises(UsageError, match="cards=N"):
        list(capped([made(n, "t", role=f"r{n % 12}") for n in range(600)]))


@pytest.mark.accepts("mindchat", 6)
def test_the_command_prints_the_matrix_and_the_settings_that_come_too_often(tmp_path: Path) -> None:
    dialogues = [
        made(n, "工作" if n % 3 else "家庭", role=f"角色{n % 50}", situation=f"处境{n}" if n % 3 else "吵架")
        for n in range(300)
    ]
    write_jsonl(tmp_path / "d.jsonl", dialogues)
    words = ["coverage", str(tmp_path / "d.jsonl"), "--cap", "0.05", "--out", str(tmp_path / "even.jsonl")]
    done = CliRunner().invoke(curate, words, catch_exceptions=False)
    lines = done.output.splitlines()
    assert [line.split("\t") for line in lines[:3]] == [
        ["theme", "dialogues", "role (different)", "situation (different)"], ["工作", "200", "50", "200"], ["家庭", "100", "50", "1"],
    ]  # fmt: skip
    assert "1 of 251 settings stand in more than 5.00% of 300 dialogues" in done.output
    assert "situation: 吵架: 100" in done.output
    kept = Coverage.of(read_jsonl(tmp_path / "even.jsonl", Dialogue))
    assert kept.over(0.05) == []
    assert kept.dialogues >= 205
