"""Weights go to a file and come back as they were: safetensors, and a state_dict as torch saves it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from networks import load_if_it_fits, networks

from cnncli.errors import CnnError
from cnncli.executor.network.network import Network, own_tensors
from cnncli.executor.network.weights import load_start, load_weights, save_weights
from cnncli.inference import Inferred
from cnncli.loading import load

pytestmark = pytest.mark.usefixtures("one_thread")
some = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def pair(inferred: Inferred) -> tuple[Network, Network]:
    """Two networks of random weights, all different; buffers as well."""
    networks = Network(inferred), Network(inferred)
    for seed, network in enumerate(networks, 1):
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for tensor in own_tensors(network).values():
                tensor.copy_(torch.randint(1, 9999, tensor.shape, generator=generator))
    return networks


def same(one: Network, other: Network) -> bool:
    return all(torch.equal(a, b) for a, b in zip(own_tensors(one).values(), own_tensors(other).values(), strict=True))


@some
@given(networks())
def test_saved_weights_are_restored(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    loaded = load_if_it_fits(text)
    assume(loaded is not None)
    assert loaded is not None
    one, other = pair(loaded.inferred)
    path = tmp_path_factory.mktemp("run") / "weights.safetensors"
    save_weights(one, path)
    load_weights(other, path)
    assert same(one, other)
    tensors = own_tensors(one)
    assume(tensors)
    for name in ("plain.pt", "inside.pth", "lightning.ckpt"):
        _, third = pair(loaded.inferred)
        state = one.state_dict()
        torch.save({"epoch": 3, "state_dict": state} if name != "plain.pt" else state, path.parent / name)
        said = [*load_start(third, str(path.parent / name))]
        assert same(one, third) and said == [f"{len(tensors)} of {len(tensors)} tensors from {path.parent / name}"]


def test_weights_that_do_not_match_are_unchanged_and_named(tmp_path: Path) -> None:
    one, other = pair(load("lenet5").inferred)
    state = dict(one.state_dict())
    state["c1.weight"], state["more"] = torch.zeros(6, 1, 3, 3), torch.zeros(2)
    del state["linear1.bias"]
    torch.save(state, tmp_path / "some.pt")
    before = {name: tensor.clone() for name, tensor in own_tensors(other).items()}
    with pytest.raises(CnnError, match=r"linear1\.bias"):
        list(load_start(other, str(tmp_path / "some.pt")))
    said = " ".join(load_start(other, str(tmp_path / "some.pt"), partial=True))
    assert (
        "c1.weight (6x1x3x3 in the file, 6x1x5x5 in the network)" in said
        and "linear1.bias (not in the file)" in said
        and "not used: more" in said
    )
    for name, tensor in own_tensors(other).items():
        left = name in ("c1.weight", "linear1.bias")
        assert torch.equal(tensor, before[name] if left else own_tensors(one)[name]), name


def test_weights_of_another_network_are_rejected(tmp_path: Path) -> None:
    one, _ = pair(load("lenet5").inferred)
    save_weights(one, tmp_path / "w.safetensors")
    other = Network(load("resnet18").inferred)
    with pytest.raises(CnnError, match="not the network's weights"):
        load_weights(other, tmp_path / "w.safetensors")
    with pytest.raises(CnnError, match="no tensor has the name and shape"):
        [*load_start(other, str(tmp_path / "w.safetensors"))]
