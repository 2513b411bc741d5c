"""Sources and what they allow."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from psyloom.cli.export import export
from psyloom.curation.sources import Register
from psyloom.errors import BadRecord
from psyloom.records import Case, Dialogue, Lineage, Session, Source, Turn, write_jsonl

REGISTER = """
[source.open]
owner = "us"
licence = "Apache-2.0"
use = "release"

[source.partner]
owner = "a hospital"
licence = "by contract"
use = "train"
permission = "contract 4"

[source.closed]
owner = "a forum"
licence = "unknown"
use = "none"
"""


def talk(id_: str, source: str | None, case: str | None = None, lineage: str | None = None) -> Dialogue:
    def named(name: str | None) -> Source | None:
        return Source(name=name) if name else None

    return Dialogue(
        id=id_, lang="zh", sessions=[Session(turns=[Turn.client("我很累。"), Turn.counselor(f"{id_}：我在听。")])], source=named(source),
        case=Case(id="c", lang="zh", source=named(case)) if case else None,
        lineage=Lineage(system="s", version="1", source=named(lineage)) if lineage else None,
    )  # fmt: skip


MANY = [
    talk("a", "open"), talk("b", "partner"), talk("c", "closed"), talk("d", "nobody knows"), talk("e", None),
    talk("f", "open", case="partner"), talk("g", "open", lineage="closed"), talk("h", None, case="open"),
]  # fmt: skip


@pytest.mark.accepts("mindchat", 10)
@pytest.mark.parametrize(("use", "kept"), [("release", "ah"), ("train", "abfh")])
@pytest.mark.parametrize("to", ["messages", "alpaca", "text", "markdown"])
def test_what_a_source_does_not_allow_never_reaches_an_export(use: str, kept: str, to: str, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "d.jsonl", MANY)
    (tmp_path / "register.toml").write_text(REGISTER, "utf-8")
    out = tmp_path / ("out" if to in ("text", "markdown") else "out.json" if to == "alpaca" else "out.jsonl")
    words = [
        str(tmp_path / "d.jsonl"),
        "--to",
        to,
        "--out",
        str(out),
        "--register",
        str(tmp_path / "register.toml"),
        "--use",
        use,
    ]
    done = CliRunner().invoke(export, words, catch_exceptions=False)
    files = [file for file in out.rglob("*") if file.is_file()] if out.is_dir() else [out]
    text = "\n".join(file.read_text("utf-8") for file in files)
    assert {one.id for one in MANY if f"{one.id}：我在听" in text} == set(kept)
    assert f"1 dialogues of closed left out: no right to {use}" in done.output
    assert f"1 dialogues of no source left out: no right to {use}" in done.output


@pytest.mark.parametrize(
    ("text", "told"),
    [('[source.a]\nowner = "x"\nlicence = "y"\nuse = "sell"', r"source\.a\.use"), ("[source.a", "mend the TOML"), ('[source.a]\nuse = "none"', r"source\.a\.owner")],
)  # fmt: skip
def test_a_register_that_cannot_be_read_is_told_with_its_field(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "register.toml").write_text(text, "utf-8")
    with pytest.raises(BadRecord, match=told):
        Register.read(tmp_path / "register.toml")


def test_a_register_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadRecord, match="cannot read"):
        Register.read(tmp_path / "none.toml")
