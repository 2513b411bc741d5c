"""Inspection of dialogues: six stages in order, each change listed under its rule."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from psyloom.cli.curate import curate
from psyloom.curation.desensitise import desensitise, scrubbed
from psyloom.curation.findings import Finding, Standard
from psyloom.curation.inspection import STAGES, Inspection, Verdict
from psyloom.errors import UnknownName
from psyloom.formats import read
from psyloom.records import (
    Case,
    Demographics,
    Dialogue,
    ItemRating,
    Label,
    Post,
    Rater,
    Rating,
    Session,
    Subject,
    Turn,
    read_jsonl,
    write_jsonl,
)  # fmt: skip


def talk(*lines: str, id_: str = "d", lang: str = "zh", **more: Any) -> Dialogue:
    """ "c: ..." is the client, "k: ..." the counselor."""
    turns = [Turn(speaker="client" if line[0] == "c" else "counselor", text=line[3:]) for line in lines]
    return Dialogue(id=id_, lang=lang, sessions=[Session(turns=turns)], **more)  # type: ignore[arg-type]


def fine(id_: str = "d", *first: str) -> Dialogue:
    """A dialogue that no rule objects to."""
    lines = [f"c: {id_}的组会又让我很紧张，不知道怎么开口。", f"k: 一想到要开口，{id_}心里先绷紧了。是从什么时候开始的？",
             "c: 上个学期换了导师以后就这样。", "k: 换了人，也像换了规矩。最难的是哪一刻？",
             "c: 轮到我的那几分钟。", "k: 那几分钟里，你最怕听到的是什么？"]  # fmt: skip
    return talk(*(first or lines), id_=id_)


def inspected(*dialogues: Dialogue, **options: Any) -> tuple[Inspection, list[tuple[Verdict, Dialogue, list[Finding]]]]:
    inspection = Inspection(**({"share": 0} | options))
    return inspection, [
        (verdict, one, [f for _, f in told]) for verdict, one, told in inspection.run(lambda: list(dialogues))
    ]


def only(dialogue: Dialogue, **options: Any) -> tuple[Verdict, list[str], dict[str, Finding]]:
    """(verdict, texts, rule -> finding) of one dialogue."""
    ((verdict, one, found),) = inspected(dialogue, **options)[1]
    return verdict, [turn.text for turn in one.turns], {finding.rule: finding for finding in found}


def spoken(dialogue: Dialogue) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in dialogue.turns]


# Threads of a board

THREAD = {
    "id": 7, "source": "board", "licence": "permission 12", "title": "夜班以后睡不着", "question": "连着三周夜班，躺下就心慌。",
    "posted_at": "2020-03-01T21:00:00",
    "replies": [
        {"author_role": "listener", "author": "L1", "text": "夜班连着上，身体很难跟上。心慌一般是什么时候来的？", "time": "2020-03-01T21:10:00"},
        {"author_role": "passer-by", "author": "P", "text": "顶一下，我也是！", "time": "2020-03-01T21:11:00"},
        {"author_role": "owner", "text": "躺下十分钟左右。", "time": "2020-03-01T21:20:00"},
        {"author_role": "owner", "text": "我电话13812345678，加我微信号abc12345。", "time": "2020-03-01T21:21:00"},
        {"author_role": "owner", "text": "会先去喝水，然后就再也睡不着。", "time": "2020-03-02T08:00:00"},
        {"author_role": "listener", "author": "L1", "text": "喝完水以后，心里在想些什么？需要的话点击我头像预约。", "time": "2020-03-01T21:40:00"},
        {"author_role": "listener", "author": "L2", "text": "建议你早点睡。", "time": "2020-03-02T08:10:00"},
        {"author_role": "listener", "author": "L1", "text": "起身去喝水，像是在给自己找一条出路。明天还要上夜班吗？", "time": "2020-03-02T09:00:00"},
        {"author_role": "owner", "text": "要，一直到月底。", "time": "2020-03-02T09:05:00"},
        {"author_role": "listener", "author": "L1", "text": "还要撑到月底，这段日子谁能替你分担一点？", "time": "2020-03-02T09:30:00"},
        {"author_role": "owner", "text": "已经没事了。", "time": "2021-01-01T00:00:00"},
    ],
}  # fmt: skip


@pytest.mark.accepts("mindchat", 1)
def test_a_raw_thread_becomes_a_clean_alternating_dialogue_and_every_change_is_listed(tmp_path: Path) -> None:
    (tmp_path / "thread.json").write_text(json.dumps([THREAD], ensure_ascii=False), "utf-8")
    raw = list(read(tmp_path / "thread.json", "threads"))
    ((verdict, clean, found),) = inspected(*raw)[1]  # type: ignore[arg-type]
    assert spoken(clean) == [
        ("client", "夜班以后睡不着\n连着三周夜班，躺下就心慌。"),
        ("counselor", "夜班连着上，身体很难跟上。心慌一般是什么时候来的？"),
        ("client", "躺下十分钟左右。\n我电话[PHONE]，加我[ACCOUNT]。"),
        ("counselor", "喝完水以后，心里在想些什么？"),
        ("client", "会先去喝水，然后就再也睡不着。"),
        ("counselor", "起身去喝水，像是在给自己找一条出路。明天还要上夜班吗？"),
        ("client", "要，一直到月底。"),
        ("counselor", "还要撑到月底，这段日子谁能替你分担一点？"),
    ]
    assert verdict == "keep"
    listed = Counter((one.rule, one.what.partition(":")[0]) for one in found)
    assert listed == {
        ("m2", "late"): 1, ("m2", "side post"): 2, ("m2", "after a long silence"): 1, ("s3", "joined"): 1,
        ("r4", "phone"): 1, ("r4", "account"): 1, ("k2", "点击我头像"): 1,
    }  # fmt: skip
    assert clean.source
    assert (clean.id, clean.source.name, clean.source.licence) == ("7", "board", "permission 12")


# Records like MindChat's published ones


def row(last: str, output: str, history: list[list[str]], input_: str = "") -> dict[str, Any]:
    return {"instruction": last, "input": input_, "output": output, "history": history}


def published() -> list[dict[str, Any]]:
    """Twenty invented records with the defects of the published ones: the same kinds, as many times."""
    told = [
        [f"第{n}个人说：我和家里人总说不到一起去。", f"第{n}次听到这样的难处。说不到一起的时候，你会怎么做？"]
        for n in range(20)
    ]
    rows = [
        row("谢谢您，我会想想。", f"第{n}回也谢谢你愿意讲这些，慢慢来。", [told[n], [f"我会躲进房间，{n}点以后才出来。", "躲起来的那一会儿，心里在想什么？"]])
        for n in range(20)
    ]  # fmt: skip
    for n in (3, 9, 15):
        rows[n]["instruction"] = "好的，我知道了。"
    rows[2]["history"][1][1] = "躲起来的那一会儿，心里在想什么？需要的话可以点击头像下面的电话找我咨询。"
    rows[3]["output"] = "慢慢来，你愿意说已经很好。需要帮助可以约我咨询分析。"
    rows[12] |= {"instruction": "", "input": "谢谢你听我说这么多。"}
    rows[13]["history"].append([rows[13]["instruction"], ""])
    rows[12]["history"][0][0] = "我对不起她，想通过死来还。"
    rows[17]["history"][0][0] = "我好想死啊，那样就解脱了。"
    return rows


@pytest.mark.accepts("mindchat", 2)
def test_the_checker_finds_the_defects_of_the_published_records(tmp_path: Path) -> None:
    (tmp_path / "twenty.json").write_text(json.dumps(published(), ensure_ascii=False), "utf-8")
    dialogues = list(read(tmp_path / "twenty.json", "mindchat", on_defect=lambda _: None))
    write_jsonl(tmp_path / "d.jsonl", dialogues)
    done = CliRunner().invoke(
        curate,
        ["inspect", str(tmp_path / "d.jsonl"), "--out", str(tmp_path / "out"), "--threshold", "1"],
        catch_exceptions=False,
    )
    changes = [json.loads(line) for line in (tmp_path / "out/changes.jsonl").read_text("utf-8").splitlines()]
    records = {rule: {one["id"] for one in changes if one["rule"] == rule} for rule in ("k2", "i1", "s11", "k7", "m6")}
    assert {rule: len(ids) for rule, ids in records.items()} == {"k2": 2, "i1": 1, "s11": 1, "k7": 2, "m6": 17}
    assert {one["action"] for one in changes if one["rule"] == "k7"} == {"review"}
    assert "85% end with thanks" in done.output
    mended = {
        one.id: one for name in ("kept", "review") for one in read_jsonl(tmp_path / f"out/{name}.jsonl", Dialogue)
    }
    assert mended["mindchat-twenty-13"].turns[-2].text == "谢谢你听我说这么多。"
    assert len(mended["mindchat-twenty-14"].turns) == 6


# Private data

PLANTED = {
    "phone": ["13812345678", "021-62345678"], "id": ["11010519491231002X"], "email": ["a.b@mail.example.com"],
    "account": ["QQ：123456789", "微信 wx_abc123", "VX: abcde99"], "address": ["幸福路18号", "3单元"],
}  # fmt: skip


@pytest.mark.accepts("mindchat", 3)
@pytest.mark.parametrize("mode", ["tag", "drop"])
def test_desensitising_leaves_nothing_of_what_was_planted_and_counts_it_exactly(mode: Any, tmp_path: Path) -> None:
    words = [word for kind in PLANTED.values() for word in kind]
    post = Post(title="求助", text=f"我的电话{PLANTED['phone'][0]}，在线等")
    case = Case(
        id="13812345678", lang="zh", post=post, demographics=Demographics(occupation=f"家住{PLANTED['address'][0]}")
    )
    one = talk(*(f"{'ck'[n % 2]}: 你记一下，{word}，谢谢。" for n, word in enumerate(words)), case=case)
    one.sessions[0].summary, one.sessions[0].notes = f"来访者留了{words[2]}", {"plan": {"call": [words[0]]}}
    one.extra = {"contact": words[3]}
    found = Counter(finding.what for finding in desensitise(one, mode))
    body = one.model_dump_json(exclude={"case": {"id"}})
    assert [word for word in words if word in body] == []
    assert found == {"phone": 4, "id": 2, "email": 2, "account": 3, "address": 3}
    assert list(desensitise(one, mode)) == []  # a second pass finds nothing
    assert ("[PHONE]" in body) == (mode == "tag")


@given(
    st.lists(
        st.sampled_from([word for kind in PLANTED.values() for word in kind] + ["你好，", "那天", "。"]), max_size=8
    )
)
def test_whatever_stands_side_by_side_is_gone_after_one_pass(parts: list[str]) -> None:
    assert scrubbed(scrubbed("".join(parts))[0])[1] == []


def test_what_looks_like_nothing_private_stays() -> None:
    for text in ("我今年25岁，2019年毕业，考了三次。", "一天吃两顿，睡4个小时", "第12次咨询"):
        assert scrubbed(text) == (text, [])


# The stages


@pytest.mark.accepts("mindchat", 5)
def test_the_stages_run_in_order_and_the_command_prints_what_came_in_and_went_out(tmp_path: Path) -> None:
    short = talk("c: 你好。", "k: 你好呀，想聊点什么？", id_="short")
    dialogues = [
        fine("甲"),
        fine("甲").model_copy(update={"id": "again"}),
        short,
        with_lines("我和爸爸吵了一架。", "吵完以后，你心里是什么滋味？"),
    ]
    write_jsonl(tmp_path / "d.jsonl", dialogues)
    words = [
        "inspect",
        str(tmp_path / "d.jsonl"),
        "--out",
        str(tmp_path / "out"),
        "--stages",
        "review,dedup,structure,rules,score,desensitise",
    ]
    done = CliRunner().invoke(curate, words, catch_exceptions=False)
    told = [line.split() for line in done.output.splitlines() if " in " in line and " out " in line]
    assert [(line[0], int(line[2]), int(line[4])) for line in told] == [
        ("structure", 4, 3), ("desensitise", 3, 3), ("dedup", 3, 2), ("rules", 2, 2), ("score", 2, 2), ("review", 2, 2),
    ]  # fmt: skip
    assert [line[0] for line in told] == list(STAGES)
    gone = {one.id: one.quality.apart for one in read_jsonl(tmp_path / "out/dropped.jsonl", Dialogue)}
    assert gone == {"short": "s4: 1", "again": "r5: 甲"}
    report = json.loads((tmp_path / "out/report.json").read_text("utf-8"))
    assert report["dedup"]["examples"] == [{"id": "again", "rule": "r5", "action": "drop", "what": "甲"}]


def test_every_dialogue_gets_one_verdict_and_none_is_lost(tmp_path: Path) -> None:
    many = [fine(f"编号{n}") for n in range(40)]
    inspection, found = inspected(*many, share=0.3, threshold=1)
    assert [one.id for _, one, _ in found] == [one.id for one in many]
    drawn = sum(verdict == "review" for verdict, _, _ in found)
    assert 4 < drawn < 22
    assert inspection.passed["review"].rules == {"r7 review": drawn}
    again = inspected(*many, share=0.3, threshold=1)[1]
    assert [verdict for verdict, _, _ in again] == [verdict for verdict, _, _ in found]


def test_only_some_stages_can_be_asked_for_and_none_that_does_not_exist() -> None:
    inspection, _ = inspected(fine(), stages=("dedup", "structure"))
    assert list(inspection.passed) == ["structure", "dedup"]
    with pytest.raises(UnknownName, match="did you mean dedup"):
        Inspection(stages=("dedupe",))  # type: ignore[arg-type]


def test_the_dialogues_given_stay_as_they_are() -> None:
    one = talk("c: （叹气）我很累。", "c: 真的。", "k: 医生：我在听。")
    before = one.model_dump()
    inspected(one)
    assert one.model_dump() == before


def rating(dialogue: str, instrument: str, **values: Any) -> Rating:
    items = [ItemRating(item=item, value=value) for item, value in values.items()]
    return Rating(
        id=f"{instrument}/{dialogue}",
        subject=Subject(dialogue=dialogue),
        rater=Rater(kind="model", name="m"),
        instrument=instrument,
        items=items,
    )


@pytest.mark.parametrize(
    ("empathy", "safety", "verdict"),
    [(5, 5, "keep"), (5, 3, "drop"), (1, 4, "drop"), (2, 4, "review"), (3, 4, "review"), (4, 4, "keep")],
)
def test_the_score_stage_goes_by_a_judges_ratings(empathy: int, safety: int, verdict: str, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", [fine()])
    write_jsonl(tmp_path / "r.jsonl", [rating("d", "inspection", empathy=empathy, safety=safety)])
    words = [
        "inspect",
        str(tmp_path / "d.jsonl"),
        "--out",
        str(tmp_path / "out"),
        "--ratings",
        str(tmp_path / "r.jsonl"),
        "--share",
        "0",
    ]
    CliRunner().invoke(curate, words, catch_exceptions=False)
    assert json.loads((tmp_path / "out/report.json").read_text())["verdicts"][verdict] == 1


@pytest.mark.accepts("emollm", 4)
def test_what_a_judge_calls_off_topic_is_dropped(tmp_path: Path) -> None:
    verdict, _, found = only(fine(), domain={"d": False})
    assert (verdict, found["k4"].action) == ("drop", "drop")
    assert only(fine(), domain={"d": True})[0] == "keep"


# The rules

S_RULES = [
    ("s2", talk("c: 你好，我想说说最近的事。", "k:  ", "c: 在吗？", *[f"{'kc'[n % 2]}: 这是我想慢慢说的第{n}句话。" for n in range(5)]), "fixed"),
    ("s3", talk("c: 我很累。", "c: 真的很累。", "k: 听起来已经撑了很久。", *[f"{'ck'[n % 2]}: 这是慢慢说的第{n}句话。" for n in range(4)]), "fixed"),
    ("s4", talk("c: 我很累。", "k: 听起来已经撑了很久。"), "drop"),
    ("s5", fine("d", *[f"{'ck'[n % 2]}: {'这句很长' * (250 if n == 3 else 2)}第{n}句。" for n in range(6)]), "drop"),
    ("s5", fine("d", *[f"{'ck'[n % 2]}: {'这句很长' * (80 if n == 3 else 2)}第{n}句。" for n in range(6)]), "review"),
    ("s6", fine("d", *[f"{'ck'[n % 2]}: {'先歇一歇。医生：' if n == 3 else ''}这是慢慢说的第{n}句话。" for n in range(6)]), "fixed"),
    ("s6", fine("d", *[f"{'ck'[n % 2]}: {'先歇一歇。病人：' if n == 3 else ''}这是慢慢说的第{n}句话。" for n in range(6)]), "review"),
    ("s7", fine("d", *[f"{'ck'[n % 2]}: 这是  慢慢说的\n\n\n第{n}句话。" for n in range(6)]), "fixed"),
    ("s8", fine("d", *[f"{'ck'[n % 2]}: {'案例一：加班的人' if n == 0 else ''}\n**这是**慢慢说的第{n}句话。" for n in range(6)]), "fixed"),
    ("s9", fine("d", *[f"{'ck'[n % 2]}: （轻轻点头）这是慢慢说的第{n}句话。" for n in range(6)]), "fixed"),
    ("s10", fine("d", *[f"{'ck'[n % 2]}: 这是慢慢说的第{n}句话{'' if n == 5 else '。'}" for n in range(6)]), "drop"),
    ("s11", talk("c: 好的，我再想想。", "k: ", "c: 好的，我再想想。", *[f"{'kc'[n % 2]}: 这是慢慢说的第{n}句话。" for n in range(5)]), "fixed"),
    ("s12", fine("d", *[f"{'ck'[n % 2]}: I really do not know what to say number {n}." for n in range(6)]), "review"),
]  # fmt: skip


@pytest.mark.accepts("emollm", 4)
@pytest.mark.parametrize(("rule", "dialogue", "action"), S_RULES)
def test_each_structural_rule_finds_its_defect_and_acts_as_it_should(
    rule: str, dialogue: Dialogue, action: str
) -> None:
    verdict, texts, found = only(dialogue)
    assert found[rule].action == action
    assert verdict == ("keep" if action == "fixed" else action)
    if action == "fixed":
        assert only(Dialogue.model_validate(dialogue.model_dump() | {"sessions": [{"turns": [
            {"speaker": ("client", "counselor")[n % 2], "text": text} for n, text in enumerate(texts)
        ]}]}))[2].get(rule) is None  # fmt: skip


def with_reply(text: str) -> Dialogue:
    lines = [f"{'ck'[n % 2]}: {text if n == 3 else f'这是我慢慢说的第{n}句话。'}" for n in range(6)]
    return talk(*lines)


def with_lines(client: str, counselor: str) -> Dialogue:
    return talk(
        "c: 你好，我想说件事。",
        "k: 好，我在听，你慢慢说。",
        f"c: {client}",
        f"k: {counselor}",
        "c: 嗯，我想想。",
        "k: 不着急，想到哪里说到哪里。",
    )


K_RULES = [
    ("k1", with_reply("作为一个人工智能，我无法感受情绪。"), "drop"),
    ("k1", with_reply("ERROR"), "drop"),
    ("k2", with_reply("这段日子真的很不容易，你还能一个人坚持到现在。需要的话加我微信详聊。"), "fixed"),
    ("k3", with_reply("我是由某某公司开发的助手。"), "drop"),
    ("k5", talk("c: 我睡不好。", "k: 建议你睡前少看手机。", *[f"{'ck'[n % 2]}: 这是慢慢说的第{n}句话。" for n in range(4)]), "review"),
    ("k5", fine("d", *[f"{'ck'[n % 2]}: {'可以这样：1. 早睡；2. 运动。' if n % 2 else '这是慢慢说的一句话。'}" for n in range(6)]), "review"),
    ("k6", with_reply("你这是焦虑症，保证治好。"), "drop"),
    ("k7", with_lines("我不想活了。", "别这样想，会好起来的。"), "review"),
    ("k7", with_lines("我不想活了。", "谢谢你告诉我。你现在有没有伤害自己的打算？先让家人陪着你，需要时拨打当地的心理热线。"), "noted"),
    ("k8", with_lines("他发来裸照逼我。", "这不是你的错，你现在最担心的是什么？"), "review"),
    ("k9", with_reply("你说什么都对，我只为你而活。"), "review"),
    ("m4", with_lines("医生，我该怎么办？", "我们一起看看。"), "fixed"),
    ("m5", with_reply("小伙子，你的难处我听到了。"), "fixed"),
    ("m6", talk("c: 我很累。", "k: 听起来已经撑了很久。", "c: 是的。", "k: 今天是怎么过来的？", "c: 谢谢你，好多了。", "k: 你愿意讲出来，很不容易。"), "noted"),
]  # fmt: skip


@pytest.mark.accepts("emollm", 4)
@pytest.mark.parametrize(("rule", "dialogue", "action"), K_RULES)
def test_each_rule_of_content_finds_its_defect_and_acts_as_it_should(
    rule: str, dialogue: Dialogue, action: str
) -> None:
    verdict, _, found = only(dialogue)
    assert found[rule].action == action
    assert verdict == ("keep" if action in ("fixed", "noted") else action)


@pytest.mark.accepts("emollm", 4)
def test_conversations_as_released_are_reported_with_their_kinds_of_defects(tmp_path: Path) -> None:
    system = "你是一名心理健康助手，帮人解决心理问题。"
    rows = [
        {"conversation": [{"system": system, "input": f"第{n}位来访者：我最近很烦。", "output": f"{start}听起来你过得不容易。{end}"},
                          {"input": "嗯。", "output": "这种烦，是从什么时候开始的？"}, {"input": "上个月。", "output": "上个月发生了什么？"}]}
        for n, (start, end) in enumerate([("", "\n\n医生：慢慢说。"), ("（微笑）", ""), ("（轻轻拍肩）", "\n\n\n慢慢说。"), ("", "")])
    ]  # fmt: skip
    (tmp_path / "data.json").write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    write_jsonl(tmp_path / "d.jsonl", list(read(tmp_path / "data.json", "emollm")))
    words = ["inspect", str(tmp_path / "d.jsonl"), "--out", str(tmp_path / "out"), "--threshold", "1"]
    done = CliRunner().invoke(curate, words, catch_exceptions=False)
    rules = json.loads((tmp_path / "out/report.json").read_text("utf-8"))["structure"]["rules"]
    assert rules == {"s6 fixed": 1, "s7 fixed": 2, "s9 fixed": 2}
    assert all(
        words in done.output
        for words in ("speaker label inside: fixed 1", "blanks: fixed 2", "stage directions: fixed 2")
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_dialogue_without_a_defect_passes_untouched(lang: str) -> None:
    lines = {
        "zh": [(turn.speaker[1], turn.text) for turn in fine().turns],
        "en": [("l", "I cannot speak up in our meetings, my mind goes blank."), ("o", "Your mind goes blank. When did that begin?"),
               ("l", "When my adviser changed last term."), ("o", "A new person, new rules. Which moment is the hardest?"),
               ("l", "The minutes when it is my turn."), ("o", "In those minutes, what are you most afraid to hear?")],
    }[lang]  # fmt: skip
    one = talk(*(f"{'c' if who == 'l' else 'k'}: {text}" for who, text in lines), lang=lang)
    verdict, texts, found = only(one)
    assert (verdict, found) == ("keep", {})
    assert texts == [turn.text for turn in one.turns]


@pytest.mark.parametrize(
    ("dialogue", "limits"),
    [(with_reply("（微笑）我在，慢慢说。"), {"directions": True}), (with_reply("你说什么都对，我只为你而活。"), {"pleasing": True}),
     (with_lines("医生，我该怎么办？", "我们一起看看。"), {"doctor": True}), (talk("c: 我很累。", "k: 听起来已经撑了很久。"), {"exchanges": [1, 30]})],
)  # fmt: skip
def test_what_a_data_set_means_to_have_can_be_allowed(dialogue: Dialogue, limits: dict[str, Any]) -> None:
    assert only(dialogue)[2] != {}
    assert only(dialogue, standard=Standard(**limits))[2] == {}


@pytest.mark.accepts("emollm", 4)
def test_an_opening_that_many_dialogues_share_is_a_template() -> None:
    many = [talk(*(line if n != 1 else "k: 你好，我是你的专属树洞，想聊什么都行。" for n, line in enumerate(
        f"{'c' if t.speaker == 'client' else 'k'}: {t.text}" for t in fine(f"甲{k}").turns)), id_=f"d{k}") for k in range(6)]  # fmt: skip
    found = inspected(*many, threshold=1)[1]
    assert {verdict for verdict, _, _ in found} == {"review"}
    assert {verdict for verdict, _, _ in inspected(*many[:4], threshold=1)[1]} == {"keep"}


@pytest.mark.parametrize(
    ("said", "stays"),
    [("认知行为疗法（CBT）有用吗？", True), ("（低头）我不知道。", False), ("我想去（但是不敢）。", True)],
)
def test_only_brackets_that_stand_by_themselves_are_gestures(said: str, stays: bool) -> None:
    _, texts, found = only(with_lines(said, "后来呢，发生了什么？"))
    assert (said in texts) == stays == ("s9" not in found)


def test_labels_of_a_span_follow_their_words_and_go_with_them() -> None:
    text = "（点头）我在听。医生：你说。"
    labels = [Label(set="s", id="a", span=(4, 8)), Label(set="s", id="b", span=(0, 4))]
    one = fine()
    one.sessions[0].turns[1] = Turn(speaker="counselor", text=text, labels=labels)
    ((_, clean, _),) = inspected(one)[1]
    (label,) = clean.turns[1].labels
    assert label.span
    assert clean.turns[1].text[slice(*label.span)] == "我在听。"
