import pytest

from psyloom.errors import UsageError
from psyloom.judging.metrics import lengths, questions
from psyloom.judging.metrics.length import is_question
from psyloom.records import Dialogue
from tests.judging.metrics.given import dialogue, session

TALK = dialogue("k: 你好。今天怎么样？", "c: 不太好。", "c: 我睡不着", "k: 多久了", lang="zh")


def test_lengths_count_messages_exchanges_and_sentences_apart() -> None:
    found = lengths(TALK)
    # Several messages in a row count once in an exchange: k c(c) is one, the last k is answered by nobody.
    assert (found.messages, found.exchanges, found.sentences) == (4, 1, 5)


def test_characters_count_punctuation_and_no_white_space() -> None:
    assert lengths(dialogue("c: 我 很好。", "k: Oh no!")).characters == 4 + 5


def test_chinese_characters_leave_out_punctuation_and_other_scripts() -> None:
    found = lengths(dialogue("c: 我，吃 SSRI 3天了。", "k: 好", lang="zh"))
    assert (found.chinese, found.chinese_per_message) == (5, 2.5)


def test_words_of_one_side_are_its_own() -> None:
    found = lengths(dialogue("c: I am very tired", "k: Tell me more"), side="client")
    assert (found.messages, found.words, found.words_per_message) == (1, 4, 4.0)


def test_lengths_of_a_set_are_sums_and_means_are_taken_of_them() -> None:
    found = lengths([dialogue("c: a b"), dialogue("c: a", "k: a b c")])
    assert (found.dialogues, found.messages_per_dialogue, found.words_per_message) == (2, 1.5, 2.0)


def test_exchanges_do_not_cross_sessions() -> None:
    talk = Dialogue(id="d", lang="en", sessions=[session("k: a"), session("c: b")])
    assert (lengths(talk).exchanges, lengths(talk).exchanges_per_session) == (0, 0.0)


def test_no_dialogue_is_an_error() -> None:
    with pytest.raises(UsageError, match="no dialogue"):
        lengths([])


@pytest.mark.parametrize(
    "sentence", ["你睡得好吗？", "你睡得好吗", "是吗。", "Really?!", "怎么会这样？！", "他说“你是谁？”", "Why? "]
)
def test_a_question_mark_or_ma_makes_a_question(sentence: str) -> None:
    assert is_question(sentence)


@pytest.mark.parametrize("sentence", ["还早着呢。", "我们试试吧", "吗啡是药。", "I wonder.", "问号“？”是标点。"])
def test_other_endings_make_none(sentence: str) -> None:
    assert not is_question(sentence)


def test_questions_are_counted_by_message_and_by_sentence() -> None:
    found = questions(dialogue("k: Hello. How are you? Since when?", "k: I see.", "c: Why?"))
    assert (found.messages, found.asking, found.sentences, found.questions) == (2, 1, 4, 2)
    assert (found.share_of_messages, found.share_of_sentences, found.per_message) == (0.5, 0.5, 1.0)


def test_a_side_that_says_nothing_asks_nothing() -> None:
    assert questions(dialogue("c: Why?")).share_of_messages == 0.0
