"""Files that are no description of a network: what they are, by their first bytes or by their text."""

from __future__ import annotations

import re

SIGNATURES = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"RIFF", "a media file (RIFF)"),
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive, as PyTorch's checkpoints and Keras's .keras files are"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89HDF", "an HDF5 file, as Keras's .h5 weights are"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x80\x02", "a pickle, as PyTorch's older checkpoints are"),
    (b"\x80\x03", "a pickle"),
    (b"\x80\x04", "a pickle"),
)
HINT = "write input: 1x28x28 and a list layers: with a line for each layer, e.g. - conv: {filters: 6, kernel: 5}"
_CHARACTERS = 20_000  # of a text, from which its kind is told

_PYTHON = re.compile(
    r"^[ \t]*(import \w+|from [\w.]+ import |class \w+[^\n]*: *$|def \w+\(|self\.\w+ *=|model\.add\(|#!.*python"
    r"|[\w. ]{0,60}=? ?(torch\.|tf\.|keras\.|nn\.)[\w.]+\()|^\w+ *= *\w*Sequential\(|\bF\.\w+\(",
    re.M,
)
_TEXTS = (
    (re.compile(r'\A\s*[{\[].*"nbformat"', re.S), "a Jupyter notebook"),
    (re.compile(r'\A\s*\{.*"class_name"', re.S), "a Keras model as JSON"),
    (re.compile(r"^ +\(\w+\): \w+\(", re.M), "a printed PyTorch model"),
    (re.compile(r"Layer \(type|^Model: \"", re.M), "a printed summary of a model"),
    (_PYTHON, "Python code"),
    (re.compile(r"^layers? *\{ *$", re.M), "a Caffe prototxt file"),
    (re.compile(r"^\[net(work)?\]", re.M), "a darknet configuration"),
    (re.compile(r"\A\s*<[!?\w]"), "an HTML or XML file"),
    (re.compile(r'\A\s*\{\s*"', re.S), "a JSON file without input and layers"),
)
_OWN = re.compile(r"""^[ \t]*["']?(layers|inputs?)["']?\s*[:=：]|"(layers|inputs?)":\s*["\[{]\s*["\d]""", re.M | re.I)


def binary_file(data: bytes) -> str:
    """What a file with these first bytes is; "" if unknown."""
    if b"onnx" in data[:64] or b"pytorch\x1a" in data[:64] or data[:2] == b"\x08\x07":
        return "an ONNX model"
    if data[8:10] == b'{"' and data[2:8] == b"\0\0\0\0\0\0":
        return "a safetensors file"
    return next((what for signature, what in SIGNATURES if data.startswith(signature) and _is_binary(data)), "")


def _is_binary(data: bytes) -> bool:
    """Whether the bytes cannot be a text, which may begin with BM or GIF8."""
    return data[0] > 127 or data.startswith(b"%PDF-") or any(byte < 9 for byte in data)


def foreign_text(text: str) -> str:
    """What a text is that describes no network; "" if unknown, or if it names its input or layers."""
    text = text[:_CHARACTERS]
    keras = '"class_name"' in text
    if not keras and _OWN.search(text):
        return ""
    what = next((what for pattern, what in _TEXTS if pattern.search(text)), "")
    return what or ("a table of values" if _is_table(text.splitlines()[:20]) else "")


def _is_table(lines: list[str]) -> bool:
    """Whether all lines have the same number of commas, semicolons or tabs, and no colon."""
    counts = [{line.count(sign) for line in lines if line.strip()} for sign in ",;\t"]
    return (
        len(lines) > 1
        and not any(":" in line for line in lines)
        and any(len(count) == 1 and 0 not in count for count in counts)
    )
