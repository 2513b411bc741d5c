"""What each data set demands of its reader."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from released_samples import (
    AUTOCBT_ZH,
    CACTUS_ROW,
    ESCOT,
    ESCOT_ROW,
    FORM,
    PORTRAIT,
    PREFIXED_ZH,
    PROFILE,
    client_record,
    release,
)

from psyloom.formats import read
from psyloom.formats.read._cbt import released
from psyloom.formats.read.escot import instruction_row, strategies_in
from psyloom.formats.read.sudosys import flat
from psyloom.judging.analysis import diversity_report
from psyloom.knowledge import label_set, label_sets
from psyloom.knowledge.instruments import instrument
from psyloom.records import Case, Defect, Dialogue, Rating


def of(name: str, folder: Path) -> list[Any]:
    """The records of a sample, defects put aside."""
    one = release(name)
    return list(read(one.lay(folder), one.format, on_defect=lambda _: None))


def given(files: dict[str, Any], folder: Path, name: str) -> tuple[list[Any], list[Defect]]:
    """The records and defects of some files, as JSON unless they are text."""
    for file, content in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(
            content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), "utf-8"
        )
    defects: list[Defect] = []
    return list(read(folder, name, on_defect=defects.append)), defects


def spoken(dialogue: Dialogue) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in dialogue.turns]


class Tag(str):
    """``set=label``: the same label by whichever of its names, so that a set may become known without a new fixture."""

    def __eq__(self, other: object) -> bool:
        return self._canonical() == Tag(other)._canonical()

    __hash__ = str.__hash__

    def _canonical(self) -> tuple[str, str]:
        name, _, word = self.partition("=")
        term = label_set(name).find(word) if name in label_sets() else None
        return name, term.id if term else word


def tags(labels: Any) -> list[Tag]:
    return [Tag(f"{label.set}={label.id}") for label in labels]


# CACTUS, acceptance 9


@pytest.mark.parametrize("record", [client_record("positive"), client_record(zh=True) | {"idx": 0}], ids=["en", "zh"])
@pytest.mark.accepts("cactus", 9)
def test_cactus_clients_of_both_languages_round_trip_without_loss(record: dict[str, Any], tmp_path: Path) -> None:
    (case,), defects = given({"evaluation.json": [record]}, tmp_path, "cactus")
    assert isinstance(case, Case)
    assert released(case) == record
    assert defects == []
    assert "intake_form" not in json.dumps(case.extra)


def test_cactus_form_in_another_wording_is_kept_beside_its_sections(tmp_path: Path) -> None:
    record = client_record(form=FORM.replace("Occupation: Baker", "Occupation:\n  Baker").replace("\n\n6.", "\n\n\n6."))
    (case,), _ = given({"evaluation.json": [record]}, tmp_path, "cactus")
    assert case.demographics.occupation == "Baker"
    assert case.intake.support == "My brother calls me weekly."
    assert released(case)["AI_client"] == record["AI_client"]


def test_cactus_sections_and_opening_land_in_their_facets(tmp_path: Path) -> None:
    case = of("cactus-clients", tmp_path)[0]
    assert (case.demographics.name, case.demographics.age, case.demographics.family) == (
        "Mina Ortega",
        29,
        "One brother",
    )
    assert case.intake.problem.endswith("It began when the bakery changed hands.")
    assert case.intake.reason == "I came because my sleep is suffering."
    assert case.intake.functioning.startswith("Academic/occupational functioning level: I check")
    assert (case.disposition.attitude, case.disposition.instruction) == (
        "positive",
        "Be of two minds about counseling.",
    )
    assert [list(line) for line in case.opening] == [["counselor"], ["client"]]


def test_cactus_row_becomes_a_dialogue_with_its_case(tmp_path: Path) -> None:
    (found,), _ = given({"cactus.json": [CACTUS_ROW]}, tmp_path, "cactus")
    assert [speaker for speaker, _ in spoken(found)] == ["counselor", "client", "counselor"]
    assert tags(found.labels) == ["cactus_technique=Decatastrophizing"]
    assert found.sessions[0].notes["cbt_plan"] == CACTUS_ROW["cbt_plan"]
    assert found.case.thought.distortions == ["labeling and mislabeling", "none"]
    assert found.case.disposition.attitude == "negative"


# MAGneT, acceptance 10


@pytest.mark.accepts("magnet", 10)
def test_magnet_reads_both_layouts_alike(tmp_path: Path) -> None:
    (one,), (other,) = of("magnet-sessions", tmp_path / "a"), of("magnet-written", tmp_path / "b")
    assert spoken(one) == spoken(other)
    assert one.case.model_dump(exclude={"id"}) == other.case.model_dump(exclude={"id"})
    assert (other.extra["cost"], tags(other.labels)) == (0.01, ["magnet_cbt_technique=Pie Chart Technique"])
    # A planner that answers in sentences names no label.
    assert (tags(one.labels), one.extra["cbt_technique"][:14]) == ([], "I would choose")


def test_magnet_judgments_belong_to_the_session_of_their_file_name(tmp_path: Path) -> None:
    found = {one.instrument: one for one in of("magnet-scores", tmp_path)}
    assert {one.subject.dialogue for one in found.values()} == {"magnet-session_1"}
    assert (found["ctrs"].scale, found["wai"].scale, found["panas"].scale) == ((0, 6), (1, 7), (1, 5))
    assert [item.value for item in found["panas"].items] == [1, 5, 2]
    assert found["panas"].subject.moment == "before"
    assert {item.item: item.value for item in found["wai"].items} == {"wai1": 5.0, "wai2": 6.0}


def test_magnet_turn_that_is_nothing_but_a_prefix_is_reported(tmp_path: Path) -> None:
    sample = release("magnet-sessions").files["session_1.json"]
    talk = [*sample["dialogue"], {"role": "client", "message": "Client:"}]
    _, defects = given({"session_1.json": sample | {"dialogue": talk}}, tmp_path, "magnet")
    assert [one.field for one in defects] == ["dialogue.3", "dialogue.3"]


# PATIENT-Psi, acceptance 10


@pytest.mark.accepts("patient_psi", 10)
def test_patient_psi_profile_is_read_with_its_optional_field_missing_or_given(tmp_path: Path) -> None:
    later = PROFILE | {"id": "1-2", "intermediate_belief": "Be first.", "intermediate_belief_depression": "Why try."}
    (one, other), defects = given({"profiles.json": [PROFILE, later]}, tmp_path, "patient_psi")
    assert defects == []
    assert one.cognition.intermediate_beliefs == ["If I am not first, I have failed."]
    assert one.cognition.intermediate_beliefs_during_depression == ["Trying is no use."]
    assert other.cognition.intermediate_beliefs_during_depression == ["Why try."]
    assert one.cognition.core_beliefs.worthless == ["I am worthless, waste."]
    assert one.cognition.situations[0].emotions == ["sad, down, lonely, unhappy", "jealous, envious"]
    assert (one.id, one.demographics.name, one.extra["type"]) == ("patient_psi-1-1", "Noor", ["plain", "reserved"])


def test_patient_psi_chat_has_the_user_as_therapist(tmp_path: Path) -> None:
    (found,) = of("patient_psi-chats", tmp_path)
    assert [speaker for speaker, _ in spoken(found)] == ["counselor", "client"]


# SMILE, acceptance 7


@pytest.mark.accepts("smile", 7)
def test_smile_reads_both_published_formats_into_the_same_talk(tmp_path: Path) -> None:
    now = [
        {"role": "client" if line.startswith("求") else "counselor", "content": line[4:], "annotation": []}
        for line in PREFIXED_ZH
    ]
    (one, other), _ = given({"data/0.json": now, "plain/0.json": PREFIXED_ZH}, tmp_path, "smile")
    assert spoken(one) == spoken(other)
    assert [turn.labels for turn in one.turns] == [turn.labels for turn in other.turns]


@pytest.mark.accepts("smile", 7)
def test_smile_reports_a_dialogue_in_which_only_one_side_speaks(tmp_path: Path) -> None:
    one_sided = [{"role": "client", "content": "妈妈不认可我。支持者：听起来你很难过。", "annotation": []}]
    (found,), defects = given({"22072.json": one_sided}, tmp_path, "smile")
    assert (found.id, [one.what for one in defects]) == ("smile-22072", ["only the client speaks (record kept)"])


def test_smile_accepts_repeated_speakers_and_labels_sentences(tmp_path: Path) -> None:
    (found,) = of("smile-annotated", tmp_path)
    (label,) = found.turns[1].labels
    assert (label.set, label.id, label.span) == ("smile_strategy", "共情", (0, 7))
    assert found.turns[0].extra["annotation"][1] == {"sentence": "怎么办？", "label": ""}


# CPsyCoun, acceptance 10


def test_cpsycoun_reports_the_defects_that_the_paper_rules_out(tmp_path: Path) -> None:
    good = "\n\n".join(["来访者：你好。", "心理咨询师：你好。"] * 5)
    texts = {
        "case_1.txt": good,
        "case_2.txt": good + "\n\n来访者：再见。",
        "case_3.txt": good.replace("心理咨询师：你好。", "来访者：嗯。", 1),
        "case_4.txt": "来访者：你好。\n\n心理咨询师：你好。",
        "case_5.txt": good + "\n\n来访者：那呢？\n\n心理咨询师：报告里写了。",
    }
    found, defects = given(texts, tmp_path, "cpsycoun")
    assert len(found) == 5
    assert [(Path(one.file).stem, one.what.removesuffix(" (record kept)")) for one in defects] == [
        ("case_2", "ends with a client line"),
        ("case_3", "two lines of one speaker in a row"),
        ("case_3", "fewer than 5 exchanges (4)"),
        ("case_4", "fewer than 5 exchanges (1)"),
        ("case_5", "the counselor mentions the report or the notes"),
    ]


@pytest.mark.accepts("cpsycoun", 10)
def test_cpsycoun_loader_reads_every_text_file_and_counts_its_defects(tmp_path: Path) -> None:
    """Every kind of defect that was measured on the release, several of each, in files that are all read."""
    fine = [line for n in range(5) for line in (f"来访者：我说{n}。", f"心理咨询师：我听{n}。")]
    long = "长" * 51

    def file(*lines: str, n: int) -> str:
        return "\n\n".join([f"来访者：第{n}次。", "心理咨询师：嗯。", *lines])

    texts = {
        "fine": file(*fine, n=0),
        "ends-1": file(*fine, "来访者：再见。", n=1),
        "ends-2": file(*fine, "来访者：再见。", n=2),
        "row": file(*fine, "心理咨询师：还有吗？", n=3),
        "long": file(
            *fine, f"来访者：{long}。", f"心理咨询师：{long}。", f"来访者：{long}！", f"心理咨询师：{long}！", n=4
        ),
        "bound": file(*fine, f"来访者：{'短' * 50}", f"心理咨询师：{'短' * 50}", n=5),
        "few": file(*fine[:6], n=6),
        "many": file(*fine * 3, n=7),
        "copy-1": file(*fine, n=0),
        "copy-2": file(*fine, n=0),
        "source": file(*fine, "来访者：报告要交了。", "心理咨询师：报告里写过，笔记里也有。", n=8),
        "counts": file(*fine, "来访者：怎么办？", "心理咨询师：首先早睡，其次多走走。", n=9),
        "danger": file(*fine, "来访者：想过自杀，也自残过。", "心理咨询师：你愿意说说吗？", n=10),
    }
    found, defects = given(
        {f"case_{n}-{name}.txt": text for n, (name, text) in enumerate(texts.items())}, tmp_path, "cpsycoun"
    )
    assert len(found) == len(texts)
    assert all(one.what.endswith("record kept)") for one in defects)
    counted = Counter(one.what.partition(" (")[0] for one in defects)
    assert counted == {
        "ends with a client line": 2,
        "two lines of one speaker in a row": 1,
        "fewer than 5 exchanges": 1,
        "more than 15 exchanges": 1,
        "counselor line of more than 50 characters": 2,
        "client line of more than 50 characters": 2,
        "the same talk as another": 2,
        "the counselor mentions the report or the notes": 1,
        "the counselor counts off points": 1,
        "touches suicide or self-harm": 1,
    }


def test_cpsycoun_benchmark_takes_its_topic_from_the_folder(tmp_path: Path) -> None:
    (found,) = of("cpsycoun-e", tmp_path)
    assert (found.id, tags(found.labels)) == ("cpsycoun-Love&Marriage-1", ["cpsycoun_topic=Love&Marriage"])


def test_cpsycoun_report_keeps_its_six_parts_under_either_names(tmp_path: Path) -> None:
    (english,), (chinese,) = of("cpsycoun-reports-en", tmp_path / "a"), of("cpsycoun-reports-zh", tmp_path / "b")
    assert (english.report.brief, english.report.method) == ("男，20岁。", "认知行为疗法")
    assert (chinese.report.brief, chinese.report.process, chinese.report.title) == (
        "男，20岁。",
        "共三次。",
        "考前失眠",
    )


def test_cpsycoun_stage_direction_between_paragraphs_is_not_spoken(tmp_path: Path) -> None:
    (found,) = of("cpsycoun-d", tmp_path)
    assert (found.turns[1].text, found.turns[1].extra) == ("能说说吗？", {"directions": ["（一段时间后）"]})


# SoulChat, acceptance 7; PsyDT, acceptance 8; PsyDial, acceptance 9; Interactive Agents


def test_soulchat_record_gives_topic_and_messages(tmp_path: Path) -> None:
    (found,) = of("soulchat-corpus", tmp_path)
    assert (found.id, tags(found.labels), len(found.turns)) == ("soulchat-12", ["soulchat_topic=婚恋"], 4)


def test_soulchat_demo_history_may_have_one_user_message_more(tmp_path: Path) -> None:
    (found,) = of("soulchat-demo", tmp_path)
    assert spoken(found) == [("client", "你好"), ("counselor", "你好，我在听"), ("client", "我睡不着")]


def test_soulchat_text_sample_is_joined_with_its_target(tmp_path: Path) -> None:
    (found,) = of("soulchat-samples", tmp_path)
    assert spoken(found) == [("client", "我睡不着。"), ("counselor", "多久了？")]


def test_psydt_readme_record_gives_prompt_topic_and_talk(tmp_path: Path) -> None:
    (found,) = of("psydt-corpus", tmp_path)
    assert (found.extra, tags(found.labels)) == (
        {"id": 0, "system": "你是一位温和的心理咨询师。"},
        ["soulchat_topic=婚恋"],
    )


def test_psydt_turn_samples_of_one_dialogue_get_ids_of_their_own(tmp_path: Path) -> None:
    rows = [
        {
            "id": 3,
            "normalizedTag": "婚恋",
            "messages": [{"role": "user", "content": "嗯"}, {"role": "assistant", "content": "好"}],
        }
    ] * 2
    found, _ = given({"test.json": rows}, tmp_path, "psydt")
    assert [one.id for one in found] == ["psydt-test-1", "psydt-test-2"]


@pytest.mark.accepts("psydial", 9)
def test_psydial_test_case_yields_history_and_golden_reply(tmp_path: Path) -> None:
    (found,) = of("psydial-tests", tmp_path)
    assert spoken(found)[-1] == ("counselor", "一边想离开，一边又有顾虑。")
    assert [turn.extra for turn in found.turns] == [{}, {}, {}, {"golden": True}]


@pytest.mark.accepts("psydial", 9)
def test_psydial_reads_messages_with_and_without_prompt_and_both_role_names(tmp_path: Path) -> None:
    (one,), (other,) = of("psydial-dialogues", tmp_path / "a"), of("psydial-files", tmp_path / "b")
    assert (one.extra["system"], other.extra) == ("你是一位温和的心理咨询师。", {})
    assert {turn.speaker for turn in (*one.turns, *other.turns)} == {"client", "counselor"}


def test_interactive_agents_profile_is_a_post_with_its_title(tmp_path: Path) -> None:
    case = of("interactive_agents-profiles", tmp_path)[0]
    assert case.post.title == "升职后反而睡不着，怎么回事？"
    assert case.post.text.startswith("上个月我当了组长")


def test_interactive_agents_arena_keeps_the_candidates(tmp_path: Path) -> None:
    (found,) = of("interactive_agents-arena", tmp_path)
    assert found.extra["candidates"][0][0]["content"] == "别的回答。"


# ESCoT, acceptance 5 and 8


@pytest.mark.accepts("escot", 5)
def test_escot_record_and_instruction_row_become_the_same_kind_of_dialogue(tmp_path: Path) -> None:
    (record,), (row,) = of("escot-records", tmp_path / "a"), of("escot-rows", tmp_path / "b")
    assert [one.name for one in record.turns[-1].thought] == [
        "emotion",
        "emotion_stimuli",
        "individual_appraisal",
        "strategy_reason",
    ]
    assert [one.name for one in row.turns[-1].thought] == ["strategy_reason"]
    assert tags(record.turns[-1].labels) == tags(row.turns[-1].labels) == ["escot_strategy=affirmation_and_reassurance"]
    assert all(not turn.labels for turn in record.turns[:-1])
    assert (record.id, record.turns[-1].text) == ("escot-979", "Moving alone took courage.")


@pytest.mark.accepts("escot", 5)
def test_escot_instruction_rows_of_all_settings_come_back_as_they_were(tmp_path: Path) -> None:
    reply, chain = "Response:\nThat took courage.", ["Emotion:\nLonely.", "Emotion Stimulus:\nThe move.",
                    "Individual Appraisal:\nNobody cares.", 'Strategy Reason:\nUse "Question" to explore.']  # fmt: skip
    settings = ([], chain[3:], [chain[0], chain[3]], chain)
    rows = [ESCOT_ROW | {"output": "\n".join([*blocks, reply])} for blocks in settings]
    found, _ = given({"rows.json": rows}, tmp_path, "escot")
    assert [instruction_row(one) for one in found] == rows
    assert len({one.id for one in found}) == 4


@pytest.mark.accepts("escot", 5)
def test_escot_record_gives_the_instruction_row_of_the_full_setting(tmp_path: Path) -> None:
    (record,), _ = given({"test.json": [ESCOT]}, tmp_path, "escot")
    row = instruction_row(record)
    assert row["dialog_id"] == 979
    assert (
        row["input"]
        == "supporter: Hi, what is on your mind?\nseeker: I moved here in May and still eat lunch alone every day."
    )
    assert row["output"].startswith("Emotion:\nThe seeker feels lonely.\nEmotion Stimulus:\n")
    assert row["output"].endswith("Response:\nMoving alone took courage.")


@pytest.mark.parametrize(
    ("reason", "first"),
    [
        ('could use "Question" before information', "Question"),
        ("it helps to restate: restatement or paraphrasing, then a question", "Restatement or Paraphrasing"),
        ("支持者可以用“意象想象”，而不是提问", "Imagery"),
        ("nothing is named", None),
    ],
)
def test_escot_strategy_is_the_quoted_name_else_the_first_named(reason: str, first: str | None) -> None:
    assert next((term.en for term in strategies_in(reason)), None) == first


@pytest.mark.accepts("escot", 8)
def test_esconv_and_failed_esconv_load_with_one_spelling_of_the_labels(tmp_path: Path) -> None:
    good, bad = [one for one in of("esconv-all", tmp_path) if isinstance(one, Dialogue)]
    assert [turn.speaker for turn in bad.turns] == ["counselor", "client", "counselor"]
    assert tags(good.turns[1].labels) == tags(bad.turns[0].labels) == ["esconv_strategy=question"]
    assert tags(bad.turns[2].labels) == ["esconv_strategy=others"]
    assert bad.turns[0].extra == {"annotation": {"strategy": "Questions"}}
    assert good.turns[2].extra == {"annotation": {"feedback": "4"}}
    assert [turn.speaker for turn in good.turns][-2:] == ["client", "client"]


def test_esconv_survey_becomes_ratings_and_severity(tmp_path: Path) -> None:
    records = of("esconv-all", tmp_path)
    good, ratings = records[0], [one for one in records if isinstance(one, Rating)]
    assert (good.case.scenario.severity_before, good.case.scenario.severity_after) == (5, 2)
    assert (good.case.scenario.type, good.case.scenario.emotion) == (["job crisis"], "anxiety")
    assert [(one.rater.perspective, len(one.items), one.scale) for one in ratings] == [
        ("client", 4, (1, 5)), ("counselor", 1, (1, 5)), ("client", 1, (1, 5))]  # fmt: skip
    assert {one.subject.dialogue for one in ratings} == {records[0].id, records[3].id}


# Psy-Insight, acceptance 8


@pytest.mark.accepts("psyinsight", 8)
def test_psyinsight_reads_both_released_shapes_with_their_mixed_types(tmp_path: Path) -> None:
    zh, en = of("psyinsight-sessions", tmp_path)
    assert (zh.lang, en.lang) == ("zh", "en")
    assert (zh.extra["is_same_qa"], zh.extra["is_same_session"], en.extra["is_same_qa"]) == ("", -1, 0)
    assert [turn.extra.get("reference_labels") for turn in en.turns] == ["leans forward", ["shrugs"]]
    assert zh.turns[0].extra["labels"][0]["index"] == 3
    assert tags(en.turns[1].labels) == ["psyinsight_emotion=anxiety", "psyinsight_emotion=guilty"]
    assert en.turns[0].thought[0].text == "A number is easier than words."
    assert en.turns[1].extra["observation"] == "He avoids her eyes."
    assert zh.turns[1].extra["reasoning"] == "放错了地方的说明。"
    assert tags(en.sessions[0].labels) == ["psyinsight_psychotherapy=solution_focused_brief_therapy"]
    assert tags(zh.sessions[0].labels)[1] == "psyinsight_stage=Early Session"
    assert (en.sessions[0].summary, en.sessions[0].notes["theme"]) == (
        "He names what keeps it from being 0.",
        "scaling question",
    )
    assert zh.case.scenario.situation == "一名担心考试的中学生。"


@pytest.mark.accepts("psyinsight", 8)
def test_psyinsight_unit_seats_the_family_with_the_client(tmp_path: Path) -> None:
    (found,) = of("psyinsight-units", tmp_path)
    assert [turn.speaker for turn in found.turns] == ["counselor", "client", "client"]
    assert [turn.extra.get("participant") for turn in found.turns] == [None, "Lin", "Mother"]


# Client Reactions, acceptance 4


@pytest.mark.accepts("client_reactions", 4)
def test_client_reactions_reads_the_concatenated_sessions_with_spans(tmp_path: Path) -> None:
    first, second = of("client_reactions-splits", tmp_path)
    counselor, client = first.turns
    assert [(label.set, label.id, label.span) for label in counselor.labels] == [
        ("client_reactions_strategy", "reflection_of_feelings", (0, 12)),
        ("client_reactions_strategy", "inquiring_subjective_information", (12, 21)),
    ]
    assert tags(client.labels) == ["client_reaction=giving_information", "client_reactions_experience=Safety"]
    assert (first.id, second.id) == ("client_reactions-train-1", "client_reactions-test-1")
    assert first.extra["raw_session"][0]["text"] == "听起来这周你一直在硬撑。"


@pytest.mark.accepts("client_reactions", 3)
@pytest.mark.parametrize(
    ("given_label", "id_", "complaints"),
    [
        ({"coarse_behav_label": "Negative", "fine_behav_label": "Changing Topics"}, "shifting_topics", 0),
        ({"coarse_behav_label": "Positive", "fine_behav_label": "Reformulation"}, "reformulating", 0),
        ({"reaction": "Positive", "behaviour": "Reasonable Requesting"}, "reasonable_request", 0),
        ({"coarse_behav_label": "Others", "fine_behav_label": "Others"}, "others", 0),
        ({"coarse_behav_label": "Negative", "fine_behav_label": "Extending"}, "extending", 1),
        ({"coarse_behav_label": "Negative"}, "negative", 0),
    ],
)
def test_client_reactions_takes_any_spelling_and_the_group_only_where_it_stands_alone(
    given_label: dict[str, str], id_: str, complaints: int, tmp_path: Path
) -> None:
    turns = [
        {"speaker": "咨询师", "text": "后来呢？"},
        {"speaker": "来访者", "text": "嗯嗯。", "annotation": [{"start": 0, "end": 3, **given_label}]},
    ]
    (found,), defects = given({"s.json": {"concate_session": turns}}, tmp_path, "client_reactions")
    assert tags(found.turns[1].labels) == [f"client_reaction={id_}"]
    assert len(defects) == complaints


@pytest.mark.accepts("psyinsight", 2)
def test_psyinsight_more_than_four_emotions_are_an_echo_of_the_list_and_become_unknown(tmp_path: Path) -> None:
    listed = ["Anxiety", "Depression", "Sadness", "Anger", "Fear"]
    row = release("psyinsight-sessions").files["en_data_version7.json"][0]
    said = [turn | ({"emotional label": listed} if turn["speaker"] == "Seeker" else {}) for turn in row["dialog"]]
    (found,), defects = given({"en_data_version7.json": [row | {"dialog": said}]}, tmp_path, "psyinsight")
    assert tags(next(turn for turn in found.turns if turn.speaker == "client").labels) == ["psyinsight_emotion=unknown"]
    assert "5 emotions" in defects[0].what


def test_client_reactions_span_outside_the_text_is_reported_and_kept(tmp_path: Path) -> None:
    bad = {"start": 3, "end": 99, "fine_strategy": "Restatement"}
    session = {
        "concate_session": [
            {"speaker": "咨询师", "text": "你好。", "annotation": [bad]},
            {"speaker": "来访者", "text": "嗯。"},
        ]
    }
    (found,), defects = given({"s.json": session}, tmp_path, "client_reactions")
    assert found.turns[0].extra == {"annotation": [bad]}
    assert "outside the text" in defects[0].what


def test_client_reactions_session_that_fails_does_not_take_the_others_along(tmp_path: Path) -> None:
    good = release("client_reactions-session").files["s.json"]
    found, defects = given({"all.json": {"train": [good, {"concate_session": []}, good]}}, tmp_path, "client_reactions")
    assert [one.id for one in found] == ["client_reactions-train-1", "client_reactions-train-3"]
    assert [(one.line, one.what) for one in defects] == [(2, "holds no message (record left out)")]


def test_client_reactions_survey_becomes_a_rating(tmp_path: Path) -> None:
    _, rating = of("client_reactions-surveyed", tmp_path)
    assert [item.value for item in rating.items] == [4, 4, 3, 5]


# MDD-5k, acceptance 9


@pytest.mark.accepts("mdd5k", 9)
def test_mdd5k_sample_of_three_patients_gives_fifteen_talks_with_their_labels(tmp_path: Path) -> None:
    talks = release("mdd5k-talks").files["MDD_5k/patient_7.json"]
    codes = {
        7: ("F41.101", "焦虑状态"),
        162: ("F32.300", "重度抑郁发作"),
        885: ("F41.200x002,G47.000x001", "失眠,焦虑抑郁状态"),
    }
    files = {f"MDD_5k/patient_{number}.json": talks for number in codes}
    files |= {
        f"Label/patient_{n}_label.json": {"ICD_Code": icd, "Diagnosis_Result": name} for n, (icd, name) in codes.items()
    }
    found, defects = given(files, tmp_path, "mdd5k")
    assert (len(found), defects) == (15, [])
    assert all([turn.speaker for turn in one.turns] == ["counselor", "client"] * 2 for one in found)
    assert [len(one.labels) for one in found] == [2] * 10 + [4] * 5


@pytest.mark.accepts("mdd5k", 9)
def test_mdd5k_reads_five_talks_a_patient_with_both_speakers_in_each_exchange(tmp_path: Path) -> None:
    found = of("mdd5k-talks", tmp_path)
    assert [one.id for one in found] == [f"mdd5k-patient_7-{number}" for number in range(1, 6)]
    assert all([turn.speaker for turn in one.turns] == ["counselor", "client"] * 2 for one in found)


@pytest.mark.accepts("mdd5k", 9)
def test_mdd5k_labels_are_split_on_ascii_commas_and_never_paired(tmp_path: Path) -> None:
    label = {"ICD_Code": "F32.000x002,F41.101", "Diagnosis_Result": "焦虑状态，伴惊恐,抑郁状态"}
    (found,), _ = given({"MDD_5k/patient_7.json": [release("mdd5k-talks").files["MDD_5k/patient_7.json"][0]],
                         "Label/patient_7_label.json": label}, tmp_path, "mdd5k")  # fmt: skip
    assert tags(found.labels) == ["mdd5k_icd=F32.000x002", "mdd5k_icd=F41.101", "mdd5k_diagnosis=焦虑状态，伴惊恐",
                                  "mdd5k_diagnosis=抑郁状态"]  # fmt: skip
    assert [(one.name, one.code) for one in found.case.clinical.diagnoses] == [
        ("焦虑状态，伴惊恐", None),
        ("抑郁状态", None),
    ]
    assert found.case.extra == {"ICD_Code": "F32.000x002,F41.101"}


def test_mdd5k_single_label_is_one_diagnosis_with_its_code(tmp_path: Path) -> None:
    (case,), _ = given(
        {"Label/patient_8_label.json": {"ICD_Code": "F32.300", "Diagnosis_Result": "重度抑郁发作"}}, tmp_path, "mdd5k"
    )
    (one,) = case.clinical.diagnoses
    assert (case.id, one.name, one.code, one.system) == ("mdd5k-patient_8", "重度抑郁发作", "F32.300", "ICD-10")


def test_mdd5k_label_folder_alone_gives_cases(tmp_path: Path) -> None:
    folder = release("mdd5k-talks").lay(tmp_path)
    assert [one.id for one in read(folder / "Label", "mdd5k")] == ["mdd5k-patient_7"]  # type: ignore[attr-defined]


def test_mdd5k_closing_turn_of_raw_output_is_read(tmp_path: Path) -> None:
    talk = {"conversation": [{"doctor": "睡得好吗？", "patient": "不好。"}, {"doctor": "考虑焦虑状态，两周后复诊。"}]}
    (found,), _ = given({"MDD_5k/patient_1.json": [talk]}, tmp_path, "mdd5k")
    assert spoken(found)[-1] == ("counselor", "考虑焦虑状态，两周后复诊。")


def test_mdd5k_patient_record_fills_the_clinical_facet(tmp_path: Path) -> None:
    (case,) = of("mdd5k-patients", tmp_path)
    assert (case.demographics.age, case.demographics.gender, case.id) == (30, "女", "mdd5k-7")
    assert case.clinical.personal_history == {"婚恋情况": "已婚", "病前性格": "谨慎"}
    assert (case.clinical.diagnoses[0].code, case.clinical.treatment) == ("F41.101", "建议心理治疗，两周后复诊")


@pytest.mark.accepts("mdd5k", 10)
def test_mdd5k_statistics_count_the_chinese_characters_of_each_message(tmp_path: Path) -> None:
    talk = {
        "conversation": [
            {"doctor": "睡得好吗？", "patient": "不好，醒 3 次。"},
            {"doctor": "多久了？", "patient": "一个月"},
        ]
    }
    (found,), _ = given({"MDD_5k/patient_1.json": [talk]}, tmp_path, "mdd5k")
    (table,) = [one for one in diversity_report([found], by="characters") if one.name == "chinese"]
    assert [dict(zip(table.columns, row, strict=True)) for row in table.rows] == [
        {"side": "client", "a message": 3.5, "a dialogue": 7},
        {"side": "counselor", "a message": 3.5, "a dialogue": 7},
        {"side": "both", "a message": 3.5, "a dialogue": 14},
    ]


# DiaCBT, acceptance 10


def test_diacbt_case_is_its_six_session_files_in_order(tmp_path: Path) -> None:
    names = ["One", "Two", "Three", "Four", "Five", "Six"]
    texts = {
        f"38/Session_{name}.txt": f"咨询师：['收集信息'] {name}\n来访者：好。\n" * number
        for number, name in enumerate(names, 1)
    }
    (found,), _ = given(texts, tmp_path, "diacbt")
    assert found.id == "diacbt-38"
    assert [len(one.turns) for one in found.sessions] == [2, 4, 6, 8, 10, 12]
    assert [one.turns[0].text for one in found.sessions] == names


def test_diacbt_tolerates_every_spelling_of_its_line_grammar(tmp_path: Path) -> None:
    found, other = of("diacbt-sessions", tmp_path)
    first, second = found.sessions
    assert [tags(turn.labels) for turn in first.turns] == [
        ["diacbt_strategy=agenda", "diacbt_strategy=gather_info"], [], ["diacbt_strategy=gather_info"], [], [], []]  # fmt: skip
    assert [turn.text for turn in first.turns][:3] == [
        "今天我们先看看这一周。",
        "（低头）还是睡不好。",
        "睡不好的时候在想什么？",
    ]
    assert [turn.speaker for turn in first.turns][3:] == ["client", "client", "counselor"]
    assert spoken(other)[-1] == ("counselor", "我们记下来。")
    assert second.turns[0].text == "作业做得怎么样？"


def test_diacbt_counselor_lines_without_labels_are_counted_in_one_defect(tmp_path: Path) -> None:
    text = "咨询师：['其他'] 好\n来访者：嗯\n咨询师：请坐\n咨询师：说吧\n"
    _, defects = given({"1/Session_One.txt": text}, tmp_path, "diacbt")
    assert [one.what for one in defects] == ["2 counselor lines have no strategy list (record kept)"]


def test_diacbt_repeated_labels_stay_repeated(tmp_path: Path) -> None:
    (found,), _ = given({"1/Session_One.txt": "咨询师：['其他', '其他'] 好\n来访者：嗯\n"}, tmp_path, "diacbt")
    assert tags(found.turns[0].labels) == ["diacbt_strategy=其他"] * 2


def test_diacbt_diagram_is_a_cognition_facet(tmp_path: Path) -> None:
    (case,) = of("diacbt-diagrams", tmp_path)
    assert case.cognition.core_beliefs.other == ["I am not good enough"]
    assert case.cognition.intermediate_beliefs == ["If I ask for help, people see I am weak"]


# CATCH


def test_catch_stages_label_counselor_turns_only(tmp_path: Path) -> None:
    (found,) = of("catch-dialogues", tmp_path)
    assert [tags(turn.labels) for turn in found.turns] == [[], ["catch_stage=target"]]
    assert found.sessions[0].notes == {"consultation_target": "说出自己的担心。"}


def test_catch_thought_has_three_named_paragraphs_and_is_not_spoken(tmp_path: Path) -> None:
    (found,) = of("catch-thoughts", tmp_path)
    assert [(one.name, one.text) for one in found.turns[-1].thought] == [
        ("memory", "来访者刚换部门。"), ("global_plan", "目前还在目标确认阶段。"), ("strategy_reasoning", "我选择共情并提问。")]  # fmt: skip
    assert found.turns[-1].text == "听起来新主管让你很紧张？"
    assert [turn.text for turn in found.turns][:2] == ["你好", "你好，我在听。"]


# CPsDD


def test_cadss_reads_lists_and_joined_strings_and_both_kinds_of_levels(tmp_path: Path) -> None:
    (found,) = of("cadss-raw", tmp_path)
    scenario = found.case.scenario
    assert (scenario.group, scenario.type, scenario.path) == (["大学生"], ["焦虑", "自卑"], ["先问候语", "引导提问"])
    assert (scenario.severity_before, scenario.severity_after) == (4, 2)
    assert [turn.speaker for turn in found.turns] == ["counselor", "client", "counselor"]
    assert [tags(turn.labels) for turn in found.turns] == [["cadss_strategy=先问候语"], [], ["cadss_strategy=引导提问"]]


def test_cadss_reads_the_upload_in_its_own_schema(tmp_path: Path) -> None:
    (found,) = of("cadss-upload", tmp_path)
    assert (found.id, found.case.scenario.severity_before, found.case.extra) == ("cadss-c9", 4, {"note": "复读"})
    assert (tags(found.turns[0].labels), tags(found.labels)) == (["cadss_strategy=先问候语"], ["cadss_topic=学业压力"])


# AutoCBT


def test_autocbt_answer_loses_the_marks_left_by_its_delimiters(tmp_path: Path) -> None:
    english, chinese = [one for one in of("autocbt-answers", tmp_path) if isinstance(one, Dialogue)]
    assert english.turns[1].text == "I can see how draining this is."
    assert english.extra["cbt_history"][0].startswith("user:")
    assert english.case.post.answers[0].author == "2"
    assert (chinese.case.post.title, chinese.case.post.topic) == ("开会前总是心慌怎么办", "职业,焦虑")
    assert chinese.case.post.answers[0].extra == {"has_label": True, "labels_sequence": "0,8,Approval"}
    assert chinese.turns[0].text == "开会前总是心慌怎么办\n换工作以后整夜睡不着。"


def test_autocbt_unreadable_judgment_is_a_failure_and_no_number(tmp_path: Path) -> None:
    good, bad = [one for one in of("autocbt-answers", tmp_path) if isinstance(one, Rating)]
    assert [(item.item, item.value) for item in good.items] == [("empathy", 6), ("belief", 5)]
    assert {item.item for item in good.items} <= {item.id for item in instrument("autocbt").items}
    assert good.extra["reply"] == '{"共情分数": 6, "辨识分数": 5}'
    assert (bad.items[0].value, bad.sample, bad.extra["reply"]) == (None, 1, "无法评分")
    assert bad.items[0].failure


@pytest.mark.accepts("autocbt", 8)
def test_autocbt_score_keys_of_both_locales_are_the_six_items_and_a_score_above_seven_is_no_number(
    tmp_path: Path,
) -> None:
    items = [item.id for item in instrument("autocbt").items]
    keys = {
        "en": [f"{item.title()}_Score" for item in items],
        "zh": ["共情分数", "信念得分", "反思分数", "策略分数", "鼓励分数", "相关性分数"],
    }
    for lang, names in keys.items():
        replies = [json.dumps(dict.fromkeys(names, value), ensure_ascii=False) for value in (7, 8)]
        row = AUTOCBT_ZH | {"cbt_history_score": {"1": replies}}
        found = [
            one for one in given({f"{lang}.json": [row]}, tmp_path / lang, "autocbt")[0] if isinstance(one, Rating)
        ]
        assert [[(part.item, part.value) for part in one.items] for one in found] == [
            [(item, value) for item in items] for value in (7, None)
        ]
        assert all(part.failure for part in found[1].items)


def test_autocbt_consultant_is_the_client_and_stray_brackets_go(tmp_path: Path) -> None:
    (found,) = of("autocbt-talks", tmp_path)
    assert spoken(found) == [("client", "I panic."), ("counselor", "Since when?")]


def test_autocbt_question_without_an_answer_is_a_case(tmp_path: Path) -> None:
    row = {"question": "怎么办", "description": "睡不着。", "questionID": 3, "answers": []}
    (case,), _ = given({"psyqa.json": [row]}, tmp_path, "autocbt")
    assert isinstance(case, Case)
    assert (case.post.title, case.post.text) == ("怎么办", "睡不着。")


# EmoLLM, MindChat


def test_emollm_swift_rows_are_put_back_into_the_order_of_the_talk(tmp_path: Path) -> None:
    one = release("emollm-swift")
    defects: list[Defect] = []
    first, second = read(one.lay(tmp_path), one.format, on_defect=defects.append)
    assert spoken(first) == [("client", "艾薇，我学习压力好大。"), ("counselor", "先说说是哪门课？"), ("client", "数学。"),
                             ("counselor", "一步步来。")]  # type: ignore[arg-type] # fmt: skip
    assert len(spoken(second)) == 2  # type: ignore[arg-type]
    assert ["holds a later exchange" in one.what for one in defects] == [True]


def test_emollm_evaluation_row_is_taken_apart_into_prompt_talk_and_reply(tmp_path: Path) -> None:
    (found,) = of("emollm-evaluation", tmp_path)
    assert found.extra["system"] == "你是心理专家。"
    assert spoken(found)[-2:] == [("counselor", "慢慢来。"), ("counselor", "先休息。")]


def test_emollm_conversation_keeps_prompt_and_order(tmp_path: Path) -> None:
    (found,) = of("emollm-conversations", tmp_path)
    assert found.extra["system"].startswith("你是心理专家")
    assert [speaker for speaker, _ in spoken(found)] == ["client", "counselor"] * 2


@pytest.mark.parametrize(
    ("asked", "answered"), [("prompt", "completion"), ("instruction", "output"), ("input", "content")]
)
def test_emollm_single_turn_families_are_read(asked: str, answered: str, tmp_path: Path) -> None:
    (found,), _ = given(
        {"a.json": [{asked: "我睡不着。", answered: "多久了？", "reasoning_content": "先问时长。"}]}, tmp_path, "emollm"
    )
    assert spoken(found) == [("client", "我睡不着。"), ("counselor", "多久了？")]
    assert found.turns[1].thought[0].text == "先问时长。"


def test_mindchat_reports_a_misused_input_and_an_empty_reply_and_keeps_both(tmp_path: Path) -> None:
    rows = [{"instruction": "谢谢", "input": "我会努力的。", "output": "加油。", "history": [["我很累。", ""]]}]
    (found,), defects = given({"dataset_example.json": rows}, tmp_path, "mindchat")
    assert spoken(found) == [("client", "我很累。"), ("counselor", ""), ("client", "谢谢"), ("counselor", "加油。")]
    assert found.extra == {"input": "我会努力的。"}
    assert [one.field for one in defects] == ["input", "messages.1"]


# CounselChat, NoteChat, AMIE


def test_counselchat_answers_to_one_question_are_one_case(tmp_path: Path) -> None:
    first, second = of("psyaug-counselchat", tmp_path)
    assert (first.id, second.id) == ("psyaug-901", "psyaug-902")
    assert (first.post.title, first.post.text, first.post.topic) == (
        "I snap at my kids",
        "Small noise makes me shout.\nI hate it.",
        "anger-management",
    )
    assert [(one.text, one.about_author, one.extra["upvotes"], one.extra["split"]) for one in first.post.answers] == [
        ("Notice the drive home.", "Ana Example, LMFT", "1", "train"), ("Breathe first.", "Ben Example, LCSW", "0", "train")]  # fmt: skip


def test_counselchat_markup_is_plain_text_with_the_original_beside_it(tmp_path: Path) -> None:
    (case,) = of("psyaug-newer", tmp_path)
    (answer,) = case.post.answers
    assert (answer.text, answer.author) == ("Write it down.\nThen rest.", "Ana Example")
    assert answer.extra["answerText"] == "<p>Write it&nbsp;down.</p><p>Then rest.</p>"
    assert case.post.topic == "Anxiety,Stress"


def test_notechat_lines_without_a_speaker_are_directions(tmp_path: Path) -> None:
    (found,) = of("notechat-pairs", tmp_path)
    assert spoken(found) == [("counselor", "What brings you in?"), ("client", "I feel low."), ("counselor", "Since when?"),
                             ("client", "Three months.")]  # fmt: skip
    assert found.turns[0].extra == {"directions": ["(takes a seat)"]}
    assert found.case.note.text == "CC: low mood, 3 months."


def test_amie_vignette_leaves_out_what_is_not_available(tmp_path: Path) -> None:
    (case,) = of("amie-vignettes", tmp_path)
    assert (case.clinical.complaint, case.clinical.physical_illness) == (
        "sudden palpitations and fear of dying",
        "asthma",
    )
    assert case.clinical.personal_history == {"past_social_history": "coffee x4/day"}
    assert (case.clinical.diagnoses[0].name, case.clinical.questions) == ("panic disorder", ["Is it my heart?"])
    assert case.scenario.situation == "27-year-old woman, courier"


# SuDoSys, acceptance 10


@pytest.mark.accepts("sudosys", 10)
def test_sudosys_portrait_with_objects_lists_numbers_and_unknowns_is_read(tmp_path: Path) -> None:
    (case,), defects = given({"portraits.json": [PORTRAIT]}, tmp_path, "sudosys")
    portrait = case.portrait
    assert defects == []
    assert (portrait.symptoms, portrait.stressors) == ("睡眠：入睡困难", "换工作、与父母争吵")
    assert (portrait.age, portrait.gender, portrait.mental_health_history) == ("25", "女性", "无")
    assert (portrait.habits, portrait.occupation, portrait.hobbies) == (None, None, None)
    assert case.extra == {"当前症状表现": {"睡眠": "入睡困难", "食欲": "未知"}, "困扰和压力来源": ["换工作", "与父母争吵"],
                          "推测年龄": 25, "推测性别": "女", "生活习惯": "未提及", "职业": "（无法推断）"}  # fmt: skip


@pytest.mark.accepts("sudosys", 10)
@pytest.mark.parametrize("word", [
    "", " ", "未知", "无法推断", "不确定", "不详", "未提及", "没有提到", "未明确提及", "信息不足", "无法判断", "对话中未提及", "（未提及）",
    "无相关信息", "未提供具体信息", "N/A", "none", "unknown", "-", "暂无信息", "不明确", "从对话中无法推断", "文中未提及职业",
])  # fmt: skip
def test_sudosys_every_way_to_write_unknown_is_none(word: str) -> None:
    assert flat(word) is None


@pytest.mark.parametrize(
    "word", ["无业", "不确定自己想要什么，经常焦虑", "未婚", "无法入睡", "大学生", "20-30岁", "没有提起精神的力气"]
)
def test_sudosys_words_that_only_look_unknown_stay(word: str) -> None:
    assert flat(word) == word


@pytest.mark.accepts("sudosys", 10)
@pytest.mark.parametrize("value", [{}, [], {"a": None}, {"a": {"b": "未知"}}, ["", None]])
def test_sudosys_nested_unknowns_are_none(value: Any) -> None:
    assert flat(value) is None


@pytest.mark.accepts("sudosys", 10)
def test_sudosys_gender_is_one_word_of_two(tmp_path: Path) -> None:
    words = {"女": "女性", "女性": "女性", "男": "男性", "男性": "男性", "未知": None, "": None, "无法推断": None}
    found, _ = given(
        {"p.json": [PORTRAIT | {"id": at, "推测性别": word} for at, word in enumerate(words)]}, tmp_path, "sudosys"
    )
    assert [case.portrait.gender for case in found] == list(words.values())


DIRT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["", "未知", "女性", "焦虑"]) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
KEYS = [key for key in PORTRAIT if key != "id"]


@pytest.mark.accepts("sudosys", 10)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@hypothesis.given(st.fixed_dictionaries(dict.fromkeys(KEYS, DIRT)))
def test_sudosys_whatever_stands_in_a_portrait_becomes_text_or_nothing(tmp_path: Path, dirty: dict[str, Any]) -> None:
    (case,), defects = given({"portraits.json": [{"id": 7} | dirty]}, tmp_path, "sudosys")
    assert defects == []
    assert all(value is None or (isinstance(value, str) and value) for value in case.portrait.model_dump().values())


def test_sudosys_consulting_one_is_the_client(tmp_path: Path) -> None:
    (found,) = of("sudosys-talks", tmp_path)
    assert [speaker for speaker, _ in spoken(found)] == ["client", "counselor", "client"]


# General formats


def test_timed_cues_keep_their_times_and_go_on_without_a_name(tmp_path: Path) -> None:
    (found,) = of("subtitles-vtt", tmp_path / "a")
    assert spoken(found) == [("counselor", "How was your week?"), ("client", "Long. Very long.")]
    assert found.turns[1].extra == {"speaker": "Anna", "start": "00:00:03.500", "end": "00:00:06.000"}
    assert spoken(of("subtitles-srt", tmp_path / "b")[0]) == [("counselor", "这周怎么样？"), ("client", "很累。")]


def test_a_table_of_our_own_comes_back_with_sessions_and_labels(tmp_path: Path) -> None:
    rows = (
        "dialogue,lang,session,turn,speaker,text,labels,thought\n"
        "d1,zh,1,1,client,Hi,,\nd1,zh,1,2,counselor,Hello,a_b:Reflection of Feelings@0-5 c:d,Greet.\n"
        "d1,zh,2,1,client,Back,,\nd1,zh,2,2,counselor,Good,,\n"
    )
    (found,), _ = given({"t.csv": rows}, tmp_path, "csv")
    assert (found.id, found.lang, [len(one.turns) for one in found.sessions]) == ("d1", "zh", [2, 2])
    reply = found.turns[1]
    assert [(one.set, one.id, one.span) for one in reply.labels] == [
        ("a_b", "Reflection of Feelings", (0, 5)),
        ("c", "d", None),
    ]
    assert (reply.thought[0].text, reply.extra) == ("Greet.", {})


def test_a_table_keeps_its_other_columns_and_splits_dialogues(tmp_path: Path) -> None:
    one, two = of("csv-turns", tmp_path)
    assert (one.id, two.id, one.turns[0].extra) == ("1", "2", {"tone": "flat"})


def test_sdialog_personas_tell_who_speaks(tmp_path: Path) -> None:
    (found,) = of("sdialog-dialogs", tmp_path)
    assert [speaker for speaker, _ in spoken(found)] == ["client", "counselor"]
    assert (found.id, found.extra["seed"], "scenario" in found.extra) == ("d-1", 42, False)


def test_a_transcript_of_a_named_client_keeps_the_name(tmp_path: Path) -> None:
    (found,) = of("transcript-files", tmp_path)
    assert found.turns[1].text == "Long.\nVery long."
    assert found.turns[1].extra == {"speaker": "Anna"}


def test_our_own_records_pass_through_and_their_defects_name_the_field(tmp_path: Path) -> None:
    lines = ['{"psyloom": "case/1", "id": "c1", "lang": "en", "note": {"text": "x"}}', '{"psyloom": "case/1", "id": "", "lang": "en"}',
             '{"psyloom": "story/1"}']  # fmt: skip
    found, defects = given({"own.jsonl": "\n".join(lines)}, tmp_path, "psyloom")
    assert [one.id for one in found] == ["c1"]
    assert [(one.line, one.field) for one in defects] == [(2, "id"), (3, "psyloom")]


def test_cadss_system_is_the_supporting_system_and_no_prompt(tmp_path: Path) -> None:
    row = release("cadss-raw").files["train.json"][0] | {
        "dialog": [{"speaker": "system", "content": "你好。"}, {"speaker": "user", "content": "我睡不着。"}]
    }
    (found,), _ = given({"train.json": [row]}, tmp_path, "cadss")
    assert spoken(found) == [("counselor", "你好。"), ("client", "我睡不着。")]
    assert "system" not in found.extra


def test_different_prompts_of_several_sessions_stay_with_their_sessions(tmp_path: Path) -> None:
    rows = "dialogue,session,speaker,text\n" + "".join(
        f"d1,{number},system,{prompt}\nd1,{number},client,Hi\nd1,{number},counselor,Hello\n"
        for number, prompt in ((1, "Be kind."), (2, "Be brief."))
    )
    (found,), _ = given({"t.csv": rows}, tmp_path, "csv")
    assert [one.notes for one in found.sessions] == [{"system": "Be kind."}, {"system": "Be brief."}]
    assert found.extra == {}
