"""Write the tables that stand in the documents: systems from their cards, providers from the back ends' table.

python docs/tables.py            # rewrite README.md and README.zh.md between their markers, and docs/systems.md
python docs/tables.py --check    # change nothing; name what is stale and end with 1
"""

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from psyloom.llm.connect import providers
from psyloom.systems import Card, find_systems

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh.md"}

WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "systems": ("system", "what it does", "paper's language", "tags", "offers"),
        "providers": ("model", "key", "another address"),
        "some": "{ready} of the {total} systems are ready, the others are to come.",
        "all": "All {total} systems are ready.",
        "paper": "paper",
        "repository": "repository",
        "to come": "to come",
        "join": ", ",
        "zh": "zh",
        "en": "en",
        "none": "none",
        "writer": "writer",
        "client": "client",
        "counselor": "counselor",
        "annotator": "annotator",
    },
    "zh": {
        "systems": ("系统", "做什么", "论文语言", "标签", "提供"),
        "providers": ("模型", "密钥", "改用别的地址"),
        "some": "{total} 个系统中已完成 {ready} 个，其余待实现。",
        "all": "{total} 个系统已全部完成。",
        "paper": "论文",
        "repository": "代码仓库",
        "to come": "待实现",
        "join": "、",
        "zh": "中文",
        "en": "英文",
        "none": "不需要",
        "writer": "整段写作",
        "client": "来访者",
        "counselor": "咨询师",
        "annotator": "标注",
    },
}


def cards() -> dict[str, Card]:
    """The cards of the package's own systems; what a user's environment adds is not the project's."""
    found = find_systems().items()
    return {slug: system.card for slug, system in found if (system.package or "").startswith("psyloom.systems.")}


def reading_list() -> dict[str, dict[str, Any]]:
    """Slug -> title, ids, languages, tags of every system that is ready or to come."""
    return tomllib.loads((DOCS / "reading_list.toml").read_text("utf-8"))


def to_come() -> dict[str, dict[str, Any]]:
    """The part of the reading list that has no card yet."""
    return {slug: entry for slug, entry in reading_list().items() if slug not in cards()}


def address(id_: str) -> str | None:
    """Where an id leads; None for an id that is only words."""
    for pattern, where in (
        (r"arXiv (\S+)", "https://arxiv.org/abs/{}"),
        (r"ACL (\S+)", "https://aclanthology.org/{}"),
        (r"doi (\S+)", "https://doi.org/{}"),
        (r"([\w.-]+/[\w.-]+)", "https://github.com/{}"),
    ):
        if found := re.fullmatch(pattern, id_):
            return where.format(found.group(1))
    return None


def linked(id_: str) -> str:
    """An id as Markdown."""
    where = address(id_)
    return f"[{id_}]({where})" if where else id_


def _source(ids: Iterable[str], words: dict[str, Any]) -> str:
    """A link to the paper; to the repository of a project that has none."""
    where = next(filter(None, map(address, ids)), "")
    word = words["repository" if where.startswith("https://github.com") else "paper"]
    return f"[{word}]({where})" if where else ""


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def systems_table(lang: str) -> str:
    """Every system of the reading list, the ready ones first."""
    words, ready, waiting = WORDS[lang], cards(), to_come()

    def listed(names: Iterable[str]) -> str:
        return str(words["join"].join(words.get(name, name) for name in names))

    rows = [
        (
            f"[{slug}](docs/systems.md#{slug})",
            f"{card.summary.zh if lang == 'zh' else card.summary.en} {_source(card.ids, words)}".strip(),
            listed(card.paper_languages),
            ", ".join(card.tags),
            listed(card.roles),
        )
        for slug, card in sorted(ready.items(), key=lambda item: ("Baseline" in item[1].tags, item[0]))
    ]
    baselines = [rows.pop() for card in ready.values() if "Baseline" in card.tags]
    rows += [
        (
            slug,
            f"*{entry['title']}* {_source(entry['ids'], words)}".strip(),
            listed(entry["languages"]),
            ", ".join(entry["tags"]),
            words["to come"],
        )
        for slug, entry in sorted(waiting.items())
    ]
    done = len(ready) - len(baselines)  # a baseline is there to compare with; it is no published system
    state = words["some" if waiting else "all"].format(ready=done, total=done + len(waiting))
    rows += baselines
    return f"{state}\n\n{_table(words['systems'], rows)}"


def providers_table(lang: str) -> str:
    """Every provider: how its models are named, where its key and another address are looked for."""
    named = {name: facts for name, facts in providers().items() if "url" in facts}
    rows = [
        (
            f"`{name}:NAME`",
            f"`{facts['key']}`" if "key" in facts else WORDS[lang]["none"],
            f"`{name.upper()}_BASE_URL`",
        )
        for name, facts in named.items()
    ]
    return _table(WORDS[lang]["providers"], rows)


def _bullets(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"- {line}" for line in lines]
    return [f"**{title}**", "", *found, ""] if found else []


def _chapter(slug: str, card: Card) -> str:
    code = f"[{card.code}](https://github.com/{card.code})" if card.code else "not released"
    year = "" if str(card.year) in card.venue else f", {card.year}"
    lines = [
        f"## {slug}",
        "",
        f"*{card.title}.* {card.authors.rstrip('.')}. {card.venue}{year}. {'; '.join(map(linked, card.ids))}",
        "",
        card.summary.en,
        "",
        card.summary.zh,
        "",
        f"Offers: {', '.join(card.roles)}. Tags: {', '.join(card.tags)}. The paper's language: "
        f"{', '.join(card.paper_languages)}; here: {', '.join(card.languages)}.",
        "",
        f"Authors' code: {code}. Licence: {card.licence or 'not stated'}.",
        "",
        *_bullets("The paper's", card.paper),
        *_bullets("Ours, where the paper leaves it open", card.defaults),
        *_bullets("Departures from the released code", card.departures),
    ]
    return "\n".join(lines).strip()


def systems_page() -> str:
    """The whole of docs/systems.md."""
    intro = (
        "# The systems\n\n"
        "One chapter for each system that is ready, made from its card by `python docs/tables.py`: whoever finds a "
        "fault mends `psyloom/systems/SLUG/card.toml`. What a paper says and what we chose stand apart. Options and "
        "their defaults: `psyloom system SLUG`."
    )
    waiting = [
        f"- {slug}: *{entry['title']}* {'; '.join(map(linked, entry['ids']))}" for slug, entry in to_come().items()
    ]
    ending = ["## To come\n\n" + "\n".join(waiting)] if waiting else []
    return "\n\n".join([intro, *(_chapter(slug, card) for slug, card in sorted(cards().items())), *ending]) + "\n"


def between(text: str, marker: str, table: str) -> str:
    """``text`` with ``table`` between ``<!-- marker -->`` and ``<!-- /marker -->``."""
    begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the markers {begin} and {end} are missing")
    return f"{before}{begin}\n{table}\n{end}{after}"


def pages() -> dict[Path, str]:
    """Every file with a table -> what it should say."""
    made = {DOCS / "systems.md": systems_page()}
    for lang, path in READMES.items():
        text = between(path.read_text("utf-8"), "systems", systems_table(lang))
        made[path] = between(text, "providers", providers_table(lang))
    return made


def stale() -> list[Path]:
    """The files that say something else than their sources."""
    return [path for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text]


def main() -> int:
    if "--check" in sys.argv:
        for path in stale():
            print(f"{path.relative_to(ROOT)} is stale: python docs/tables.py")
        return len(stale()) and 1
    for path, text in pages().items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
