"""What workers agree on, and the exit code of a training on several of them, without starting any."""

from __future__ import annotations

from typing import Any

import pytest

from cnncli.executor.runtime import distributed


@pytest.mark.parametrize(("texts", "first"), [(["", "b", "c"], "b"), (["", ""], ""), (["a"], "a")])
def test_the_first_text_of_the_workers_that_say_something_is_that_of_all(
    monkeypatch: pytest.MonkeyPatch, texts: list[str], first: str
) -> None:
    def gathered(found: list[Any], own: str, group: object) -> None:
        assert len(found) == len(texts) and own == "own"
        found[:] = texts

    monkeypatch.setattr(distributed, "world_size", lambda: len(texts))
    monkeypatch.setattr(distributed.dist, "all_gather_object", gathered)
    monkeypatch.setattr(distributed, "_control", [None])
    assert distributed.gather_text("own") == (first if len(texts) > 1 else "own")


@pytest.mark.parametrize(("exitcode", "code"), [(0, 0), (2, 2), (1, 1), (-9, 137), (-15, 143)])
def test_the_exit_code_is_that_of_the_worker_that_failed_first(
    monkeypatch: pytest.MonkeyPatch, exitcode: int, code: int
) -> None:
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
    from torch.distributed.launcher import api

    asked: list[Any] = []

    def elastic_launch(config: Any, program: str) -> Any:
        asked.append(config)

        def failing(*arguments: str) -> None:
            if exitcode:
                raise ChildFailedError("cnn", {0: ProcessFailure(0, 1, exitcode, "no file")})

        return failing

    monkeypatch.setattr(api, "elastic_launch", elastic_launch)
    monkeypatch.setattr(distributed.logging, "disable", lambda level: None)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert distributed.launch(3, 5, ["train"]) == code
    (config,) = asked
    assert (config.min_nodes, config.max_nodes, config.nproc_per_node, config.max_restarts) == (1, 1, 3, 5)
