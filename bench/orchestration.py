"""How much psyloom costs on top of the network, in one run beside a plain aiohttp loop.

    python bench/orchestration.py            # a few minutes
    python bench/orchestration.py --quick    # smaller numbers, under a minute
    python bench/orchestration.py --cases    # also stream 1,000,000 cases through a writer that does nothing

Starts a loopback server in a process of its own, with a settable latency. Every figure of psyloom stands beside the
plain loop or the ideal of the same run, as a ratio.
"""

import argparse
import asyncio
import itertools
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from prefix import print_shares

from psyloom.agents import Ask, Writer
from psyloom.records import Case, Dialogue, Post, Turn, write_jsonl
from psyloom.runs import run_cases

BODY = json.dumps(
    {
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "I see (0000000000), and what happened then?"},
            }
        ],
        "usage": {"prompt_tokens": 400, "completion_tokens": 9},
    }
).encode()


def serve(port: Any, latency: Any) -> None:
    """A server that does as little as an HTTP server can: waits, answers the same bytes."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)

    count = itertools.count(1)

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport, self.buffer = transport, b""

        def data_received(self, data: bytes) -> None:
            self.buffer += data
            while b"\r\n\r\n" in self.buffer:
                header, rest = self.buffer.split(b"\r\n\r\n", 1)
                size = next(
                    (
                        int(field.split(b":")[1])
                        for field in header.split(b"\r\n")
                        if field.lower().startswith(b"content-length")
                    ),
                    0,
                )
                if len(rest) < size:
                    return
                self.buffer = rest[size:]
                answer = head + BODY.replace(b"0000000000", b"%010d" % next(count))  # a talk never repeats itself
                if latency.value:
                    asyncio.get_running_loop().call_later(latency.value, self.transport.write, answer)
                else:
                    self.transport.write(answer)

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Protocol, "127.0.0.1", 0, backlog=2048)
        port.value = server.sockets[0].getsockname()[1]
        await asyncio.Event().wait()

    uvloop.run(main())


async def plain(url: str, calls: int, in_flight: int, body: dict[str, Any]) -> float:
    """Calls a second of the shortest correct aiohttp loop."""
    left = iter(range(calls))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def worker() -> None:
            for _ in left:
                async with session.post(f"{url}/chat/completions", json=body) as response:
                    answer = await response.json()
                    assert answer["choices"][0]["message"]["content"]

        began = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(in_flight)))
        return calls / (time.perf_counter() - began)


async def ours(url: str, dialogues: int, in_flight: int, folder: Path) -> tuple[float, float, int]:
    """(calls a second, seconds, calls a dialogue) of a whole run: self-play with prompt files, sight, guards, traces, journal."""
    cases = folder / f"cases-{dialogues}.jsonl"
    write_jsonl(
        cases,
        (Case(id=str(n), lang="en", post=Post(text=f"I cannot sleep since move {n}. " * 8)) for n in range(dialogues)),
    )
    out = folder / f"run-{time.time_ns()}"
    began = time.perf_counter()
    summary = await run_cases(
        "interactive_agents", cases, out, options={"max_exchanges": "10"}, models=f"{url}#tiny", concurrency=in_flight
    )
    seconds = time.perf_counter() - began
    assert summary.dialogues == dialogues, summary
    return summary.progress.calls / seconds, seconds, summary.progress.calls // dialogues


class Nothing(Writer):
    """A writer that does nothing: what is left is the run itself."""

    async def write(self, case: Case, ask: Ask) -> Dialogue:
        return ask.dialogue([Turn.client("...")])


async def stream_cases(count: int, folder: Path) -> float:
    """Cases a second over a file of ``count`` cases."""
    cases = folder / "many.jsonl"
    write_jsonl(cases, (Case(id=str(n), lang="en", post=Post(text="I cannot sleep.")) for n in range(count)))
    began = time.perf_counter()
    summary = await run_cases(Nothing(), cases, folder / "many", traces=False)
    assert summary.dialogues == count
    return count / (time.perf_counter() - began)


def streamed(count: int) -> tuple[float, float]:
    """(cases a second, peak MB) of `stream_cases` in an interpreter of its own."""
    code = f"""
import sys, tempfile, uvloop
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from orchestration import stream_cases
with tempfile.TemporaryDirectory() as folder:
    print(uvloop.run(stream_cases({count}, Path(folder))))
"""
    _, printed = probe(code)
    return float(printed[-2]), float(printed[-1])


# Peak memory of this very program; the usual ru_maxrss would be that of the parent it was forked from.
_PEAK = "print(next(int(l.split()[1]) / 1024 for l in open('/proc/self/status') if l.startswith('VmHWM')))"


def probe(code: str) -> tuple[float, list[str]]:
    """(seconds, what it printed) of a fresh interpreter that runs ``code`` and prints its peak MB at the end."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", f"{code}\n{_PEAK}"], capture_output=True, text=True, check=True)
    return time.perf_counter() - began, done.stdout.split()


def in_process(code: str) -> tuple[float, float]:
    """(seconds, peak MB) of a fresh interpreter that runs ``code``, the best of five."""
    seconds, printed = min(probe(code) for _ in range(5))
    return seconds, float(printed[-1])


async def measure(args: argparse.Namespace, port: Any, latency: Any) -> None:
    url = f"http://127.0.0.1:{port.value}/v1"
    scale = 1 if args.quick else 2
    body = {
        "model": "tiny",
        "messages": [{"role": "user", "content": "I cannot sleep since I moved. " * 40}],
        "temperature": 1.0,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{'calls a second':<34}{'plain aiohttp':>14}{'psyloom':>10}{'ratio':>8}")
        for wait, in_flight in itertools.product((0.0, 0.2), (64, 512)):
            latency.value = wait
            dialogues = scale * (100 if wait == 0 else in_flight)
            b, seconds, each = await ours(url, dialogues, in_flight, folder)
            a = await plain(url, dialogues * each, in_flight, body)
            print(f"{f'{wait * 1000:.0f} ms, {in_flight} in flight':<34}{a:>14.0f}{b:>10.0f}{b / a:>8.2f}")
        latency.value, dialogues = 0.2, 50
        _, seconds, each = await ours(url, dialogues, dialogues, folder)
        ideal = each * latency.value
        print(
            f"\nself-play, {dialogues} dialogues at 200 ms: {seconds:.2f} s, ideal {ideal:.2f} s, ratio {seconds / ideal:.2f}"
        )
        await print_shares(folder)
        print("\ncases streamed through a writer that does nothing")
        for count in (20_000, 1_000_000 if args.cases else 100_000):
            rate, peak = streamed(count)
            print(f"  {count:>9,}: {rate:,.0f} a second, peak {peak:.0f} MB")
    bare, _ = in_process("pass")
    for what, code in (
        ("import psyloom", "import psyloom"),
        (
            "psyloom --help",
            "from click.testing import CliRunner; from psyloom.cli import app; CliRunner().invoke(app, ['--help'])",
        ),
    ):
        seconds, peak = in_process(code)
        print(f"{what}: {seconds * 1000:.0f} ms ({bare * 1000:.0f} ms of it Python itself), {peak:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller numbers")
    parser.add_argument("--cases", action="store_true", help="stream a million cases")
    args = parser.parse_args()
    port, latency = multiprocessing.Value("i", 0), multiprocessing.Value("d", 0.0)
    server = multiprocessing.Process(target=serve, args=(port, latency), daemon=True)
    server.start()
    while port.value == 0:
        time.sleep(0.02)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # psyloom and the plain loop get one core
    uvloop.run(measure(args, port, latency))
    server.terminate()


if __name__ == "__main__":
    main()
