import pytest

from psyloom.errors import UsageError
from psyloom.judging.metrics import jaccard, repetition
from psyloom.records import Dialogue
from tests.judging.metrics.given import dialogue, session


def test_jaccard_is_shared_over_all_words() -> None:
    assert jaccard({"a", "b", "c"}, {"b", "c", "d"}) == 2 / 4
    assert jaccard([], []) == 1.0


def test_a_message_said_before_by_the_same_speaker_is_a_verbatim_repeat() -> None:
    found = repetition(dialogue("c: I am tired", "k: I am tired", "c: No", "c: I  am tired"), side="client")
    assert (found.messages, found.verbatim, found.verbatim_share) == (3, 1, 1 / 3)


def test_neighbors_that_share_more_than_the_threshold_are_near_repeats() -> None:
    # a b c d / a b c e: 3 of 5 shared, 0.6. a b c e / a b c e f: 4 of 5, 0.8.
    talk = dialogue("c: a b c d", "k: x", "c: a b c e", "c: a b c e f")
    found = repetition(talk, side="client")
    assert (found.compared, found.near, found.near_share) == (2, 1, 0.5)
    assert repetition(talk, side="client", threshold=0.5).near == 2


def test_the_threshold_itself_is_not_above_it() -> None:
    assert repetition(dialogue("c: a b c d", "c: a b c d e"), threshold=0.8).near == 0


def test_a_wider_window_finds_repeats_further_back() -> None:
    talk = dialogue("c: a b c", "c: x y z", "c: a b c d")
    assert repetition(talk).near == 0
    assert repetition(talk, window=None).near == 1


def test_speakers_do_not_repeat_each_other() -> None:
    assert repetition(dialogue("c: 嗯，我明白", "k: 嗯，我明白")).verbatim == 0


def test_a_new_session_starts_afresh() -> None:
    talk = Dialogue(id="d", lang="en", sessions=[session("c: Hello there"), session("c: Hello there")])
    found = repetition(talk)
    assert (found.verbatim, found.sessions, found.affected) == (0, 2, 0)


def test_short_messages_can_be_passed_over() -> None:
    talk = dialogue("c: 嗯", "c: 嗯", "c: 我最近睡不好", lang="zh")
    assert repetition(talk).verbatim == 1
    assert repetition(talk, shortest=2).messages == 1


def test_the_share_of_sessions_with_a_repeat_is_told() -> None:
    assert repetition([dialogue("c: a", "c: a"), dialogue("c: a", "c: b")]).affected_share == 0.5


def test_a_dialogue_without_sessions_is_refused() -> None:
    with pytest.raises(UsageError, match="no session"):
        repetition(Dialogue(id="d", lang="en"))
