"""Rows of the registry, and datasets whose published files are small ones of a test."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import pytest

from cnncli.data import registry
from cnncli.data.registry import DatasetRow, Published, Records, Remote


def row_of(name: str) -> DatasetRow:
    return registry.find_dataset(name)[0]


def published(name: str) -> Published:
    found = row_of(name).published
    assert found is not None
    return found


def records(name: str) -> Records:
    found = published(name).records
    assert found is not None
    return found


def publish(monkeypatch: pytest.MonkeyPatch, name: str, contents: Mapping[str, bytes]) -> None:
    """Make these contents the right ones of the dataset's downloads."""
    remotes = {file: Remote(hashlib.sha256(content).hexdigest(), len(content)) for file, content in contents.items()}
    row = replace(row_of(name), published=replace(published(name), downloads=remotes))
    rows = tuple(row if each.name == name else each for each in registry.DATASETS)
    monkeypatch.setattr(registry, "DATASETS", rows)
