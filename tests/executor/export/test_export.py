"""``cnn export``: the files compute what the network computes, in a process that has no cnn."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from program import Run
from safetensors.torch import load_file, save_file
from torch import Tensor

from cnncli import load
from cnncli.arithmetic.shape import format_shape
from cnncli.bundled import bundled
from cnncli.executor.network.initialization import initialize
from cnncli.executor.network.network import Network, own_tensors
from cnncli.executor.network.weights import load_weights
from cnncli.recipe.serialization import read_recipe
from cnncli.runs import folder

DRAWN = 6  # bundled networks
LARGEST = 12_000_000  # parameters of those

OUTSIDE = """
import runpy, sys
from pathlib import Path
sys.modules["cnncli"] = None  # an import of it fails
import torch
from safetensors.torch import load_file, save_file
torch.set_num_threads(1)
for name in sys.argv[1:]:
    model = runpy.run_path(f"{name}.py")["load"]()
    assert not model.training
    with torch.inference_mode():
        output = model(load_file(f"{name}.input")["input"])
    save_file({"output": output.contiguous()}, f"{name}.output")
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None) -> None:
    monkeypatch.chdir(tmp_path)


def drawn() -> list[tuple[str, str]]:
    """Bundled networks of one image, of a size for a test."""
    names = [name for name in bundled() if "/" not in name]
    chosen = []
    for name in random.Random(len(names)).sample(names, len(names)):
        loaded = load(name)
        shape = loaded.graph.inputs[0].shape
        if len(loaded.graph.inputs) > 1 or loaded.inferred.totals["params"] > LARGEST or len(shape) != 3:
            continue
        chosen.append((name, format_shape(shape)))
        if len(chosen) == DRAWN:
            break
    return chosen


def outputs_outside(names: list[str]) -> list[Tensor]:
    """What the exported files give for the inputs beside them, without cnn."""
    subprocess.run([sys.executable, "-c", OUTSIDE, *names], check=True, timeout=300)
    return [load_file(f"{name}.output")["output"] for name in names]


def initial(name: str, shape: str) -> Network:
    """The network with the weights that a training would begin with."""
    loaded = load(name, inputs={"": shape})
    network, recipe = Network(loaded.inferred).eval(), read_recipe(loaded.graph.train, {})
    initialize(network, recipe.init, recipe.seed)
    return network


def test_the_python_file_computes_the_same_without_cnn(cnn: Run) -> None:
    networks = [("lenet5", "1x28x28"), ("resnet18", "3x64x64"), ("lenet5_1998", "1x32x32"), *drawn()]
    networks = list(dict(networks).items())
    expected = []
    for name, shape in networks:
        ended = cnn("export", name, "--to", "pytorch", "--input", shape)
        assert ended.code == 0, ended.err
        assert ended.out.startswith(f"wrote {name}.py and {name}.safetensors; outputs ")
        assert ended.err == f"{name} is not trained: these are its initial weights\n"
        image = torch.randn(2, *map(int, shape.split("x")))
        save_file({"input": image}, f"{name}.input")
        with torch.inference_mode():
            expected.append(initial(name, shape)(image))
    for (name, _), mine, theirs in zip(networks, expected, outputs_outside([n for n, _ in networks]), strict=True):
        scale = float(mine.abs().max().clamp_min(1))
        torch.testing.assert_close(
            theirs, mine, atol=1e-6 * scale, rtol=1e-6, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.fixture
def run(cnn: Run, write: Callable[..., Path]) -> folder.Run:
    path = write(
        "name: Small one\ninput: 1x8x8\nlayers:\n  - conv: {filters: 4, kernel: 3, name: c1}\n  - batchnorm\n"
        "  - residual: [conv: {filters: 4, kernel: 3, padding: same}, batchnorm]\n"
        "  - conv: {filters: 4, kernel: 2, padding: same, padding_mode: partial}\n"
        "  - relu\n  - flatten\n  - dropout\n  - linear: 10\n",
        "small.yaml",
    )
    assert cnn("train", path, "--data", "digits", "--epochs", "1", "--run-dir", "run").code == 0
    return folder.open_run(Path("run"))


def trained(run: folder.Run) -> Network:
    network = Network(folder.architecture_of(run).inferred).eval()
    load_weights(network, run.folder / folder.WEIGHTS)
    return network


def test_a_run_is_exported_with_its_weights_classes_and_normalization(cnn: Run, run: folder.Run) -> None:
    ended = cnn("export", "run", "--to", "pytorch")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("wrote small.py and small.safetensors; outputs ")
    text = Path("small.py").read_text()
    assert "class SmallOne(nn.Module):" in text and "class PaddedConv(CustomConv):" in text
    assert "CLASSES = (" in text and f"MEAN, STD = {run.record.normalisation.mean}" in text
    image = torch.randn(5, 1, 8, 8)
    save_file({"input": image}, "small.input")
    with torch.inference_mode():
        expected = trained(run)(image)
    torch.testing.assert_close(outputs_outside(["small"])[0], expected, atol=1e-6, rtol=1e-6)
    assert {*load_file("small.safetensors")} == {*own_tensors(trained(run))}
    shown = subprocess.run([sys.executable, "small.py"], capture_output=True, text=True, check=True)
    assert shown.stdout == "(1, 10)\n"


def test_shared_weights_are_read_by_the_python_file(cnn: Run, write: Callable[..., Path]) -> None:
    layers = "conv: {filters: 2, kernel: 3, name: a}, batchnorm, conv: {filters: 2, kernel: 3, share: a}"
    write(f"input: 2x6x6\nlayers: [{layers}, batchnorm: {{share: batchnorm1}}]\n", "shared.yaml")
    assert cnn("export", "shared.yaml", "--to", "pytorch").code == 0
    save_file({"input": torch.randn(2, 2, 6, 6)}, "shared.input")
    assert outputs_outside(["shared"])[0].shape == (2, 2, 2, 2)


def test_a_network_without_weights_is_exported(cnn: Run, write: Callable[..., Path]) -> None:
    write("input: 1x4x4\nlayers: [maxpool: 2]\n", "plain.yaml")
    for form in ("pytorch", "torchscript"):
        assert cnn("export", "plain.yaml", "--to", form).code == 0
    save_file({"input": torch.randn(2, 1, 4, 4)}, "plain.input")
    assert outputs_outside(["plain"])[0].shape == (2, 1, 2, 2)


STRANGE = "".join(
    f'  - conv: {{filters: 1, kernel: 1, name: "{name}"}}\n'
    for name in ("train", "training", "forward", "1x1", "0", "x")
)


def test_torchscript_computes_the_same_for_any_batch(cnn: Run, run: folder.Run, write: Callable[..., Path]) -> None:
    assert cnn("export", "run", "--to", "torchscript", "-o", "net.pt").out.startswith("wrote net.pt; outputs ")
    image = torch.randn(7, 1, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(torch.jit.load("net.pt")(image), trained(run)(image))
    write(f"input: 1x4x4\nlayers:\n{STRANGE}", "strange.yaml")
    assert cnn("export", "strange.yaml", "--to", "torchscript").code == 0


def test_onnx_computes_the_same_for_any_batch(cnn: Run, run: folder.Run, write: Callable[..., Path]) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    assert cnn("export", "run", "--to", "onnx").out.startswith("wrote small.onnx; outputs ")
    session = onnxruntime.InferenceSession("small.onnx", providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    assert (entry.name, entry.shape) == ("input", ["batch", 1, 8, 8])
    image = torch.randn(7, 1, 8, 8)
    with torch.inference_mode():
        expected = trained(run)(image)
    (found,) = session.run(None, {"input": image.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), expected, atol=1e-4, rtol=1e-4)
    model = onnx.load("small.onnx")
    onnx.checker.check_model(model)
    told = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert told["classes"] == [*run.record.classes] and told["mean"] == [*run.record.normalisation.mean]
    write(f"input: 1x4x4\nlayers:\n{STRANGE}", "strange.yaml")
    ended = cnn("export", "strange.yaml", "--to", "onnx")
    assert ended.code == 0, ended.err


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    cnn: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "cnncli.executor.export.onnx_torchscript.find_spec", lambda name: None if name != "onnx" else object()
    )
    ended = cnn("export", "lenet5", "--to", "onnx")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "ONNX needs packages that are not installed: onnxscript, onnxruntime\n  pip install onnxscript onnxruntime\n"
    )


@pytest.mark.parametrize("form", ["pytorch", "torchscript"])
def test_nothing_is_overwritten_unless_asked_for(cnn: Run, form: str) -> None:
    assert cnn("export", "lenet5", "--to", form).code == 0
    files = {path: path.read_bytes() for path in Path().iterdir()}
    ended = cnn("export", "lenet5", "--to", form)
    assert ended.code == 2
    assert "already exists\n  use --force to overwrite it, or -o for another file\n" in ended.err
    assert files == {path: path.read_bytes() for path in Path().iterdir()}
    assert cnn("export", "lenet5", "--to", form, "--force").code == 0


def test_existing_weights_are_not_overwritten_either(cnn: Run) -> None:
    Path("lenet5.safetensors").write_text("mine")
    assert cnn("export", "lenet5", "--to", "pytorch").err.startswith("lenet5.safetensors: already exists\n")
    assert [*Path().iterdir()] == [Path("lenet5.safetensors")]


def test_each_mistake_is_one_clear_error(cnn: Run, run: folder.Run) -> None:
    def said(*arguments: str) -> str:
        ended = cnn("export", *arguments)
        assert (ended.code, ended.out) == (2, ""), ended
        return ended.err

    Path("folder").mkdir()
    assert said("run", "--to", "pytorch", "-o", "net.txt").startswith("net.txt: is not a Python file name\n")
    assert said("run", "--to", "torchscript", "-o", "folder").startswith("folder: is a folder\n")
    assert said("run", "--to", "torchscript", "-o", "none/x.pt").startswith(
        "none/x.pt: cannot be written: No such file"
    )
    assert said("run", "--to", "pytorch", "--input", "1x9x9").startswith("--set and --input are for architectures\n")
    assert said("folder", "--to", "pytorch").startswith("folder: is not a run folder")
    assert "write lenet5" in said("lenet", "--to", "pytorch")
    assert "--to is missing" in said("lenet5")
    assert "3xHxW has symbolic sizes" in said("resnet18", "--input", "3xHxW", "--to", "pytorch")


def test_the_file_may_have_any_name(cnn: Run) -> None:
    for name in ('quo"te 😀.py', "new\nline\\.py"):
        assert cnn("export", "digits_cnn", "--to", "pytorch", "-o", name).code == 0
        shown = subprocess.run([sys.executable, name], capture_output=True, text=True, check=True)
        assert shown.stdout == "(1, 10)\n"
