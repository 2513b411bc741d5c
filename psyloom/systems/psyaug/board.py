"""The question board: which answer is used, what else its therapist wrote there, and what would tell who that is."""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from psyloom.agents import Ask
from psyloom.errors import UsageError
from psyloom.records import Answer, Case, Dialogue, Lang, Post, read_jsonl
from psyloom.safety.entities import COMMON
from psyloom.systems.posts import question_of

MOST = 5  # answers of one therapist that are read
_PAGE = ("therapistURL", "therapistUrl")
# Spelled out, a credential is one where somebody claims it: a client may well be sent to a licensed therapist.
_CREDENTIAL = re.compile(
    r"\b(?:L(?!GBT)[A-Z]{2,5}|MFT|MSW|NCC|CADC|BCBA|DBH|DSW|PMHNP|Ph\.?D|Psy\.?D|Ed\.?D|M\.?Ed|D\.?Min|M\.?Div)\b"
    r"|\ban? (?:M\.?[AS]|B\.?[AS]|[MB]Sc)\b\.?(?=[,.;!?]| (?:in|from|and|with|degree)\b|$)"
    r"|(?:\bI am|\bI['’]m|\b[Aa]s|\bme,|\bbeing) an? (?:\w+ ){0,3}?(?:licensed|certified|chartered|registered|board-certified)"
    r" (?:[\w-]+ ){0,5}?(?:therapist|psychotherapist|counsell?or|psychologist|psychiatrist|social worker|practitioner)\b"
    r"|国家[一二三]级心理咨询师|注册(?:心理师|系统)"
    r"|(?:我是|作为)(?:一[名位个])?(?:注册|执业|持证|资深|认证)[\u4e00-\u9fff]{0,6}(?:咨询师|治疗师|心理师|医[师生])"
)
_TITLE = "(?:老师|医生|博士|教授|咨询师|治疗师)"
# How one part of a name stands for its bearer: called by it, in the middle of a sentence, or alone at its start, where a
# name may also be a word like any other (Will you ...).
_CALLED = (
    r"(?P<before>\b(?i:(?:dr|mr|mrs|ms)\.?|i am|i['’]m|name is|call me|(?:dear|hello|hi|hey|thanks|thank you),?) )(?:{0})\b",
    rf"(?:(?<=[a-z,;:–—-]\s)|(?<=[–—-])){COMMON}(?:{{0}})\b",
    r"(?:(?<=^)|(?<=[.!?…]\s)|(?<=\n))(?:{0})(?=\s*(?:here\b|[,.!]|$|\n))",
)
_LINK = re.compile(r"https?://\S*|www\.\S*|\b[\w-]+\.(?:com|org|net|cn)\b\S*", re.IGNORECASE)


@dataclass(frozen=True)
class Board:
    """Answers of a board by therapist, training split only."""

    by_therapist: dict[str, list[Answer]] = field(default_factory=dict)

    @staticmethod
    def of(file: Path | None) -> "Board":
        """The board in a JSON Lines file of cases; an empty one without a file."""
        return _read(file) if file else Board()

    @staticmethod
    def key(answer: Answer) -> str | None:
        """Who answered: the profile page, else the name, else the profile's words; None for an anonymous answer."""
        page = next((str(answer.extra[name]) for name in _PAGE if answer.extra.get(name)), None)
        return page or answer.author or answer.about_author


@cache
def _read(file: Path) -> Board:
    found: dict[str, list[Answer]] = {}
    for case in read_jsonl(file, Case):
        for answer in case.post.answers if case.post else ():
            who = Board.key(answer)
            if who and answer.extra.get("split", "train") == "train":
                found.setdefault(who, []).append(answer)
    return Board(found)


def answers_of(board: Board, y: Answer) -> list[Answer]:
    """Up to five answers of y's therapist on the board; y itself where the board has none."""
    return board.by_therapist.get(board.key(y) or "", [])[:MOST] or [y]


def best_answer(post: Post, lang: Lang) -> Answer:
    """The answer with most upvotes, then views; those of 40 to 400 words before all others (DEFAULT)."""

    def rank(answer: Answer) -> tuple[bool, int, int]:
        words = len(answer.text) / 1.5 if lang == "zh" else len(answer.text.split())
        return 40 <= words <= 400, _number(answer, "upvotes"), _number(answer, "views")

    return max(post.answers, key=rank)


def _number(answer: Answer, name: str) -> int:
    given = str(answer.extra.get(name) or 0)
    return int(given) if given.isdigit() else 0


def without_identity(answer: Answer) -> Answer:
    """The answer as a prompt may show it and a record keep it: of the therapist there are only the words."""
    kept: dict[str, Any] = {name: value for name, value in answer.extra.items() if not name.startswith("therapist")}
    return Answer(text=unsigned(answer, answer.text), id=answer.id, extra=kept)


def unsigned(answer: Answer, text: str) -> str:
    """``text`` with … in place of every link, name and credential of who gave the answer."""
    for pattern in (_LINK, *_names(answer), _CREDENTIAL):
        text = pattern.sub(lambda found: f"{found.groupdict().get('before', '')}…", text)
    return text


def traces_of(answer: Answer, text: str, *, credentials: bool = True) -> str:
    """What in ``text`` tells who the therapist is: a link, the name, credentials; empty when nothing does."""
    patterns = [_LINK, *_names(answer), *([_CREDENTIAL] if credentials else [])]
    return next((found[0] for pattern in patterns if (found := pattern.search(text))), "")


def _names(answer: Answer) -> list[re.Pattern[str]]:
    """First and last name together, or one of them where it is capitalized as a name is, or addressed, or signed."""
    page = next((str(answer.extra[name]) for name in _PAGE if answer.extra.get(name)), "")
    named = _CREDENTIAL.sub("", re.split("[,，（(]", answer.author or "")[0])
    slug = re.sub(_CREDENTIAL.pattern, "", page.rstrip("/").rpartition("/")[2].replace("-", " "), flags=re.IGNORECASE)
    found: list[re.Pattern[str]] = []
    for name in filter(None, (named.strip(), slug.strip().title())):
        if re.search("[\u4e00-\u9fff]", name):
            bare = re.sub(f"{_TITLE}$", "", name)
            found.append(re.compile(f"{re.escape(bare)}{_TITLE}?" if len(bare) > 1 else re.escape(name)))
            continue
        parts = [re.escape(part) for part in name.split() if part.lower() not in ("dr", "dr.")]
        if not parts:
            continue
        if len(parts) > 1:
            whole = r"\W+".join(parts)
            found.append(re.compile(rf"\b(?i:{whole})\b"))
        if part := "|".join(one for one in parts if len(one) > 1):
            found += [re.compile(form.format(part)) for form in _CALLED]
    return found


def examples_for(file: Path, m: str, therapist: str, case: Case, ask: Ask) -> list[Dialogue]:
    """Example sessions of the same disorder by other therapists to other questions, shuffled by the seed.

    Raises: UsageError when there is none.
    """
    fit = [
        example
        for example in _examples(file)
        if example.lang == ask.lang
        and (notes := example.sessions[0].notes).get("disorder") == m
        and notes.get("therapist") != therapist
        and notes.get("question") != question_of(case)
    ]
    if not fit:
        raise UsageError(
            f"{file} has no example about {m} by another therapist to another question",
            do="make more sessions in zero-shot mode first, or run this case without examples",
        )
    return ask.rng("examples").sample(fit, len(fit))


@cache
def _examples(file: Path) -> tuple[Dialogue, ...]:
    return tuple(read_jsonl(file / "dialogues.jsonl" if file.is_dir() else file, Dialogue))
