"""A case: one command line with the files that it is run among, which can be written as JSON and made on disk."""

from __future__ import annotations

import base64
import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TORCH = ("train", "evaluate", "predict", "export", "verify")  # commands that compute with it
OUTSIDE = "@OUTSIDE@"  # in files: replaced by a watched folder outside of the working folder


@dataclass(frozen=True)
class Link:
    """A symbolic link to ``target``."""

    target: str


@dataclass(frozen=True)
class Fifo:
    """A named pipe that nobody writes to."""


@dataclass(frozen=True)
class Sparse:
    """A file of ``size`` zero bytes that takes no place on the disk."""

    size: int


Content = bytes | Link | Fifo | Sparse


@dataclass(frozen=True)
class Case:
    """``cnn ARGV`` in a working folder that holds ``files``, which are given by their relative paths.

    ``closed`` are descriptors that the process starts without (0 standard input, 1 standard output).
    """

    argv: tuple[str, ...]
    files: Mapping[str, Content] = field(default_factory=dict)
    stdin: bytes = b""
    area: str = ""
    closed: tuple[int, ...] = ()
    why: str = ""  # of a case that is kept: what was wrong once

    @property
    def uses_torch(self) -> bool:
        """Whether the command may compute with torch, which takes the time that the user asks for."""
        return bool(self.argv) and self.argv[0] in TORCH

    @property
    def command_line(self) -> str:
        """What to type."""
        closed = "".join(f" {'<' if number == 0 else '>' if number == 1 else '2>'}&-" for number in self.closed)
        return shlex.join(["cnn", *self.argv]) + closed

    def write_files(self, folder: Path, outside: Path) -> None:
        """Make the files in ``folder``. Names that cannot be made on this file system are left out."""
        replacement = os.fsencode(outside)
        for name, content in self.files.items():
            path = folder / name
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                match content:
                    case Link(target):
                        path.symlink_to(target.replace(OUTSIDE, str(outside)))
                    case Fifo():
                        os.mkfifo(path)
                    case Sparse(size):
                        with path.open("wb") as file:
                            file.truncate(size)
                    case bytes():
                        path.write_bytes(content.replace(OUTSIDE.encode(), replacement))
            except (OSError, ValueError):
                continue

    def to_json(self) -> str:
        """The case as JSON text, with bytes as text where they are UTF-8 and as base64 where they are not."""
        record: dict[str, Any] = {"why": self.why, "argv": list(self.argv), "area": self.area}
        record["files"] = {name: _encode(content) for name, content in self.files.items()}
        if self.stdin:
            record["stdin"] = _encode(self.stdin)
        if self.closed:
            record["closed"] = list(self.closed)
        return json.dumps(record, indent=1, ensure_ascii=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Case:
        """The case that :meth:`to_json` wrote."""
        record = json.loads(text)
        files = {name: _decode(content) for name, content in record.get("files", {}).items()}
        stdin = _decode(record.get("stdin", ""))
        assert isinstance(stdin, bytes)
        return cls(
            tuple(record["argv"]), files, stdin, record.get("area", ""), tuple(record.get("closed", ())), record["why"]
        )


def _encode(content: Content) -> str | dict[str, Any]:
    match content:
        case Link(target):
            return {"link": target}
        case Fifo():
            return {"fifo": True}
        case Sparse(size):
            return {"sparse": size}
        case bytes():
            try:
                return content.decode("utf-8")
            except UnicodeDecodeError:
                return {"base64": base64.b64encode(content).decode("ascii")}


def _decode(content: str | dict[str, Any]) -> Content:
    if isinstance(content, str):
        return content.encode("utf-8")
    if "link" in content:
        return Link(content["link"])
    if "fifo" in content:
        return Fifo()
    if "sparse" in content:
        return Sparse(content["sparse"])
    return base64.b64decode(content["base64"])
