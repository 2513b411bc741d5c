"""Names, numbers, places and dates of a text, by their form: the wide net of a mask.

It would rather take an everyday word than miss a name; `psyloom.safety.private` is the fine one, for guards. Places are
known by name as well (``names.toml``: provinces, countries and larger cities). What has no form, a nickname, a village or
a rare event told in few words, is missed by both.
"""

import re
from collections.abc import Iterator

from psyloom.safety.private import NAMES, PRIVATE

_NAME = r"[^\W\d_在去到从是的和跟给进了考读上下被我你他她它们这那哪家所个某每各本该位间名对把让找有没不也都就还来说见问像当做]"
_HAN = rf"(?:(?![A-Za-z]){_NAME})"
_SURNAME = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜谢邹喻苏潘葛范彭鲁韦马方任袁柳唐罗薛雷贺汤邓邱叶田胡林郭梁宋谭高夏蔡丁刘黄徐曾肖廖程傅龚余杜戴侯孟白江史段顾龙万钟"
_TITLE = "老师|教授|医生|主任|经理|总监|总|哥|姐|阿姨|叔叔|先生|女士|小姐|同学|师傅|校长|行长|局长"
_KIN = "妹妹|弟弟|哥哥|姐姐|儿子|女儿|男朋友|女朋友|男友|女友|丈夫|老公|妻子|老婆|同事|朋友|室友|同桌|同学|师姐|师兄"
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_CAPITAL = r"[A-Z][\w'’-]*[a-z]"
COMMON = rf"(?!(?:{_MONTH}|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|Mum|Mom|Dad|God|English|Christmas)\b)"
"""Stands before a capitalized word that may be a name: not before months, days and the like."""
_PLACE = rf"{'|'.join(NAMES.place.zh)}|\b(?:{'|'.join(NAMES.place.en)})(?!\w)"
ENTITIES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("ACCOUNT", "|".join((*PRIVATE["email"], *PRIVATE["account"], r"@\w{3,}"))),
        ("ID", "|".join(PRIVATE["id"])),
        ("PHONE", r"(?<!\d)1[3-9]\d{9}(?!\d)|\+?\d[\d() -]{6,}\d"),
        ("DATE", r"\d{4}年(?:\d{1,2}月)?(?:\d{1,2}[日号])?|\d{1,2}月\d{1,2}[日号]|(?<!\d)(?:19|20)\d\d[-/]\d{1,2}[-/]\d{1,2}|[\d一二三四五六七八九十]+岁"
                 rf"|\b(?:{_MONTH}) \d{{1,2}}(?:st|nd|rd|th)?\b|\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{_MONTH})\b"),
        ("SCHOOL", rf"{_NAME}{{2,8}}(?:大学|学院|中学|小学|高中|幼儿园)|(?:{_CAPITAL} )+(?:University|College|School|Academy)\b|University of {_CAPITAL}"),
        ("ORG", rf"{_NAME}{{2,8}}(?:公司|银行|医院|集团|法院|事务所|工厂)|(?:{_CAPITAL} )+(?:Bank|Hospital|Clinic|Company|Inc|Ltd|Group)\b"),
        ("PLACE", rf"{_NAME}{{2,5}}(?:省|市|县|区|镇|村|路|街)|\b(?:in|from|near|to) (?P<place>{COMMON}{_CAPITAL}(?: {_CAPITAL})*)|{_PLACE}"),
        ("PERSON", rf"(?:我叫|名叫|叫做|名字叫)(?P<called>{_HAN}{{2,3}}|{_HAN}?[A-Za-z]+)|[小老阿][A-Z][a-z]+|[小老阿][{_SURNAME}](?!{_TITLE})|[{_SURNAME}]{_NAME}?(?:{_TITLE})|(?:{_KIN})(?P<kin>[小阿](?![时学心声事])[\u4e00-\u9fff])"
                   rf"|(?<=[a-z,;:] )(?P<name>{COMMON}{_CAPITAL}(?: {_CAPITAL})*)|\b(?:Mr|Mrs|Ms|Dr|Prof)\.? {_CAPITAL}"),
    )
)  # fmt: skip
"""What kind of entity, and how it looks in Chinese and English."""


def entities(text: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, words) of everything in ``text`` that looks like a name, a number or a date."""
    for kind, pattern in ENTITIES:
        for found in pattern.finditer(text):
            words = next((words for words in found.groupdict().values() if words), found[0])
            yield kind, words
            if kind == "PERSON" and re.fullmatch(r"[\u4e00-\u9fff]{3}", words) and words[0] in _SURNAME:
                yield kind, words[1:]  # 林小岚 is called 小岚
