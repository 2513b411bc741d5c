"""Small invented files in the shapes in which data sets were released: at least one for every layout."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORM = """Name:
Mina Ortega
Age:
29
Gender:
female
Occupation: Baker
Education: High school
Marital Status: Single
Family Details: One brother

2. Presenting Problem
I believe every mistake proves I am useless.
It began when the bakery changed hands.

3. Reason for Seeking Counseling
I came because my sleep is suffering.

4. Past History (including medical history)
I have had no counseling before.

5. Academic/occupational functioning level: I check every order three times.
Interpersonal relationships: I avoid my colleagues.
Daily life: I skip breakfast.

6. Social Support System
My brother calls me weekly."""
FIRST = FORM.split("\n\n2.")[0]


def client_record(attitude: str = "neutral", form: str = FORM, zh: bool = False) -> dict[str, Any]:
    opening = (
        ("米娜你好，今天想聊什么？", "我烤糊了一炉面包，停不下来地想它。")
        if zh
        else ("Hello Mina, what brings you in?", "I burnt a batch and cannot stop thinking about it.")
    )
    return {
        "AI_client": {
            "intake_form": form,
            "attitude": attitude,
            "attitude_instruction": "Be of two minds about counseling.",
            "dialogue_history_init": "Counselor: Hello Mina.\nClient: Hi! I burnt a batch.",
            "dialogue_history": None,
        },
        "AI_counselor": {
            "CBT": {
                "client_information": FIRST,
                "reason_counseling": "I came because my sleep is suffering.",
                "dialogue_history_init": f"Counselor: {opening[0]}\nClient: {opening[1]}",
                "init_history_counselor": opening[0],
                "init_history_client": opening[1],
            },
            "Response": {
                "client_information": FIRST,
                "reason_counseling": "I came because my sleep is suffering.",
                "cbt_plan": None,
                "dialogue_history": None,
            },
        },
        "ground_truth_CBT": ["Decatastrophizing"],
    }


TALK = [
    {"role": "counselor", "message": "Hello Mina, what brings you in?"},
    {"role": "client", "message": "I burnt a batch and cannot stop thinking about it."},
    {"role": "counselor", "message": "What went through your mind then?"},
]
CHAT_ZH = [
    {"role": "system", "content": "你是一位温和的心理咨询师。"},
    {"role": "user", "content": "这周组会我又被导师当着大家说了一顿。"},
    {"role": "assistant", "content": "被当众说的时候，你心里是什么感觉？"},
    {"role": "user", "content": "特别想换导师，可又怕毕不了业。"},
    {"role": "assistant", "content": "一边想离开，一边又有现实的顾虑。"},
]
PREFIXED_ZH = [
    "求助者：室友每晚外放视频到一点。",
    "支持者：听起来你很烦。",
    "求助者：我提过两次了。",
    "支持者：被忽视不好受。",
]


@dataclass(frozen=True)
class Released:
    """Files of one release, and the kinds of records they hold."""

    format: str
    name: str
    files: dict[str, Any]
    kinds: dict[str, int]
    auto: bool = True  # its content alone tells the format

    def lay(self, folder: Path) -> Path:
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else _text(name, content).encode())
        return folder

    def __str__(self) -> str:
        return f"{self.format}-{self.name}"


def _text(name: str, content: Any) -> str:
    if isinstance(content, str):
        return content
    if name.endswith("l"):
        return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in content)
    return json.dumps(content, ensure_ascii=False, indent=2)


def _csv(*rows: list[str]) -> str:
    return "\r\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows) + "\r\n"


CACTUS_ROW = {
    "thought": "Every mistake proves I am useless.",
    "patterns": ["labeling and mislabeling", "none"],
    "intake_form": FORM,
    "cbt_technique": "Decatastrophizing",
    "cbt_plan": "1. Name the thought. 2. Weigh the odds.",
    "attitude": "negative",
    "dialogue": "Counselor: Hello Mina.\nClient: Fine, let us start.\nCounselor: What is the worst that could happen?",
}
PROFILE = {
    "name": "Noor",
    "id": "1-1",
    "type": ["plain", "reserved"],
    "history": "Oldest of four; parents praised only results.",
    "helpless_belief": ["I am incompetent."],
    "unlovable_belief": [],
    "worthless_belief": ["I am worthless, waste."],
    "intermediate_belief": "If I am not first, I have failed.\n[during depression]\nTrying is no use.",
    "coping_strategies": "Overprepares, then puts off handing in.",
    "situation": "Read a colleague's good news in the group chat.",
    "auto_thought": "I will never get anywhere.",
    "emotion": ["sad, down, lonely, unhappy", "jealous, envious"],
    "behavior": "Muted the chat and stayed in bed.",
}
ESCONV = {
    "experience_type": "Current Experience",
    "emotion_type": "anxiety",
    "problem_type": "job crisis",
    "situation": "My team was merged and nobody knows who stays.",
    "survey_score": {
        "seeker": {"initial_emotion_intensity": "5", "empathy": "4", "relevance": "5", "final_emotion_intensity": "2"},
        "supporter": {"relevance": "4"},
    },
    "dialog": [
        {"speaker": "seeker", "annotation": {}, "content": "Hello\n"},
        {"speaker": "supporter", "annotation": {"strategy": "Question"}, "content": "Hi, what is on your mind?\n"},
        {"speaker": "seeker", "annotation": {"feedback": "4"}, "content": "I may lose my job."},
        {"speaker": "seeker", "annotation": {}, "content": "And I cannot sleep."},
    ],
    "seeker_question1": "no",
}
FAILED_ESCONV = {
    **ESCONV,
    "survey_score": {"seeker": {"initial_emotion_intensity": "3"}, "supporter": {}},
    "dialog": [
        {"speaker": "listener", "annotation": {"strategy": "Questions"}, "content": "hey"},
        {"speaker": "speaker", "annotation": {"feedback": "1"}, "content": "Hello?"},
        {"speaker": "listener", "annotation": {"strategy": "Other"}, "content": "ok"},
    ],
}
ESCOT = {
    "id": 979,
    "original_data": {
        "dialog": [
            {"speaker": "supporter", "content": "Hi, what is on your mind?"},
            {"speaker": "seeker", "content": "I moved here in May and still eat lunch alone every day."},
        ],
        "strategy": "Affirmation and Reassurance",
        "response": "Moving alone took courage.",
    },
    "cot_data": {
        "emotion": "The seeker feels lonely.",
        "emotion_stimuli": "Eating alone since the move.",
        "individual_appraisal": "They think nobody wants their company.",
        "recognized_strategy": "Affirmation and Reassurance",
        "strategy_reason": 'To lift their hope, the supporter can use "Affirmation and Reassurance" here.',
    },
}
ESCOT_ROW = {
    "instruction": "Answer by way of strategy reason and response.",
    "input": "supporter: Hi, what is on your mind?\nseeker: I eat lunch alone every day.",
    "output": 'Strategy Reason:\nTo lift hope, the supporter can use "Affirmation and Reassurance".\nResponse:\nThat took courage.',
    "dialog_id": 979,
}
INSIGHT_EN = {
    "dialog_id": "000432", "theme": "scaling question", "psychotherapy": "Solution-Focused Brief Therapy",
    "topic": "Academic Pressure", "stage": "", "guide": "", "is_same_qa": 0, "is_same_session": 1,
    "background": "A shy pupil afraid of tests.", "reasoning": "A scale shows small progress.",
    "dialog": [
        {"speaker": "Supporter", "participant": "Therapist", "content": "From 0 to 10, how calm are you?", "id": "0-0",
         "reference_labels": "leans forward", "reasoning": "A number is easier than words.", "strategy": ["Question"]},
        {"speaker": "Seeker", "participant": "Client", "content": "Maybe a 3.", "id": "0-1",
         "reference_labels": ["shrugs"], "observation": "He avoids her eyes.", "emotional label": ["Anxiety", "Guilty"]},
    ],
    "summary": "He names what keeps it from being 0.",
}  # fmt: skip
INSIGHT_ZH = {
    "dialog_id": "000001", "theme": "", "psychotherapy": "Cognitive Behavioral Therapy",
    "topic": "Child-Parent Relationship Issues", "stage": "Early Session", "guide": "先建立关系，再看想法。",
    "is_same_qa": "", "is_same_session": -1, "background": "一名担心考试的中学生。", "reasoning": "",
    "dialog": [
        {"speaker": "Supporter", "participant": "治疗师", "content": "那天晚上发生了什么？", "id": "0-0",
         "labels": [{"label": "停顿", "index": 3, "type": "dialogue_act"}], "strategy": ["Unknown"]},
        {"speaker": "Seeker", "participant": "来访者", "content": "我和妈妈吵了一架。", "id": "0-1",
         "emotional label": ["Anger"], "reasoning": "放错了地方的说明。"},
    ],
    "summary": "来访者开始谈到家里。",
}  # fmt: skip
INSIGHT_UNIT = {
    "case_theme": "Scaling question",
    "pre_reasoning": ["A scale helps a shy pupil."],
    "topic_dialog": {
        "method": "Solution-Focused Brief Therapy",
        "unit_id": 7,
        "dialog": [
            {"id": "7-0", "participant": "Therapist", "text": "From 0 to 10, where is your calm today?"},
            {"id": "7-1", "participant": "Lin", "text": "[shrugs] Maybe a 3."},
            {"id": "7-2", "participant": "Mother", "text": "Yesterday it was a 2."},
        ],
    },
    "post_reasoning": ["Then ask what keeps it from being 0."],
}
REACTIONS = {
    "concate_session": [
        {"speaker": "咨询师", "text": "听起来这周你一直在硬撑。你最担心的是什么？", "annotation": [
            {"start": 0, "end": 12, "coarse_strategy": "Supporting", "fine_strategy": "Reflection of Feelings"},
            {"start": 12, "end": 21, "coarse_strategy": "Supporting", "fine_strategy": "Inquiring Subjective Information"},
        ]},
        {"speaker": "来访者", "text": "担心搞砸面试。", "annotation": [
            {"start": 0, "end": 7, "coarse_behav_label": "Positive", "fine_behav_label": "Giving Information",
             "experience_label": "Safety"},
        ]},
    ],
    "raw_session": [{"speaker": "咨询师", "text": "听起来这周你一直在硬撑。"}],
}  # fmt: skip
MDD_TALK = {
    "conversation": [
        {"doctor": "最近睡得怎么样？", "patient": "入睡要两小时。"},
        {"doctor": "这种情况多久了？", "patient": "四个月。"},
    ]
}
MDD_PATIENT = {
    "患者": 7, "年龄": 30, "性别": "女", "ICD编码": "F41.101", "诊断结果": "焦虑状态",
    "主诉": "心慌、易担心4个月", "现病史": "换岗后常心慌，反复担心出错。", "重要或相关躯体疾病史": "无", "家族史": "无",
    "个人史": {"婚恋情况": "已婚", "病前性格": "谨慎"}, "精神检查": {"意识": "清晰", "自知力": "存在"},
    "处理意见": "建议心理治疗，两周后复诊",
}  # fmt: skip
DIACBT_ONE = (
    "咨询师：['设置议程', '收集信息'] 今天我们先看看这一周。\n"
    "来访者：（低头）还是睡不好。  \n"
    "咨询师：[收集信息]睡不好的时候在想什么？\n"
    "来访者：怕第二天出错。\n"
    "来访者：越想越醒。\n"
    "咨询师：我们记下来。\n"
)
DIACBT_TWO = "咨询师: ['家庭作业'] 作业做得怎么样？\n来访者: 做了三天。\n"
DIAGRAM = {
    "name": "Lin", "history": "Grew up with a father who praised only first places.",
    "core_beliefs": ["I am not good enough"], "intermediate_beliefs": "If I ask for help, people see I am weak",
    "intermediate_beliefs_during_depression": ["Trying is useless"], "coping_strategies": ["over-prepares"],
    "situation": "A colleague corrected her slide", "automatic_thoughts": ["They all know I am a fraud"],
    "emotions": ["ashamed", "anxious"], "behaviors": "Stayed silent",
}  # fmt: skip
THINK = "<think>\n来访者刚换部门。\n\n目前还在目标确认阶段。\n\n我选择共情并提问。\n</think>\n听起来新主管让你很紧张？"
CADSS = {
    "id": 5, "start_level": "4", "end_level": 2, "dialog_path": ["先问候语", "引导提问"], "group": "大学生",
    "problem_type": "焦虑、自卑", "problem_cause": ["学业压力"], "problem_focus": ["内驱力"],
    "situation": "大三学生，考研复习两个月后整夜睡不着。",
    "dialog": [
        {"speaker": "系统", "content": "你好，欢迎来聊聊。", "annotation": {"strategy": "先问候语"}},
        {"speaker": "用户", "content": "我睡不着。", "annotation": {}},
        {"speaker": "系统", "content": "多久了？", "annotation": {"strategy_type": "引导提问"}},
    ],
}  # fmt: skip
CADSS_UPLOAD = {
    "case_id": "c9", "source": "cpsdd", "lang": "zh", "topic": "学业压力",
    "client_profile": {"group": ["大学生"], "psychological_problem": ["焦虑"], "start_severity": 4, "note": "复读"},
    "messages": [
        {"role": "counselor", "content": "你好。", "strategy": "先问候语"},
        {"role": "client", "content": "我睡不着。"},
    ],
    "extras": {"split": "train"},
}  # fmt: skip
AUTOCBT = {
    "question": "I panic before every team meeting. Since I changed jobs I lie awake.",
    "description": "",
    "questionID": "67",
    "answers": ["Notice what you tell yourself before the door opens."],
    "therapist": "2",
    "history_time": "2019-08-8",
    "cbt_answer": ": I can see how draining this is.",
    "cbt_history": ["user: \nI panic before meetings.", "therapist: : I can see how draining this is."],
    "cbt_generate_time": "2024-08-14 19:37:10",
}
AUTOCBT_ZH = {
    "question": "开会前总是心慌怎么办", "description": "换工作以后整夜睡不着。", "questionID": 12, "keywords": "职业,焦虑",
    "answers": [{"answer_text": "先把担心写下来。", "has_label": True, "labels_sequence": "0,8,Approval"}],
    "cbt_answer": "听起来你很辛苦。", "cbt_history": [],
    "cbt_history_score": {"1": ['{"共情分数": 6, "辨识分数": 5}', "无法评分"]},
}  # fmt: skip
PORTRAIT = {
    "id": 9001, "当前情绪": "焦虑", "当前症状表现": {"睡眠": "入睡困难", "食欲": "未知"}, "困扰和压力来源": ["换工作", "与父母争吵"],
    "推测年龄": 25, "推测性别": "女", "既往心理健康史": "无", "生活习惯": "未提及", "职业": "（无法推断）", "个人爱好和兴趣": None,
}  # fmt: skip
VIGNETTE = {
    "condition": "panic disorder", "demographics": "27-year-old woman, courier",
    "symptoms": "sudden palpitations and fear of dying", "past_medical_history": "asthma",
    "past_surgical_history": "N/A", "past_social_history": "coffee x4/day", "patient_questions": ["Is it my heart?"],
    "diagnosis": "panic disorder", "management_plan": "psychoeducation, CBT, review",
}  # fmt: skip
POST_ZH = (
    "升职后反而睡不着，怎么回事？ "
    + "上个月我当了组长，带四个比我年纪大的人。每次布置任务我都先打三遍草稿，晚上躺下就想明天谁会不服。" * 4
)
PAIRS_ZH = [["我不知道怎么跟上时代。", "可以具体说说吗？"], ["我岁数大了。", "任何年纪都可以学习。"]]
EXCHANGE_ZH = {"instruction": "谢谢，我再试试。", "input": "", "output": "慢慢来。", "history": PAIRS_ZH}
SWIFT = [
    {"query": "艾薇，我学习压力好大。", "response": "先说说是哪门课？", "history": []},
    {
        "query": "艾薇，我学习压力好大。",
        "response": "先说说是哪门课？",
        "history": [{"query": "数学。", "response": "一步步来。"}],
    },
    {"query": "艾薇，我睡不着。", "response": "多久了？", "history": []},
]
COUNSELCHAT = _csv(
    ["", "questionID", "questionTitle", "questionText", "questionLink", "topic", "therapistInfo", "therapistURL",
     "answerText", "upvotes", "views", "split"],
    ["0", "901", "I snap at my kids", "Small noise makes me shout.\nI hate it.", "https://forum.example/q/901",
     "anger-management", "Ana Example, LMFT", "https://forum.example/t/ana", "Notice the drive home.", "1", "20", "train"],
    ["1", "901", "I snap at my kids", "Small noise makes me shout.\nI hate it.", "https://forum.example/q/901",
     "anger-management", "Ben Example, LCSW", "https://forum.example/t/ben", "Breathe first.", "0", "20", "train"],
    ["2", "902", "I worry", "All day long.", "https://forum.example/q/902", "anxiety", "Ana Example, LMFT",
     "https://forum.example/t/ana", "Write it down.", "2", "9", "val"],
)  # fmt: skip
COUNSELCHAT_NEW = _csv(
    ["questionID", "questionTitle", "questionText", "questionUrl", "topics", "therapistName", "therapistUrl",
     "answerText", "upvotes"],
    ["7", "I worry", "All day long.", "https://forum.example/q/7", "Anxiety,Stress", "Ana Example",
     "https://forum.example/t/ana", "<p>Write it&nbsp;down.</p><p>Then rest.</p>", "3"],
)  # fmt: skip
NOTECHAT = _csv(
    ["data", "conversation"],
    ["CC: low mood, 3 months.", "Doctor: What brings you in?\n(takes a seat)\nPatient: I feel low.\n[doctor] Since when?\n"
     "Patient : Three months."],
)  # fmt: skip
CUES = (
    "WEBVTT\n\n1\n00:00:01.000 --> 00:00:03.000\n<v Therapist>How was your week?</v>\n\n"
    "00:00:03.500 --> 00:00:05.000\n<v Anna>Long.\n\n00:00:05.000 --> 00:00:06.000\nVery long.\n"
)
SRT = "1\r\n00:00:01,000 --> 00:00:03,000\r\n咨询师：这周怎么样？\r\n\r\n2\r\n00:00:03,500 --> 00:00:05,000\r\n来访者：很累。\r\n"
SDIALOG = {
    "version": "0.4", "id": "d-1", "seed": 42, "scenario": None,
    "personas": {"Marie": {"name": "Marie", "role": "patient"}, "Dr. Martin": {"role": "general practitioner"}},
    "turns": [{"speaker": "Marie", "text": "I sleep badly."}, {"speaker": "Dr. Martin", "text": "Since when?"}],
}  # fmt: skip
CHAT_EN = [
    {"role": "user", "content": "I sleep badly."},
    {"role": "assistant", "content": "<think>\nAsk for how long.\n</think>\n\nSince when?"},
]

LABELSTUDIO = {
    "id": 7, "project": 1, "data": {"dialogue": [{"author": "咨询师", "text": "你最担心什么？"}, {"author": "来访者", "text": "面试。"}]},
    "annotations": [
        {"id": 1, "completed_by": {"id": 3, "email": "anna@example.org", "first_name": "", "last_name": ""},
         "was_cancelled": False, "result": [
            {"id": "a", "type": "paragraphlabels", "from_name": "client_reactions_strategy", "to_name": "dialogue",
             "origin": "manual", "value": {"start": "0", "end": "0", "startOffset": 0, "endOffset": 7,
                                           "text": "你最担心什么？", "paragraphlabels": ["询问主观信息"]}},
            {"id": "b", "type": "choices", "from_name": "client_reaction", "to_name": "dialogue",
             "value": {"choices": ["Extending"]}}]},
        {"id": 2, "completed_by": 4, "was_cancelled": False, "result": [
            {"id": "c", "type": "paragraphlabels", "from_name": "client_reactions_strategy", "to_name": "dialogue",
             "value": {"start": 0, "end": 1, "startOffset": 2, "endOffset": 2, "paragraphlabels": ["Answer", "Others"]}}]},
        {"id": 3, "completed_by": 5, "was_cancelled": True, "result": [
            {"id": "d", "type": "paragraphlabels", "from_name": "client_reactions_strategy", "to_name": "dialogue",
             "value": {"start": "0", "end": "0", "startOffset": 0, "endOffset": 7, "paragraphlabels": ["Answer"]}}]}],
    "predictions": [],
}  # fmt: skip
ARGILLA = [
    {"id": f"t/1/{n}", "fields": {"text": text, "context": "…"}, "vectors": {}, "_server_id": None,
     "metadata": {"dialogue": "t", "lang": "zh", "session": 1, "turn": n, "speaker": speaker},
     "suggestions": suggestions, "responses": responses}
    for n, speaker, text, suggestions, responses in [
        (1, "counselor", "你最担心什么？", {"client_reactions_strategy": {"value": [{"start": 0, "end": 7, "label": "answer"}],
         "score": None, "agent": "model"}}, {}),
        (2, "client", "面试。", {}, {"psyinsight_emotion": [{"value": ["anxiety", "fear"], "user_id": "u-1"},
         {"value": "neutral", "user_id": "u-2"}]}),
    ]
]  # fmt: skip

RELEASES = [
    Released("cactus", "rows", {"cactus.json": [CACTUS_ROW, CACTUS_ROW]}, {"dialogue": 2}),
    Released("cactus", "clients", {"evaluation.json": [client_record("positive"), client_record("negative")],
                                   "evaluation_chinese.json": [{"idx": 0, **client_record(zh=True)}]}, {"case": 3}),
    Released("cactus", "sessions", {"session_1.json": {"example": client_record(), "cbt_technique": "Pie Chart Technique",
                                    "cbt_plan": "Share out the blame.", "history": TALK}}, {"dialogue": 1}),
    Released("cactus", "judged", {"results.json": [{"idx": 3, "dialogue": TALK},
                                  {"intake_form": FORM, "attitude": "neutral", "dialogue": TALK}]}, {"dialogue": 2}),
    Released("cactus", "seeds", {"seeds.json": [{"persona": "i bake bread.", "thought": "I am useless.",
                                 "patterns": ["none"]}]}, {"case": 1}),
    Released("magnet", "sessions", {"session_1.json": {**client_record(), "cbt_technique": "I would choose the pie chart, "
             "because the client blames herself for what others did.", "cbt_plan": "Share out the blame.",
             "dialogue": TALK}}, {"dialogue": 1}),
    Released("magnet", "written", {"session_2.json": {"example": client_record(), "cbt_technique": "Pie Chart Technique",
             "cbt_plan": "Share out the blame.", "cost": 0.01, "history": TALK}}, {"dialogue": 1}),
    Released("magnet", "scores", {"ctrs/session_1.json": {"general_1_understanding": 4.0, "cost": 0.1},
             "wai/session_1.json": {"wai1": 5.0, "wai2": 6.0, "cost": 0.1},
             "panas_before/session_1.json": {"feeling": [1, 5, 2], "attitude": "neutral", "cost": 0.1}}, {"rating": 3}),
    Released("patient_psi", "profiles", {"profiles.json": [PROFILE]}, {"case": 1}),
    Released("patient_psi", "chats", {"chat.json": {"id": "k1", "title": "Hi", "userId": "u", "createdAt": 1,
             "path": "/chat/k1", "messages": [{"id": "1", "role": "user", "content": "What brings you here?"},
             {"id": "2", "role": "assistant", "content": "I lost a grant."}]}}, {"dialogue": 1}),
    Released("smile", "annotated", {"data/0.json": [
             {"role": "client", "content": "我很烦。怎么办？", "annotation": [{"sentence": "我很烦。", "label": ""},
              {"sentence": "怎么办？", "label": ""}]},
             {"role": "counselor", "content": "听起来你很累。", "annotation": [{"sentence": "听起来你很累。", "label": "共情"}]},
             ]}, {"dialogue": 1}),
    Released("smile", "prefixed", {"plain/0.json": PREFIXED_ZH, "smile_cot/0.json": PREFIXED_ZH}, {"dialogue": 2}),
    Released("cpsycoun", "d", {"case_0.txt": "来访者：我很自私。\n\n心理咨询师：能说说吗？\n\n（一段时间后）\n\n来访者：我好多了。\n\n"
             "心理咨询师：很高兴。\n"}, {"dialogue": 1}),
    Released("cpsycoun", "e", {"CPsyCounE/Love&Marriage/1.json": PREFIXED_ZH}, {"dialogue": 1}),
    Released("cpsycoun", "reports-en", {"case_0.json": {"title": "考前失眠", "type": "学业压力", "method": "认知行为疗法",
             "case_brief": "男，20岁。", "consultation_process": "共三次。", "experience_thoughts": "记录表有用。"}}, {"case": 1}),
    Released("cpsycoun", "reports-zh", {"case_1.json": {"案例标题": "考前失眠", "案例简述": "男，20岁。", "咨询经过": "共三次。"}},
             {"case": 1}),
    Released("cpsycoun", "rows", {"CPsyCounD.json": [EXCHANGE_ZH]}, {"dialogue": 1}, auto=False),
    Released("soulchat", "corpus", {"corpus.json": [{"id": 12, "topic": "婚恋", "messages": CHAT_ZH}]}, {"dialogue": 1}),
    Released("soulchat", "demo", {"history/1.json": {"user": ["你好", "我睡不着"], "bot": ["你好，我在听"]}}, {"dialogue": 1}),
    Released("soulchat", "samples", {"samples.json": [{"input": "用户：我睡不着。\n心理咨询师：", "target": "多久了？"}]},
             {"dialogue": 1}),
    Released("soulchat", "posts", {"posts.json": [{"id": 3, "topic": "家庭", "question": "妈妈每天要我发定位。",
             "answer": "看得出你很为难。"}]}, {"case": 1}, auto=False),
    Released("psydt", "corpus", {"train.json": [{"id": 0, "normalizedTag": "婚恋", "messages": CHAT_ZH}],
             "dataset_info.json": {"PsyDTCorpus_train": {"file_name": "train.json"}}}, {"dialogue": 1}),
    Released("psydt", "posts", {"posts.json": [{"topic": "职场", "title": "领导总点名我？", "detail": "入职三个月。",
             "answer": "先分开事实和想法。"}]}, {"case": 1}),
    Released("psydial", "tests", {"D101.json": [{"messages": CHAT_ZH[:4], "golden": {"role": "assistant",
             "content": "一边想离开，一边又有顾虑。"}}]}, {"dialogue": 1}),
    Released("psydial", "dialogues", {"D4.json": [{"messages": CHAT_ZH}]}, {"dialogue": 1}, auto=False),
    Released("psydial", "files", {"1.json": [{"role": "client", "content": "我怕组会。"},
             {"role": "counselor", "content": "怕什么？"}]}, {"dialogue": 1}, auto=False),
    Released("interactive_agents", "profiles", {"train.json": [POST_ZH, POST_ZH]}, {"case": 2}),
    Released("interactive_agents", "records", {"data.json": [{"messages": [{"role": "system", "content": "你是小天。"},
             *CHAT_ZH[1:]]}]}, {"dialogue": 1}),
    Released("interactive_agents", "arena", {"1.json": {"messages": CHAT_ZH[1:], "candidates": [[{"from": "A",
             "role": "assistant", "content": "别的回答。"}]]}}, {"dialogue": 1}),
    Released("interactive_agents", "sessions", {"1.json": [{"role": "client", "content": "你好"},
             {"role": "counselor", "content": "你好，想聊什么？"}]}, {"dialogue": 1}, auto=False),
    Released("escot", "records", {"test.json": [ESCOT]}, {"dialogue": 1}),
    Released("escot", "rows", {"empathetic_dialogue_test.json": [ESCOT_ROW]}, {"dialogue": 1}),
    Released("esconv", "all", {"ESConv.json": [ESCONV], "FailedESConv.json": [FAILED_ESCONV]},
             {"dialogue": 2, "rating": 3}),
    Released("psyinsight", "sessions", {"cn_data_version7.json": [INSIGHT_ZH], "en_data_version7.json": [INSIGHT_EN]},
             {"dialogue": 2}),
    Released("psyinsight", "units", {"units.json": [INSIGHT_UNIT]}, {"dialogue": 1}),
    Released("labelstudio", "tasks", {"project-1.json": [LABELSTUDIO]}, {"dialogue": 1}),
    Released("argilla", "records", {"records.json": ARGILLA}, {"dialogue": 1}),
    Released("client_reactions", "splits", {"sessions.json": {"train": [REACTIONS], "valid": [], "test": [REACTIONS]}},
             {"dialogue": 2}),
    Released("client_reactions", "session", {"s.json": REACTIONS}, {"dialogue": 1}),
    Released("client_reactions", "surveyed", {"s1.json": {"session_id": "s1", "survey": [4, 4, 3, 5], "turns": [
             {"speaker": "counselor", "text": "你最担心什么？"}, {"speaker": "client", "text": "面试。"}]}},
             {"dialogue": 1, "rating": 1}),
    Released("mdd5k", "talks", {"MDD_5k/patient_7.json": [MDD_TALK] * 5,
             "Label/patient_7_label.json": {"ICD_Code": "F32.901,F41.101", "Diagnosis_Result": "焦虑状态,抑郁状态"}},
             {"dialogue": 5}),
    Released("mdd5k", "patients", {"raw_data/pa20.json": MDD_PATIENT}, {"case": 1}),
    Released("diacbt", "sessions", {"38/Session_One.txt": DIACBT_ONE, "38/Session_Two.txt": DIACBT_TWO,
             "43/Session_One.txt": DIACBT_ONE}, {"dialogue": 2}),
    Released("diacbt", "diagrams", {"ccd.json": DIAGRAM}, {"case": 1}),
    Released("diacbt", "c2d2", {"test.json": [{"场景": "同事指出我的错。", "思维": "他们都看不起我。", "标签": "读心术"}]}, {"case": 1}),
    Released("diacbt", "reframe", {"test.json": [{"persona": "i like tea.", "thought": "I am a fraud.",
             "pattern_def": "Labeling: one word for a person."}]}, {"case": 1}),
    Released("catch", "dialogues", {"catch_dialogue.json": [{"dialogue_id": "90001", "consultation_target": "说出自己的担心。",
             "conversation": [{"role": "client", "content": "我猜主管不满意我。"},
             {"role": "counselor", "content": "你愿意说说吗？", "stage": "target"}]}]}, {"dialogue": 1}),
    Released("catch", "thoughts", {"catch_mdpcot.json": [{"instruction": "我总猜主管不满意我。", "system": "单次咨询指南。",
             "input": "", "output": THINK, "history": [["你好", "你好，我在听。"]]}]}, {"dialogue": 1}),
    Released("cadss", "raw", {"train.json": [CADSS]}, {"dialogue": 1}),
    Released("cadss", "upload", {"train.jsonl": [CADSS_UPLOAD]}, {"dialogue": 1}),
    Released("autocbt", "answers", {"en.json": [AUTOCBT], "zh.json": [AUTOCBT_ZH]}, {"dialogue": 2, "rating": 2}),
    Released("autocbt", "runs", {"run.json": [{k: v for k, v in AUTOCBT.items() if k != "answers"}]}, {"dialogue": 1}),
    Released("autocbt", "talks", {"talks.json": [["consultant：\nI panic.\n[", "Counselor：\nSince when?\n["], []]},
             {"dialogue": 1}),
    Released("emollm", "conversations", {"data.json": [{"conversation": [{"system": "你是心理专家，我有一些心理问题。",
             "input": "我最近总睡不好。", "output": "这种情况多久了？"}, {"input": "大概两周。", "output": "两周前有什么变化吗？"}]}]},
             {"dialogue": 1}),
    Released("emollm", "swift", {"aiwei.jsonl": SWIFT}, {"dialogue": 2}),
    Released("emollm", "evaluation", {"converted.json": json.dumps({"instruction": "你是心理专家。\n\n对话：\n来访者：我很烦。\n"
             "医生：怎么了？\n来访者：考试。\n医生：", "output": "慢慢来。\n\n医生：先休息。"}, ensure_ascii=False) + "\n"},
             {"dialogue": 1}),
    Released("emollm", "self", {"self_cognition.json": [{"instruction": "你是谁", "input": "", "output": "我是EmoLLM。"}]},
             {"dialogue": 1}),
    Released("mindchat", "examples", {"dataset_example.json": [EXCHANGE_ZH]}, {"dialogue": 1}, auto=False),
    Released("psyaug", "counselchat", {"a.csv": COUNSELCHAT}, {"case": 2}),
    Released("psyaug", "newer", {"b.csv": COUNSELCHAT_NEW}, {"case": 1}),
    Released("notechat", "pairs", {"gpt-4.csv": NOTECHAT}, {"dialogue": 1}),
    Released("notechat", "notes", {"notes.jsonl": [{"id": 1, "note": "CC: low mood."}]}, {"case": 1}),
    Released("amie", "vignettes", {"vignettes.jsonl": [VIGNETTE]}, {"case": 1}),
    Released("amie", "packs", {"packs.json": [{"scenario_id": "p1", "specialty": "psychiatry", "location": "UK",
             "patient_script": "You fear for your heart.", "ground_truth_dx": "panic disorder",
             "accepted_dx": ["panic disorder", "anxiety"], "specialist_notes": {"key_history": "caffeine"}}]}, {"case": 1}),
    Released("sudosys", "portraits", {"client_portraits_cpc.json": [PORTRAIT]}, {"case": 1}),
    Released("sudosys", "talks", {"1.txt": "咨询者：你好\n咨询师：你好，想聊什么？\n咨询者：工作。\n"}, {"dialogue": 1}),
    Released("messages", "records", {"train.jsonl": [{"id": "a", "messages": CHAT_EN}] * 2}, {"dialogue": 2}),
    Released("messages", "lists", {"1.json": CHAT_EN}, {"dialogue": 1}),
    Released("sharegpt", "rows", {"s.json": [{"id": "x", "system": "Be kind.", "conversations": [
             {"from": "human", "value": "I sleep badly."}, {"from": "gpt", "value": "Since when?"}]}]}, {"dialogue": 1}),
    Released("alpaca", "rows", {"a.json": [{"instruction": "What helps?", "input": "I sleep badly.",
             "output": "A fixed time."}]}, {"dialogue": 1}),
    Released("alpaca", "xtuner", {"x.json": [{"conversation": [{"system": "Be kind.", "input": "Hi", "output": "Hello"}]}]},
             {"dialogue": 1}),
    Released("csv", "turns", {"t.csv": _csv(["conversation_id", "Speaker", "Text", "tone"], ["1", "client", "Hi", "flat"],
             ["1", "therapist", "Hello", ""], ["2", "client", "Hey", ""], ["2", "therapist", "Hello", ""])},
             {"dialogue": 2}),
    Released("transcript", "files", {"t.txt": "Therapist: How was your week?\nAnna: Long.\nVery long.\nTherapist: Tell me.\n"},
             {"dialogue": 1}),
    Released("transcript", "lists", {"l.json": ["Client: I sleep badly.", "Therapist: Since when?"]}, {"dialogue": 1}),
    Released("transcript", "fields", {"f.jsonl": [{"id": "f1", "text": "Patient: Hi\nDoctor: Hello", "split": "train"}]},
             {"dialogue": 1}),
    Released("subtitles", "vtt", {"a.vtt": CUES}, {"dialogue": 1}),
    Released("subtitles", "srt", {"a.srt": SRT}, {"dialogue": 1}),
    Released("threads", "board", {"threads.json": [{"title": "睡不着", "question": "夜班三周了。", "posted_at": "2020-03-01T21:00:00",
             "replies": [{"author_role": "listener", "author": "L", "text": "心慌吗？", "time": "2020-03-01T21:10:00"},
                         {"author_role": "owner", "text": "有一点。"}]}]}, {"dialogue": 1}),
    Released("sdialog", "dialogs", {"d.json": SDIALOG}, {"dialogue": 1}),
    Released("psyloom", "records", {"own.jsonl": [
             {"psyloom": "case/1", "id": "c1", "lang": "zh", "note": {"text": "失眠两月。"}},
             {"psyloom": "dialogue/1", "id": "d1", "lang": "en", "sessions": []}]}, {"case": 1, "dialogue": 1}),
]  # fmt: skip


def release(name: str) -> Released:
    """The sample called ``format-name``."""
    return next(one for one in RELEASES if str(one) == name)
