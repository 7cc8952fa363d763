"""An autograder for Gradescope: the key, this program, and the two scripts that Gradescope runs.

Gradescope extracts the archive to /autograder/source, runs ``setup.sh`` there once, when the image is built, and
``/autograder/run_autograder`` for each submission, which is in /autograder/submission; the results are read from
/autograder/results/results.json (https://gradescope-autograders.readthedocs.io/en/latest/specs/).
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from cnncli.homework.autograder.wheel import WHEEL_NAME, program_wheel
from cnncli.homework.grading.submissions import find_keys
from cnncli.io.files import TEXT_LIMIT, is_file, read_bytes
from cnncli.io.writing import zip_archive
from cnncli.language.source import Mapping, Scalar, parse, read_text
from cnncli.loading import FILE_ENDINGS

# What grading imports; PyTorch is not among it. Versions are those of pyproject.toml.
NEEDED = ("click>=8.1", "numpy>=1.26", "pyyaml>=6")
SCRIPTS = ("setup.sh", "run_autograder")
OPTION_FILES = {"--roster": ".csv", "--review": ".yaml"}  # the ends of their names
KEY, KEYS = "key/answer_key.yaml", "keys"

SETUP = f"""#!/usr/bin/env bash
# Installs cnn without its dependencies for training, in an environment of its own.
set -euo pipefail
root=$(cd "$(dirname "${{BASH_SOURCE[0]}}")" && pwd)
is_new_enough() {{ "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }}
python=python3
if ! is_new_enough "$python"; then
  apt-get update -y
  for version in 3.13 3.12 3.11; do
    if apt-get install -y "python$version" "python$version-venv"; then python=python$version; break; fi
  done
fi
"$python" -m venv "$root/venv"
"$root/venv/bin/pip" install --no-deps {" ".join(f'"{name}"' for name in NEEDED)} "$root/{WHEEL_NAME}"
"$root/venv/bin/cnn" --version
"""

RUN = """#!/usr/bin/env bash
# Grades the submission by the key. Gradescope copies this file to the folder above source/.
here=$(cd "$(dirname "${{BASH_SOURCE[0]}}")" && pwd)
source="$here/source"
results="$here/results/results.json"
mkdir -p "$here/results"
rm -f "$results"
"$source/venv/bin/cnn" grade "$source/{key}" "$here/submission" --gradescope "$results"{options}
if [ ! -s "$results" ]; then
  output="The submission could not be graded. Please tell your teacher."
  echo "{{\\"score\\": 0, \\"output\\": \\"$output\\", \\"tests\\": []}}" > "$results"
fi
"""


def autograder_zip(key: Path, given: dict[str, Path | None], *, hide_answers: bool) -> bytes:
    """The archive for a key, or a folder of keys, and the files ``given`` as options; all were checked.

    Raises CnnError.
    """
    files = _key_files(key)
    options = " --hide-answers" if hide_answers else ""
    for option, path in given.items():
        if path is not None:
            name = f"options/{option.removeprefix('--')}{OPTION_FILES[option]}"
            files[name] = read_bytes(path)
            options += f' {option} "$source/{name}"'
    run = RUN.format(key=KEYS if key.is_dir() else KEY, options=options)
    files |= {"setup.sh": SETUP.encode(), "run_autograder": run.encode(), WHEEL_NAME: program_wheel()}
    return zip_archive(files, executable=SCRIPTS)


def _key_files(key: Path) -> dict[str, bytes]:
    """The keys, each with the network file that it names."""
    if not key.is_dir():
        return _with_network(key, PurePosixPath(KEY))
    found: dict[str, bytes] = {}
    for file in find_keys(key, lambda _path, _reason: None):  # what is skipped was reported when the keys were read
        found |= _with_network(file, KEYS / PurePosixPath(file.relative_to(key).as_posix()))
    return found


def _with_network(key: Path, name: PurePosixPath) -> dict[str, bytes]:
    found = {str(name): read_bytes(key, TEXT_LIMIT)}
    source = read_text(str(key))
    root = parse(source)
    node = root.entries.get("architecture") if isinstance(root, Mapping) else None
    if not isinstance(node, Scalar) or not node.text.endswith(FILE_ENDINGS):
        return found  # a bundled network, one written inline, or none
    inside = PurePosixPath(node.text.replace("\\", "/"))
    if inside.is_absolute() or ".." in inside.parts or not is_file(key.parent / node.text):
        raise source.error(node, f"{node.text} is not in the folder of the key", "put it beside the key")
    return found | {str(name.parent / inside): read_bytes(key.parent / node.text, TEXT_LIMIT)}
