"""Running one case, in this process or in one of its own, and what counts as a failure.

A failure is an exception or an error that cnn calls its own; another program started; a Python warning that a user
sees; an exit code that the documentation does not name; nothing said beside exit code 2; control characters in what
is printed; more than CPU_SECONDS of CPU time after the imports; growth of the memory by more than MEMORY; and a file
that is made, changed or left behind outside of the working folder.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from cnncli.data.registry import DATASETS
from cnncli.errors import INTERNAL_ERROR

from .cases import Case
from .corpus import ROOT

CPU_SECONDS = 5.0
MEMORY = 1 << 30
WALL_SECONDS = 60.0  # of a case that waits, for a pipe or for what is never written
PROCESS_SECONDS = 180.0  # of a process of its own, which imports everything anew, on a machine that does much else
EXIT_CODES = (0, 1, 2, 130, 143)
WARNING = re.compile(r"^.*\b\w*Warning: .*$", re.MULTILINE)
DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
SENTINEL = b"not to be changed"


class Failure(NamedTuple):
    """What is wrong: its ``kind``, the same for the same fault as far as that can be told, and its ``details``."""

    kind: str
    details: str


class _CpuLimitError(BaseException):
    """Raised by the timer wherever the case is computing."""


class _WallLimitError(BaseException):
    """Raised by the timer wherever the case is waiting."""


class Ended(NamedTuple):
    """How a case ended. ``seconds`` are CPU time, ``grown`` is in bytes."""

    code: object
    out: bytes
    err: bytes
    seconds: float
    grown: int
    error: str = ""  # the traceback of what escaped
    started: tuple[str, ...] = ()  # other programs
    stopped: str = ""  # the traceback of where the CPU time was spent


@contextlib.contextmanager
def _folders() -> Iterator[tuple[Path, dict[str, str]]]:
    """A watched folder with work/, home/, tmp/ and outside/, and the environment that points there."""
    base = Path(tempfile.mkdtemp(prefix="cnn-fuzz-", dir=_scratch()))
    try:
        for name in ("work", "home", "tmp", "data", "outside"):
            (base / name).mkdir()
        (base / "outside" / "target").write_bytes(SENTINEL)
        caches = str(_scratch() / "caches")
        yield (
            base,
            {
                "HOME": str(base / "home"),
                "TMPDIR": str(base / "tmp"),
                "CNN_DATA": str(base / "data"),
                "CNN_MIRROR": "http://127.0.0.1:9",
                **dict.fromkeys(("http_proxy", "https_proxy", "ftp_proxy", "all_proxy"), "http://127.0.0.1:9"),
                "HF_HUB_OFFLINE": "1",
                "OMP_NUM_THREADS": "1",
                "TORCHINDUCTOR_CACHE_DIR": caches,
                "TRITON_CACHE_DIR": caches,
                "CNN_DEBUG": "",
            },
        )
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _scratch() -> Path:
    folder = Path(os.environ.get("CNN_FUZZ_SCRATCH", "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"))
    own = folder / f"cnn-fuzz-{os.getuid()}"
    own.mkdir(exist_ok=True, mode=0o700)
    return own


def run(case: Case, *, own_process: bool = False) -> Failure | None:
    """Run a case, a second time where it took too much: what was imported late does not count then."""
    failure = _run_once(case, own_process=own_process)
    if failure is not None and failure.kind.startswith(("CPU time", "memory")):
        failure = _run_once(case, own_process=own_process)
    return failure


def _run_once(case: Case, *, own_process: bool) -> Failure | None:
    with _folders() as (base, environment):
        case.write_files(base / "work", base / "outside")
        (base / "stdin").write_bytes(case.stdin)
        ended = (_in_a_process if own_process else _in_this_process)(case, base, environment)
        return judge(case, ended) or _outside(base)


def judge(case: Case, ended: Ended) -> Failure | None:
    """What is wrong with how a case ended."""
    if ended.error:
        return Failure(_kind_of(ended.error), ended.error)
    out, err = (data.decode("utf-8", "surrogateescape") for data in (ended.out, ended.err))
    shown = f"exit code {ended.code}\n--- stdout\n{out[:3000]}\n--- stderr\n{err[:3000]}"
    if INTERNAL_ERROR in err or "Traceback (most recent call last)" in err:
        line = next(line for line in err.splitlines() if INTERNAL_ERROR in line or "Traceback" in line)
        return Failure(re.sub(r"\d+", "N", line)[:150], shown)
    if ended.stopped and not (case.uses_torch and "/cnncli/executor/" in ended.stopped):
        return Failure(f"CPU time: {_place_of(ended.stopped)}", f"over {CPU_SECONDS:g} s\n{ended.stopped}")
    if ended.grown > MEMORY:
        return Failure(f"memory: {case.argv[0]}", f"grew by {ended.grown / 2**20:,.0f} MiB\n{shown}")
    if ended.stopped:
        return None  # a training takes the time that the user asked for
    if ended.started:
        return Failure(f"started {', '.join(sorted(set(ended.started)))}", shown)
    if ended.code not in EXIT_CODES:
        return Failure(f"exit code {ended.code}", shown)
    if found := WARNING.search(err):
        return Failure(f"a warning: {re.sub(r'[0-9]+', 'N', found.group())[-100:]}", shown)
    if ended.code == 2 and not err.strip() and 2 not in case.closed:
        return Failure("exit code 2 without a word", shown)
    for name, text in (("stdout", out), ("stderr", err)):
        odd = sorted({char for char in text.replace("\r\n", "\n") if _moves_a_terminal(char)})
        if odd:
            return Failure(f"control characters in {name} of {case.argv[:1]}", f"{odd}\n{shown!r}")
    return None


def _moves_a_terminal(char: str) -> bool:
    return (char not in "\n\t" and unicodedata.category(char) == "Cc") or char in DIRECTIONS


def _kind_of(error: str) -> str:
    """The exception and the innermost place in cnn."""
    last = [line for line in error.splitlines() if line and not line.startswith(" ")][-1]
    return f"{last.split(':')[0]} {_place_of(error)}"


def _place_of(error: str) -> str:
    places = re.findall(r'File "[^"]*/(cnncli/[^"]*)", line (\d+), in (\S+)', error)
    return f"{places[-1][0]}:{places[-1][1]} {places[-1][2]}" if places else "outside of cnn"


def _outside(base: Path) -> Failure | None:
    """Whether anything was made, changed or left behind outside of the working folder and the folder of data."""
    found = [path for name in ("home", "tmp") for path in (base / name).rglob("*") if path.name not in CACHE]
    found += [path for path in (base / "outside").rglob("*") if path.name != "target"]
    found += [path for path in base.iterdir() if path.name not in ("work", "home", "tmp", "data", "outside", *STREAMS)]
    target = base / "outside" / "target"
    if not target.is_file() or target.read_bytes() != SENTINEL:
        found.append(target)
    if not found:
        return None
    names = ", ".join(sorted(str(path.relative_to(base)) for path in found)[:5])
    return Failure(f"files outside: {re.sub('[0-9a-f]{4,}|_[a-z0-9_]{6,}', 'N', names)}"[:120], names)


# of the user's cache, where datasets are downloaded to: what is made before a download that fails
CACHE = (".cache", "cnn", *(row.name for row in DATASETS if row.published), ".lock")
STREAMS = ("stdin", "stdout", "stderr", "usage")


def _in_this_process(case: Case, base: Path, environment: dict[str, str]) -> Ended:
    with _surroundings(base, environment, case) as (out, err):
        before = _reset_peak()
        started = time.process_time()
        _started.clear()
        code, error, stopped = _call_main()
        started_programs = tuple(_started)
        seconds = time.process_time() - started
        grown = _status("VmHWM") - before
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        out.seek(0)
        err.seek(0)
        return Ended(code, out.read(), err.read(), seconds, grown, error, started_programs, stopped)


_started: list[str] = []
PROGRAMS = ("git",)  # which cnn may start: for the commit that a run began from


def _watch_programs(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook (PEP 578) that notes the names of programs started, as Ghostscript by Pillow."""
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
        command = arguments[1] if event == "subprocess.Popen" else arguments[0]
        program = command if isinstance(command, str | bytes) else command[0]
        name = Path(os.fsdecode(program)).name
        if name not in PROGRAMS:
            _started.append(name)


sys.addaudithook(_watch_programs)


def _call_main() -> tuple[object, str, str]:
    """The exit code, the traceback of what escaped, and that of where it was stopped."""
    from cnncli.__main__ import main

    def stop(number: int, _: Any) -> None:
        raise _CpuLimitError if number == signal.SIGPROF else _WallLimitError

    before = [signal.signal(number, stop) for number in (signal.SIGPROF, signal.SIGALRM)]
    try:
        try:
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS, 1.0)  # again where something swallows it
            signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS, 1.0)
            main()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
    except SystemExit as ending:
        return ending.code or 0, "", ""
    except _CpuLimitError:
        return None, "", traceback.format_exc()
    except BaseException:  # _WallLimitError as well: nothing may wait for ever
        return None, traceback.format_exc(), ""
    finally:
        for number, handler in zip((signal.SIGPROF, signal.SIGALRM), before, strict=True):
            signal.signal(number, handler)
    return None, "main returned\n", ""


@contextlib.contextmanager
def _surroundings(base: Path, environment: dict[str, str], case: Case) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The arguments, environment, folder and streams of a process of its own, and back again."""
    kept = os.environ.copy(), sys.argv, Path.cwd(), (sys.stdin, sys.stdout, sys.stderr), [os.dup(fd) for fd in range(3)]
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with (base / "stdin").open("rb") as inp, (base / "stdout").open("w+b") as out, (base / "stderr").open("w+b") as err:
        try:
            for number, file in enumerate((inp, out, err)):
                os.dup2(file.fileno(), number)
            os.environ.update({**environment, "CNN_DEBUG": "1"})  # what would be called internal comes out as it is
            os.environ.pop("COLUMNS", None)
            tempfile.tempdir = environment["TMPDIR"]
            os.chdir(base / "work")
            sys.argv = ["cnn", *case.argv]
            sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")
            sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), encoding="utf-8")
            sys.stderr = io.TextIOWrapper(
                io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "utf-8", "backslashreplace", write_through=True
            )
            yield out, err
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(Exception):
                    stream.flush()
            sys.stdin, sys.stdout, sys.stderr = kept[3]
            for number, fd in enumerate(kept[4]):
                os.dup2(fd, number)
                os.close(fd)
            os.chdir(kept[2])
            sys.argv = kept[1]
            os.environ.clear()
            os.environ.update(kept[0])
            tempfile.tempdir = None
            for number, handler in signals.items():
                signal.signal(number, handler)


def _status(name: str) -> int:
    """Bytes that /proc tells of this process: VmRSS is what is resident now, VmHWM the most that was."""
    found = re.search(rf"{name}:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) * 1024 if found else 0


def _reset_peak() -> int:
    """Let VmHWM begin anew where that is allowed; its value, so that an earlier peak is not growth of this case."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status("VmHWM")


BASE_SECONDS = {False: 1.0, True: 8.0}  # of CPU to start and import, without and with torch

# Linux hands the peak memory of a process on through exec, so a program started directly would begin with the peak of
# these tests (with torch and a thousand tests, over a gigabyte). A small process in between forks: its child starts
# from zero.
LAUNCHER = """
import os, sys
report, *command = sys.argv[1:]
pid = os.fork()
if pid == 0:
    os.execvp(command[0], command)
_, status, usage = os.wait4(pid, 0)
with open(report, "w") as file:
    file.write(f"{status} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}")
"""


def _in_a_process(case: Case, base: Path, environment: dict[str, str]) -> Ended:
    closed = "".join(f" {'<' if number == 0 else '>'}&-" for number in case.closed)
    command = shlex.join([sys.executable, "-m", "cnncli", *case.argv]) + closed
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    full = {**os.environ, **environment, "PYTHONPATH": path}
    full.pop("COLUMNS", None)
    report = base / "usage"
    # a shell closes what is to be closed, and is replaced by the program
    launch = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(report), "sh", "-c", f"exec {command}"]
    with (base / "stdin").open("rb") as inp, (base / "stdout").open("w+b") as out, (base / "stderr").open("w+b") as err:
        process = subprocess.Popen(
            launch, stdin=inp, stdout=out, stderr=err, env=full, cwd=base / "work", start_new_session=True
        )
        try:
            process.wait(PROCESS_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return Ended(None, b"", b"", PROCESS_SECONDS, 0, error=f"still running after {PROCESS_SECONDS:g} s\n")
        status, cpu, peak = report.read_text(encoding="ascii").split()
        out.seek(0)
        err.seek(0)
        seconds = float(cpu) - BASE_SECONDS[case.uses_torch]
        stopped = f"a process of its own: {case.argv[0]}" if seconds > CPU_SECONDS and not case.uses_torch else ""
        grown = int(peak) * 1024 - (700 if case.uses_torch else 60) * 2**20
        code = os.waitstatus_to_exitcode(int(status))
        return Ended(code, out.read(), err.read(), seconds, grown, stopped=stopped)
