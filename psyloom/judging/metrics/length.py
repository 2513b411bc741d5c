"""How long the talk is and how much of it asks. Messages, exchanges and sentences, never a bare "turns"."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from psyloom.judging.metrics.texts import Dialogues, dialogues
from psyloom.judging.metrics.tokens import HAN, Tokenizer, Unit, tokens
from psyloom.records import Dialogue, Speaker, sentences

# A question mark ends it, or the Chinese particle 吗, which chats often leave unmarked. Other particles (呢, 吧)
# end statements as well.
_QUESTION = re.compile(r"(?:[?？][!！?？]*|吗[。.…~～]*)[\"'”’」』)）\]\s]*$")
_CHINESE = re.compile(f"[{HAN}]")


@dataclass(frozen=True)
class Lengths:
    """Totals over what was measured. A message is one text of one speaker; an exchange is one of each side."""

    dialogues: int
    sessions: int
    messages: int
    exchanges: int
    sentences: int
    words: int
    characters: int
    chinese: int

    @property
    def messages_per_dialogue(self) -> float:
        return self.messages / self.dialogues

    @property
    def exchanges_per_session(self) -> float:
        return self.exchanges / self.sessions if self.sessions else 0.0

    @property
    def sentences_per_message(self) -> float:
        return self.sentences / self.messages if self.messages else 0.0

    @property
    def words_per_message(self) -> float:
        return self.words / self.messages if self.messages else 0.0

    @property
    def characters_per_message(self) -> float:
        return self.characters / self.messages if self.messages else 0.0

    @property
    def chinese_per_message(self) -> float:
        return self.chinese / self.messages if self.messages else 0.0


def lengths(given: Dialogues, *, side: Speaker | None = None, by: Unit | Tokenizer = "words") -> Lengths:
    """Count dialogues, sessions, messages, exchanges, sentences, words and characters.

    Args:    side: only this speaker's messages, sentences, words and characters; exchanges are of both.
    Returns: whole numbers of 0 or more. Characters leave out white space and count punctuation, as papers on
             Chinese data do; ``chinese`` counts Chinese characters alone.
    Raises:  UsageError for no dialogue.
    """
    counted = [_count(dialogue, side, by) for dialogue in dialogues(given)]
    return Lengths(len(counted), *map(sum, zip(*counted, strict=True)))


def _count(dialogue: Dialogue, side: Speaker | None, by: Unit | Tokenizer) -> tuple[int, ...]:
    said = [turn.text for turn in dialogue.turns if side in (None, turn.speaker)]
    return (
        len(dialogue.sessions),
        len(said),
        sum(session.exchanges() for session in dialogue.sessions),
        sum(len(sentences(text)) for text in said),
        sum(len(tokens(text, by)) for text in said),
        sum(len("".join(text.split())) for text in said),
        sum(len(_CHINESE.findall(text)) for text in said),
    )


def is_question(sentence: str) -> bool:
    """Does the sentence end in a question mark, or in 吗?"""
    return _QUESTION.search(sentence) is not None


@dataclass(frozen=True)
class Questions:
    """How much is asked. ``asking``: messages with at least one question; ``questions``: sentences that ask."""

    messages: int
    asking: int
    sentences: int
    questions: int

    @property
    def share_of_messages(self) -> float:
        """[0, 1]; the figure most papers give."""
        return self.asking / self.messages if self.messages else 0.0

    @property
    def share_of_sentences(self) -> float:
        """[0, 1]."""
        return self.questions / self.sentences if self.sentences else 0.0

    @property
    def per_message(self) -> float:
        """0 or more."""
        return self.questions / self.messages if self.messages else 0.0


def questions(given: Dialogues, *, side: Speaker | None = "counselor") -> Questions:
    """Count the questions of one side, the counselor unless said otherwise.

    Raises:  UsageError for no dialogue.
    """
    return count_questions(
        turn.text for dialogue in dialogues(given) for turn in dialogue.turns if side in (None, turn.speaker)
    )


def count_questions(messages: Iterable[str]) -> Questions:
    """Count the questions in plain messages."""
    found = [[is_question(sentence) for sentence in sentences(text)] for text in messages]
    return Questions(
        messages=len(found), asking=sum(map(any, found)), sentences=sum(map(len, found)), questions=sum(map(sum, found))
    )
