"""Reading speed: thousands of small dialogue files, one big JSON array, JSON Lines; and memory on JSON Lines.

    python bench/formats.py [--files 5000] [--megabytes 50]

Data are made in a temporary folder. The ratio is the time of a bare loop over json.loads (open, parse, count) over
ours, on the same files: 0.5 means half its speed, with records built and checked.
"""

import argparse
import json
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

from psyloom.formats import read

TEXTS = {
    "client": "这周组会我又被导师当着大家说了一顿，回来以后一直睡不着，总在想是不是自己不适合读研。",
    "counselor": "听起来这周很不好过，被当众说的时候你心里是什么感觉？这种时候你通常会怎么照顾自己呢？",
}
GOALS = {"files": 20_000, "megabytes": 50}  # a minute, on one core


def talk(messages: int = 12) -> list[dict[str, str]]:
    roles = ("client", "counselor")
    return [{"role": roles[at % 2], "content": f"{at}。{TEXTS[roles[at % 2]]}"} for at in range(messages)]


def small_files(folder: Path, count: int) -> None:
    sentences = [{**one, "annotation": [{"sentence": one["content"], "label": ""}]} for one in talk()]
    text = json.dumps(sentences, ensure_ascii=False, indent=2)
    for number in range(count):
        (folder / f"{number}.json").write_text(text, "utf-8")


def rows(megabytes: float) -> Iterator[str]:
    row = json.dumps({"id": 0, "normalizedTag": "婚恋", "messages": talk()}, ensure_ascii=False)
    yield from (row for _ in range(int(megabytes * 1e6 / len(row.encode()))))


def array(path: Path, megabytes: float) -> None:
    path.write_text("[" + ",\n".join(rows(megabytes)) + "]", "utf-8")


def lines(path: Path, megabytes: float) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(row + "\n" for row in rows(megabytes))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ours(path: Path, name: str) -> Callable[[], object]:
    return lambda: sum(1 for _ in read(path, name))


def bare_files(folder: Path) -> int:
    return sum(len(json.loads(path.read_bytes())) for path in folder.iterdir())


def bare_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(len(json.loads(line)["messages"]) for line in file)


def peak(path: Path) -> float:
    """Megabytes held at most while a file is read."""
    tracemalloc.start()
    ours(path, "psydt")()
    held = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return held


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--files", type=int, default=5000)
    options.add_argument("--megabytes", type=float, default=50)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        (root / "small").mkdir()
        small_files(root / "small", given.files)
        array(root / "array.json", given.megabytes)
        lines(root / "lines.jsonl", given.megabytes)
        lines(root / "tenth.jsonl", given.megabytes / 10)

        print(f"{'':<28}{'a minute':>14}{'goal':>12}{'bare json':>14}{'ratio':>8}")
        for name, unit, amount, mine, bare in (
            ("small files (smile)", "files", given.files, ours(root / "small", "smile"), lambda: bare_files(root / "small")),
            ("small files, auto", "files", given.files, ours(root / "small", "auto"), lambda: bare_files(root / "small")),
            ("JSON array (psydt)", "megabytes", given.megabytes, ours(root / "array.json", "psydt"),
             lambda: len(json.loads((root / "array.json").read_bytes()))),
            ("JSON Lines (psydt)", "megabytes", given.megabytes, ours(root / "lines.jsonl", "psydt"),
             lambda: bare_lines(root / "lines.jsonl")),
        ):  # fmt: skip
            other, own = seconds(bare), seconds(mine)
            rate = f"{amount / own * 60:,.0f} {'MB' if unit == 'megabytes' else unit}"
            print(f"{name:<28}{rate:>14}{GOALS[unit]:>12,}{amount / other * 60:>14,.0f}{other / own:>8.2f}")
        small, big = peak(root / "tenth.jsonl"), peak(root / "lines.jsonl")
        print(f"peak memory on JSON Lines: {small:.1f} MB at a tenth of the size, {big:.1f} MB at full size")


if __name__ == "__main__":
    main()
