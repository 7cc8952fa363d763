"""What tests of hostile files share: a process of little memory, and changes to the bytes of a file."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

from hypothesis import strategies as st
from program import Ended

GIB = 1 << 30


def limited(*arguments: object, memory: int = GIB, seconds: float = 30) -> Ended:
    """Run ``cnn ARGS`` in a process that has ``memory`` bytes of address space."""
    result = subprocess.run(
        [sys.executable, "-m", "cnncli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=seconds,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)),
        check=False,
    )
    return Ended(result.returncode, result.stdout, result.stderr)


def mutations() -> st.SearchStrategy[list[tuple[float, str, bytes]]]:
    """Places, as a share of the file, and what is done there."""
    number = st.sampled_from([b"\0", b"\xff", b"-", b"0", b"7777", b"\x80\0\0", b"\xff" * 8, b"\n", b"PK\1\2"])
    content = number | st.binary(min_size=1, max_size=12)
    return st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from(["write", "insert", "delete", "cut", "double"]), content),
        min_size=1,
        max_size=4,
    )


def mutated(data: bytes, changes: list[tuple[float, str, bytes]]) -> bytes:
    for share, what, new in changes:
        at = int(share * len(data))
        data = {
            "write": data[:at] + new + data[at + len(new) :],
            "insert": data[:at] + new + data[at:],
            "delete": data[:at] + data[at + len(new) :],
            "cut": data[:at],
            "double": data[:at] + data[at // 2 :],
        }[what]
    return data
