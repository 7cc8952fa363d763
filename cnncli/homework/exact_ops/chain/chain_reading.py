"""From a chain as it is written to its network and the numbers of each input and weight."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from typing import Any, NamedTuple

from cnncli.arithmetic.shape import Shape, format_input_shape, format_shape
from cnncli.errors import CnnError, Place, Problem, closest
from cnncli.graph import Node
from cnncli.homework.exact_ops.chain.chain_text import ChainText, read_option
from cnncli.homework.exact_ops.chain.fitting import batch, default_of, filler_of, fitted, input_shape, template
from cnncli.homework.exact_ops.chain.loss_names import checked_loss
from cnncli.homework.exact_ops.chain.numbers_in_files import (
    LayerNumbers,
    Numbers,
    has_row_channels,
    parts_of,
    read_parts,
    take_numbers,
)
from cnncli.homework.exact_ops.chain.rules.layer_rules import rule_of
from cnncli.homework.exact_ops.chain.rules.moving import MASK, training_notes
from cnncli.homework.exact_ops.chain.rules.norms import EPS, MEAN, VARIANCE
from cnncli.homework.exact_ops.chain.sized_network import network_of
from cnncli.homework.exact_ops.chain.weight_sizes import Parts, scalar_at
from cnncli.inference import Inferred
from cnncli.language import KEYS, Source
from cnncli.language.aliases import KEYS_BY_HAND
from cnncli.language.source import Mapping, Scalar, Value
from cnncli.layers.reshape import Dropout

LEARNING_RATES = ("lr", "learning_rate", "learning-rate")  # keys that are written for --lr
OPERATIONS_LIMIT = 200_000  # multiplications and values of all examples: a minute of reading, a second of calculating


class Chain(NamedTuple):
    """A network with its numbers.

    ``values`` are (N, *shape) by input, ``weights`` by node and PyTorch's names. ``target`` are the parts as written,
    or None. ``notes`` say which weights are not given, and which rows no window covers.
    """

    inferred: Inferred
    values: MappingType[str, Any]
    weights: MappingType[str, MappingType[str, Any]]
    target: Parts | None = None
    loss: str = ""
    notes: tuple[str, ...] = ()

    @property
    def output(self) -> str:
        """The name of the only output."""
        return self.inferred.graph.outputs[0]


def read_chain(text: ChainText) -> Chain:
    """The chain, with all of its mistakes at once. Raises CnnError."""
    source, root = text.source, text.root
    found: list[tuple[Value, CnnError]] = []
    given = {*root.entries}
    words = {word: _pop(root, word) for word in KEYS_BY_HAND}
    by_hand = [*KEYS_BY_HAND]
    for key in [key for key in root.entries if key.lower() in LEARNING_RATES]:
        hint = "remove it, and add --lr 0.1 to the command"
        found.append((root.keys[key], CnnError(f"a network has no key {key!r}", hint)))
        _pop(root, key)
    for key in [key for key in root.entries if key not in KEYS and closest(key, by_hand)]:
        error = CnnError(f"a network has no key {key!r}", f"did you mean {closest(key, by_hand)}?")
        found.append((root.keys[key], error))
        _pop(root, key)
    numbers, unsized = take_numbers(root, found)
    values = _values(text, words["values"], root, found)
    draft, inferred, shape_problems = network_of(
        source, root, unsized, may_be_channel="" in values and "input" not in given
    )
    if not draft.problems and not found and not values:
        raise _missing_values(source, root, draft.graph.inputs)
    problems = [
        *map(_with_own_keys, draft.problems),
        *shape_problems,
        *(_at(source, node, error) for node, error in found),
    ]
    if problems:
        raise CnnError.of(problems)
    reader = _ChainReader(source, inferred, numbers)
    arrays, weights = reader.values(values, words["values"] or root), reader.weights()
    target, loss = _target(text, words, reader)
    if reader.problems:
        raise CnnError.of(reader.problems)
    check_size(inferred, arrays)
    dropped = [
        f"{name}: {note}"
        for name, info in inferred.layers.items()
        for note in (*info.stats.notes, *(() if MASK in weights[name] else training_notes(info.node.layer)))
    ]
    return Chain(inferred, arrays, weights, target, loss, (*reader.notes, *dropped))


def _with_own_keys(problem: Problem) -> Problem:
    """A list of the keys of a network with those of a chain before them."""
    start = "the keys are "
    if not problem.message.startswith("a network has no key") or not problem.hint.startswith(start):
        return problem
    return problem._replace(hint=f"{start}{', '.join(KEYS_BY_HAND)}, {problem.hint.removeprefix(start)}")


def _pop(root: Mapping, word: str) -> Value | None:
    root.keys.pop(word, None)
    return root.entries.pop(word, None)


def _at(source: Source, node: Value, error: CnnError, layer: str = "") -> Problem:
    problem = error.problems[0]
    return problem if problem.place else source.problem(node, problem.message, problem.hint, layer)


def _values(
    text: ChainText, node: Value | None, root: Mapping, found: list[tuple[Value, CnnError]]
) -> dict[str, Parts]:
    """The parts of each input by name, "" for the only one. A file without ``input`` gets the shape of its values."""
    given = root.entries.get("input")
    if node is None and not text.values and isinstance(given, Scalar) and set(given.text) & set(";|"):
        node = _pop(root, "input")  # the input as a matrix
    try:
        if text.values:
            parts = {"": read_parts(text.values)}
        elif isinstance(node, Mapping):
            parts = {name: parts_of(value) for name, value in node.entries.items()}
        else:
            parts = {} if node is None else {"": parts_of(node)}
    except CnnError as error:
        if text.values:
            raise
        found.append((node or root, error))
        return {}
    if "" in parts and "input" not in root.entries and "inputs" not in root.entries:
        at = node or root
        written = text.values or (at.text if isinstance(at, Scalar) else "")
        shape = input_shape(parts[""], has_row_channels=has_row_channels(written, parts[""]))
        root.entries["input"] = scalar_at(at, format_input_shape(shape))
        root.keys["input"] = at
    return parts


def _missing_values(source: Source, root: Mapping, inputs: Any) -> CnnError:
    shapes = {entry.name: entry.shape for entry in inputs}
    wanted = ", ".join(f"{name} {format_shape(shape)}" for name, shape in shapes.items())
    example = template(next(iter(shapes.values()))) if shapes else '"0 0; 0 0"'
    hint = f"write values: {example}"
    return source.error(root.keys.get("input", root), f"missing values: the numbers of {wanted or 'the input'}", hint)


def _target(text: ChainText, words: dict[str, Value | None], reader: _ChainReader) -> tuple[Parts | None, str]:
    node, loss_node = words["target"], words["loss"]
    loss = text.loss
    if not loss and loss_node is not None:
        loss = loss_node.text if isinstance(loss_node, Scalar) else ""
        try:
            checked_loss(loss)
        except CnnError as error:
            reader.problems.append(_at(reader.source, loss_node, error))
    if text.target:
        return read_option("--target", text.target), loss
    if node is None:
        if loss_node is not None:
            reader.report(loss_node, "a loss without a target", "write target: 1 (a class, counted from 0)")
        return None, loss
    try:
        return parts_of(node), loss
    except CnnError as error:
        reader.problems.append(_at(reader.source, node, error))
        return None, loss


class _ChainReader:
    """Fits the numbers to the shapes of the network, and collects the problems."""

    def __init__(self, source: Source, inferred: Inferred, numbers: Numbers) -> None:
        self.source = source
        self.inferred = inferred
        self.numbers = numbers
        self.problems: list[Problem] = []
        self.notes: list[str] = []

    def report(self, node: Value, message: str, hint: str = "", layer: str = "") -> None:
        self.problems.append(self.source.problem(node, message, hint, layer))

    def values(self, parts: dict[str, Parts], node: Value) -> dict[str, Any]:
        """The examples of each input, equally many."""
        arrays: dict[str, Any] = {}
        inputs = {entry.name: entry.shape for entry in self.inferred.graph.inputs}
        named = {
            next(iter(inputs)) if name == "" and len(inputs) == 1 else name: given for name, given in parts.items()
        }
        for name in [name for name in named if name not in inputs] or [name for name in inputs if name not in named]:
            is_known = name in inputs
            message = (
                f"missing values of the input {name}" if is_known else f"there is no input {name or 'without a name'}"
            )
            self.report(node, message, f"write values: {{{', '.join(f'{name}: …' for name in inputs)}}}")
            return arrays
        for name, shape in inputs.items():
            try:
                arrays[name] = batch(named[name], shape, "the input" if len(inputs) == 1 else f"the input {name}")
            except CnnError as error:
                self.problems.append(_at(self.source, node, error))
        if len({len(array) for array in arrays.values()}) > 1:
            self.report(node, "the inputs have different numbers of examples", "give each input as many")
        return arrays

    def weights(self) -> dict[str, dict[str, Any]]:
        """The weights of every layer, by node."""
        found = {}
        for name, info in self.inferred.layers.items():
            place = info.node.origin("") if info.node.origin else None
            try:
                rule_of(info.node.layer)
                if info.node.shares:
                    raise CnnError("shared weights cannot be calculated by hand", "give each layer its own weights")
            except CnnError as error:
                self.problems.append(error.problems[0]._replace(place=place, layer=name))
                continue
            found[name] = self._weights_of(info.node, info.input_shapes, place)
        return found

    def _weights_of(self, node: Node, inputs: tuple[Shape, ...], place: Place | None) -> dict[str, Any]:
        needed = {**node.layer.weights(inputs), **node.layer.buffers(inputs)}
        given = dict(self.numbers.get((place.line - 1, place.column - 1), {})) if place else {}
        arrays: dict[str, Any] = {EPS: 0} if given.pop(EPS, None) is not None else {}
        if isinstance(node.layer, Dropout) and MASK in given:
            arrays |= self._mask(node, given.pop(MASK), inputs[0])
        for name, numbers in given.items():
            if name not in needed:
                self.report(numbers.node, f"{node.layer.kind} has no {name}", "remove it", node.name)
                continue
            try:
                arrays[name] = fitted(numbers.parts, needed[name], numbers.field, filler_of(node, name))
            except CnnError as error:
                self.problems.append(_at(self.source, numbers.node, error, node.name))
        if MEAN in needed and (MEAN in given) != (VARIANCE in given):
            of = given[MEAN if MEAN in given else VARIANCE]
            self.report(of.node, "mean and var go together", "give both", node.name)
        for name, shape in needed.items():
            if name not in given and name not in (MEAN, VARIANCE):
                self._missing(node, name, shape, place, arrays)
        return arrays

    def _mask(self, node: Node, numbers: LayerNumbers, shape: Shape) -> dict[str, Any]:
        """The values that dropout keeps: 1 for these, 0 for the others."""
        try:
            mask = batch(numbers.parts, shape, MASK, filler_of(node, MASK))
            if not {*mask.reshape(-1)} <= {0, 1}:
                raise CnnError("a mask has a value other than 0 and 1", "write 1 for each value that is kept")
        except CnnError as error:
            self.problems.append(_at(self.source, numbers.node, error, node.name))
            return {}
        return {MASK: mask}

    def _missing(self, node: Node, name: str, shape: Shape, place: Place | None, arrays: dict[str, Any]) -> None:
        """Add the default of a weight that is not given, with a note, or the problem that it is missing."""
        import numpy as np

        default = default_of(node, name)
        if default is None:
            hint = f"write {name}: {template(shape, filler_of(node, name))}"
            self.problems.append(Problem(f"missing {name} of shape {format_shape(shape)}", hint, place, node.name))
            return
        arrays[name] = np.full(shape, default, dtype=object)
        self.notes.append(f"{node.name}: no {name} is given, so it is {default}")


def check_size(inferred: Inferred, values: MappingType[str, Any]) -> None:
    """Raises CnnError for a network that is too large to be calculated exactly."""
    examples = max((len(array) for array in values.values()), default=0)
    count = examples * (inferred.totals["macs"] + inferred.totals["activations"])
    if count > OPERATIONS_LIMIT:
        message = f"{count:,} products and values are too many to calculate by hand (the limit is {OPERATIONS_LIMIT:,})"
        raise CnnError(message, "use a smaller input, or fewer channels")
    if len(inferred.graph.outputs) != 1:
        raise CnnError("a chain has one output", "name one layer in outputs")
