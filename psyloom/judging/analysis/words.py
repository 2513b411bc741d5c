"""What the analyses say, in both languages; the English words are the keys."""

from psyloom.records import Lang

ZH = {
    # titles
    "P(next client behavior | strategy)": "P(来访者接下来的行为 | 策略)",
    "P(next strategy | strategy)": "P(下一个策略 | 策略)",
    "P(client reaction | counselor intention)": "P(来访者的反应 | 咨询师的意图)",
    "Share of each client behavior and reaction": "来访者各种行为和反应的占比",
    "Mean distance of a strategy's row to the rows of each group": "每个策略的分布到各组分布的平均距离",
    "Fifths of a session": "一次会谈的五个阶段",
    "Early and late: part 4 minus part 2": "前期与后期：第四段减第二段",
    "Outcome score by share of negative reactions": "消极反应占比与效果评分",
    "Outcome of sessions with at least one ...": "至少出现过一次某种行为的会谈的效果评分",
    "Lasso: how long a behavior stays while the L1 weight grows": "Lasso：L1 权重增大时各行为保留多久",
    "Extending rather than defending after a challenge, by what came before": "挑战之后拓展还是防御，与此前的互动",
    "rows: known, columns: predicted": "行：已知，列：预测",
    "{}: {} dialogues": "{}：{} 段对话",
    # columns
    "from": "从", "to": "到", "to {}": "到“{}”", "of": "总数", "share [95 %]": "占比 [95 %]", "share": "占比",
    "share of all": "占全部", "sentences": "句数", "mean of sessions [95 %]": "各次会谈均值 [95 %]",
    "behavior or reaction": "行为或反应", "behavior": "行为", "intention": "意图", "reaction": "反应", "strategy": "策略",
    "part": "阶段", "challenging": "挑战", "extending after challenging": "挑战后拓展",
    "defending after challenging": "挑战后防御", "difference [95 %]": "差值 [95 %]", "negative share": "消极占比",
    "mean score [95 %]": "平均分 [95 %]", "sessions": "会谈数", "stays up to": "保留到",
    "coefficient at the smallest weight": "最小权重时的系数", "earlier pairs": "此前的互动", "log odds [95 %]": "对数几率 [95 %]",
    "p": "p", "label": "标签", "labels": "标签数", "dialogues": "对话数",
    "supporting-positive": "支持后积极", "supporting-negative": "支持后消极",
    "challenging-positive": "挑战后积极", "challenging-negative": "挑战后消极",
    # what to keep in mind
    "(all sessions)": "（全部会谈）",
    "undefined": "无法计算",
    "chi-square test of equal rows: p = {}": "各行分布相同的卡方检验：p = {}",
    "Euclidean distance of the shares": "占比之间的欧氏距离",
    "* much of these parts is greeting and arrangement": "* 这几段里寒暄和安排占了不少",
    "Pearson r = {}, p = {}, {} sessions; a correlation is no cause": "Pearson r = {}，p = {}，{} 次会谈；相关不等于因果",
    "{} challenges, {} extended; told right: {}": "{} 次挑战，{} 次得到拓展；判断正确：{}",
    "{} by {}: {} turns": "{}，{} 标注：{} 条",
    ", {} without a prediction": "，{} 条没有预测",
    "accuracy {}  macro-F1 {}  weighted F1 {}": "准确率 {}  宏平均 F1 {}  加权 F1 {}",
}  # fmt: skip


def say(text: str, lang: Lang, *values: object) -> str:
    """A text in a language, with its values filled in. Raises KeyError for one that has no Chinese words."""
    return (ZH[text] if lang == "zh" else text).format(*values)
