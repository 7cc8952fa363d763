"""``cnn predict`` on image files, against the network itself."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from program import Run
from safetensors.torch import load_file, save_file

from cnncli.data import load_dataset
from cnncli.executor.network.network import Network
from cnncli.executor.network.weights import load_weights
from cnncli.runs import folder as runs
from cnncli.runs.folder import architecture_of

ENDINGS = {"logits": "", "softmax": ", softmax", "log_softmax": ", log_softmax"}
LAYERS = "flatten, linear: 24, relu, linear: 10"


@pytest.fixture
def digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The first 30 test images as PNG files, by number."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "digits"
    folder.mkdir()
    for number, image in enumerate(load_dataset("digits", (1, 8, 8)).test.images[:30]):
        Image.fromarray(image[0]).save(folder / f"{number:02d}.png")
    return folder


def trained(
    cnn: Run, write: Callable[..., Path], layers: str, shape: str = "1x8x8", *options: str, data: str = "digits"
) -> runs.Run:
    path = write(f"input: {shape}\nlayers: [{layers}]\n")
    ended = cnn("train", path, "--data", data, "--epochs", "3", "--lr", "0.01", "--run-dir", "run", *options)
    assert ended.code == 0, ended.err
    return runs.open_run(Path("run"))


def outputs(run: runs.Run, count: int) -> torch.Tensor:
    """What the network gives for the first test images, prepared by hand."""
    network = Network(architecture_of(run).inferred).eval()
    load_weights(network, run.folder / runs.WEIGHTS)
    pixels = torch.from_numpy(load_dataset("digits", (1, 8, 8)).test.images[:count]) / 255
    (mean,), (std,) = run.record.normalisation.mean, run.record.normalisation.std
    with torch.inference_mode():
        output = network(((pixels - mean) / std).reshape(count, *architecture_of(run).graph.inputs[0].shape))
    assert isinstance(output, torch.Tensor)
    return output


@pytest.mark.parametrize("ending", ENDINGS)
def test_probabilities_are_the_softmax_of_the_outputs(
    cnn: Run, write: Callable[..., Path], digits: Path, ending: str
) -> None:
    run = trained(cnn, write, LAYERS + ENDINGS[ending])
    expected = outputs(run, 30)
    if ending != "softmax":
        expected = expected.softmax(1)
    rows = json.loads(cnn("predict", "run", "digits", "--top", "99", "--format", "json").out)
    assert len(rows) == 30 * 10
    for number in range(30):
        mine = rows[10 * number : 10 * number + 10]
        assert {row["file"] for row in mine} == {f"digits/{number:02d}.png"}
        assert [row["rank"] for row in mine] == [*range(1, 11)]
        found = torch.zeros(10)
        for row in mine:
            found[int(row["class"])] = row["probability"]
        torch.testing.assert_close(found, expected[number], atol=2e-6, rtol=0)
        assert [row["probability"] for row in mine] == sorted((row["probability"] for row in mine), reverse=True)


def test_the_smallest_distance_is_the_likeliest(cnn: Run, write: Callable[..., Path], digits: Path) -> None:
    run = trained(cnn, write, "flatten, linear: 24, tanh, rbf: 10")
    rows = json.loads(cnn("predict", "run", "digits", "--top", "1", "--format", "json").out)
    assert [int(row["class"]) for row in rows] == outputs(run, 30).argmin(1).tolist()


def test_a_vector_network_reads_square_images(cnn: Run, write: Callable[..., Path], digits: Path) -> None:
    run = trained(cnn, write, "linear: 24, relu, linear: 10", "64")
    rows = json.loads(cnn("predict", "run", "digits", "--top", "1", "--format", "json").out)
    assert [int(row["class"]) for row in rows] == outputs(run, 30).argmax(1).tolist()


def test_any_image_is_converted_to_the_input(cnn: Run, write: Callable[..., Path], digits: Path) -> None:
    trained(cnn, write, LAYERS)
    Image.open("digits/00.png").convert("RGB").resize((64, 64), Image.Resampling.NEAREST).save("large.bmp")
    classes = [cnn("predict", "run", name, "--top", "1").out.split()[-2] for name in ("digits/00.png", "large.bmp")]
    assert classes[0] == classes[1]


def test_what_cannot_be_read_is_said_and_the_others_are_predicted(
    cnn: Run, write: Callable[..., Path], digits: Path
) -> None:
    trained(cnn, write, LAYERS)
    Path("empty").mkdir()
    Path("broken.png").write_bytes(b"no image")
    ended = cnn("predict", "run", "broken.png", "digits/03.png", "missing.png", "empty", "digits/04.png", "--top", "2")
    assert ended.code == 2
    assert ended.err.splitlines() == [
        "broken.png: cannot be read as an image: it is not a JPEG, PNG, BMP, GIF, WEBP, TIFF or PPM file",
        "missing.png: cannot be read (No such file or directory)",
        "empty: no images in this folder",
    ]
    lines = ended.out.splitlines()
    assert lines[0].split() == ["file", "rank", "class", "probability"]
    assert [line.split()[0] for line in lines[1:]] == ["digits/03.png", "2", "digits/04.png", "2"]
    assert all(line.endswith("%") for line in lines[1:])


def test_nothing_readable_leaves_nothing_to_print(cnn: Run, write: Callable[..., Path], digits: Path) -> None:
    trained(cnn, write, LAYERS)
    assert cnn("predict", "run", "missing.png").out == cnn("predict", "run", "missing.png", "--format", "csv").out == ""
    ended = cnn("predict", "run", "missing.png", "--format", "json")
    assert (ended.code, ended.out) == (2, "[]\n")


def test_csv_has_a_line_for_each_guess(cnn: Run, write: Callable[..., Path], digits: Path) -> None:
    trained(cnn, write, LAYERS)
    rows = [*csv.DictReader(io.StringIO(cnn("predict", "run", "digits/07.png", "--format", "csv").out))]
    assert [row["rank"] for row in rows] == [*"12345"]
    assert sum(float(row["probability"]) for row in rows) <= 1 + 1e-5


def test_folders_are_read_in_order_without_hidden_files_and_other_things(
    cnn: Run, write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trained(cnn, write, LAYERS)
    for name in ("b/2.png", "b/1.PNG", "a.jpg", ".hidden/x.png", ".x.png", "notes.txt", "z/y/x.gif"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((9, 7), np.uint8)).save(path, "PNG")
    rows = json.loads(cnn("predict", "run", "in", "--top", "1", "--format", "json").out)
    assert [row["file"] for row in rows] == ["in/a.jpg", "in/b/1.PNG", "in/b/2.png", "in/z/y/x.gif"]


def test_each_mistake_is_one_clear_error(cnn: Run, write: Callable[..., Path], digits: Path) -> None:
    assert "is not a run folder" in cnn("predict", "digits", "digits/00.png").err
    trained(cnn, write, LAYERS)
    assert "FILE… is missing" in cnn("predict", "run").err
    assert cnn("predict", "run", "digits/00.png", "--top", "0").code == 2
    record = Path("run/run.json").read_text()
    Path("run/run.json").write_text(record.replace('"0",', ""))
    assert cnn("predict", "run", "digits/00.png").err.startswith(
        "run/run.json: has 9 classes, and the network's output is 10"
    )
    Path("run/run.json").write_text(record)
    Path("run/weights.safetensors").unlink()
    ended = cnn("predict", "run", "digits/00.png")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("run/weights.safetensors: no weights\n")


def test_a_network_that_was_trained_on_numbers_says_how_it_sees_pixels(
    cnn: Run, write: Callable[..., Path], digits: Path
) -> None:
    np.savez("numbers.npz", x=np.random.default_rng(0).random((60, 1, 8, 8)), y=np.arange(60) % 10)
    trained(cnn, write, LAYERS, data="npz:numbers.npz")
    ended = cnn("predict", "run", "digits/00.png")
    assert ended.code == 0 and "run was trained on numbers: pixels are converted to numbers from 0 to 255" in ended.err


PLANE = "input: 3\nlayers: [linear: 2]\ntrain: {epochs: 80, lr: 0.1, batch_size: 50}\n"


def plane(cnn: Run, write: Callable[..., Path], head: str) -> tuple[np.ndarray, np.ndarray]:
    """A run that has learnt two sums of three columns, and the rows that it learnt from."""
    x = np.random.default_rng(0).integers(-9, 9, (300, 3))
    y = x @ np.array([[1, 5], [2, 0], [3, -1]]) + 0.5
    Path("all.csv").write_text(head + "".join(f"{','.join(map(str, (*a, *b)))}\n" for a, b in zip(x, y, strict=True)))
    path = write(PLANE, "plane.yaml")
    ended = cnn("train", path, "--data", "csv:all.csv", "--task", "regression", "--run-dir", "plane")
    assert ended.code == 0, ended.err
    return x, y


@pytest.mark.parametrize("head", ["a,b,c,y_one,y_two\n", ""])
def test_a_table_is_predicted_with_its_targets_or_without(
    cnn: Run, write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: str
) -> None:
    monkeypatch.chdir(tmp_path)
    x, y = plane(cnn, write, head)
    Path("new.csv").write_text(head[:5] + "\n" * bool(head) + "".join(f"{a},{b},{c}\n" for a, b, c in x))
    np.savez("new.npz", x=x)
    found = [json.loads(cnn("predict", "plane", name, "--format", "json").out) for name in ("all.csv", "new.csv")]
    found.append(json.loads(cnn("predict", "plane", "npz:new.npz", "--format", "json").out))
    values = [np.array([row["value"] for row in rows]).reshape(-1, 2) for rows in found]
    assert np.allclose(values[0], y, atol=1.5)
    assert np.array_equal(values[0], values[1]) and np.allclose(values[0], values[2], rtol=1e-4)
    first = 2 if head else 1
    assert [rows[0]["file"] for rows in found] == [f"all.csv:{first}", f"new.csv:{first}", "new.npz[0]"]
    assert [row["target"] for row in found[0][:2]] == (["y_one", "y_two"] if head else ["y0", "y1"])


def test_each_mistake_in_a_table_is_told_and_the_others_are_predicted(
    cnn: Run, write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plane(cnn, write, "")
    Path("good.csv").write_text("1,2,3\n")
    np.savez("two.npz", a=np.ones((2, 3)), b=np.ones(2))
    for name, text, told in (
        ("bad.csv", "1,2,x\n1,2,3\n", "bad.csv:1: expected 3 numbers: 1,2,x"),
        ("late.csv", "1,2,3\n1,2\n", "late.csv:2: expected 3 numbers: 1,2"),
        ("gaps.csv", "1,2,3\n\n\n1,2\n", "gaps.csv:4: expected 3 numbers: 1,2"),
        ("wide.csv", "1,2,3,4\n", "wide.csv: has 4 columns"),
        ("empty.csv", "", "empty.csv: contains no examples"),
        ("head.csv", "a,b,c\n", "head.csv: contains no examples"),
        ("missing.csv", None, "missing.csv: no such file"),
        ("two.npz", None, "two.npz: contains a, b"),
    ):
        if text is not None:
            Path(name).write_text(text)
        ended = cnn("predict", "plane", name, "good.csv", "--format", "csv")
        assert ended.code == 2 and told in ended.err, (name, ended.err)
        assert "good.csv:1,y0" in ended.out


def test_arrays_and_images_are_predicted_alike(cnn: Run, write: Callable[..., Path], digits: Path) -> None:
    """Also in one call, and by a network of vectors: the pixels of a CSV file are numbers from 0 to 255."""
    trained(cnn, write, "linear: 24, relu, linear: 10", "64")
    images = load_dataset("digits", (1, 8, 8)).test.images[:3]
    np.savez("digits.npz", x=images)
    Path("digits.csv").write_text("".join(",".join(map(str, image.ravel())) + "\n" for image in images))
    sources = [f"digits/{number:02d}.png" for number in range(3)]
    ended = cnn("predict", "run", *sources, "digits.npz", "digits.csv", "--top", "1", "--format", "json")
    rows = [(row["class"], row["probability"]) for row in json.loads(ended.out)]
    assert len(rows) == 9 and rows[:3] == rows[3:6] == rows[6:]


def test_a_table_is_read_by_the_names_of_its_columns(
    cnn: Run, write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by the targets' names; and by position where the file, or the run, has none."""
    monkeypatch.chdir(tmp_path)
    x, y = plane(cnn, write, "a,b,c,y_one,y_two\n")
    pairs = [*zip(x.tolist(), y.tolist(), strict=True)]
    Path("turned.csv").write_text("c,a,b\n" + "".join(f"{c},{a},{b}\n" for (a, b, c), _ in pairs))
    Path("bare.csv").write_text("".join(f"{a},{b},{c}\n" for (a, b, c), _ in pairs))
    Path("other.csv").write_text("a,b,d\n1,2,3\n")
    swapped = "".join(f"{two},{c},{a},{b},{one}\n" for (a, b, c), (one, two) in pairs)
    Path("swapped.csv").write_text("y_two,c,a,b,y_one\n" + swapped)
    np.savez("arrays.npz", x=x, y=y)

    def values(run: str, name: str) -> list[float]:
        return [row["value"] for row in json.loads(cnn("predict", run, name, "--format", "json").out)]

    assert values("plane", "turned.csv") == values("plane", "all.csv") == values("plane", "bare.csv")
    assert values("plane", "swapped.csv") == values("plane", "all.csv")
    refused = cnn("predict", "plane", "other.csv")
    assert refused.code == 2 and refused.err.startswith("other.csv: has no column c\n")
    wanted = cnn("evaluate", "plane", "--format", "json").out
    swapped = cnn("evaluate", "plane", "--data", "csv:swapped.csv", "--format", "json")
    assert swapped.out == wanted and "examples are held out as the test split" in swapped.err
    assert cnn("evaluate", "plane").err == ""
    ended = cnn("evaluate", "plane", "--data", "npz:arrays.npz", "--format", "json")
    assert json.loads(ended.out)["mae"] == pytest.approx(json.loads(wanted)["mae"])
    assert "its targets y0, y1 are used as y_one, y_two, by position" in ended.err

    record = json.loads(Path("plane/run.json").read_text())
    assert record.pop("columns") == ["a", "b", "c"]  # a run of before there were names
    Path("plane/run.json").write_text(json.dumps(record))
    assert values("plane", "turned.csv") != values("plane", "all.csv") == values("plane", "bare.csv")


def test_an_evaluation_of_outputs_that_are_no_numbers_says_so(
    cnn: Run, write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write("input: 1x8x8\nlayers: [flatten, linear: 10, linear: 10]\n")
    assert cnn("train", path, "--data", "digits", "--epochs", "1", "--run-dir", "run").code == 0
    weights = load_file("run/weights.safetensors")
    save_file({name: torch.full_like(value, 3e38) for name, value in weights.items()}, "run/weights.safetensors")
    for form in ("table", "json"):
        ended = cnn("evaluate", "run", "--format", form)
        assert (ended.code, ended.out) == (2, "") and "the loss on the test split is nan" in ended.err
