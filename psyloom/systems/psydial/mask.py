"""Mask: every client line gives way to a placeholder, and what a counselor line repeats of them does, too.

Names and numbers are found by rules, not by a model: the real session must not leave the machine to be masked. Rules
miss what has no form (a nickname, a rare event told in few words); a service should read its masked sessions.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from psyloom.records import Lang, Turn

CLIENT = re.compile(r"\[CLIENT_(\d+)\]")
PLACEHOLDER = re.compile(r"\[(?:CLIENT_\d+|PERSON|PHONE|ID|ORG|PLACE|DATE|SCHOOL|ACCOUNT|QUOTE)\]")
ECHO: dict[Lang, int] = {"zh": 4, "en": 4}
"""Characters (zh) or words (en) in a row that a counselor must not share with the client: a restatement.

Who restates turns I into you; both count as the same word.
"""

_NAME = r"[^\W\d_在去到从是的和跟给进了考读上下被我你他她它们这那哪家所个某每各本该位间名对把让找有没不也都就还来说见问像当做]"
_SURNAME = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜谢邹喻苏潘葛范彭鲁韦马方任袁柳唐罗薛雷贺汤邓邱叶田胡林郭梁宋谭高夏蔡丁刘黄徐曾肖廖程傅龚余杜戴侯孟白江史段顾龙万钟"
_TITLE = "老师|教授|医生|主任|经理|总监|总|哥|姐|阿姨|叔叔|先生|女士|小姐|同学|师傅|校长|行长|局长"
_KIN = "妹妹|弟弟|哥哥|姐姐|儿子|女儿|男朋友|女朋友|男友|女友|丈夫|老公|妻子|老婆|同事|朋友|室友|同桌|同学|师姐|师兄"
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_CAPITAL = r"[A-Z][\w'’-]*[a-z]"
_COMMON = rf"(?!(?:{_MONTH}|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|Mum|Mom|Dad|God|English|Christmas)\b)"
ENTITIES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("ACCOUNT", r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9]+)+|(?:QQ|qq|微信号?|VX|vx)[:： ]*[A-Za-z0-9_-]{5,20}|@\w{3,}"),
        ("ID", r"(?<!\d)\d{17}[\dXx](?!\d)"),
        ("PHONE", r"(?<!\d)1[3-9]\d{9}(?!\d)|\+?\d[\d() -]{6,}\d"),
        ("DATE", r"\d{4}年(?:\d{1,2}月)?(?:\d{1,2}[日号])?|\d{1,2}月\d{1,2}[日号]|(?<!\d)(?:19|20)\d\d[-/]\d{1,2}[-/]\d{1,2}|[\d一二三四五六七八九十]+岁"
                 rf"|\b(?:{_MONTH}) \d{{1,2}}(?:st|nd|rd|th)?\b|\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{_MONTH})\b"),
        ("SCHOOL", rf"{_NAME}{{2,8}}(?:大学|学院|中学|小学|高中|幼儿园)|(?:{_CAPITAL} )+(?:University|College|School|Academy)\b|University of {_CAPITAL}"),
        ("ORG", rf"{_NAME}{{2,8}}(?:公司|银行|医院|集团|法院|事务所|工厂)|(?:{_CAPITAL} )+(?:Bank|Hospital|Clinic|Company|Inc|Ltd|Group)\b"),
        ("PLACE", rf"{_NAME}{{2,5}}(?:省|市|县|区|镇|村|路|街)|\b(?:in|from|near|to) (?P<place>{_COMMON}{_CAPITAL}(?: {_CAPITAL})*)"),
        ("PERSON", rf"(?:我叫|名叫|叫做|名字叫)(?P<called>{_NAME}{{2,3}})|[小老阿][{_SURNAME}](?!{_TITLE})|[{_SURNAME}]{_NAME}?(?:{_TITLE})|(?:{_KIN})(?P<kin>[小阿](?![时学心声事])[\u4e00-\u9fff])"
                   rf"|(?<=[a-z,;:] )(?P<name>{_COMMON}{_CAPITAL}(?: {_CAPITAL})*)|\b(?:Mr|Mrs|Ms|Dr|Prof)\.? {_CAPITAL}"),
    )
)  # fmt: skip
"""What kind of entity, and how it looks in Chinese and English."""
_ONE_PERSON = {
    "你": "我",
    "您": "我",
    "you": "i",
    "me": "i",
    "your": "my",
    "yours": "mine",
    "yourself": "myself",
    "are": "am",
    "were": "was",
}
_TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+(?:['’][a-z]+)?")
_QUOTED = re.compile(r"[“「『\"]([^”」』\"]{2,40})[”」』\"]")


def entities(text: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, words) of everything in ``text`` that looks like a name, a number or a date."""
    for kind, pattern in ENTITIES:
        for found in pattern.finditer(text):
            words = next((words for words in found.groupdict().values() if words), found[0])
            yield kind, words
            if kind == "PERSON" and re.fullmatch(r"[\u4e00-\u9fff]{3}", words) and words[0] in _SURNAME:
                yield kind, words[1:]  # 林小岚 is called 小岚


def masked(turns: Sequence[Turn], lang: Lang) -> list[Turn]:
    """The session without its client: ``[CLIENT_k]`` in its lines, typed placeholders in the counselor's.

    Number, order and speakers of the turns stay. A counselor line loses names and numbers of its own, those that the
    client named, and what it repeats of the client: runs of ECHO tokens, and anything quoted.
    """
    client = [turn.text for turn in turns if turn.speaker == "client" and not CLIENT.fullmatch(turn.text)]
    kinds: dict[str, str] = {}
    for kind, words in (found for text in client for found in entities(text)):
        kinds.setdefault(words, kind)
    named = sorted(((kind, words) for words, kind in kinds.items()), key=lambda one: (-len(one[1]), one[1]))
    heard = {tuple(map(_same_person, gram)) for gram in grams(client, ECHO[lang])}
    told = "\n".join(client).casefold()
    texts: list[Turn] = []
    k = 0
    for turn in turns:
        k += turn.speaker == "client"
        text = f"[CLIENT_{k}]" if turn.speaker == "client" else _scrubbed(turn.text, named, heard, told, ECHO[lang])
        texts.append(Turn(speaker=turn.speaker, text=text))
    return texts


def _scrubbed(text: str, named: Iterable[tuple[str, str]], heard: set[tuple[str, ...]], told: str, size: int) -> str:
    for kind, words in (*named, *entities(text)):
        text = re.sub(re.escape(words), f"[{kind}]", text, flags=re.IGNORECASE)
    text = _QUOTED.sub(lambda quote: "[QUOTE]" if quote[1].strip("，。,. ").casefold() in told else quote[0], text)
    spans = [found.span() for found in _TOKEN.finditer(text)]
    words_ = [_same_person(text[a:b].casefold()) for a, b in spans]
    echoed = {
        at + n for at in range(len(words_) - size + 1) if tuple(words_[at : at + size]) in heard for n in range(size)
    }
    for last in sorted((at for at in echoed if at + 1 not in echoed), reverse=True):
        first = last
        while first - 1 in echoed:
            first -= 1
        text = f"{text[: spans[first][0]]}[QUOTE]{text[spans[last][1] :]}"
    return text


def _same_person(token: str) -> str:
    return _ONE_PERSON.get(token, token)


def tokens(text: str) -> list[str]:
    """Chinese characters and the words of other scripts, marks left out."""
    return [found[0].casefold() for found in _TOKEN.finditer(text)]


def grams(texts: Iterable[str], size: int) -> set[tuple[str, ...]]:
    """All runs of ``size`` tokens that stand in one of the texts."""
    return {tuple(one[at : at + size]) for one in map(tokens, texts) for at in range(len(one) - size + 1)}
