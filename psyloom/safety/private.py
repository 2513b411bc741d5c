"""Words that tell who or where somebody is: found by form, so that nothing has to be shown to a model.

Meant for guards: what is found is nearly always private; a nickname, a bare name or a rare event has no form and is
missed. Employers without a form are known by name (``names.toml``); a small firm called by its bare name is missed.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from psyloom.knowledge.files import load
from psyloom.safety.cues import Patterns


class Names(BaseModel):
    """Names that have no form: patterns in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    note: str
    place: Patterns
    employer: Patterns


NAMES = load(Names, Path(__file__).parent / "names.toml", Path(__file__).parent, "set of names")

# Schools and hospitals are everyday words (从错误中学, 听说小学): only forms that are names count.
_NAME = r"[^\W\d_a-zA-Z一这那某哪几每各别其它另自的了我你您他她们所家个间读上考念进在去到从是和跟给附近当地本新老好什么以前后来]{2,10}"
_PROVINCE = "北京|上海|天津|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|内蒙古|广西|西藏|宁夏|新疆|南京|武汉|中山|清华|复旦|同济|南开|厦门"
_CAPITAL = r"[A-Z][\w&'’-]+"
_NAMED = rf"(?!(?:The|My|Our|Your|His|Her|Their|This|That|An?|I|In|At|Every|Some|Any|High|Middle|Primary|Elementary|Law|Medical|Community|Sunday|Christmas|Easter)\b){_CAPITAL}"
_EMPLOYER = {"zh": "|".join(NAMES.employer.zh), "en": "|".join(NAMES.employer.en)}
_WORK = "上班|工作|任职|就职|实习|打工|加班|当(?!然)|做(?:会计|财务|销售|运营|产品|研发|开发|客服|行政|设计|工程师)"
_AREA = "小社市郊地山景园校片城新老误禁灾厂专战辖海"  # 小区, 市区 ... are no districts
_DISTRICT = rf"[^\W\d_a-zA-Z我你您他她们的在住到去从那这个是]{{2,3}}(?<![{_AREA}])区"
_STREET = r"[^\W\d_a-zA-Z一那哪这条的了很多走在有几每个大小马过里去来是]{2,4}(?:路|街|大道|胡同)"
_HOME = r"[^\W\d_a-zA-Z我你您他她们的在住到去从那这个一家是]{2,4}(?:小区|花园|家园|公寓|新村|苑)"
_NUMBER = "[一二三四五六七八九十百\\d]+"
PRIVATE: dict[str, tuple[str, ...]] = {
    "email": (r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",),
    "account": (r"(?i:QQ|微信号?|VX|WeChat)[:： 是]*[A-Za-z0-9_-]{5,20}",),
    "id": (r"(?<!\d)\d{17}[\dXx](?!\d)",),
    "phone": (r"(?<!\d)1[3-9]\d{9}(?!\d)", r"(?<!\d)0\d{2,3}-\d{7,8}(?!\d)", r"(?!(?:19|20)\d\d-)\+?\d(?:[() -]{0,2}\d){8,}"),
    "address": (
        r"[\u4e00-\u9fff]{2,6}(?:路|街|大道|巷|弄)\d+号", rf"{_DISTRICT}{_STREET}(?:{_NUMBER}号)?",
        rf"(?:{_HOME})?{_NUMBER} ?号楼", rf"{_HOME}{_NUMBER} ?(?:栋|幢|座|单元)", r"\d+单元", r"[\u4e00-\u9fff]{2,3}省[\u4e00-\u9fff]{2,5}市",
        rf"\d+ (?:{_CAPITAL} )+(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive)\b", r"\b(?:Apt|Apartment|Flat)\.? \d+",
    ),
    "workplace": (
        rf"{_NAME}(?:有限公司|股份公司|集团|银行|事务所)", r"第[一二三四五六七八九十\d]+(?:人民|附属)?(?:医院|中学|小学)",
        rf"(?:{_PROVINCE}|理工|工业|师范|科技|财经|医科|农业|交通|政法|外国语)(?:大学|学院)",
        rf"(?:(?<=在)|(?<=从)|(?<=给)|(?<=去)|(?<=进)|(?<=到)|(?<=是))(?:{_EMPLOYER['zh']})(?=[^，。！？、看刷买听找]{{0,4}}(?:{_WORK}))",
        rf"(?:(?<=入职)|(?<=进了)|(?<=跳槽到)|(?<=应聘)|(?<=考进))(?:{_EMPLOYER['zh']})", rf"(?:{_EMPLOYER['zh']})(?=的?(?:员工|工程师|程序员))",
        rf"\b(?:work|works|worked|job|hired|intern\w*) (?:\w+ ){{0,3}}(?:at|for|by|with) (?:{_EMPLOYER['en']})\b",
        rf"\b(?:joined|quit) (?:{_EMPLOYER['en']})\b",
        rf"\b{_NAMED} (?:{_CAPITAL} )*(?:University|College|Hospital|Clinic|Bank|Company|Inc|Ltd|School)\b",
        rf"(?:(?<=\bwork at )|(?<=\bwork for )|(?<=\bworking at )|(?<=\bworking for )){_NAMED}",
    ),
}  # fmt: skip
"""Kind -> how it looks in Chinese and English."""
_FORMS = [(kind, re.compile(form)) for kind, forms in PRIVATE.items() for form in forms]


def private(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield (kind, start, end) of everything in ``text`` that looks private; each place is told once."""
    seen: list[tuple[int, int]] = []
    for kind, form in _FORMS:
        for found in form.finditer(text):
            start, end = found.span()
            if not any(start < other and begin < end for begin, other in seen):
                seen.append((start, end))
                yield kind, start, end
