"""What a user gets wrong is said in one clear message: what happened, where, what to do. Never a traceback.

Exit code 2: the words were wrong, nothing was started. 1: the work went wrong.
"""

import os
from pathlib import Path

import pytest

from psyloom.records import Dialogue, Session, Turn, to_line, write_jsonl
from psyloom.systems import find_systems
from tests.runs.workshop import CARD, CODE, TALK, Ended, case, cases, make_system, psyloom


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return cases(tmp_path / "cases.jsonl", 2)


def run(tmp_path: Path, file: Path, *more: object) -> Ended:
    return psyloom("run", "interactive_agents", file, "--out", tmp_path / "out", *TALK, *more)


def wrong(ended: Ended, *told: str) -> None:
    """Nothing was started, and the one message says all of ``told``."""
    assert ended.code == 2, ended
    for text in told:
        assert text in ended.complaint
    assert ended.out == ""


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    wrong(run(tmp_path, tmp_path / "none.jsonl"), "cannot read", "none.jsonl", "JSON Lines file of cases")
    wrong(psyloom("show", tmp_path / "none.jsonl"), "none.jsonl", "JSON Lines file")
    wrong(psyloom("show", tmp_path), "dialogues.jsonl", "JSON Lines file")
    wrong(run(tmp_path, tmp_path), "no regular file")


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "empty.jsonl").write_bytes(content)
    wrong(run(tmp_path, tmp_path / "empty.jsonl"), "empty.jsonl is empty", "one case a line")
    wrong(psyloom("show", tmp_path / "empty.jsonl"), "empty.jsonl is empty", "one dialogue a line")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"id": "a", "lang": "en"', "not valid JSON"),
        (b"[1, 2]", "is a JSON object, this is a list"),
        (b'{"id": "a", "lang": "en", "poste": {"text": "t"}}', "poste: there is no such facet or field; did you mean 'post'?"),
        (b'{"id": "a", "lang": "en", "post": {"text": 5}}', "post.text: input should be a valid string (got 5)"),
        (b'{"id": "a", "lang": "english", "post": {"text": "t"}}', "lang: input should be 'zh' or 'en' (got 'english')"),
        (b'{"lang": "en", "post": {"text": "t"}}', "id: is missing"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_with_its_file_its_number_and_its_field(tmp_path: Path, line: bytes, told: str) -> None:
    (tmp_path / "c.jsonl").write_bytes(line + b"\n")
    ended = run(tmp_path, tmp_path / "c.jsonl")
    assert ended.code == 1
    assert ended.err == ""
    assert f"1 x bad line, first: {tmp_path / 'c.jsonl'}:1: " in ended.out
    assert told in ended.out
    assert "-> mend that line; fields of a case: `psyloom schema case`" in ended.out
    assert "read them" not in ended.out


def test_a_bad_line_of_a_file_of_dialogues_is_named(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_bytes(to_line(Dialogue(id="d", lang="en")) + b"oops\n")
    ended = psyloom("show", tmp_path / "d.jsonl")
    assert ended.code == 2
    assert "d.jsonl:2: not valid JSON" in ended.complaint
    assert "psyloom schema dialogue" in ended.complaint


def test_an_unknown_system_role_or_command_is_named_with_the_nearest(tmp_path: Path, file: Path) -> None:
    wrong(
        psyloom("run", "interactive_agent", file, "--out", tmp_path / "out"),
        "interactive_agent",
        "did you mean interactive_agents",
    )
    wrong(psyloom("system", "catus"), "did you mean cactus")
    wrong(psyloom("cases", "catus"), "did you mean cactus")
    wrong(
        psyloom("annotate", "interactive_agents", file, "--out", tmp_path / "out"),
        "no role of interactive_agents called 'annotator'",
    )
    wrong(psyloom("simulat"), "No such command 'simulat'", "psyloom --help")


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("rounds", ("cannot read --set 'rounds'", "KEY=VALUE")),
        ("=5", ("cannot read --set '=5'", "KEY=VALUE")),
        ("round=5", ("no option of interactive_agents:counselor called 'round'", "did you mean client.rounds")),
        ("zzz=1", ("client.rounds", "dials.openness", "max_exchanges", "sessions")),
        ("resistance=1", ("did you mean dials.resistance",)),
        ("dials.trajectory=angry", ("option dials.trajectory", "'angry'")),
        ("client.longest=5", ("no option of interactive_agents:client called 'longest'",)),
        ("patient.rounds=5", ("no side called 'patient'", "client.OPTION")),
        ("rounds=many", ("option rounds of interactive_agents:client", "valid integer", "'many'")),
        ("max_exchanges=many", ("option max_exchanges", "valid integer", "'many'", "max_exchanges=10")),
        ("max_exchanges=0", ("option max_exchanges", "greater than or equal to 1")),
        ("min_exchanges=-1", ("option min_exchanges", "greater than or equal to 0")),
        ("max_exchanges=2.5", ("option max_exchanges", "2.5")),
        ("max_exchanges=null", ("option max_exchanges", "'null'")),
    ],
)  # fmt: skip
def test_an_option_that_does_not_exist_or_has_a_wrong_value_is_named(
    tmp_path: Path, file: Path, setting: str, told: tuple[str, ...]
) -> None:
    wrong(psyloom("run", "interactive_agents", file, "--out", tmp_path / "out", "--set", setting), *told)
    assert not (tmp_path / "out").exists()


def test_a_value_that_an_option_does_not_know_is_named_with_those_it_knows(tmp_path: Path, file: Path) -> None:
    refused = psyloom("run", "cactus", file, "--out", tmp_path / "out", "--set", "attitude=angry")
    wrong(refused, "option attitude of cactus:writer", "'positive', 'neutral' or 'negative'", "'angry'")


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("nobody:x", ("no provider called 'nobody'", "http://host/v1#MODEL")),
        ("openia:gpt-4o-mini", ("did you mean openai",)),
        ("openai", ("names no model", "openai:MODEL")),
        ("http://127.0.0.1:1/v1", ("names no model", "#MODEL")),
        ("openai:gpt-4o-mini", ("openai needs a key", "OPENAI_API_KEY is not set", "export OPENAI_API_KEY")),
        ("llamacpp:none.gguf", ("none.gguf",)),
        ("clinet=rehearsal", ("no agent called 'clinet'", "did you mean client")),
        ("client=nobody:x", ("no provider called 'nobody'",)),
    ],
)  # fmt: skip
def test_a_model_that_cannot_be_is_named_before_a_folder_is_made(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch, model: str, told: tuple[str, ...]
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    wrong(run(tmp_path, file, "--model", model), *told)
    assert not (tmp_path / "out").exists()


def test_two_models_for_the_same_agent_are_refused(tmp_path: Path, file: Path) -> None:
    wrong(
        run(tmp_path, file, "--model", "client=rehearsal", "--model", "client=ollama:x"),
        "two models are given for client",
    )
    wrong(run(tmp_path, file, "--model", "rehearsal", "--model", "ollama:x"), "two models are given for all agents")


def test_an_endpoint_that_cannot_be_reached_is_named_and_may_be_replaced(tmp_path: Path, file: Path) -> None:
    ended = run(tmp_path, file, "--model", "http://127.0.0.1:9/v1#tiny")
    assert ended.code == 1
    assert "cannot reach http://127.0.0.1:9/v1" in ended.complaint
    assert "psyloom doctor" in ended.complaint
    assert run(tmp_path, file).code == 0, "nothing was answered: another model may take over"
    probed = psyloom("doctor", "--model", "http://127.0.0.1:9/v1#tiny", "--model", "nobody:x")
    assert probed.code == 1
    assert "http://127.0.0.1:9/v1#tiny: not usable: cannot reach" in probed.out
    assert "nobody:x: not usable: there is no provider called 'nobody'" in probed.out


@pytest.mark.parametrize("price", ["gpt", "gpt=1", "gpt=1/2/3", "gpt=cheap/2", "gpt=-1/2"])
def test_a_price_that_cannot_be_read_is_named(tmp_path: Path, file: Path, price: str) -> None:
    wrong(run(tmp_path, file, "--price", price), f"cannot read the price '{price}'", "MODEL=IN/OUT")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--bogus",), "No such option '--bogus'"),
        (("--limit", "0"), "'--limit': 0 is not in the range"),
        (("--lang", "fr"), "'--lang': 'fr' is not one of 'zh', 'en'"),
        (("--seed", "x"), "'--seed': 'x' is not a valid integer"),
        (("--max-cost", "-1"), "'--max-cost': -1.0 is not in the range"),
    ],
)  # fmt: skip
def test_an_option_of_the_command_that_is_wrong_is_one_message_with_a_way_to_help(
    tmp_path: Path, file: Path, words: tuple[str, ...], told: str
) -> None:
    wrong(run(tmp_path, file, *words), told, "see: psyloom run --help")


def test_a_word_that_is_left_out_is_one_message(file: Path) -> None:
    wrong(psyloom("run", "interactive_agents", file), "Missing option '--out'", "psyloom run --help")
    wrong(psyloom("run"), "Missing argument 'SYSTEM'", "psyloom run --help")
    wrong(psyloom("simulate", file, "--out", "x", "--client", "cactus"), "Missing option '--counselor'")


def test_an_output_folder_of_another_run_is_refused(tmp_path: Path, file: Path) -> None:
    run(tmp_path, file)
    wrong(run(tmp_path, file, "--seed", 9), "another configuration", "seed: there 0, now 9", "choose another --out")


def test_an_output_folder_that_is_a_file_is_one_message(tmp_path: Path, file: Path) -> None:
    ended = psyloom("run", "interactive_agents", file, "--out", file)
    assert ended.code == 1
    assert "cannot write" in ended.complaint
    assert file.read_bytes() == b"".join(to_line(case(n, "zh" if n % 2 else "en")) for n in range(2))


def test_a_broken_configuration_is_named(tmp_path: Path, file: Path) -> None:
    run(tmp_path, file)
    for broken in (b"roles = ", b"\xff\xfe"):
        (tmp_path / "out" / "run.toml").write_bytes(broken)
        wrong(run(tmp_path, file), "run.toml cannot be read", "choose another --out")


def test_a_file_of_dialogues_is_no_file_of_cases_nor_the_other_way_round(tmp_path: Path, file: Path) -> None:
    slug, made = make_system(tmp_path / "systems"), tmp_path / "d.jsonl"
    write_jsonl(made, [Dialogue(id="d", lang="en", sessions=[Session(turns=[Turn.client("Hello")])])])
    wrong(run(tmp_path, made), "d.jsonl:1", "'dialogue/1', wanted is 'case/1'", "`annotate` takes dialogues")
    words = ("--systems", tmp_path / "systems", "annotate", slug)
    wrong(psyloom(*words, file, "--out", tmp_path / "out"), "cases.jsonl:1", "'case/1', wanted is 'dialogue/1'")
    wrong(psyloom("show", file), "'case/1', wanted is 'dialogue/1'")
    untagged = tmp_path / "untagged.jsonl"
    untagged.write_text('{"id": "a", "lang": "en", "post": {"text": "I cannot sleep."}}\n')
    wrong(psyloom("show", untagged), "untagged.jsonl holds cases, not dialogues", "psyloom run SYSTEM CASES")
    wrong(psyloom("chat", "client:cactus", "--cases", made), "'dialogue/1', wanted is 'case/1'")
    assert not (tmp_path / "out").exists()


def test_an_unknown_dialogue_is_named_with_the_nearest_even_in_a_long_file(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", (Dialogue(id=f"talk-{n}", lang="en") for n in range(2000)))
    wrong(
        psyloom("show", tmp_path / "d.jsonl", "tolk-1999"), "no dialogue called 'tolk-1999'", "did you mean talk-1999"
    )
    ended = psyloom("show", tmp_path / "d.jsonl", "zzz")
    wrong(ended, "no dialogue called 'zzz'", "talk-0, talk-1,", "d.jsonl")
    assert len(ended.err) < 500


def test_a_wrong_path_for_systems_is_named(tmp_path: Path) -> None:
    wrong(
        psyloom("--systems", tmp_path / "none", "systems"),
        "none is no folder",
        "a system's folder, or a folder of them",
    )


def test_a_folder_without_a_system_is_named(tmp_path: Path) -> None:
    wrong(psyloom("--systems", tmp_path, "systems"), str(tmp_path), "card.toml")


def test_a_wrong_folder_in_the_environment_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PSYLOOM_SYSTEMS", f"{tmp_path / 'none'}")
    find_systems.cache_clear()
    wrong(psyloom("systems"), "none is no folder", "PSYLOOM_SYSTEMS takes")


BROKEN_CARDS = [
    (CARD.replace("year = 2020", "year = 'soon'"), "year"),
    (CARD.replace("tags", "tag"), "tag"), (CARD.replace("counselor =", "therapist ="), "therapist"),
]  # fmt: skip


@pytest.mark.parametrize(("card", "told"), BROKEN_CARDS)
def test_a_broken_card_is_named_with_its_field(tmp_path: Path, card: str, told: str) -> None:
    slug = make_system(tmp_path, card=card)
    wrong(psyloom("--systems", tmp_path, "systems"), f"{slug}/card.toml", told)


def test_a_card_that_is_no_toml_is_named(tmp_path: Path) -> None:
    slug = make_system(tmp_path, card="title = ")
    wrong(psyloom("--systems", tmp_path, "systems"), f"{slug}/card.toml", "Invalid value")


BROKEN_CODE = [
    ("def broken(:\n", "SyntaxError"), ("import no_such_module\n", "no_such_module"), ("raise RuntimeError('no')\n", "RuntimeError"),
    (CODE.replace("class MirrorClient", "class Somebody"), "MirrorClient"),
    ("MirrorClient = MirrorCounselor = MirrorLabels = str\n", "MirrorC"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "told"), BROKEN_CODE)
def test_a_broken_system_is_named(tmp_path: Path, file: Path, code: str, told: str) -> None:
    slug = make_system(tmp_path / "systems", code=code)
    for words in (("run", slug, file, "--out", tmp_path / "out"), ("system", slug), ("chat", f"client:{slug}")):
        ended = psyloom("--systems", tmp_path / "systems", *words)
        assert ended.code == 2
        assert f"{slug}/system.py" in ended.complaint
        assert told in ended.complaint


def test_a_broken_prompt_is_named_and_stops_the_run(tmp_path: Path, file: Path) -> None:
    slug = make_system(tmp_path / "systems")
    prompt = tmp_path / "systems" / slug / "prompts" / "client.en.md"
    prompt.write_text(prompt.read_text("utf-8").replace("{{ mood }}", "{{ mod }}"), "utf-8")
    ended = psyloom("--systems", tmp_path / "systems", "run", slug, file, "--out", tmp_path / "out")
    assert ended.code == 2
    assert "client.en.md" in ended.complaint
    assert "'mod' is undefined" in ended.complaint


def test_a_file_or_folder_one_may_not_touch_is_named(tmp_path: Path, file: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o500)
    if os.access(tmp_path / "out", os.W_OK):
        pytest.skip("the superuser may read and write anywhere")
    assert "choose a folder you may write to" in run(tmp_path, file).complaint
    file.chmod(0)
    wrong(psyloom("run", "interactive_agents", file, "--out", tmp_path / "else"), "cases.jsonl", "is not readable")


@pytest.mark.parametrize(
    ("setting", "told"),
    [("temprature=1", "temprature"), ("temperature=hot", "temperature=hot"), ("temperature", "KEY=VALUE")],
)
def test_a_decoding_parameter_that_is_none_is_named(tmp_path: Path, file: Path, setting: str, told: str) -> None:
    wrong(psyloom("run", "plain", file, "--out", tmp_path / "out", "--decode", setting), told)


def test_decoding_parameters_of_an_agent_that_does_not_exist_are_refused_with_those_that_do(
    tmp_path: Path, file: Path
) -> None:
    for name in ("nobody", "cleint"):
        refused = run(tmp_path, file, "--decode", f"{name}.temperature=1")
        wrong(refused, f"no agent called '{name}'", "client")
    pair = (
        "arena",
        file,
        "--counselor",
        "plain",
        "--counselor",
        "magnet",
        "--client",
        "interactive_agents",
        "--pairwise",
        "all",
    )
    wrong(psyloom(*pair, "--out", tmp_path / "out", "--decode", "nobody.temperature=1"), "no agent called 'nobody'")
    assert not (tmp_path / "out").exists()


def test_an_empty_place_to_write_to_is_refused_and_not_taken_for_the_current_folder(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong(psyloom("run", "interactive_agents", file, "--out", ""), "'--out': an empty path", "psyloom run --help")
    wrong(psyloom("rate", file, "--with", "ctrs", "--out", ""), "'--out': an empty path")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_side_file_that_is_missing_or_empty_is_told_once_before_anything_is_started(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    words = ("run", "psydial", cases(tmp_path / "c.jsonl", 3), "--out", tmp_path / "out", "--set")
    wrong(psyloom(*words, f"complaints={tmp_path}/none.jsonl"), "option complaints", "cannot read", "none.jsonl")
    wrong(psyloom(*words, f"complaints={tmp_path}/empty.jsonl"), "option complaints", "empty.jsonl is empty")
    wrong(psyloom(*words, f"sessions={tmp_path}"), "option sessions", "cannot read", "dialogues.jsonl")
    pair = ("run", "mdd5k", tmp_path / "c.jsonl", "--out", tmp_path / "out", "--set", "tree=none.toml")
    wrong(psyloom(*pair), "option counselor.tree", "cannot read none.toml")
    assert not (tmp_path / "out").exists()


def test_options_that_do_not_go_together_are_named(tmp_path: Path, file: Path) -> None:
    refused = psyloom("run", "emollm", file, "--out", tmp_path / "out", "--set", "persona=airen")
    wrong(refused, "persona=airen: these options of emollm:writer cannot be: airen ")
