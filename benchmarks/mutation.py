"""Which share of small faults do the tests notice? Random single-token mutations, each under its tests.

    python benchmarks/mutation.py --sample 20               20 mutants per area, with the tests that run their function
    python benchmarks/mutation.py --sample 60 --area core   40 more of one area: results are kept and continued
    python benchmarks/mutation.py --again                   the survivors so far once more, after tests were added
    python benchmarks/mutation.py --report                  what is known, without running anything

Each mutant is written into a temporary copy of the tree, never into the tree itself. A process with pytest and torch
loaded is forked for it and runs the tests that execute the mutated function (of the module, where the mutation is
outside functions), fastest first, until one fails or ``--budget`` seconds of them have passed: a survivor is a mutant
that all of these tests pass. Which test executes what is measured once, in about twice the time that the tests take;
new and changed test files are measured by themselves, and ``--measure`` measures all anew.

No mutants are made of what has no behaviour that a test should hold: docstrings and other texts, type annotations,
``if TYPE_CHECKING``, ``__repr__`` and ``__hash__``, decorators, what is raised with its message, log lines and
progress, modules whose optional library is not installed, sizes of caches and buffers (whole numbers above 256, and
``1 << 20``), times to wait, and the entries of ``__slots__`` and ``__all__``.
"""

from __future__ import annotations

import argparse
import ast
import copy
import hashlib
import json
import os
import pickle
import random
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
AREAS = {
    "core": (
        "cnncli/*.py",
        "cnncli/arithmetic/**/*.py",
        "cnncli/inference/*.py",
        "cnncli/io/*.py",
        "cnncli/recipe/*.py",
        "cnncli/runs/*.py",
        "cnncli/analysis/*.py",
        "cnncli/analysis/explanation/*.py",
    ),
    "layers": ("cnncli/layers/*.py",),
    "language": ("cnncli/language/*.py",),
    "solving": ("cnncli/analysis/solving/*.py",),
    "homework": ("cnncli/homework/**/*.py",),
    "executor": ("cnncli/executor/**/*.py",),
    "data": ("cnncli/data/**/*.py",),
}
COSMETIC = ("progress.py",)
OPTIONAL = {  # what needs a library that is not always there: without it its tests are skipped
    "datasets": ("hub.py", "column_choice.py", "table_rows.py"),
    "scipy": ("svhn.py",),
    "onnx": ("onnx_torchscript.py",),
}
COPIED = ("cnncli", "tests", "architectures", "docs", "benchmarks", "README.md", "pyproject.toml", "CHANGELOG.md")
MEMORY = 8 << 30
LARGEST = 256  # whole numbers above are sizes of buffers and limits: one more or less is no fault


# Mutations --------------------------------------------------------------------------------------------------------


class Mutant(NamedTuple):
    """One expression or statement of one file in another form. ``line`` and ``column`` count from 1 and 0."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    function: str
    in_function: bool
    original: str
    mutated: str

    @property
    def key(self) -> str:
        """The same for the same mutation after lines above it have moved."""
        return f"{self.file}:{self.function}: {self.original} -> {self.mutated}"


COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}
WITHOUT_BEHAVIOUR = (
    "sleep",
    "wait",
    "join",
    "print",
    "warn",
    "warning",
    "info",
    "debug",
    "lru_cache",
    "TypeVar",
    "cast",
)


def _forms(node: ast.AST) -> Iterator[ast.AST]:
    """The node with one token of it changed, once for each change."""
    match node:
        case ast.Constant():
            yield from map(ast.Constant, _other_values(node.value))
        case ast.Compare(ops=[operator]):
            for other in COMPARISONS[type(operator)]:
                yield ast.Compare(node.left, [other()], node.comparators)
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.BinOp() if type(node.op) in OPERATORS and not _is_text(node.left) and not _is_text(node.right):
            yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
        case ast.Call(func=ast.Name(id=name)) if name in SWAPPED:
            yield ast.Call(ast.Name(SWAPPED[name]), node.args, node.keywords)
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(ast.Constant(None))
        case ast.If(test=ast.Name() | ast.Call() | ast.Attribute()) | ast.IfExp(test=ast.Name() | ast.Call()):
            yield ast.UnaryOp(ast.Not(), node.test)
        case ast.Break() | ast.Continue():
            yield ast.Continue() if isinstance(node, ast.Break) else ast.Break()


def _other_values(value: object) -> list[bool | int | float]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1] if value <= LARGEST else []
    return [2 * value if value else 1.0] if isinstance(value, float) else []


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _changed_part(node: ast.AST) -> ast.AST:
    """What of the node is replaced in the source: of an ``if`` its condition alone."""
    return node.test if isinstance(node, ast.If | ast.IfExp) else node


class _Collector(ast.NodeVisitor):
    """All mutants of a file, in the order of its text."""

    def __init__(self, file: str, source: str) -> None:
        self.file, self.source = file, source
        self.scope: list[tuple[str, bool]] = []
        self.found: list[Mutant] = []

    def visit(self, node: ast.AST) -> None:
        if self._skipped(node):
            return
        for form in _forms(node):
            self._add(_changed_part(node), form)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node)
            case ast.ClassDef():
                self.scope.append((node.name, False))
                self._all(node.body)
                self.scope.pop()
            case ast.AnnAssign():
                if node.value is not None:
                    self.visit(node.value)
            case _:
                self.generic_visit(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.scope.append((node.name, False))  # defaults are worked out where the function is made
        self._all([*node.args.defaults, *(default for default in node.args.kw_defaults if default is not None)])
        self.scope[-1] = (node.name, True)
        self._all(node.body)
        self.scope.pop()

    def _all(self, nodes: list[Any]) -> None:
        for node in nodes:
            self.visit(node)

    def _skipped(self, node: ast.AST) -> bool:
        match node:
            case ast.Raise() | ast.Import() | ast.ImportFrom() | ast.JoinedStr() | ast.Assert():
                return True
            case ast.Expr(value=ast.Constant()):
                return True  # docstrings
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                return True
            case ast.FunctionDef(name="__repr__" | "__hash__"):
                return True
            case ast.BinOp(left=ast.Constant(), op=ast.LShift(), right=ast.Constant()):
                return True
            case ast.Assign(targets=[ast.Name(id="__all__" | "__slots__")]):
                return True
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                return name.endswith(("Error", "ShapeError", "Problem")) or name in WITHOUT_BEHAVIOUR
            case ast.keyword(arg=name):
                return name in ("timeout", "indent", "width", "stacklevel", "maxsize")
        return False

    def _add(self, node: Any, form: ast.AST) -> None:
        original = ast.get_source_segment(self.source, node) or ""
        mutated = ast.unparse(ast.fix_missing_locations(copy.deepcopy(form)))
        name = ".".join(name for name, _ in self.scope) or "<module>"
        place = (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)
        self.found.append(Mutant(self.file, *place, name, any(runs for _, runs in self.scope), original, mutated))


def mutants_of(root: Path, area: str) -> list[Mutant]:
    """All mutants of an area, a mutation that a function has twice being there once."""
    found: dict[str, Mutant] = {}
    missing = [files for library, files in OPTIONAL.items() if find_spec(library) is None]
    left_out = {*COSMETIC, *(file for files in missing for file in files)}
    for path in sorted({path for pattern in AREAS[area] for path in root.glob(pattern)}):
        if path.name not in left_out:
            source = path.read_text(encoding="utf-8")
            collector = _Collector(str(path.relative_to(root)), source)
            collector.visit(ast.parse(source))
            for mutant in collector.found:
                found.setdefault(mutant.key, mutant)
    return list(found.values())


def mutated_source(source: str, mutant: Mutant) -> str:
    """The file's text with the mutation in it; all other lines keep their numbers."""
    lines = source.encode().split(b"\n")  # columns of the syntax tree count bytes
    first, last = lines[mutant.line - 1], lines[mutant.end_line - 1]
    height = mutant.end_line - mutant.line
    statement = mutant.mutated.startswith("return") or mutant.mutated in ("break", "continue")
    text = mutant.mutated.encode() if statement else b"(" + mutant.mutated.encode() + b")"
    gap = b"" if statement else b"\n" * height
    replaced = first[: mutant.column] + text[: len(text) - (not statement)] + gap + text[len(text) - (not statement) :]
    lines[mutant.line - 1 : mutant.end_line] = [replaced + last[mutant.end_column :]]
    return b"\n".join(lines).decode()


# Running tests in a fork --------------------------------------------------------------------------------------------


def forked(tree: Path, work: Callable[[], Any], seconds: float) -> tuple[str, Any]:
    """("done", the result), ("died", None) or ("timeout", None) of ``work`` in a fork that leaves no process behind."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _in_child(tree, work, writing, seconds)
    os.close(writing)
    received: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(reading, received), daemon=True)
    reader.start()
    reader.join(6 * seconds + 20)  # the time limit is of processor time; this one is for what waits for ever
    timed_out = reader.is_alive()
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    reader.join()
    if received and not timed_out:
        return "done", pickle.loads(b"".join(received))
    out_of_time = timed_out or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU)
    return "timeout" if out_of_time else "died", None


def _drain(descriptor: int, into: list[bytes]) -> None:
    with os.fdopen(descriptor, "rb") as stream:
        while block := stream.read(1 << 16):
            into.append(block)


def _in_child(tree: Path, work: Callable[[], Any], writing: int, seconds: float) -> None:
    os.setsid()
    os.set_inheritable(writing, False)
    log = os.open(tree.parent / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds + 30), int(seconds + 60)))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    os.chdir(tree)
    os.environ.update(PYTHONPATH=str(tree), HOME=str(tree.parent))
    sys.path[:0] = [str(tree)]
    code = 1
    try:
        result = pickle.dumps(work())
        with os.fdopen(writing, "wb") as stream:
            stream.write(result)
        code = 0
    finally:
        os._exit(code)


def _pytest(arguments: list[str], plugin: object) -> int:
    import pytest

    return int(pytest.main([*arguments, "-q", "-p", "no:cacheprovider", "--tb=line"], plugins=[plugin]))


# Which tests execute what -------------------------------------------------------------------------------------------


class Executed(NamedTuple):
    """What one test did: its processor seconds, and by file the functions that it ran (``Class.method``)."""

    seconds: float
    functions: dict[str, frozenset[str]]


class _Recorder:
    """A pytest plugin that notes for each test the functions of the package that run."""

    def __init__(self, tree: Path) -> None:
        self.prefix = str(tree / "cnncli") + os.sep
        self.root = len(str(tree)) + 1
        self.now: set[tuple[str, str]] = set()
        self.tests: dict[str, Executed] = {}
        self.failed: set[str] = set()

    def trace(self, frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if code.co_filename.startswith(self.prefix):
            self.now.add((code.co_filename, code.co_qualname))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.now.clear()
        self.started = _processor_seconds()
        threading.settrace(self.trace)
        sys.settrace(self.trace)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed.add(report.nodeid)
        if report.when != "teardown":
            return
        by_file: dict[str, set[str]] = {}
        for file, name in self.now:
            by_file.setdefault(file[self.root :], set()).add(name.replace(".<locals>", ""))
        functions = {file: frozenset(names) for file, names in by_file.items()}
        self.tests[report.nodeid] = Executed(_processor_seconds() - self.started, functions)


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class _Chosen:
    """A pytest plugin that runs the tests of a plan in its order, as far as they exist; without a plan all."""

    def __init__(self, plan: list[str] | None) -> None:
        self.order = {name: at for at, name in enumerate(plan)} if plan is not None else None
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        if self.order is None:
            return
        order = self.order
        items[:] = sorted((item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid])

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


class Coverage:
    """Which tests execute which functions, kept in a file by the digest of each test file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: dict[str, tuple[str, dict[str, Executed]]] = {}
        if path.exists():
            self.files = {
                name: (digest, {test: Executed(*done) for test, done in tests.items()})
                for name, (digest, tests) in pickle.loads(path.read_bytes()).items()
            }

    def measure(self, tree: Path, left_out: list[str]) -> None:
        for path in sorted((tree / "tests").rglob("test_*.py")):
            name = str(path.relative_to(tree))
            digest = _digest(path)
            if any(part in name for part in left_out) or self.files.get(name, ("",))[0] == digest:
                continue
            print(f"measuring {name}", flush=True)
            recorder = _Recorder(tree)
            outcome, value = forked(tree, lambda r=recorder, n=name: (_pytest([n], r), r.tests, r.failed)[1:], 600)
            if outcome != "done":
                print(f"  {outcome}: its tests are not used", flush=True)
                continue
            tests, failed = value
            for test in failed:
                print(f"  fails without any mutation: {test}", flush=True)
            self.files[name] = (digest, {test: done for test, done in tests.items() if test not in failed})
            plain = {
                name: (digest, {test: tuple(done) for test, done in tests.items()})
                for name, (digest, tests) in self.files.items()
            }
            self.path.write_bytes(pickle.dumps(plain))

    def plan(self, mutant: Mutant, budget: float) -> tuple[list[str], float]:
        """The tests to run, fastest first, and the processor seconds that they take."""
        tests = []
        for _, by_test in self.files.values():
            for name, done in by_test.items():
                functions = done.functions.get(mutant.file)
                if functions and (not mutant.in_function or mutant.function in functions):
                    tests.append((done.seconds, name))
        chosen, total = [], 0.0
        for seconds, name in sorted(tests):
            if total + seconds > budget:
                break
            chosen.append(name)
            total += seconds
        return chosen, total


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


# Measuring ----------------------------------------------------------------------------------------------------------


def copied_tree(root: Path, folder: Path) -> Path:
    """A copy of what the tests need."""
    tree = folder / "tree"
    tree.mkdir()
    for name in COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (root / name).exists():
            shutil.copy2(root / name, tree / name)
    if (root.parent / "shared").exists():
        (folder / "shared").symlink_to(root.parent / "shared")
    return tree


class Plan(NamedTuple):
    """What is run for one mutant: test files, the tests of them in this order (None: all), processor seconds."""

    files: list[str]
    tests: list[str] | None
    seconds: float


def _planned(mutant: Mutant, coverage: Coverage, budget: float, files: list[str]) -> Plan:
    if files:
        return Plan(files, None, budget)
    tests, seconds = coverage.plan(mutant, budget)
    return Plan(sorted({name.split("::")[0] for name in tests}), tests, seconds)


def outcome_of(tree: Path, mutant: Mutant, plan: Plan) -> dict[str, Any]:
    """Run a mutant's tests; says what became of it and which test noticed."""
    path = tree / mutant.file
    source, stamp = path.read_text(encoding="utf-8"), path.stat().st_mtime
    count = len(plan.files if plan.tests is None else plan.tests)
    record: dict[str, Any] = {**mutant._asdict(), "tests": count, "killed": False, "by": ""}
    if not count:
        return record
    # bytecode is kept by the second of the source's time: each mutant has a second of its own
    outcome_of.clock += 1  # type: ignore[attr-defined]
    path.write_text(mutated_source(source, mutant), encoding="utf-8")
    os.utime(path, (outcome_of.clock, outcome_of.clock))  # type: ignore[attr-defined]
    try:
        chosen = _Chosen(plan.tests)
        limit = 3 * plan.seconds + 15
        outcome, failed = forked(tree, lambda: (_pytest([*plan.files, "-x"], chosen), chosen.failed)[1], limit)
    finally:
        path.write_text(source, encoding="utf-8")
        os.utime(path, (stamp, stamp))
    killed = outcome != "done" or bool(failed)
    return {**record, "killed": killed, "by": failed if outcome == "done" else outcome}


outcome_of.clock = 1_000_000_000  # type: ignore[attr-defined]


def _share(records: list[dict[str, Any]], tree: Path) -> None:
    for area in AREAS:
        keys = {mutant.key for mutant in mutants_of(tree, area)}
        of_area = [record for record in records if record["key"] in keys and not record.get("equivalent")]
        killed = sum(record["killed"] for record in of_area)
        if of_area:
            print(f"{area:10} {killed:4} of {len(of_area):4}  {100 * killed / len(of_area):3.0f}%")


def _tell(record: dict[str, Any]) -> None:
    what = f"{record['original']}  ->  {record['mutated']}".replace("\n", " ")
    print(f"  {record['file']}:{record['line']} in {record['function']} ({record['tests']} tests): {what}", flush=True)


def main() -> None:
    """Read the options, run what is asked for, print survivors and shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sample", type=int, default=20, help="mutants per area (those already run included)")
    parser.add_argument("--area", choices=AREAS, action="append", help="only these areas")
    parser.add_argument("--file", help="only files whose path contains this")
    parser.add_argument("--tests", action="append", default=[], help="run these test files, whatever they execute")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget", type=float, default=30, help="seconds of tests per mutant")
    parser.add_argument("--again", action="store_true", help="run the survivors so far once more")
    parser.add_argument("--report", action="store_true", help="print what is known")
    parser.add_argument("--measure", action="store_true", help="measure anew which tests execute what")
    parser.add_argument(
        "--without", action="append", default=["fuzz", "test_packaging"], help="test files to leave out"
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "mutation", help="where results are kept")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    kept = options.folder / "results.json"
    results: dict[str, dict[str, Any]] = json.loads(kept.read_text()) if kept.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        tree = copied_tree(ROOT, Path(folder))
        if not options.report:
            _run(tree, options, results, kept)
        everything = [{**record, "key": key} for key, record in results.items()]
        print("\nsurvivors")
        for record in everything:
            if not record["killed"] and not record.get("equivalent"):
                _tell(record)
        print("\nmutants that fail a test")
        _share(everything, tree)


def _run(tree: Path, options: argparse.Namespace, results: dict[str, dict[str, Any]], kept: Path) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import hypothesis  # noqa: F401
    import numpy  # noqa: F401
    import torch  # noqa: F401

    coverage = Coverage(options.folder / "coverage.pickle")
    if options.measure:
        coverage.files = {}
    if not options.tests:
        coverage.measure(tree, options.without)
    for mutant in _asked(tree, options, results):
        started = time.monotonic()
        record = outcome_of(tree, mutant, _planned(mutant, coverage, options.budget, options.tests))
        results[mutant.key] = record
        kept.write_text(json.dumps(results, indent=1))
        word = "killed" if record["killed"] else "SURVIVES"
        print(f"{word:8} {time.monotonic() - started:5.0f} s  {record['by']}", flush=True)
        if not record["killed"]:
            _tell(record)


def _asked(tree: Path, options: argparse.Namespace, results: dict[str, dict[str, Any]]) -> Iterator[Mutant]:
    """The mutants to run now."""
    drawn = {}
    for area in options.area or AREAS:
        mutants = [m for m in mutants_of(tree, area) if not options.file or options.file in m.file]
        random.Random(f"{options.seed} {area}").shuffle(mutants)
        drawn[area] = mutants
    if options.again:
        survivors = {key for key, record in results.items() if not record["killed"] and not record.get("equivalent")}
        yield from (mutant for mutants in drawn.values() for mutant in mutants if mutant.key in survivors)
        return
    for at in range(options.sample):  # one of each area in turn: an interrupted run is a smaller sample
        for mutants in drawn.values():
            if at < len(mutants) and mutants[at].key not in results:
                yield mutants[at]


if __name__ == "__main__":
    main()
