"""Graph -> one readable Python file: a PyTorch module with the layers' names that does not need cnn.

``__init__`` constructs the layers with weights, under the names by which these are saved; ``forward`` has one line per
layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from textwrap import fill
from typing import NamedTuple

from cnncli.arithmetic.shape import Shape, format_shape
from cnncli.executor.export.copied import copied, definitions, names_used
from cnncli.executor.export.naming import VariableNames, class_name, computed, variables
from cnncli.executor.lowering.build import lower
from cnncli.executor.lowering.code import TorchCode, quoted
from cnncli.executor.training.losses import ends_in_distances
from cnncli.graph import Node
from cnncli.inference import Inferred
from cnncli.runs.folder import RunRecord

STANDARD = {  # the module from which each name is imported
    "math": "",
    "Callable": "collections.abc",
    "Mapping": "collections.abc",
    "Path": "pathlib",
    "Any": "typing",
    "NamedTuple": "typing",
    "cast": "typing",
}
INSTALLED = {
    "torch": "",
    "load_model": "safetensors.torch",
    "Tensor": "torch",
    "nn": "torch",
    "functional": "torch.nn",
}
WIDTH = 120
INDENT = " " * 8


class LayerSource(NamedTuple):
    """A layer in the file: its node, the path of its module if it has one, and its code."""

    node: Node
    own: str
    code: TorchCode


def source(inferred: Inferred, slug: str, weights: str, run: RunRecord | None = None) -> str:
    """The text of the file, which loads its weights from the file ``weights`` beside it."""
    name = network_class(inferred, slug)
    network = f"class {name}(nn.Module):\n{_docstring(inferred)}\n\n{_body(inferred)}"
    blocks = [*_run_constants(run), *copied(names_used(network)), network, _load(name, weights), _main(inferred)]
    code = _joined(blocks)
    return f"{_heading(inferred, slug, weights)}\n\n{imports(code)}\n\n\n{code}\n"


def network_class(inferred: Inferred, slug: str) -> str:
    """The name of the network's class, different from all other names in the file."""
    return class_name(inferred.graph.name or slug, {*STANDARD, *INSTALLED, *definitions(), "CLASSES", "MEAN", "STD"})


# The class --------------------------------------------------------------------------------------------------------


def _docstring(inferred: Inferred) -> str:
    inputs = ", ".join(_batch_of(entry.shape) for entry in inferred.graph.inputs)
    outputs = ", ".join(_batch_of(inferred.shape(name)) for name in inferred.graph.outputs)
    distances = " The smallest output is the answer." if ends_in_distances(inferred.graph) else ""
    return f'    """Map {inputs} to {outputs}.{distances}"""'


def _batch_of(shape: Shape) -> str:
    return f"({', '.join(map(str, ('N', *shape)))})"


def _body(inferred: Inferred) -> str:
    held = variables(inferred.graph)

    def code(node: Node, own: str) -> TorchCode:
        read = tuple(held.get(name, "x") for name in node.inputs)  # an unused value has no variable, and no line
        return lower(node.layer, inferred.layers[node.name].input_shapes, own, read)

    places = VariableNames([node.name for node in inferred.graph.nodes if code(node, "").module])
    layers = [
        LayerSource(node, own, code(node, own)) for node in inferred.graph.nodes for own in [places.of(node.name)]
    ]
    built = "\n".join([f"{INDENT}super().__init__()", *_built(inferred, layers, places)])
    return f"    def __init__(self) -> None:\n{built}\n\n{_forward(inferred, layers, held)}"


def _built(inferred: Inferred, layers: list[LayerSource], places: VariableNames) -> Iterator[str]:
    """The lines of ``__init__``: each scope before its modules."""
    made = set[str]()
    for node, own, code in layers:
        if not code.module:
            continue
        for scope in places.parent_scopes(node.name):
            if scope not in made:
                made.add(scope)
                yield _assigned(places.of(scope), places.constructor(scope))
        yield _assigned(own, code.module)
        if node.shares:
            for weight in node.layer.weights(inferred.layers[node.name].input_shapes):
                yield _assigned(f"{own}.{weight}", f"{places.of(node.shares)}.{weight}")


def _assigned(target: str, value: str) -> str:
    """An assignment in a method, wrapped if it is too long."""
    line = f"{INDENT}{target} = {value}"
    if len(line) <= WIDTH:
        return line
    inner = INDENT + "    "
    wrapped = fill(
        value, WIDTH, initial_indent=inner, subsequent_indent=inner, break_long_words=False, break_on_hyphens=False
    )
    return f"{INDENT}{target} = (\n{wrapped}\n{INDENT})"


def _forward(inferred: Inferred, layers: list[LayerSource], held: Mapping[str, str]) -> str:
    graph = inferred.graph
    arguments = ", ".join(f"{held[entry.name]}: Tensor" for entry in graph.inputs)
    result = "Tensor" if len(graph.outputs) == 1 else "tuple[Tensor, ...]"
    needed = {node.name for node in computed(graph)}
    lines = [f"    def forward(self, {arguments}) -> {result}:"]
    last_part = previous = ""
    for layer in layers:
        if layer.node.name in needed:
            part = layer.node.name.partition(".")[0]
            if last_part and part != last_part and "." in layer.node.name + previous:
                lines.append("")
            last_part, previous = part, layer.node.name
            lines.append(_computed(inferred, layer, held[layer.node.name]))
    return "\n".join([*lines, f"{INDENT}return {', '.join(held[name] for name in graph.outputs)}"])


def _computed(inferred: Inferred, layer: LayerSource, variable: str) -> str:
    """``x = functional.relu(x)  # relu1``, with the layer's name, and the shape where it changes."""
    info = inferred.layers[layer.node.name]
    line = _assigned(variable, layer.code.forward)
    shape, named = info.stats.output_shape, layer.code.module or variable != "x"
    remarks = [*([] if named else [layer.node.name]), *([format_shape(shape)] * (shape != info.input_shapes[0]))]
    remarked = f"{line}  # {' '.join(remarks)}"
    return remarked if remarks and len(remarked) <= WIDTH else line


# The rest of the file ----------------------------------------------------------------------------------------------


def _heading(inferred: Inferred, slug: str, weights: str) -> str:
    """The file's docstring. The name and the source of an architecture are untrusted text."""
    graph = inferred.graph
    title = " · ".join(part for part in (graph.name or slug, graph.source) if part)
    lines = [
        _plain(title),
        "",
        "Written by cnn export. It needs torch and safetensors, and not cnn;",
        f"load() reads the weights from {_plain(weights)} beside it.",
    ]
    return '"""' + "\n".join(lines) + '\n"""'


def _plain(text: str) -> str:
    """Text that cannot end a docstring."""
    return "".join(char if char.isprintable() else " " for char in text).replace("\\", "/").replace('"', "'")


def _run_constants(run: RunRecord | None) -> list[str]:
    """A run's classes or targets, and the normalization of its images and targets, as assignments."""
    if run is None:
        return []
    from pprint import pformat

    classes = pformat(run.classes, width=WIDTH - 10, compact=True)
    mean, std, unit = run.normalisation.mean, run.normalisation.std, run.normalisation.unit
    values = f"pixels / {unit:g}" if unit != 1 else "values"
    constants = [
        f"{'TARGETS' if run.targets else 'CLASSES'} = {classes}",
        f"MEAN, STD = {mean}, {std}  # of each channel: the input is ({values} - MEAN) / STD",
    ]
    if run.targets:
        scaling = f"{run.targets.mean}, {run.targets.std}"
        constants.append(f"TARGET_MEAN, TARGET_STD = {scaling}  # the targets are output * TARGET_STD + TARGET_MEAN")
    return constants


def _load(name: str, weights: str) -> str:
    return f'''def load(weights: str | Path = Path(__file__).with_name({quoted(weights)})) -> {name}:
    """The network with its weights, ready for inference."""
    model = {name}()
    load_model(model, weights)
    return model.eval()'''


def _main(inferred: Inferred) -> str:
    graph = inferred.graph
    inputs = ", ".join(f"torch.zeros({', '.join(map(str, (1, *entry.shape)))})" for entry in graph.inputs)
    shape = "tuple(output.shape)"
    shown = shape if len(graph.outputs) == 1 else f"*({shape} for output in output)"
    return f"""if __name__ == "__main__":
    with torch.inference_mode():
        output = load()({inputs})
    print({shown})"""


def _joined(blocks: list[str]) -> str:
    """Constants on consecutive lines; classes and functions separated by blank lines."""
    text = blocks[0]
    for before, block in pairwise(blocks):
        plain = not any(each.startswith(("class ", "def ", "if ", "@")) for each in (before, block))
        text += ("\n" if plain else "\n\n\n") + block
    return text


def imports(code: str) -> str:
    """The import lines that Python code needs."""
    used = names_used(code)
    groups = [
        "\n".join(_import_lines({n: home for n, home in names.items() if n in used})) for names in (STANDARD, INSTALLED)
    ]
    return "\n\n".join(["from __future__ import annotations", *filter(None, groups)])


def _import_lines(homes: Mapping[str, str]) -> Iterator[str]:
    """``import math``, then ``from typing import Any, cast``, a line for each home."""
    for home in dict.fromkeys(homes.values()):
        names = ", ".join(name for name, other in homes.items() if other == home)
        yield f"from {home} import {names}" if home else f"import {names}"
