"""What each side of a rehearsed talk says next.

Each function lists what would fit, the best first; an utterance that is asked for again gets the next one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING

from psyloom.llm.rehearsal.voice import low
from psyloom.records import Lang, Speaker, sentences

if TYPE_CHECKING:
    from psyloom.llm.rehearsal.actor import Actor

Turns = Sequence[tuple[Speaker, str]]
# How the counselor leads a session, one phase a message: straight on, or with more time for what is heard.
_ORDERS = (
    ("explore", "explore", "explore", "reflect", "explore", "reflect", "normalise", "examine", "solve", "solve", "examine", "reflect", "solve", "encourage"),
    ("explore", "reflect", "explore", "explore", "normalise", "explore", "reflect", "examine", "solve", "examine", "solve", "encourage", "solve", "reflect"),
)  # fmt: skip
_CLOSES_AT, _RESPONDS_UNTIL = 14, 9


def client_lines(actor: "Actor", turns: Turns, may_close: bool, since: Sequence[str] = ()) -> Iterator[str]:
    """What the client could say now: its own story first, and an answer when a question has one.

    since: what happened since the last session. It comes before the story, of which no session tells a part again.
    """
    stock, said = actor.stock["client"], _said(turns, "client")
    count = sum(who == "client" for who, _ in turns)
    heard = turns[-1][1] if turns else ""
    story = [w for w in actor.story if w.rstrip("。.!！?？") not in actor.before]
    fresh = [w for w in (*since, *story) if w.rstrip("。.!！?？") not in said]
    parting = any(line in heard for line in actor.stock["counselor"]["close"])
    closes = [f"{line} {actor.cue.end or ''}".strip() for line in actor.left(stock["close"], said)]
    closes = closes if may_close or parting else []
    if not turns:
        yield from actor.left(stock["greet"], said)
    if parting:
        yield from closes
    risk, topic = _RISK[actor.cue.lang], _topic_of(actor, heard) if count else ""
    asked = actor.on(topic) if topic else {}
    urgent = any(line in heard for line in actor.stock["counselor"]["crisis"])
    if risk.search(heard) and not urgent:
        asked = {w: w for w in actor.story if risk.search(w)} | asked
    yield from _recorded(actor, asked, turns)
    fresh = [w for w in fresh if not (risk.search(w) and _DENIED.search(w))]  # said when asked, not of its own accord
    if not asked and (count > 1 or not fresh or topic or urgent):
        yield from _answers(actor, heard, said)
    if topic:
        yield from actor.left(actor.stock["inquiry"]["other"], said)
    yield from _story(actor, fresh, said, count)
    if count < _RESPONDS_UNTIL or not may_close:
        yield from actor.left(stock["respond"], said)
    yield from closes
    yield from _more(stock["more"], said)


def _recorded(actor: "Actor", asked: Mapping[str, str], turns: Turns) -> Iterator[str]:
    """What the case says on what was ``asked``: as far as it is new, else once more, and then that this is all."""
    if not asked:
        return
    lang, inquiry, said = actor.cue.lang, actor.stock["inquiry"], _said(turns, "client")
    latest = next((text for who, text in reversed(turns) if who == "client"), "")
    yield from (ended(line, lang) for line in asked if line.rstrip("。.!！?？") not in said)
    # Without the phrase that named it, and not twice in a row.
    facts = [fact if fact in line else line for line, fact in asked.items() if line.rstrip("。.") not in latest]
    once_more = (inquiry["told"].format(w=low(fact).rstrip("。.")) for fact in facts)
    yield from (line for line in once_more if line not in said)
    yield from actor.left(inquiry["all"], said)


def crisis_lines(actor: "Actor", turns: Turns) -> list[str]:
    """What comes before everything else when the client's last words sound an alarm, in this order."""
    heard = next((text for who, text in reversed(turns) if who == "client"), "")
    said = _said(turns, "counselor")
    return [line for line in actor.stock["counselor"]["crisis"] if line not in said and actor.cue.alarming(heard)]


def counselor_lines(actor: "Actor", turns: Turns, may_close: bool, part: str = "") -> Iterator[str]:
    """What the counselor could say now: by the phase the session is in, with the client's own words if they are new.

    part: of the stock, from which the message comes instead.
    """
    stock, said = actor.stock["counselor"], _said(turns, "counselor")
    count = sum(who == "counselor" for who, _ in turns)
    heard = next((text for who, text in reversed(turns) if who == "client"), "")
    quotes = [quote for quote in quotes_of(actor, heard) if quote not in said]
    quote = actor.rng.choice(quotes) if quotes else ""
    yield from (urgent := crisis_lines(actor, turns))
    named = stock.get(part) or actor.stock["recommendation"].get(part, ())
    lines = actor.left(named, said, in_turn=part == "solve")
    yield from (line.format(q=quote) for line in lines if quote or "{q}" not in line)
    if (
        may_close
        and not urgent
        and (count >= _CLOSES_AT or any(line in heard for line in actor.stock["client"]["close"]))
    ):
        yield from actor.left(stock["close"], said)
    if count == 0 and not quote:
        yield from actor.left(stock["again" if actor.before else "open"], said)
    phases = Random(actor.order).choice(_ORDERS)
    for phase in (phases[count % len(phases)], "explore", "reflect", "examine", "solve"):
        lines = actor.left(stock[phase], said, in_turn=phase == "solve")  # one step: found, made small, secured
        lines = [line for line in lines if quote or "{q}" not in line]
        if count < 3:  # at first it is about what was just said
            lines.sort(key=lambda line: "{q}" not in line)
        yield from (line.format(q=quote) for line in lines)
    yield from _more(stock["more"], said)


_RISK = {
    "zh": re.compile(r"自杀|自伤|轻生|不想活|消极念头|伤害自己|醒来|死"),
    "en": re.compile(
        r"\b(?:suicid\w*|self-harm|to die|death wish|hurt(?:ing)? (?:my|your)self|(?:be|were|was) gone)\b",
        re.IGNORECASE,
    ),
}
_DENIED = re.compile(r"没有|否认|从未|无|\b(?:no|not|never|deny|denies)\b", re.IGNORECASE)


_SAYS_NOTHING = re.compile(
    r"情况|想法|行为|生活|的|和|与|或|、|\b(?:what|others|thoughts?|thinking|acts|whether|life)\b", re.I
)


def _topic_of(actor: "Actor", heard: str) -> str:
    """What a doctor's question of the stock is about; "" for any other message."""
    for form in actor.stock["inquiry"]["ask"]:
        before, after = form.split("{t}")
        if heard.startswith(before) and heard.endswith(after):
            topic = heard[len(before) : len(heard) - len(after)]
            opened = actor.stock["inquiry"]["first"].format(t=topic) == next((text for _, text in actor.cue.turns), "")
            return "" if opened else topic  # the topic that opens a talk leaves room for the whole story
    return ""


def shares(topic: str, sentence: str) -> bool:
    """Have they a word in common: two characters (zh), or five letters with which a word begins (en)?"""
    topic = _SAYS_NOTHING.sub(" ", topic)
    if re.search(r"[\u4e00-\u9fff]", topic):
        pairs = (topic[n : n + 2] for n in range(len(topic) - 1))
        return any(pair in sentence for pair in pairs if " " not in pair)
    starts = {word[:5] for word in re.findall(r"\w{4,}", topic.lower())}
    return bool(starts & {word[:5] for word in re.findall(r"\w{4,}", sentence.lower())})


def _said(turns: Turns, speaker: Speaker) -> str:
    return "\n".join(text for who, text in turns if who == speaker)


def _answers(actor: "Actor", heard: str, said: str) -> list[str]:
    asked = re.sub("“[^”]*”", "", heard).lower()
    fitting = (entry["say"] for entry in actor.stock["client"]["answer"] if any(word in asked for word in entry["to"]))
    return [line for lines in fitting for line in actor.left(lines, said)]


def _story(actor: "Actor", fresh: list[str], said: str, count: int) -> Iterator[str]:
    """The next one or two sentences of the case."""
    if not fresh:
        return
    chinese = actor.cue.lang == "zh"
    first, *others = (
        w if re.search(r"[。.!！?？…”\")）」]$", w) else w + ("。" if chinese else ".") for w in fresh[:2]
    )
    leads = actor.left(actor.stock["client"]["lead"], said) if count and actor.rng.random() < 0.3 else []
    lead = leads[0] if leads else ""
    if others and len(first) + len(others[0]) < (60 if chinese else 140):
        yield lead + first + ("" if chinese else " ") + others[0]
    yield lead + first
    if first != lead + first:
        yield first


def ended(sentence: str, lang: Lang) -> str:
    """``sentence`` with a mark at its end."""
    if re.search(r"[。.!！?？…”\")）」]$", sentence):
        return sentence
    return sentence.rstrip("，,；;、：: ") + ("。" if lang == "zh" else ".")


def _more(halves: Sequence[Sequence[str]], said: str) -> Iterator[str]:
    """Lines made of two halves, each pair once, neighbours different in both."""
    first, second = halves
    for n in range(len(first) * len(second)):
        line = first[n % len(first)] + second[(n // len(first) + n) % len(second)]
        if line not in said:
            yield line


_CONNECTIVE = {
    "zh": re.compile(r"[但可却就才也还又只而都再并]|不过|所以|因为|如果|要是|虽然|然后|后来|结果|反而|或者|说完|因此|好像|一直"),
    "en": re.compile(r"(?:and|but|or|so|which|because|then|that|when|while|if|as|who|since|though|until|even|where|with|to|for)\b", re.IGNORECASE),
}  # fmt: skip
# Who somebody is, and when or where something was, is no matter to dwell on.
_BARE = {
    "zh": re.compile(
        r"[\d一二三四五六七八九十]+岁|我?今年|[初高大][一二三四]$|\w{0,3}年级$|[^，]{2,10}(?:的话|方面)，|.*(?:的时候|之后|以后|之前|以前|那天)$"
    ),
    "en": re.compile(r"I am (?:\d+|(?:twen|thir|for|fif|six|seven|eigh|nine)\w*)\b", re.IGNORECASE),
}
_PLACE = re.compile(
    r"(?:in|at|on|from|by|of|after|before|during|about|over|under|with|without|into|near)\b", re.IGNORECASE
)
_ME = {"zh": re.compile("我"), "en": re.compile(r"\b(?:I|my|me|we|our)\b", re.IGNORECASE)}


def quotes_of(actor: "Actor", text: str) -> list[str]:
    """Clauses of ``text`` that can be quoted: short, whole, no question; those about the speaker before all others.

    What stands in the client's own stock is not quoted: nobody said it.
    """
    lang = actor.cue.lang
    frames = [frame.split("{w}")[0].split("{k}")[-1] for stock in actor.stock["told"].values() for frame in stock]
    frames += [piece for line in actor.stock["cbt"]["tried"] for piece in line.split("{t}")]
    frames += actor.homework
    for line in (*actor.client_stock, *(frame for frame in frames if len(frame) > 3)):
        text = text.replace(line, " ")
    low, high = (5, 16) if lang == "zh" else (3, 10)
    found: list[str] = []
    for sentence in sentences(text):
        if re.search(r"[“”\"「」『』?？]", sentence):
            continue
        whole = sentence.strip(" 。.!！…~～")
        clauses = [whole, *(c.strip(" 。.!！…~～") for c in re.split(r"[，,；;：:、]|\s[-–—]\s|——", whole))]
        fits = [c for c in clauses if low <= (len(c) if lang == "zh" else len(c.split())) <= high]
        # Half a sentence stands for itself only when it is about the speaker.
        fits = [c for c in fits if not _CONNECTIVE[lang].match(c) and not _BARE[lang].match(c.removeprefix("我"))]
        fits = [c for c in fits if c == whole or (_ME[lang].search(c) and not _PLACE.match(c))]
        found += [c for c in fits if re.search(r"\w", c)][:1]
    return [c for c in found if _ME[lang].search(c)] or found
