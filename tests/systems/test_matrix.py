"""Any counselor with any client, in both languages; what a side needs and the case lacks is derived."""

from itertools import product
from pathlib import Path

import pytest

from psyloom.records import Case, Dialogue, read_jsonl, write_jsonl
from psyloom.runs import pair, run_cases
from psyloom.systems import find_systems

SYSTEMS = find_systems()
COUNSELORS = [slug for slug, system in SYSTEMS.items() if "counselor" in system.card.roles]
CLIENTS = [slug for slug, system in SYSTEMS.items() if "client" in system.card.roles]
POSTS = {
    "zh": "我上个月换了工作，每天坐在工位上心都悬着。主管一走过来我就怕他要说我。晚上我翻来覆去睡不着。",
    "en": "I changed jobs last month and I sit at my desk with my heart in my mouth. When my supervisor walks by I expect the worst. "
    "At night I cannot sleep.",
}  # fmt: skip


@pytest.mark.parametrize(("counselor", "client"), list(product(COUNSELORS, CLIENTS)))
async def test_any_counselor_talks_with_any_client_about_any_case_in_both_languages(
    counselor: str, client: str, tmp_path: Path
) -> None:
    cases = tmp_path / "cases.jsonl"
    write_jsonl(
        cases, (Case.model_validate({"id": lang, "lang": lang, "post": {"text": text}}) for lang, text in POSTS.items())
    )
    talkers = pair(counselor, client, {"max_exchanges": "2"})
    summary = await run_cases(talkers, cases, tmp_path / "run", derive_missing=True)
    assert summary.failures == 0, (tmp_path / "run/failures.jsonl").read_text()[:2000]
    for dialogue in read_jsonl(tmp_path / "run/dialogues.jsonl", Dialogue):
        assert dialogue.lineage is not None
        assert {turn.speaker for turn in dialogue.turns} == {"client", "counselor"}
        assert dialogue.case is not None
        needed = {need.split(".")[0] for need in talkers.wants()} - {"post"}
        assert needed <= set(dialogue.case.derived), "what was derived is kept on the case"
