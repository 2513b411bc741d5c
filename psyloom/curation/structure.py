"""Rules of structure, S2-S12 and I1: what can be mended is mended, the rest is dropped or sent to review.

They come in the order in which one makes sense after the other: first lines are put in place, then texts are cleaned,
then the shape is judged.
"""

import re
import unicodedata
from collections.abc import Iterator

from psyloom.curation.findings import Finding, Rule, Standard, joined, numbered, reworded
from psyloom.records import Dialogue, Turn

_NAMES = {
    "counselor": r"医生|咨询师|心理咨询师|支持者|治疗师|助手|Doctor|Counselor|Counsellor|Supporter|Therapist|Assistant",
    "client": r"病人|患者|来访者|求助者|用户|Patient|Client|Help-?seeker|User",
}
_LABEL = {who: re.compile(rf"(?:^|(?<=[\n。！？!?…”\"\s]))(?:{names})\s*[:：]\s*") for who, names in _NAMES.items()}
_OPEN = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]|[^\\S\n]*\n\\s*|[^\\S\n]{2,}|[\x00-\x08\x0b-\x1f\x7f]")
_TITLE = re.compile(
    r"^\s*(?:#+\s*)?(?:案例|情景|场景|对话|Case|Scenario)\s*[一二三四五六七八九十\d]+\s*[:：.]?[^\n]*\n?", re.MULTILINE
)
_MARKUP = re.compile(r"^\s{0,3}#{1,6}\s+|^```\w*\s*$|(?<!\*)\*\*(?!\*)|(?<!_)__(?!_)", re.MULTILINE)
_NOTE = re.compile(r"[（(](?:以[^）)]{2,40}|注[:：][^）)]*|备注[^）)]*|此处[^）)]*|Note:[^）)]*)[）)]")
# A gesture stands by itself, in words; an abbreviation or an example in brackets belongs to the sentence.
_GESTURE = re.compile(r"(?:^|(?<=[\n。！？!?…”~～\s]))[（(\[【*]([^（）()\[\]【】*\dA-Z]{1,30})[）)\]】*]\s*")
_ENDS = re.compile(r"[。！？!?….~～”’\"')）」』】]\W*$|[\U0001F300-\U0001FAFF☀-➿]\W*$")
_HAN, _LETTER = re.compile(r"[\u3400-\u9fff]"), re.compile(r"[A-Za-z]+|[\u3400-\u9fff]")
_EN = 3  # an English message takes about three times the characters of a Chinese one


def misplaced_input(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """I1. The client's line in ``extra.input`` fills the client's last message where that is empty."""
    line = dialogue.extra.get("input")
    if not isinstance(line, str) or not line.strip():
        return
    blank = [one for one in numbered(dialogue) if one[3].speaker == "client" and not one[3].text.strip()]
    if blank:
        index, session, at, turn = blank[-1]
        session.turns[at] = reworded(turn, line.strip())
        dialogue.extra = {key: value for key, value in dialogue.extra.items() if key != "input"}
        yield Finding("i1", "fixed", turn=index, now=line.strip())
    else:
        yield Finding("i1", "review", line.strip())


def repeated_line(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """S11. client X, counselor "", client X: the first two are cut."""
    index = 0
    for session in dialogue.sessions:
        kept: list[Turn] = []
        for turn in session.turns:
            twice = len(kept) > 1 and not kept[-1].text.strip() and kept[-2].speaker == turn.speaker != kept[-1].speaker
            if twice and kept[-2].text.strip() == turn.text.strip():
                yield Finding("s11", "fixed", turn.text, index)
                kept[-2:] = []
            kept.append(turn)
            index += 1
        session.turns = kept


def empty(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """S2."""
    for index, _session, _at, turn in numbered(dialogue):
        if not turn.text.strip():
            yield Finding("s2", "fixed", turn.speaker, index)
    for session in dialogue.sessions:
        session.turns = [turn for turn in session.turns if turn.text.strip()]
    dialogue.sessions = [session for session in dialogue.sessions if session.turns]
    if not dialogue.turns:
        yield Finding("s2", "drop", "nothing was said")


def blanks(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """S7. Full-width letters and digits become half-width; punctuation stays as it is."""
    for index, session, at, turn in numbered(dialogue):
        text = "".join(
            unicodedata.normalize("NFKC", c) if c.isalnum() and "\uff00" < c < "\uff5f" else c for c in turn.text
        )
        text = _OPEN.sub(lambda found: "\n" if "\n" in found[0] else " " if found[0].isspace() else "", text).strip()
        if text != turn.text:
            session.turns[at] = reworded(turn, text)
            yield Finding("s7", "fixed", turn=index)


def speaker_labels(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """S6."""
    for index, session, at, turn in numbered(dialogue):
        if found := _LABEL[turn.speaker].search(turn.text):
            session.turns[at] = turn = reworded(turn, _LABEL[turn.speaker].sub("", turn.text).strip())
            yield Finding("s6", "fixed", found[0].strip(), index, turn.text)
        if other := _LABEL["client" if turn.speaker == "counselor" else "counselor"].search(turn.text):
            yield Finding("s6", "review", other[0].strip(), index)


def markup(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """S8."""
    for index, session, at, turn in numbered(dialogue):
        found = next((hit for form in (_TITLE, _NOTE, _MARKUP) if (hit := form.search(turn.text))), None)
        if found:
            text = _MARKUP.sub("", _NOTE.sub("", _TITLE.sub("", turn.text))).strip()
            session.turns[at] = reworded(turn, text)
            yield Finding("s8", "fixed", found[0].strip(), index, text)


def directions(dialogue: Dialogue, standard: Standard) -> Iterator[Finding]:
    """S9."""
    for index, session, at, turn in numbered(dialogue):
        found = None if standard.directions else _GESTURE.search(turn.text)
        if found:
            text = _GESTURE.sub("", turn.text).strip()
            session.turns[at] = reworded(turn, text)
            yield Finding("s9", "fixed", found[0].strip(), index, text)


def alternation(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """S3."""
    index = 0
    for session in dialogue.sessions:
        kept: list[Turn] = []
        for turn in session.turns:
            if kept and kept[-1].speaker == turn.speaker:
                kept[-1] = joined(kept[-1], turn)
                yield Finding("s3", "fixed", "joined", index)
            else:
                kept.append(turn)
            index += 1
        while kept and kept[-1].speaker == "client":
            yield Finding("s3", "fixed", kept.pop().text, index - 1)
        session.turns = kept


def cut_off(dialogue: Dialogue, _: Standard) -> Iterator[Finding]:
    """S10. Who never writes closing marks is not cut off for lack of one."""
    said = [turn.text for turn in dialogue.turns if turn.speaker == "counselor"]
    if (
        len(said) > 1
        and not _ENDS.search(said[-1])
        and sum(bool(_ENDS.search(text)) for text in said[:-1]) * 2 > len(said) - 1
    ):
        yield Finding("s10", "drop", said[-1][-20:])


def exchanges(dialogue: Dialogue, standard: Standard) -> Iterator[Finding]:
    """S4."""
    count = sum(session.exchanges() for session in dialogue.sessions)
    fewest, most = standard.exchanges
    if dialogue.turns and not fewest <= count <= most:
        yield Finding("s4", "drop", str(count))


def lengths(dialogue: Dialogue, standard: Standard) -> Iterator[Finding]:
    """S5."""
    wider = 1 if dialogue.lang == "zh" else _EN
    for index, _session, _at, turn in numbered(dialogue):
        least, most = standard.client if turn.speaker == "client" else standard.counselor
        if not least <= len(turn.text) <= most * wider:
            yield Finding("s5", "drop", str(len(turn.text)), index)
        elif turn.speaker == "counselor" and len(turn.text) > standard.long * wider:
            yield Finding("s5", "review", str(len(turn.text)), index)


def language(dialogue: Dialogue, standard: Standard) -> Iterator[Finding]:
    """S12. Letters of a Chinese dialogue that are Chinese, of an English one that are not; an English word counts as one."""
    letters = [one for turn in dialogue.turns for one in _LETTER.findall(turn.text)]
    chinese = sum(bool(_HAN.match(one)) for one in letters) / len(letters) if letters else 0.0
    share = chinese if dialogue.lang == "zh" else 1 - chinese
    if letters and share < standard.own_script:
        yield Finding("s12", "review", f"{share:.0%}")


STRUCTURE: tuple[Rule, ...] = (
    misplaced_input, repeated_line, empty, blanks, speaker_labels, markup, directions, empty, alternation, cut_off,
    exchanges, lengths, language,
)  # fmt: skip
