"""Words that tell who or where somebody is: found by form, so that nothing has to be shown to a model.

Meant for guards: what is found is nearly always private; a nickname, a bare name or a rare event has no form and is missed.
"""

import re
from collections.abc import Iterator

# Schools and hospitals are everyday words (从错误中学, 听说小学): only forms that are names count.
_NAME = r"[^\W\d_a-zA-Z一这那某哪几每各别其它另自的了我你您他她们所家个间读上考念进在去到从是和跟给附近当地本新老好什么以前后来]{2,10}"
_PROVINCE = "北京|上海|天津|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|内蒙古|广西|西藏|宁夏|新疆|南京|武汉|中山|清华|复旦|同济|南开|厦门"
_CAPITAL = r"[A-Z][\w&'’-]+"
_NAMED = rf"(?!(?:The|My|Our|Your|His|Her|Their|This|That|An?|I|In|At|Every|Some|Any|High|Middle|Primary|Elementary|Law|Medical|Community|Sunday|Christmas|Easter)\b){_CAPITAL}"
PRIVATE: dict[str, tuple[str, ...]] = {
    "email": (r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",),
    "account": (r"(?i:QQ|微信号?|VX|WeChat)[:： 是]*[A-Za-z0-9_-]{5,20}",),
    "id": (r"(?<!\d)\d{17}[\dXx](?!\d)",),
    "phone": (r"(?<!\d)1[3-9]\d{9}(?!\d)", r"(?<!\d)0\d{2,3}-\d{7,8}(?!\d)", r"(?!(?:19|20)\d\d-)\+?\d(?:[() -]{0,2}\d){8,}"),
    "address": (
        r"[\u4e00-\u9fff]{2,6}(?:路|街|大道|巷|弄)\d+号", r"\d+ ?号楼", r"\d+单元", r"[\u4e00-\u9fff]{2,3}省[\u4e00-\u9fff]{2,5}市",
        rf"\d+ (?:{_CAPITAL} )+(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive)\b", r"\b(?:Apt|Apartment|Flat)\.? \d+",
    ),
    "workplace": (
        rf"{_NAME}(?:有限公司|股份公司|集团|银行|事务所)", r"第[一二三四五六七八九十\d]+(?:人民|附属)?(?:医院|中学|小学)",
        rf"(?:{_PROVINCE}|理工|工业|师范|科技|财经|医科|农业|交通|政法|外国语)(?:大学|学院)",
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
