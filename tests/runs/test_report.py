"""The report: one page that needs nothing else, says what ran, and lets one read what came out."""

import html
import re
from pathlib import Path

import pytest

from psyloom.records import Case, Dialogue, Label, Lang, Lineage, Personality, Post, Session, Turn, to_line, write_jsonl
from psyloom.records.dialogue import Element, Quality
from psyloom.runs import words
from psyloom.runs.report import write_report
from tests.runs.workshop import TALK, cases, psyloom

CONFIG = """
psyloom = "0"
lang = "case"
seed = 7
[roles]
writer = "{system}"
[options]
strict = true
words = ["a", "b"]
[options.client]
rounds = 50
[models]
default = "openai:x"
[prompts]
[cases]
path = "cases.jsonl"
"""


def words_of(page: str) -> str:
    """What a reader sees, as one line."""
    body = re.sub(r"<style>.*?</style>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def report(out: Path, *made: Dialogue, failures: str = "", system: str = "mirror") -> str:
    """The page for a run folder that holds these."""
    out.mkdir()
    (out / "run.toml").write_text(CONFIG.format(system=system), "utf-8")
    write_jsonl(out / "dialogues.jsonl", made)
    (out / "failures.jsonl").write_text(failures, "utf-8")
    return write_report(out).read_text("utf-8")


def talk(id_: str, *texts: str, lang: str = "en", **more: object) -> Dialogue:
    turns = [Turn.client(t) if n % 2 else Turn.counselor(t) for n, t in enumerate(texts)]
    return Dialogue(id=id_, lang=lang, sessions=[Session(turns=turns, ended="limit")], **more)


def test_the_page_of_a_run_needs_nothing_but_itself(tmp_path: Path) -> None:
    psyloom("run", "interactive_agents", cases(tmp_path / "c.jsonl", 8), "--out", tmp_path / "out", *TALK)
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert not re.search(r"https?:|//[a-z]|@import|<script|<link|<img|<iframe|url\(|src=", page)
    assert "rehearsal back end" in page
    assert "it is not data" in page


def test_the_page_says_what_ran(tmp_path: Path) -> None:
    seen = words_of(report(tmp_path / "out", talk("d", "Hi", "Hello")))
    for text in ("mirror", "openai:x", "cases.jsonl", "strict=true", 'words=["a", "b"]', "client.rounds=50"):
        assert text in seen
    assert "rehearsal" not in seen


def test_the_page_counts_dialogues_calls_endings_guards_and_failures_by_reason(tmp_path: Path) -> None:
    quality = Quality(calls=10, rejected=3, guards={"repeats": 2, "role_flip": 1}, kept={"repeats": 1})
    failures = "".join(
        f'{{"id": "{n}", "reason": "{reason}", "detail": "because of {n}", "attempts": []}}\n'
        for n, reason in enumerate(["Refused", "AnswerRejected", "Refused"])
    )
    made = [talk("a", "Hi", "Hello", "Bye", quality=quality), talk("b", "Hi", "Hello", quality=quality)]
    seen = words_of(report(tmp_path / "out", *made, failures=failures))
    for text in ("dialogues 2", "failures 3", "calls in these dialogues 20", "answers asked for again 6", "ended: limit 2",
                 "again because of repeats 4", "again because of role flip 2", "kept in spite of repeats 2", "Refused 2",
                 "AnswerRejected 1", "because of 1"):  # fmt: skip
        assert text in seen, text
    assert re.search(r"messages 2 [\d. /]+ 3 2\.5", seen), "least 2, most 3, mean 2.5"


def test_five_dialogues_can_be_read_with_labels_thoughts_and_notes(tmp_path: Path) -> None:
    full = talk("d0", "How do you sleep?", "Badly.")
    full.sessions[0].notes = {"plan": "ask about sleep", "stages": ["explore", "act"]}
    full.sessions[0].summary = "They talked about sleep."
    full.turns[0].thought = [Element(name="aim", text="learn about the nights")]
    full.turns[0].labels = [Label(set="magnet_technique", id="reflection"), Label(set="of_my_own", id="my label")]
    full.turns[0].extra = {"steps": [{"agent": "empathy", "text": "Ask about the nights."}]}
    full.extra = {"earlier": [{"feedback": "Ask first."}]}
    page = report(tmp_path / "out", full, *(talk(f"d{n}", f"text {n}") for n in range(1, 9)))
    seen = words_of(page)
    for text in ("How do you sleep?", "Badly.", "plan ask about sleep", "stages explore, act", "They talked about sleep.",
                 "aim learn about the nights", "my label", "text 4", "Ask about the nights.", "Ask first."):  # fmt: skip
        assert text in seen, text
    assert "text 5" not in seen
    assert page.count("<details") == 5


def test_what_dialogues_and_failures_say_is_text_and_never_markup(tmp_path: Path) -> None:
    evil = "<script>alert('x')</script> & <b>bold</b>"
    dialogue = talk("<i>id</i>", evil, evil)
    dialogue.sessions[0].notes = {evil: evil, "list": [evil]}
    dialogue.turns[0].thought = [Element(name=evil, text=evil)]
    dialogue.turns[0].labels = [Label(set="<u>", id="<u>")]
    failure = '{"id": "<i>", "reason": "<i>", "detail": "<i>", "attempts": []}\n'
    page = report(tmp_path / "out", dialogue, failures=failure, system="<i>mirror</i>")
    assert not re.search(r"<(?:script|b>bold|i>|u>)", page)
    assert words_of(page).count("<script>alert('x')</script> & <b>bold</b>") >= 6


def test_both_languages_are_shown_as_they_are_spoken(tmp_path: Path) -> None:
    chinese = talk("zh-1", "最近睡得怎么样？", "睡不好，“总是”醒。", lang="zh")
    chinese.sessions[0].notes = {"计划": "先谈睡眠", "阶段": ["探索", "行动"]}
    chinese.turns[0].labels = [Label(set="helping_stage", id="exploration")]
    page = report(tmp_path / "out", chinese, talk("en-1", "How do you sleep?", "Badly."))
    seen = words_of(page)
    for text in (
        "咨询师",
        "来访者",
        "最近睡得怎么样？",
        "睡不好，“总是”醒。",
        "计划 先谈睡眠",
        "阶段 探索, 行动",
        "counselor",
        "client",
    ):
        assert text in seen, text
    assert 'lang="zh"' in page
    assert '<meta charset="utf-8">' in page


def test_a_run_without_a_dialogue_has_a_page_too(tmp_path: Path) -> None:
    psyloom(
        "simulate",
        "--counselor",
        "cactus",
        "--client",
        "cactus",
        cases(tmp_path / "c.jsonl", 2),
        "--out",
        tmp_path / "out",
    )
    seen = words_of((tmp_path / "out" / "report.html").read_text("utf-8"))
    assert "dialogues 0" in seen
    assert "MissingFacet 2" in seen
    assert "lacks intake" in seen


def test_labels_are_counted(tmp_path: Path) -> None:
    made = talk("d", *["Mm."] * 4)
    for turn in made.turns:
        turn.labels = [Label(set="moods", id="calm")]
    assert "calm moods 4" in words_of(report(tmp_path / "out", made))


def test_a_page_that_cannot_be_written_costs_no_dialogue_and_is_said(tmp_path: Path) -> None:
    (tmp_path / "out" / "report.html").mkdir(parents=True)
    ran = psyloom("run", "interactive_agents", cases(tmp_path / "c.jsonl", 2), "--out", tmp_path / "out", *TALK)
    assert ran.code == 1
    assert "cannot write" in ran.complaint
    assert "2 dialogues" in ran.out
    assert (tmp_path / "out" / "dialogues.jsonl").read_bytes().count(b"\n") == 2
    stopped = psyloom(
        "run", "interactive_agents", cases(tmp_path / "c.jsonl", 9), "--out", tmp_path / "out2", *TALK, "--max-calls", 1
    )
    assert "budget" in stopped.complaint


@pytest.mark.parametrize("many", [1, 2, 50])
def test_lengths_are_told_for_any_number_of_dialogues(tmp_path: Path, many: int) -> None:
    page = report(tmp_path / "out", *(talk(f"d{n}", *["Mm."] * (n % 7 + 1)) for n in range(many)))
    assert words_of(page).count("messages ")
    assert page.count('class="bars"') >= 4


def test_the_same_files_give_the_same_page(tmp_path: Path) -> None:
    one = report(tmp_path / "out", talk("d", "Hi", "Hello"))
    assert write_report(tmp_path / "out").read_text("utf-8") == one
    assert to_line(Case(id="c", lang="en", post=Post(text="t")))


def test_what_was_measured_of_a_client_and_its_guard_counts_stand_beside_its_dialogue(tmp_path: Path) -> None:
    quality = Quality(
        guards={"role_flip": 2}, kept={"repeats": 1}, measures={"volunteered": 0.25, "cooperation_1": 1.0}
    )
    said = words_of(report(tmp_path / "out", talk("a", "Hello.", "Hi.", quality=quality)))
    assert "measured volunteered 0.25, cooperation 1 1.0" in said
    assert "asked for again role flip 2" in said
    assert "kept in spite of repeats 1" in said


@pytest.mark.parametrize(
    ("name", "zh", "en"),
    [
        ("facts_told", "说出的事实占比", "facts told"), ("cooperation_2", "第二段配合度", "cooperation 2"),
        ("role_flip", "替对方说话", "role flip"), ("cadss_v2_failed", "cadss_v2 没标成的", "cadss v2 failed"),
        ("of_somebody_else", "of somebody else", "of somebody else"),
    ],
)  # fmt: skip
def test_what_was_measured_and_what_guards_heard_have_words_in_both_languages(name: str, zh: str, en: str) -> None:
    assert (words.measured(name, "zh"), words.measured(name, "en")) == (zh, en)


def test_a_chinese_report_tells_what_was_measured_in_chinese(tmp_path: Path) -> None:
    quality = Quality(guards={"repeats": 2}, kept={"role_flip": 1}, measures={"volunteered": 0.25})
    said = words_of(report(tmp_path / "out", talk("a", "你好。", "嗯。", lang="zh", quality=quality)))
    assert "没问就说的事实占比 0.25" in said
    assert said.count("重复前文") == said.count("替对方说话") == 2, "in the table and beside the dialogue"


LONG = "He looks at the window for a long time before he says anything at all. "
PLAN = {"plan": {"goals": [LONG, "sleep"], "therapy": "rebt"}, "therapy": "rebt"}


def noted(lang: Lang) -> Dialogue:
    """A dialogue with a short note, a long nested one, and a case whose personality was written for it."""
    found = talk("d", "Hi", "Hello", lang=lang, lineage=Lineage(system="psydt", version="0"))
    found.sessions[0].notes = dict(PLAN)
    personality = Personality(openness=f"{LONG}It stays open.")
    found.case = Case(id="c", lang=lang, post=Post(text="I lost my job."), personality=personality)
    return found


def test_a_long_note_is_folded_as_a_list_and_a_short_one_is_a_line(tmp_path: Path) -> None:
    page = report(tmp_path / "out", noted("en"))
    assert page.count('<details class="note">') == 2, "the plan and the case"
    assert f"<li>{LONG}" in page
    assert "<b>goals</b> <ul>" in page
    assert "{'" not in html.unescape(page)
    assert '{"' not in html.unescape(page)


@pytest.mark.parametrize(("lang", "name"), [("en", "Rational Emotive Behavior Therapy"), ("zh", "理情行为疗法")])
def test_a_label_in_a_note_has_its_name_in_the_dialogues_language(tmp_path: Path, lang: Lang, name: str) -> None:
    assert f"therapy {name}" in words_of(report(tmp_path / "out", noted(lang)))


def test_the_case_with_what_was_written_for_it_stands_beside_its_dialogue(tmp_path: Path) -> None:
    seen = words_of(report(tmp_path / "out", noted("en")))
    assert "I lost my job." in seen
    assert "It stays open." in seen


def test_the_page_speaks_chinese_when_most_dialogues_do(tmp_path: Path) -> None:
    chinese = [talk(f"zh-{n}", "你好", "嗯", lang="zh") for n in range(2)]
    page = report(tmp_path / "zh", *chinese, talk("en", "Hi", "Hello"))
    assert '<html lang="zh">' in page
    for text in ("3 段对话，0 个失败", "运行了什么", "结束方式：到达上限 3", "要求重写的回答 0", "四分位", "2 条发言"):
        assert text in words_of(page), text
    assert '<html lang="en">' in report(tmp_path / "en", chinese[0], talk("en", "Hi", "Hello"))
    template = (Path(words.__file__).parent / "report.html.j2").read_text("utf-8")
    assert set(re.findall(r'"([^"]+)" \| say', template)) <= words.ZH.keys(), "a word of the page has no Chinese"
