"""The documents are true: what they tell a reader to type runs, what they link to exists, their tables are fresh."""

import asyncio
import importlib.util
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

import psyloom
from psyloom.cli import COMMANDS, app
from psyloom.llm.connect import providers
from psyloom.systems import catalog
from tests.docs.blocks import CANARY, DOCUMENTS, ROOT, Block, Reader, blocks, targets
from tests.llm import gguf_maker
from tests.loopback import Loopback, deterministic

READMES = ROOT / "README.md", ROOT / "README.zh.md"
HOSTS = {
    "aclanthology.org",
    "arxiv.org",
    "doi.org",
    "findahelpline.com",
    "github.com",
    "gpu1",
    "gpu2",
    "host",
    "localhost",
}
CHINESE = r"[\u4e00-\u9fff]"


def short(value: Path | Block) -> str:
    return value.name if isinstance(value, Path) else value.where


def prose(document: Path) -> str:
    """A document without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", document.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def filled(form: dict[str, Any]) -> Any:
    """A value that fits a JSON schema."""
    if "enum" in form:
        return form["enum"][0]
    if "anyOf" in form:
        return filled(form["anyOf"][0])
    if form["type"] == "object":
        return {name: filled(field) for name, field in form.get("properties", {}).items()}
    if form["type"] == "array":
        return [filled(form["items"])] * form.get("minItems", 1)
    return {"boolean": True, "integer": form.get("minimum", 0), "number": form.get("minimum", 0)}.get(
        form["type"], "so"
    )


def answer(body: dict[str, Any]) -> str:
    """What the server in place of every provider says: a value of the wanted form, or a line that leads to an end."""
    form = body.get("response_format", {}).get("json_schema", {}).get("schema")
    if form:
        return json.dumps(filled(form), ensure_ascii=False)
    said = sum(message["role"] == "assistant" for message in body["messages"])
    return deterministic(body) + (" Take care. 保重。" if said > 2 else "")


@pytest.fixture
def server() -> Iterator[Loopback]:
    """A server in place of every provider, in a thread of its own: the command line brings its own event loop."""
    loopback, ready, loop = Loopback(answer), threading.Event(), asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with loopback.serve():
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    yield loopback
    loop.call_soon_threadsafe(over.set)
    thread.join()
    loop.close()


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Loopback) -> Iterator[Reader]:
    """A reader in an empty checkout: the project's own folders are there to look at, everything else is still to do."""
    for name in ("Makefile", "docs", "psyloom", "pyproject.toml", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    for name, facts in providers().items():
        monkeypatch.setenv(f"{name.upper()}_BASE_URL", server.url)
        monkeypatch.delenv(facts.get("key", "PSYLOOM_API_KEY"), raising=False)
    llama = all(importlib.util.find_spec(name) for name in ("xllamacpp", "gguf"))
    if llama:
        monkeypatch.setattr(gguf_maker, "CONTEXT", 8192)
        gguf_maker.write_gguf(tmp_path / "model.gguf")
    yield Reader(monkeypatch, server.url, skips=lambda line: "llamacpp:" in line and not llama)
    catalog._extra.clear()
    catalog.find_systems.cache_clear()


@pytest.mark.parametrize("document", DOCUMENTS, ids=short)
def test_everything_a_document_tells_the_reader_to_run_runs_and_leaves_no_key_behind(
    document: Path, reader: Reader, server: Loopback, tmp_path: Path
) -> None:
    reader.follow(document)
    assert any(CANARY in str(headers) for headers in server.headers) == (document in READMES)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]


def test_a_run_stores_prompts_in_its_traces_and_only_answers_in_its_journal(reader: Reader, tmp_path: Path) -> None:
    found = blocks(READMES[0])
    reader.run(next(block for block in found if block.file == "my-cases.jsonl"))
    reader.run(next(block for block in found if "--out runs/real" in block.code))
    words = b"On Sunday evenings my stomach hurts"
    assert words in (tmp_path / "runs/real/traces.jsonl").read_bytes()
    assert not [path for path in (tmp_path / "runs/real").glob("journal.sqlite*") if words in path.read_bytes()]


def test_the_readmes_are_twins_same_chapters_same_code_same_links() -> None:
    english, chinese = READMES

    def code(document: Path) -> list[tuple[str, str, str]]:
        return [(b.lang, b.file, re.sub(r" +# .*", "", b.code)) for b in blocks(document)]

    def chapters(document: Path) -> list[int]:
        return [len(marks) for marks in re.findall(r"^(#+) ", prose(document), re.MULTILINE)]

    def paragraphs_with_a_title(document: Path) -> int:
        return len(re.findall(r"^\*\*", prose(document), re.MULTILINE))

    def links(document: Path) -> list[str]:
        found = (link for link in re.findall(r"\]\(([^)#\s]+)", prose(document)) if not link.startswith("README"))
        return sorted(link.replace(".zh.", ".") for link in found)

    assert code(english) == code(chinese)
    assert chapters(english) == chapters(chinese)
    assert paragraphs_with_a_title(english) == paragraphs_with_a_title(chinese)
    assert links(english) == links(chinese)


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if d.stem.endswith(".zh")], ids=short)
def test_chinese_pages_use_chinese_punctuation(document: Path) -> None:
    words = re.sub(r"<!-- (\w+) -->.*?<!-- /\1 -->|`[^`\n]*`|\]\([^)\n]*\)", "", prose(document), flags=re.DOTALL)
    assert re.findall(rf"{CHINESE}[,;:?!()]|[,;:?!(]{CHINESE}|{CHINESE}\.", words) == []


def anchors(document: Path) -> set[str]:
    """The names under which a page's headings can be linked to."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=short)
def test_every_link_to_a_file_or_a_heading_leads_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose(document)):
        name, _, heading = link.partition("#")
        page = document.parent / name if name else document
        assert page.exists(), link
        assert not heading or heading in anchors(page), link


@pytest.mark.parametrize("document", [*DOCUMENTS, *sorted(ROOT.glob("docs/*.*"))], ids=short)
def test_documents_name_no_strange_host_and_no_place_on_a_machine(document: Path) -> None:
    if document.suffix == ".png":
        return
    text = document.read_text("utf-8").replace("http://www.w3.org/", "").replace("https://www.textualize.io", "")
    assert set(re.findall(r"https?://(?:[^@/\s]+@)?([\w.-]+)", text)) <= HOSTS
    assert re.findall(r"(?<![\w.])/(?:home|root|tmp|work|usr|Users)/\S*", text) == []


def options() -> set[str]:
    """Every option of every command, and those of the scripts that the documents speak of."""
    context = click.Context(app)
    every = [app, *filter(None, (app.get_command(context, name) for name in COMMANDS))]
    flags = {flag for command in every for option in command.params for flag in (*option.opts, *option.secondary_opts)}
    return flags | {"--help", "--check"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=short)
def test_every_command_and_option_in_running_text_exists(document: Path) -> None:
    for words in map(str.split, re.findall(r"`([^`\n]+)`", prose(document))):
        if words[0] == "psyloom" and len(words) > 1 and not words[1].startswith("-"):
            assert words[1] in COMMANDS, words
        if words[0] == "make" and len(words) > 1:
            assert words[1] in targets(), words
        flags = {word for word in words if re.fullmatch(r"--[a-z-]+", word)}
        assert flags <= options(), flags - options()


@pytest.mark.parametrize("document", READMES, ids=short)
def test_the_readmes_leave_no_command_out(document: Path) -> None:
    text = document.read_text("utf-8")
    assert [name for name in COMMANDS if not re.search(rf"\bpsyloom {name}\b|`{name}`", text)] == []


@cache
def script(name: str) -> ModuleType:
    """A script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_say_what_the_cards_say() -> None:
    assert script("tables").stale() == [], "run: python docs/tables.py"


def test_the_reading_list_has_27_systems_each_with_a_link_tags_and_languages() -> None:
    tables = script("tables")
    entries = tables.reading_list()
    assert len(entries) == 27
    for slug, entry in entries.items():
        assert set(entry) == {"title", "ids", "languages", "tags"}, slug
        assert tables.address(entry["ids"][0]), slug
        assert entry["tags"], slug
        assert set(entry["languages"]) <= {"zh", "en"}, slug


def test_a_card_and_the_reading_list_agree_on_what_the_paper_is() -> None:
    tables = script("tables")
    for slug, entry in tables.reading_list().items():
        if slug in tables.cards():
            card = tables.cards()[slug]
            assert set(entry["ids"]) & {*card.ids, card.code}, slug


def test_a_system_counts_as_ready_as_soon_as_it_has_a_card() -> None:
    tables = script("tables")
    for lang in ("en", "zh"):
        waiting = tables.WORDS[lang]["to come"]
        rows = [line for line in tables.systems_table(lang).splitlines() if line.startswith("| ")][2:]
        assert {row.split(" | ")[0] for row in rows if waiting in row} == {f"| {slug}" for slug in tables.to_come()}
        assert len(rows) == len({*tables.cards(), *tables.reading_list()})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_picture_shows_what_the_terminal_shows(lang: str) -> None:
    picture = script("picture")
    shown = (ROOT / "docs" / picture.SHOWN[lang][0]).read_text("utf-8")
    assert picture.words(shown) == picture.words(picture.picture(picture.screen(lang))), "run: python docs/picture.py"


def test_pictures_are_small() -> None:
    pictures = [*ROOT.glob("docs/*.svg"), *ROOT.glob("docs/*.png")]
    assert pictures
    assert [path.name for path in pictures if path.stat().st_size > 200_000] == []


def test_import_psyloom_loads_nothing_heavy() -> None:
    code = "import sys, psyloom; print([m for m in ('pydantic', 'aiohttp', 'torch', 'jinja2', 'click') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", psyloom.__all__)
def test_every_name_psyloom_offers_is_there(name: str) -> None:
    assert getattr(psyloom, name) is not None
