"""Run many cases: ``python -m tests.fuzz --cases 100000 --seed 1 --jobs 2``. Ends with 1 where any failed.

A case is made from the seed and its number alone. What fails is written into a folder, with its files and the command.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from multiprocessing.connection import Connection, wait
from pathlib import Path
from random import Random
from typing import Any

from . import architectures, archives, corpus, matrices, options, runs, sheets
from .cases import Case
from .harness import PROCESS_SECONDS, Failure, run

# the areas, and how many of 100 cases are of each; those that load torch take longer
AREAS = {
    "yaml": (architectures.generate, 24),
    "options": (options.generate, 20),
    "sheets": (sheets.generate, 16),
    "archives": (archives.generate, 16),
    "matrices": (matrices.generate, 14),
    "runs": (runs.generate, 10),
}
OWN_PROCESS = 100  # one case in so many is run as a whole process as well


def make(seed: int, number: int, areas: tuple[str, ...]) -> tuple[Case, bool]:
    """The case of that number, and whether it gets a process of its own."""
    rng = Random(f"{seed}:{number}")
    area = rng.choices(areas, [AREAS[name][1] for name in areas])[0]
    own_process = rng.randrange(OWN_PROCESS) == 0
    made = AREAS[area][0](rng)
    case = Case(made.argv, made.files, made.stdin, area, made.closed)
    return case, own_process or bool(case.closed)


def main() -> None:
    """Read the options and run the cases."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=2000, help="how many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, metavar="NUMBER", help="the number of the first case")
    parser.add_argument("--case", type=int, metavar="NUMBER", help="only this one, and print it")
    parser.add_argument("--only", default=",".join(AREAS), metavar="AREA,…", help=f"of {', '.join(AREAS)}")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so long")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--save", type=Path, default=Path("fuzz-failures"), help="the folder for what fails")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE.json", help="run cases that were saved")
    asked = parser.parse_args()
    areas = tuple(asked.only.split(","))
    if unknown := set(areas) - set(AREAS):
        parser.error(f"no area {', '.join(sorted(unknown))}; they are {', '.join(AREAS)}")
    if asked.replay:
        failed = [path for path in asked.replay if _show(Case.from_json(path.read_text(encoding="utf-8")))]
        print(
            f"{len(asked.replay)} replayed, {len(failed)} failed: {', '.join(path.stem for path in failed) or 'none'}"
        )
        sys.exit(int(bool(failed)))
    if asked.case is not None:
        sys.exit(int(_show(*make(asked.seed, asked.case, areas))))
    sys.exit(1 if _many(asked, areas) else 0)


def _show(case: Case, own_process: bool = False) -> bool:
    """Print a case and run it; whether it fails."""
    print(case.command_line)
    for name, content in case.files.items():
        print(f"--- {name}\n{ascii(content[:2000]) if isinstance(content, bytes) else content}")
    failure = run(case, own_process=own_process or bool(case.closed))
    print(f"=== {failure.kind}\n{failure.details}" if failure else "=== nothing is wrong", flush=True)
    return failure is not None


def _work(connection: Connection, seed: int, numbers: range, areas: tuple[str, ...]) -> None:
    """Run the cases of these numbers, telling before and after each."""
    os.environ["OMP_NUM_THREADS"] = "1"
    if "runs" in areas:
        corpus.run_files()  # trains a network: before the first case begins, and with it the watch
    for number in numbers:
        connection.send((number, None))
        case, own_process = make(seed, number, areas)
        connection.send((number, None))  # what made the case may have trained a network
        failure = run(case, own_process=own_process)
        connection.send((number, (case.area, failure)))
    connection.send((None, None))


class _Worker:
    """A process that runs every ``jobs``-th case from ``first`` on."""

    def __init__(self, asked: argparse.Namespace, areas: tuple[str, ...], first: int) -> None:
        self.numbers = range(first, asked.first + asked.cases, asked.jobs)
        self.connection, theirs = multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("spawn")
        self.process = context.Process(target=_work, args=(theirs, asked.seed, self.numbers, areas), daemon=True)
        self.process.start()
        theirs.close()
        self.number = first
        self.since = float("inf")  # until the first case begins

    def receive(self) -> Any:
        """What it tells; None where it is dead, or had to be killed."""
        if self.connection.poll():
            try:
                told = self.connection.recv()
            except EOFError:
                return None
            self.number, self.since = told[0] if told[0] is not None else self.number, time.monotonic()
            return told
        if time.monotonic() - self.since > 2 * PROCESS_SECONDS:
            self.process.kill()
            return None
        return ()


def _many(asked: argparse.Namespace, areas: tuple[str, ...]) -> int:
    """The number of failures. Each kind is shown once."""
    started, seen, done = time.monotonic(), Counter[str](), Counter[str]()
    end = asked.first + asked.cases
    workers = [_Worker(asked, areas, asked.first + k) for k in range(min(asked.jobs, asked.cases))]
    while workers:
        wait([worker.connection for worker in workers], timeout=1)
        for worker in list(workers):
            told = worker.receive()
            if told is None:
                worker.process.join()
                what = f"the process died with {worker.process.exitcode}, or never ended"
                case, _ = make(asked.seed, worker.number, areas)
                _report(asked, worker.number, case, Failure(f"{what}: {case.argv[:1]}", what), seen)
                workers.remove(worker)
                if worker.number + asked.jobs < end:
                    workers.append(_Worker(asked, areas, worker.number + asked.jobs))
            elif told and told[0] is None:
                workers.remove(worker)
            elif told and told[1] is not None:
                area, failure = told[1]
                done[area] += 1
                if failure is not None:
                    case, _ = make(asked.seed, told[0], areas)
                    _report(asked, told[0], case, failure, seen)
        if time.monotonic() - started > 60 * asked.minutes:
            for worker in workers:
                worker.process.kill()
            break
    for kind, count in seen.most_common():
        print(f"{count:6} x {kind}")
    spent = time.monotonic() - started
    areas_done = ", ".join(f"{name} {count:,}" for name, count in done.items())
    print(f"{done.total():,} cases in {spent:.0f} s ({areas_done}); {seen.total():,} failed in {len(seen)} ways")
    return seen.total()


def _report(asked: argparse.Namespace, number: int, case: Case, failure: Failure, seen: Counter[str]) -> None:
    """Print the first failure of a kind with what is needed to see it again, and save it."""
    seen[failure.kind] += 1
    if seen[failure.kind] > 1:
        return
    folder = asked.save / f"{asked.seed}-{number}"
    (folder / "work").mkdir(parents=True, exist_ok=True)
    case.write_files(folder / "work", folder / "outside")
    (folder / "case.json").write_text(case.to_json(), encoding="utf-8")
    (folder / "stdin").write_bytes(case.stdin)
    (folder / "failure.txt").write_text(f"{failure.kind}\n{failure.details}\n", "utf-8", "backslashreplace")
    only = f" --only {asked.only}" if asked.only != ",".join(AREAS) else ""
    again = f"python -m tests.fuzz --seed {asked.seed} --case {number}{only}"
    print(f"FAILED: {failure.kind}\n  {again}\n  cd {folder / 'work'} && {case.command_line[:500]!a}")
    print("  " + ascii(failure.details[-1500:]).replace("\\n", "\n  "), flush=True)
