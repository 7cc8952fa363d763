"""Answer sheets, keys and class lists."""

from __future__ import annotations

from random import Random

from . import corpus
from .cases import OUTSIDE, Case, Content, Fifo, Link
from .mutations import mutate_csv, mutate_words, mutate_yaml
from .options import some_options

SHEETS = (corpus.SHEET, corpus.SHEET, corpus.INLINE_SHEET, corpus.MIXED_SHEET)
FORMS = ("markdown", "latex", "html", "yaml", "key", "gift", "moodle", "json")
STUDENTS = ("Ann", "../../x", "/", "a/b", "=cmd()", "<b>", "é", "a" * 300, ".", "", OUTSIDE, "con", "a\\b", "\u202eabc")


def _sheet(rng: Random) -> bytes:
    text = rng.choice(SHEETS)
    if rng.random() < 0.2:
        text = text.replace("s-1024", rng.choice(STUDENTS)).replace("Ann", rng.choice(STUDENTS))
    return mutate_yaml(rng, text, corpus.words()) if rng.random() < 0.8 else text.encode()


def generate(rng: Random) -> Case:
    """Something of homework that is changed."""
    match rng.randrange(8):
        case 0 | 1 | 2:
            options = some_options(rng, "check", ("sheet.yaml",))
            return Case(("check", "sheet.yaml", *options), {"sheet.yaml": _sheet(rng)})
        case 3:
            seed, form = rng.randrange(1000), rng.choice(FORMS)
            more = some_options(rng, "quiz", ("class.csv",))
            files: dict[str, Content] = {"class.csv": mutate_csv(rng, corpus.ROSTER)}
            return Case(("quiz", f"--seed={seed}", "--questions=2", "--format", form, *more), files, b"1\n2\n\nx\n")
        case _:
            return _class(rng)


def _class(rng: Random) -> Case:
    text = rng.choice((corpus.KEY, corpus.MIXED_KEY))
    key = mutate_yaml(rng, text, corpus.words()) if rng.random() < 0.6 else text.encode()
    files: dict[str, Content] = {"key.yaml": key, "class.csv": mutate_csv(rng, corpus.ROSTER)}
    for number in range(rng.choice((1, 2, 3))):
        files[f"class/{rng.choice(('a', 'b', 'c', 'é', 'a b'))}{number}.yaml"] = _sheet(rng)
    if rng.random() < 0.05:
        files["class/odd.yaml"] = rng.choice((Fifo(), Link("/dev/zero"), Link("odd.yaml"), b"", b"\xff\xfe"))
    argv = ["grade", "key.yaml", "class"]
    if rng.random() < 0.4:
        argv += ["-o", "out"]
    if rng.random() < 0.3:
        argv += ["--roster", "class.csv"]
    if rng.random() < 0.3:
        argv += ["--review", "queue.yaml"]
        if rng.random() < 0.7:
            files["queue.yaml"] = mutate_yaml(rng, corpus.QUEUE, corpus.words())
    if rng.random() < 0.1:
        argv[1:2] = ["class"]
    if rng.random() < 0.1:
        files["key.yaml"] = mutate_words(rng, corpus.SHEET, corpus.words()).encode("utf-8", "surrogatepass")
    return Case((*argv, *some_options(rng, "grade", ("class", "class.csv"), rng.choice((0, 0, 1)))), files)
