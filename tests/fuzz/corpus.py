"""What is mutated: the bundled files, sheets and keys, pictures, archives and run folders, each made once a process."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import re
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent

SMALL = """\
name: Small
input: 1x8x8
variables: {width: 4, twice: $width * 2}
defaults: {conv: {bias: false}}
blocks:
  unit:
    parameters: {width: , stride: 1, project: false}
    layers:
      - residual:
          layers: [conv: {filters: $width, kernel: 3, padding: same, stride: $stride}, batchnorm, relu]
          shortcut: [when: {test: $project, layers: [conv: {filters: $width, kernel: 1, stride: $stride}]}]
layers:
  - conv: {filters: $width, kernel: [3, 5], padding: [[1, 2], [0, 1]], name: stem}
  - unit: {width: $twice, stride: 2, project: true, name: entry}
  - repeat: {times: 2, index: i, layers: [unit: $twice, dropout: 0.1 * $i]}
  - parallel:
      branches: {left: [maxpool: {kernel: 3, stride: 1, padding: 1}], right: []}
      merge: concat
  - add: [concat1, concat1]
  - upsample: {scale: 1.5, mode: linear}
  - global_avgpool
  - linear: 10
outputs: [linear1, entry]
train: {dataset: digits, epochs: 1, lr: 1e-3}
"""
TWO_INPUTS = """\
inputs: {rgb: 3x16x16, flow: &flow 2x16x16}
layers:
- conv: {from: rgb, filters: 4, kernel: 3, padding: full, dilation: 2}
- adaptive_avgpool: {output: [5, 7]}
- depthwise_conv: {from: flow, kernel: 2, multiplier: 2, rounding: exact}
- pad: [[1, 0], [2, 3]]
- layernorm: {axes: channels}
- adaptive_maxpool: {output: [5, 7]}
- concat: [adaptive_avgpool1, adaptive_maxpool1]
- conv_transpose: {filters: 3, kernel: [3, 2], stride: 2, output_padding: 1, padding: [1, 0]}
- reshape: [3, 150]
- flatten
- linear: {units: 450}
- linear: {units: 450, share: linear1}
outputs: [linear2]
"""
TINY = """\
input: 1x8x8
variables: {width: 2}
layers: [conv: {filters: $width, kernel: 3}, batchnorm, relu, maxpool: 2, flatten, linear: 10]
train: {dataset: digits, epochs: 1, batch_size: 500, compile: off}
"""
COMMAND = "train tiny.yaml --epochs 2 --validation 0.1 --device cpu --run-dir run"
SHEET = """\
student: s-1024
architecture: lenet5
answers:
  c1.shape: 6x24x24
  c1.params: "150"
  maxpool1.shape: 6x12x12
  linear1.params: 48,120
  conv2.receptive_field: 10
  conv2.macs: 240K
  total.params: 61.7K
  solve q1: {input: 7, kernel: 3, stride: 3, output: does not fit}
  solve q2: {input: 7, kernel: 3, find: padding, padding: 1, output: 7}
  convolve q3: {input: "0 1 2; 3 4 5; 6 7 8", kernel: "0 1; 2 3", result: "19 25; 37 43"}
  q6: 2
  q7: 19 25; 37 44
"""
MIXED_KEY = """
architecture: lenet5
questions:
  c1.params: {points: 2, question: How many parameters does c1 have?}
  q1: {points: 2, numeric: 3.3, tolerance: 5%, unit: ms, accept: {slower: 4 ms}}
  q2: {choice: [max pooling, convolution, ReLU], answer: convolution}
  q3: {points: 2, choice: {x: padding, y: stride, z: bias}, answer: [x, z], partial_credit: each-answer}
  q4: {text: [ReLU, rectified linear unit], pattern: "re-?lu[0-9]?|(max|min)\\\\(0, x\\\\)"}
  q5: {manual: {formula: 2, result: 1.5}, question: Derive it.}
  q6: {points: 4, upload: , answer: see the lecture}
"""
MIXED_SHEET = """
student: Ann
answers: {c1.params: 2.576, q1: 3,3 s, q2: b, q3: "[x, y]", q4: Relu6, q5: "f = 3; f' = 0", q6: photo.jpg}
"""
QUEUE = """
# Answers to review
c1.params:  # 2 points
  - answer: "2.576"  # two readings
    by: ["Ann", "Bob"]
    automatic: "wrong, 0 of 2 points"
    why: "ambiguous"
    verdict: correct
    comment: fine
q4:
  - {answer: relu6, verdict: 0.5}
q5:
  - answer: |-
      f = 3; f' = 0
    verdict: {formula: 1, result: 1}
    # late
q6:
  - student: Ann
    verdict: points: 3
"""
KEY = """\
title: Homework 3
architecture: lenet5
conventions: {bias: [counted, not counted], rounding: floor, order: CxHxW, operations: FLOPs, padding: per side}
follow_through: 0.5
questions:
  c1.shape: 1
  c1.params: {points: 2, answer: 156}
  maxpool1.shape: 1
  conv2.params: {points: 2, accept: {as in 1998: 1516}}
  total.params: {points: 2, tolerance: 1%}
  q6: {points: 1, solve: {input: 7, kernel: 3, stride: 3}, answer: 2}
  q7: {points: 4, by_cell: true, convolve: {input: "0 1 2; 3 4 5; 6 7 8", kernel: "0 1; 2 3"}}
"""
INLINE_SHEET = """\
student: Ann
architecture:
  input: 3x16x16
  layers:
    - conv: {filters: 4, kernel: 3, stride: 2, name: a}
    - conv_transpose: {filters: 2, kernel: 3, name: b}
    - global_avgpool
answers: {a.shape: [4, 7, 7], a.flops: 1e4, b.receptive_field: 7x7, total.macs: '', a.memory: 1 MB}
"""
ROSTER = "Student,ID,Email,SIS Login ID,Section\nAnn,1,ann@x.org,s-1024,A\nBob,2,bob@x.org,s-2048,B\n"


@cache
def architectures() -> dict[str, str]:
    """The bundled files and the seeds above, by name."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "architectures").rglob("*.yaml"))}
    return {**texts, "small.yaml": SMALL, "two_inputs.yaml": TWO_INPUTS, "tiny.yaml": TINY}


@cache
def bundled_names() -> tuple[str, ...]:
    """What ARCH can be."""
    from cnncli.bundled import bundled

    return tuple(bundled())


@cache
def words() -> tuple[str, ...]:
    """The words of the language, of sheets and of keys."""
    from cnncli.language import KEYS
    from cnncli.layers import KINDS
    from cnncli.recipe import Recipe

    schemas = [name for kind in KINDS.values() for name in getattr(kind, "schema", {})]
    other = (
        "residual parallel repeat when shortcut branches merge times index test otherwise parameters from share name "
        "answers student questions points answer accept tolerance by_cell solve convolve find result input kernel "
        "stride padding dilation output conventions follow_through title architecture params shape macs flops "
        "receptive_field memory activations weights biases total conv1 c1 linear1 relu1 zeros reflect replicate "
        "circular partial max avg l2 floor ceil exact counted does_not_fit "
    )
    return tuple(sorted({*KINDS, *KEYS, *schemas, *Recipe.schema, *other.split()}))


def picture(kind: str = "PNG", size: tuple[int, int] = (8, 8), mode: str = "L", value: int = 100) -> bytes:
    """A picture file."""
    from PIL import Image

    file = io.BytesIO()
    image = Image.new(mode, size, value if mode in ("L", "P", "I;16") else None)
    image.putpixel((1, 1), image.getpixel((0, 0)) or 1)
    image.save(file, kind)
    return file.getvalue()


@cache
def pictures() -> dict[str, bytes]:
    """Pictures of several formats and modes, by name."""
    found = {
        f"{kind}_{mode.replace(';', '')}.{kind.lower()}": picture(kind, mode=mode)
        for kind, modes in {
            "PNG": ("L", "RGB", "RGBA", "P", "1", "I;16"), "JPEG": ("L", "RGB", "CMYK"), "GIF": ("P",),
            "BMP": ("RGB", "L"), "TIFF": ("L", "RGB", "I;16"), "WEBP": ("RGB",), "PPM": ("RGB",),
        }.items()
        for mode in modes
    }  # fmt: skip
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
    return {**found, "eps.png": eps, "eps.eps": eps}


def classes_of_images(per_class: int = 5) -> dict[str, bytes]:
    """A folder of images per class."""
    return {
        f"{name}/{number}.png": picture(value=20 * number + place)
        for place, name in enumerate(("cat", "dog"))
        for number in range(per_class)
    }


def zip_of(files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def tar_of(files: Mapping[str, bytes], mode: str = "w") -> bytes:
    """A tar archive; the mode is that of tarfile, as ``w:gz``."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def npz_of(**arrays: object) -> bytes:
    """A file of arrays."""
    import numpy as np

    out = io.BytesIO()
    np.savez(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def npy_of(array: object) -> bytes:
    """A file of one array."""
    import numpy as np

    out = io.BytesIO()
    np.save(out, array)  # type: ignore[arg-type]
    return out.getvalue()


def idx_of(dimensions: tuple[int, ...], data: bytes) -> bytes:
    """A gzipped IDX file."""
    head = struct.pack(f">BBBB{len(dimensions)}I", 0, 0, 8, len(dimensions), *dimensions)
    return gzip.compress(head + data, mtime=0)


def mnist_files(count: int = 20) -> dict[str, bytes]:
    """The four files of MNIST, with few examples."""
    found = {}
    for part in ("train", "t10k"):
        found[f"mnist/{part}-images-idx3-ubyte.gz"] = idx_of((count, 28, 28), bytes(range(196)) * 4 * count)
        found[f"mnist/{part}-labels-idx1-ubyte.gz"] = idx_of((count,), bytes(number % 10 for number in range(count)))
    return found


def cifar_files() -> dict[str, bytes]:
    """CIFAR-10 in its binary form, with few examples, as a folder."""
    record = b"".join(bytes([number % 10]) + bytes([number]) * 3072 for number in range(10))
    folder = "cifar10/cifar-10-batches-bin"
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    meta = "airplane automobile bird cat deer dog frog horse ship truck".replace(" ", "\n").encode()
    return {**{f"{folder}/{name}": record for name in names}, f"{folder}/batches.meta.txt": meta + b"\n"}


def shard_files() -> dict[str, bytes]:
    """The members of a WebDataset shard."""
    found: dict[str, bytes] = {}
    for number in range(12):
        found |= {f"{number:04d}.png": picture(value=number * 9), f"{number:04d}.cls": str(number % 3).encode()}
    return found


TABLE = "a,b,c,label\n" + "".join(f"{n / 3:.3f},{n},{-n},{n % 3}\n" for n in range(30))


@cache
def run_files() -> dict[str, bytes]:
    """The files of a run folder that was interrupted after an epoch, with its checkpoint, by name."""
    import sys

    from cnncli.__main__ import main

    before, where = sys.argv, Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        try:
            Path(folder, "tiny.yaml").write_text(TINY, encoding="utf-8")
            with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as out:
                sys.argv = ["cnn", *COMMAND.split()]
                with contextlib.redirect_stderr(out):
                    try:
                        main()
                    except SystemExit as ending:
                        assert not ending.code, out.getvalue()
        finally:
            sys.argv = before
            assert Path.cwd() == where
        return {path.name: _timeless(path) for path in sorted(Path(folder, "run").iterdir())}


def _timeless(path: Path) -> bytes:
    """A file of the run without what differs from run to run: when it was, and how long it took."""
    data = path.read_bytes()
    if path.name.startswith("checkpoint"):
        tensors, numbers = opened_checkpoint(data)
        return checkpoint_of(tensors, {name: 1.5 if "seconds" in name else value for name, value in numbers.items()})
    if path.name.endswith(".safetensors"):
        return in_order(data)
    data = re.sub(rb'("began": )"[^"]*"', rb'\1"2026-01-01T00:00:00+00:00"', data)
    return re.sub(rb'("\w*second\w*": )[0-9.e-]+', rb"\g<1>1.5", data)


def in_order(data: bytes) -> bytes:
    """A safetensors file with its header in order: the library writes the metadata in a random one."""
    length = int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8 : 8 + length]), sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def opened_checkpoint(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tensors and the numbers of a checkpoint."""
    from safetensors.torch import load

    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return load(data), json.loads(header["__metadata__"]["numbers"])


def checkpoint_of(tensors: dict[str, Any], numbers: Any) -> bytes:
    """A whole checkpoint, with its checksum."""
    from cnncli.executor.training.checkpoint import LAST, Checkpoint, write_checkpoint

    with tempfile.TemporaryDirectory() as folder:
        write_checkpoint(Path(folder), Checkpoint(tensors, numbers))
        return in_order(Path(folder, LAST).read_bytes())
