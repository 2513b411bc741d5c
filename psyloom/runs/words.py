"""The words of the report: what stands in the page's template and in its tables, English to Chinese."""

import re

_ONE = re.compile(r"(?<![\d.,])1 (dialogue|failure|call|message|rating|judgment)s\b")
ZH = {
    "psyloom run": "psyloom 运行",
    "{} dialogues, {} failures": "{} 段对话，{} 个失败",
    "Made by the rehearsal back end from phrases and the cases' own words: it shows the shape of the system, it is not data.":
        "由排练后端用短语和个案自己的话拼成：只能看出系统的样子，不是数据。",
    "What ran": "运行了什么",
    "writer": "写作者",
    "counselor": "咨询师",
    "client": "来访者",
    "annotator": "标注者",
    "model": "模型",
    "model of {}": "{} 的模型",
    "cases": "个案",
    "language of the prompts": "提示词的语言",
    "each case's own": "随个案",
    "seed": "随机种子",
    "options": "选项",
    "What came out": "结果",
    "dialogues": "对话",
    "failures": "失败",
    "answered calls, all starts of the run": "得到回答的调用（历次启动合计）",
    "tokens read and written": "读入和写出的词元",
    "cost": "费用",
    "not known: no price of the model; give --price": "未知：没有该模型的价格，可用 --price 给出",
    "calls in these dialogues": "这些对话用的调用",
    "calls for what was written once": "只写一次的内容用的调用",
    "answers asked for again": "要求重写的回答",
    "again because of {}": "重写原因：{}",
    "kept in spite of {}": "仍然保留：{}",
    "ended: {}": "结束方式：{}",
    "limit": "到达上限",
    "script": "整篇写成",
    "client closed": "来访者结束",
    "counselor closed": "咨询师结束",
    "Failures": "失败的个案",
    "rules broken in failed cases": "失败个案违反的规则",
    "Lengths": "长度",
    "spread": "分布",
    "least": "最少",
    "quartiles": "四分位",
    "most": "最多",
    "mean": "平均",
    "messages": "发言",
    "exchanges": "来回",
    "sentences": "句子",
    "client characters": "来访者每条字数",
    "counselor characters": "咨询师每条字数",
    "Labels": "标签",
    "Dialogues": "对话",
    "(the first {})": "（前 {} 段）",
    "{} messages": "{} 条发言",
    "case": "个案",
    "measured": "测得",
    "asked for again": "要求重写",
    "Session {}": "第 {} 次",
    "kept beside it": "另外存下的",
    # What is measured of a dialogue.
    "facts told": "说出的事实占比",
    "volunteered": "没问就说的事实占比",
    "cooperation 1": "第一段配合度",
    "cooperation 2": "第二段配合度",
    "cooperation 3": "第三段配合度",
    "cooperation 4": "第四段配合度",
    "concept recall": "概念召回率",
    "roleplay recall": "角色扮演稿的概念召回率",
    "talk share": "咨询师话语占比",
    "coverage": "覆盖率",
    "short messages": "过短的发言",
    "strategies per turn": "每条发言的策略数",
    "loops": "循环次数",
    "windows": "窗口数",
    "pairs": "问答对",
    "duplicates": "重复的",
    "similarity": "相似度",
    "edit ratio": "改动比例",
    "leaked sentences": "泄露的句子",
    "nearest sentence": "最接近的一句的相似度",
    "longest run": "最长的相同片段",
    "overlap": "重合度",
    "leaked entities": "泄露的实体",
    "records": "记录数",
    "consistent": "前后一致的",
    "empathy": "共情",
    "guidance": "引导",
    "fidelity": "忠实",
    "coherence": "连贯",
    "naturalness": "自然",
    "safety": "安全",
    "score": "总分",
    "thoughts": "写出的想法",
    "chains": "推理链",
    "failed": "没标成的",
    "corrected": "改正的",
    "dropped": "去掉的",
    "kept": "保留的",
    # What turns are asked for again for.
    "empty": "没有内容",
    "cut off": "没写完",
    "role flip": "替对方说话",
    "leaked reasoning": "说出了思考",
    "names label": "说出了技术名称",
    "repeats": "重复前文",
    "farewell loop": "反复道别",
}  # fmt: skip


def word(text: str, lang: str, *values: object) -> str:
    """``text`` in the language, its gaps filled; what has no Chinese word stays as it is."""
    told = ZH.get(text, text) if lang == "zh" else text
    return counted(told.format(*values)) if values else told


def counted(told: str) -> str:
    """English words in which one thing is told of as one: "1 dialogues" becomes "1 dialogue"."""
    return _ONE.sub(r"1 \1", told)


def measured(name: str, lang: str) -> str:
    """The name of a measure or of a guard as words; one that begins with an annotator's name keeps that as it is."""
    whole = name.replace("_", " ")
    by, _, what = name.rpartition("_")
    return f"{by} {ZH[what]}" if lang == "zh" and whole not in ZH and by and what in ZH else word(whole, lang)
