"""Files of weights are hostile input: what is taken is what the network has, and everything else is refused by name."""

from __future__ import annotations

import math
import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from cnncli.errors import CnnError
from cnncli.executor.network.initialization import initialize
from cnncli.executor.network.network import Network, own_tensors
from cnncli.executor.network.weights import load_start, load_weights, save_weights
from cnncli.language import Source
from cnncli.loading import load_source

NET = "input: 1x8x8\nlayers: [conv: {filters: 3, kernel: 3}, batchnorm, relu, flatten, linear: 4]\n"
NAMES = ("conv1.weight", "conv1.bias", "batchnorm1.weight", "batchnorm1.running_var", "linear1.weight", "linear1.bias")
DTYPES = (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool)


def network(seed: int) -> Network:
    made = Network(load_source(Source("net", NET), "net").inferred)
    initialize(made, "kaiming", seed)
    return made


def whole() -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in own_tensors(network(1)).items()}


CHANGES: dict[str, Callable[[Tensor], Tensor | None]] = {
    "missing": lambda tensor: None,
    "longer": lambda tensor: torch.cat([tensor, tensor]),
    "of another rank": lambda tensor: tensor[None],
    "empty": lambda tensor: tensor.new_zeros(0),
    "one": lambda tensor: tensor.new_zeros(()),
    "not a number": lambda tensor: torch.full_like(tensor, math.nan),
    **{f"of {dtype}": lambda tensor, dtype=dtype: tensor.to(dtype) for dtype in DTYPES},  # type: ignore[misc]
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(st.sampled_from(NAMES), st.sampled_from([*CHANGES]), min_size=1, max_size=2))
def test_changed_weights_of_a_run_are_rejected_by_name(tmp_path: Path, changes: dict[str, str]) -> None:
    tensors = whole()
    for name, change in changes.items():
        new = CHANGES[change](tensors.pop(name))
        tensors |= {} if new is None else {name: new.contiguous()}
    save_file(tensors, tmp_path / "weights.safetensors")
    with pytest.raises(CnnError) as refusal:
        load_weights(network(2), tmp_path / "weights.safetensors")
    assert any(name in str(refusal.value) for name in changes)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.dictionaries(st.sampled_from(NAMES), st.sampled_from([*CHANGES]), max_size=len(NAMES)),
    partial=st.booleans(),
    kind=st.sampled_from(["start.safetensors", "start.pt"]),
)
def test_initial_weights_that_match_are_copied_and_incomplete_ones_are_an_error(
    tmp_path: Path, changes: dict[str, str], partial: bool, kind: str
) -> None:
    """Numbers of another precision are converted, floats and integers are not; NaN is an error."""
    tensors, target, before = whole(), network(2), own_tensors(network(2))
    given_tensors = dict(tensors)
    for name, change in changes.items():
        new = CHANGES[change](given_tensors.pop(name))
        given_tensors |= {} if new is None else {name: new.contiguous()}
    file = tmp_path / kind
    save_file(given_tensors, file) if kind.endswith("safetensors") else torch.save(given_tensors, file)
    converted = {f"of {dtype}" for dtype in DTYPES[:3]}
    left = {name for name, change in changes.items() if change not in converted | {"not a number"}}
    if "not a number" in changes.values() or (left and not partial):
        with pytest.raises(CnnError) as refusal:
            list(load_start(target, str(file), partial=partial))
        assert "out of range" in str(refusal.value) or all(name in str(refusal.value) for name in left)
        return
    notes = "\n".join(load_start(target, str(file), partial=partial))
    assert f"{len(tensors) - len(left)} of {len(tensors)} tensors" in notes
    for name, tensor in own_tensors(target).items():
        assert (name in notes) == (name in left)
        expected = before[name] if name in left else given_tensors[name].to(tensor.dtype)
        assert torch.equal(tensor, expected), name


class _Code:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("made",)


ODD: dict[str, Callable[[], object]] = {
    "a list": lambda: [torch.ones(3)],
    "nothing": dict,
    "None": lambda: None,
    "a number": lambda: 3,
    "a tensor": lambda: torch.ones(3),
    "keys that are numbers": lambda: {1: torch.ones(3), (2, 3): torch.ones(3)},
    "values that are texts": lambda: {"conv1.weight": "x", "linear1.bias": None},
    "nested": lambda: {"model": whole(), "epoch": 3},
    "a state_dict that is a list": lambda: {"state_dict": [1, 2]},
    "deep": lambda: {"state_dict": {"state_dict": {"state_dict": {}}}},
    "sparse": lambda: {name: tensor.to_sparse() for name, tensor in whole().items()},
    "compressed rows": lambda: {"linear1.weight": whole()["linear1.weight"].to_sparse_csr()},
    "quantized": lambda: {
        name: torch.quantize_per_tensor(tensor.float(), 0.1, 0, torch.qint8) for name, tensor in whole().items()
    },
    "complex": lambda: {name: tensor.to(torch.complex64) for name, tensor in whole().items()},
    "meta": lambda: {name: tensor.to("meta") for name, tensor in whole().items()},
    "whole numbers": lambda: {name: tensor.to(torch.int64) for name, tensor in whole().items()},
    "expanded": lambda: {name: torch.ones(1).expand(10**12) for name in whole()},
    "a network": lambda: torch.nn.Linear(2, 3),
    "code": _Code,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("what", ODD)
def test_odd_contents_of_a_pickle_are_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(ODD[what](), "odd.pt")
    before = whole_of(network(2))
    target = network(2)
    for partial in (False, True):
        with pytest.raises(CnnError, match=r"--init odd\.pt"):
            list(load_start(target, "odd.pt", partial=partial))
    assert all(torch.equal(tensor, before[name]) for name, tensor in own_tensors(target).items())
    assert not Path("made").exists()


def whole_of(made: Network) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in own_tensors(made).items()}


def _bomb(path: Path) -> None:
    torch.save(whole(), path.with_suffix(".zip"))
    with zipfile.ZipFile(path.with_suffix(".zip")) as plain, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in plain.infolist():
            packed.writestr(entry.filename, plain.read(entry) + b"\0" * 1_000_000)


BYTES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("input: 1x8x8\n"),
    "a pickle": lambda path: path.write_bytes(pickle.dumps(_Code())),
    "a pickle of a mapping": lambda path: path.write_bytes(pickle.dumps(OrderedDict(a=1))),
    "cut": lambda path: (torch.save(whole(), path), path.write_bytes(path.read_bytes()[:500])),
    "compressed": _bomb,
    "a folder": lambda path: path.mkdir(),
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "a pipe": lambda path: os.mkfifo(path),
    "huge": lambda path: (path.touch(), os.truncate(path, 1 << 40)),
    "missing": lambda path: None,
}


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
@pytest.mark.parametrize("what", BYTES)
def test_files_that_hold_no_weights_are_one_clear_error(tmp_path: Path, what: str, suffix: str) -> None:
    path = tmp_path / f"odd.{suffix}"
    BYTES[what](path)
    with pytest.raises(CnnError, match="--init"):
        list(load_start(network(2), str(path)))
    if suffix == "safetensors":
        with pytest.raises(CnnError, match="weights"):
            load_weights(network(2), path)


def test_weights_are_restored_exactly(tmp_path: Path) -> None:
    save_weights(network(1), tmp_path / "weights.safetensors")
    torch.save({"state_dict": whole(), "epoch": 3}, tmp_path / "weights.pt")
    for name in ("weights.safetensors", "weights.pt"):
        target = network(2)
        assert len(list(load_start(target, str(tmp_path / name)))) == 1
        assert all(torch.equal(tensor, whole()[key]) for key, tensor in own_tensors(target).items())
    target = network(3)
    load_weights(target, tmp_path / "weights.safetensors")
    assert all(torch.equal(tensor, whole()[key]) for key, tensor in own_tensors(target).items())
