import pytest

from psyloom.errors import UsageError
from psyloom.judging.metrics import follows_profile, profile_overlap, profile_text, word_overlap
from psyloom.records import Case, Demographics, Dialogue, Post
from tests.judging.metrics.given import session


def talk(lines: str, profile: str, id_: str = "d") -> Dialogue:
    case = Case(id=f"case of {id_}", lang="en", post=Post(text=profile))
    return Dialogue(id=id_, lang="en", sessions=[session(f"c: {lines}", "k: nurse night tired son")], case=case)


def test_word_overlap_is_the_share_of_the_profiles_words_that_the_client_says() -> None:
    assert word_overlap("I am a nurse", "nurse nurse night") == 1 / 2


def test_chinese_profiles_are_cut_into_words() -> None:
    # 我 是 护士 经常 失眠: 我, 失眠 are said.
    assert word_overlap("我失眠了", "我是护士，经常失眠。") == pytest.approx(2 / 5)


def test_only_the_clients_lines_count() -> None:
    assert profile_overlap(talk("I am a nurse", "nurse night tired son")) == 1 / 4


def test_the_default_profile_is_every_text_of_the_case() -> None:
    case = Case(id="c", lang="en", demographics=Demographics(name="Ann", age=30), post=Post(text="I am tired"))
    assert profile_text(case) == "Ann\nI am tired"


def test_own_profiles_are_compared_with_random_other_ones() -> None:
    given = [talk("nurse night", "nurse night", "a"), talk("son school", "son school", "b")]
    found = follows_profile(given)
    assert (found.own, found.other) == ((1.0, 1.0), (0.0, 0.0))
    assert (found.mean, found.other_mean, found.p) == (1.0, 0.0, 0.0)


def test_the_control_is_never_the_same_profile_of_another_dialogue() -> None:
    # One case stands behind three dialogues, as attitudes do.
    given = [talk("nurse", "nurse night", str(i)) for i in range(3)] + [talk("son", "son school", "x")]
    assert follows_profile(given, seed=5).other == (0.0,) * 4


def test_the_t_test_is_two_sided_and_welchs() -> None:
    given = [
        talk("nurse night", "nurse night shift", "a"),
        talk("son", "son school homework anger", "b"),
        talk("rent money son", "rent money debt", "c"),
    ]
    found = follows_profile(given, seed=1)
    assert found.own == pytest.approx((2 / 3, 1 / 4, 2 / 3))
    # t = (mean difference) / sqrt(var/3 + var/3), by hand from own and other.
    own, other = found.own, found.other
    from scipy.stats import t as student

    def var(values: tuple[float, ...]) -> float:
        mean = sum(values) / 3
        return sum((v - mean) ** 2 for v in values) / 2 / 3

    a, b = var(own), var(other)
    value = (sum(own) - sum(other)) / 3 / (a + b) ** 0.5
    freedom = (a + b) ** 2 / (a**2 / 2 + b**2 / 2)
    assert found.p == pytest.approx(2 * student.sf(abs(value), freedom))


def test_closeness_can_be_of_embeddings() -> None:
    given = [talk("a", "a", "x"), talk("b", "b", "y")]
    found = follows_profile(given, embed=lambda texts: [[t.count("a"), t.count("b")] for t in texts])
    assert (found.own, found.other) == ((1.0, 1.0), (0.0, 0.0))


def test_a_control_needs_two_different_profiles() -> None:
    with pytest.raises(UsageError, match="two dialogues"):
        follows_profile([talk("a", "a")])
    with pytest.raises(UsageError, match="same profile"):
        follows_profile([talk("a", "a"), talk("b", "a")])


def test_a_dialogue_without_a_case_is_named() -> None:
    with pytest.raises(UsageError, match="'lone' has no case"):
        profile_overlap(Dialogue(id="lone", lang="en", sessions=[session("c: a")]))


def test_a_profile_without_words_is_an_error() -> None:
    with pytest.raises(UsageError, match="no words"):
        word_overlap("a", "！")
