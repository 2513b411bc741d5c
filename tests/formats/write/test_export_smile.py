"""SMILE's training file, as its converter should have written it."""

import pytest
from export_samples import talk, written

from psyloom.formats.write.smile import INSTRUCTION
from psyloom.records import Session

SIX = "c一 s二 c三 s四 c五 s六"


@pytest.mark.accepts("smile", 8)
@pytest.mark.parametrize(
    ("lang", "client", "counselor"), [("zh", "来访者：", "咨询师："), ("en", "Client: ", "Counselor: ")]
)
def test_six_messages_give_three_samples_that_end_with_the_open_prefix(lang, client, counselor, tmp_path):
    rows = written([talk(SIX, lang=lang)], "smile", tmp_path)
    assert [row["output"] for row in rows] == ["二", "四", "六"]
    told = f"{client}一\n{counselor}二\n{client}三\n{counselor}".strip()
    assert rows[1]["instruction"] == f"{INSTRUCTION[lang]}\n\n{told}"


@pytest.mark.accepts("smile", 8)
def test_no_history_is_longer_than_nine_messages_or_reaches_into_another_dialogue(tmp_path):
    long = " ".join(f"c问{n} s答{n}" for n in range(10, 20))
    rows = written([talk(long), talk("c甲 s乙", id="e")], "smile", tmp_path)
    last, other = rows[-2:]
    assert last["instruction"].count("来访者：") + last["instruction"].count("咨询师：") - 1 == 9
    assert "问15" in last["instruction"]
    assert "答14" not in last["instruction"]
    assert other["instruction"].endswith("\n\n来访者：甲\n咨询师：")


def test_a_message_of_the_counselor_that_opens_the_talk_is_read_and_not_learned(tmp_path):
    (row,) = written([talk("s好 c一 s二")], "smile", tmp_path)
    assert row["output"] == "二"
    assert row["instruction"].endswith("咨询师：好\n来访者：一\n咨询师：")


def test_sessions_apart_begin_with_no_history(tmp_path):
    two = talk("c一 s二")
    two.sessions.append(Session(turns=talk("c三 s四").turns))
    rows = written([two], "smile", tmp_path, sessions="apart")
    assert "一" not in rows[1]["instruction"].removeprefix(INSTRUCTION["zh"])


def test_another_persona_and_other_names_can_be_given(tmp_path):
    (row,) = written(
        [talk("c一 s二")], "smile", tmp_path, system_text="请倾听。", client_name="求助者", counselor_name="支持者"
    )
    assert row["instruction"] == "请倾听。\n\n求助者：一\n支持者："
