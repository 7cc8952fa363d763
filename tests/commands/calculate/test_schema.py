"""cnn schema: printed or written. What the schema accepts is tested in tests/views/test_json_schema.py."""

from __future__ import annotations

import json
from pathlib import Path

from program import Run

from cnncli.views.json_schema import architecture_schema


def test_it_is_printed_or_written(cnn: Run, tmp_path: Path) -> None:
    assert json.loads(cnn("schema").out) == architecture_schema()
    written = tmp_path / "cnn.schema.json"
    ended = cnn("schema", "-o", written)
    assert (ended.code, ended.out, ended.err) == (0, "", f"wrote {written}\n")
    assert json.loads(written.read_text(encoding="utf-8")) == architecture_schema()


def test_a_place_that_cannot_be_written_is_an_error(cnn: Run, tmp_path: Path) -> None:
    ended = cnn("schema", "-o", tmp_path / "none" / "file")
    assert ended.code == 2 and "none/file: cannot be written: No such file or directory" in ended.err
