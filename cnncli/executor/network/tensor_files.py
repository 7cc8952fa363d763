"""Untrusted safetensors files: names, shapes and types are checked before any value is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from safetensors import SafetensorError, safe_open
from torch import Tensor

from cnncli.errors import CnnError, shortened
from cnncli.io.files import open_regular

DTYPES = {  # safetensors' names of the types that training writes; messages show others as they are
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
SECOND_MOMENTS = ("exp_avg_sq", "square_avg", "running_var")  # never negative


class DamagedError(Exception):
    """A file does not hold what it should; the message is a predicate: "is missing"."""


class TensorSpec(NamedTuple):
    """Shape and type of a tensor."""

    shape: tuple[int, ...]
    dtype: str

    @classmethod
    def of(cls, tensor: Tensor) -> TensorSpec:
        return cls(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))

    def __str__(self) -> str:
        return f"{'x'.join(map(str, self.shape)) or 'a single'} {self.dtype}"


class TensorFile(NamedTuple):
    """An open file: the specs of its tensors by name, its metadata, and the function that reads one tensor."""

    specs: dict[str, TensorSpec]
    metadata: dict[str, str]
    read: Callable[[str], Tensor]


def open_tensors(path: Path) -> BinaryIO:
    """Open a weights file. Raises DamagedError if it is not a regular file, and OSError."""
    try:
        return open_regular(path)
    except CnnError:
        raise DamagedError("is not a regular file") from None


@contextmanager
def opened(path: Path) -> Iterator[TensorFile]:
    """Open a safetensors file. safetensors checks that its tensors lie within the file.

    Raises DamagedError if the file is missing, not a regular file or not safetensors; also for errors in the block.
    """
    try:
        open_tensors(path).close()  # safetensors itself would wait for a pipe
        with safe_open(path, framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
            specs = {
                name: TensorSpec(tuple(part.get_shape()), DTYPES.get(part.get_dtype(), part.get_dtype()))
                for name, part in slices.items()
            }
            yield TensorFile(specs, dict(file.metadata() or {}), file.get_tensor)
    except FileNotFoundError:
        raise DamagedError("is missing") from None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, MemoryError) as error:
        raise DamagedError(f"cannot be read ({(str(error).splitlines() or ['?'])[0]})") from None


def check_specs(found: dict[str, TensorSpec], expected: dict[str, tuple[TensorSpec, ...]], required: set[str]) -> None:
    """Raises DamagedError naming the first tensor that is missing, unknown, or unlike its ``expected`` specs."""
    for name in sorted(required):
        if name not in found:
            raise DamagedError(f"has no tensor {name}, expected {expected[name][0]}")
    for name, spec in found.items():
        if name not in expected:
            raise DamagedError(f"holds an unknown tensor {shortened(name, 100)!r}")
        if spec not in expected[name]:
            raise DamagedError(f"holds {name} as {spec}, expected {' or '.join(map(str, expected[name]))}")


def check_values(name: str, tensor: Tensor) -> None:
    """Raises DamagedError if a tensor holds values that training cannot give: NaN, or a negative variance."""
    kind = name.rpartition("/")[2].rpartition(".")[2]
    if not tensor.is_floating_point():
        bad = bool((tensor < 0).any())
        wanted = "no negative numbers"
    elif kind in SECOND_MOMENTS:  # a square may overflow float32, and the step is 0 then
        bad = bool((tensor < 0).any() | tensor.isnan().any())
        wanted = "no negative numbers and no NaN"
    else:
        bad = not bool(tensor.isfinite().all())
        wanted = "finite numbers"
    if bad:
        raise DamagedError(f"holds values in {name} that are out of range, expected {wanted}")
