"""Take the pictures of the READMEs: what `psyloom show` and a run's report look like, on the rehearsal back end.

python docs/picture.py    # docs/demo.svg, docs/demo.zh.svg and, where a Chromium is installed, docs/report.png
"""

import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).resolve().parent
WIDTH, LINES = 96, 30
# Language -> (picture, system, case): one system that writes, one in which two agents talk.
SHOWN = {"en": ("demo.svg", "cactus", "cactus-en-1"), "zh": ("demo.zh.svg", "interactive_agents", "ia-zh-1")}
FONT = "Menlo, Consolas, 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', 'Noto Sans CJK SC', 'Microsoft YaHei', monospace"


def psyloom(*words: str, folder: Path) -> str:
    """What a terminal would get, colors included."""
    env = os.environ | {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color", "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "psyloom", *words]
    return subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, encoding="utf-8").stdout


def run(system: str, folder: Path) -> Path:
    """Run a system over its bundled cases."""
    (folder / "cases.jsonl").write_text(psyloom("cases", system, folder=folder), "utf-8")
    psyloom("run", system, "cases.jsonl", "--out", f"runs/{system}", folder=folder)
    return folder / "runs" / system


def screen(lang: str) -> Text:
    """The terminal after `psyloom show`: the first lines of one dialogue."""
    _, system, case = SHOWN[lang]
    with tempfile.TemporaryDirectory() as name:
        run(system, Path(name))
        command = f"psyloom show runs/{system} {case}"
        lines = psyloom(*command.split()[1:], folder=Path(name)).splitlines()
    more = ["..."] if len(lines) > LINES else []
    return Text.from_ansi("\n".join([f"\x1b[1m$ {command}\x1b[0m", *lines[:LINES], *more]))


def picture(text: Text) -> str:
    """A terminal's content as SVG that loads nothing from anywhere."""
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w", encoding="utf-8"), highlight=False)  # noqa: SIM115, PTH123
    with console.file:
        console.print(text, soft_wrap=True)
        svg = console.export_svg(title="psyloom", unique_id="psyloom")
    for fault, cure in (
        (r"@font-face\s*\{.*?\}", ""),
        (r"font-family:[^;]*;", f"font-family: {FONT};"),
        (r' textLength="[\d.]+"(?=[^>]*>[^<]*[\u2e80-\uffef])', ""),  # it counts a Chinese character as one cell wide
    ):
        svg = re.sub(fault, cure, svg, flags=re.DOTALL)
    return svg


def words(svg: str) -> str:
    """The text of a picture without its spaces."""
    return "".join("".join(html.unescape(piece).split()) for piece in re.findall(r"<text[^>]*>([^<]*)</text>", svg))


def report(path: Path, browser: str) -> None:
    """The upper part of a run's report, as a browser shows it."""
    with tempfile.TemporaryDirectory() as name:
        page = run("interactive_agents", Path(name)) / "report.html"
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1000,1240"]
        command = [browser, *options, f"--user-data-dir={name}/browser", f"--screenshot={path}", page.as_uri()]
        subprocess.run(command, check=True, capture_output=True)


def main() -> None:
    for lang, (name, *_) in SHOWN.items():
        (DOCS / name).write_text(picture(screen(lang)), "utf-8")
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser:
        report(DOCS / "report.png", browser)
    else:
        print("no Chromium here: docs/report.png stays as it is")


if __name__ == "__main__":
    main()
