"""What the tests of datasets share: nothing of the machine they run on has an influence on them."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache folder, no settings, and no proxy between a test and its server on loopback."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path_factory.mktemp("cache") / name)
    for name in ("CNN_DATA", "CNN_MIRROR", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def shared_data() -> Path:
    """The folder with real datasets beside the checkout; tests that need it are skipped where there is none."""
    folder = Path(__file__).parents[2].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no shared data beside this checkout")
    return folder
