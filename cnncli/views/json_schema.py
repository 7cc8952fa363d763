"""The architecture language as a JSON Schema, with which editors complete and check files (``cnn schema``).

It is made from the tables that read a file: the fields of the layer types, the keys of files, composites and blocks,
and the recipe. It is a draft-07 schema, the newest that the YAML extensions of all common editors support.

What a file defines itself changes what is valid elsewhere in it, which a schema cannot look up. A file with ``blocks``
may use any layer type, and one with ``defaults`` may omit required fields; hence a variant of each list of layers.
"""

from __future__ import annotations

from typing import Any

from cnncli.arithmetic.shape import SHAPE_SCHEMA
from cnncli.homework.exact_ops.chain.loss_names import LOSS_NAMES
from cnncli.homework.exact_ops.chain.numbers_in_files import gives_weight
from cnncli.homework.exact_ops.chain.weight_sizes import SIZED_BY_WEIGHT
from cnncli.language import KEYS
from cnncli.language.aliases import EVERYWHERE, KEYS_BY_HAND, WEIGHT_FIELDS
from cnncli.language.blocks import BLOCK_KEYS, COMPOSITES, SHARE, CompositeKeys
from cnncli.language.layer_lists import LAYER_LIMIT
from cnncli.language.reading import NAME_LIMIT
from cnncli.layers import KINDS, Layer
from cnncli.layers.descriptions import description
from cnncli.recipe import Recipe
from cnncli.recipe.keys import ROWS
from cnncli.schema import JsonSchema, Reader, SchemaField

NOTHING: JsonSchema = {"type": "null"}
WORD: JsonSchema = {"type": ["string", "number", "boolean"]}  # YAML reads some names as numbers
TEXT: JsonSchema = {"type": ["string", "number", "boolean", "null"]}
IS_NAME: JsonSchema = {"pattern": rf"^[A-Za-z0-9_]{{1,{NAME_LIMIT}}}$"}
IS_EXPRESSION: JsonSchema = {"pattern": r"\$[A-Za-z_{]"}
WEIGHTS = [field for field, name in WEIGHT_FIELDS.items() if name == "weight"]
COMMON = {
    "name": "Name of the layer: letters, digits and underscores, unique in its scope.",
    "from": "The input: the name of an earlier layer; a list for layers that merge. The previous layer, unless given.",
    SHARE: "An earlier layer whose weights this one uses.",
}


def architecture_schema() -> JsonSchema:
    """The JSON Schema of an architecture file."""
    kinds = {name: schema for kind, layer in KINDS.items() for name, schema in _definitions(kind, layer).items()}
    lists = [_layer_list(blocks, defaults) for blocks in (False, True) for defaults in (False, True)]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Architecture of a convolutional network (cnn)",
        "type": "object",
        "properties": {key: {"description": text, **_file_key(key)} for key, text in KEYS.items()} | _by_hand(),
        "additionalProperties": False,
        "required": ["layers"],
        "oneOf": [{"required": ["input"]}, {"required": ["inputs"]}, _shape_of_values()],
        **_by_definitions(),
        "definitions": {**_shared(), **kinds, **{name: schema for found in lists for name, schema in found.items()}},
    }


def _shape_of_values() -> JsonSchema:
    """A file whose input has the shape of its values."""
    return {"required": ["values"], "properties": {"input": False, "inputs": False}}


def _shared() -> dict[str, JsonSchema]:
    value = {"type": ["string", "number", "boolean", "null", "array"], "items": _ref("value")}
    name = {"anyOf": [{"type": "string", **IS_NAME}, {"type": ["integer", "boolean"]}, _ref("expression")]}
    return {
        "expression": {"description": "An expression with variables, e.g. $width * 2", "type": "string"}
        | IS_EXPRESSION,
        "value": value,
        "name": name,
        "shape": _or_expression(SHAPE_SCHEMA),
        "numbers": {
            "description": "Numbers to calculate by hand: 1 0; 0 1, or nested lists",
            "type": ["string", "number", "array"],
        },
        "block_call": {
            "type": [*value["type"], "object"],
            "items": _ref("value"),
            "additionalProperties": _ref("value"),
        },
    }


def _ref(name: str) -> JsonSchema:
    return {"$ref": f"#/definitions/{name}"}


def _or_expression(accepts: JsonSchema) -> JsonSchema:
    """The values that a reader accepts, in which an expression may replace any number, word or item."""
    forms = accepts.get("anyOf", [accepts])
    opened = [{**form, "items": _or_expression(form["items"])} if "items" in form else form for form in forms]
    return {"anyOf": [*opened, _ref("expression")]}


def _field(field: SchemaField, text: str) -> JsonSchema:
    if not isinstance(field.read, Reader):
        raise TypeError(f"{text!r}: its reader has no JSON Schema")
    default = {} if field.default is None or isinstance(field.default, tuple) else {"default": field.default}
    return {"description": text, **default, **_or_expression(field.read.accepts)}


def _mapping(properties: dict[str, JsonSchema], required: tuple[str, ...] = ()) -> JsonSchema:
    needed = {"required": [*required]} if required else {}
    return {"type": "object", "properties": properties, "additionalProperties": False, **needed}


def _named(values: JsonSchema, **others: Any) -> JsonSchema:
    """A mapping whose keys are names that the file chooses."""
    return {"type": "object", "propertyNames": IS_NAME, "additionalProperties": values, **others}


# Layer types ------------------------------------------------------------------------------------------------------


def _definitions(kind: str, layer: type[Layer]) -> dict[str, JsonSchema]:
    """``conv_fields`` (a mapping), ``conv`` (all forms), and ``conv_with_defaults``, where nothing is required."""
    fields = {name: _field(field, description(kind, name)) for name, field in layer.schema.items()}
    inputs = _inputs(layer)
    common = {"name": _ref("name"), "from": inputs, SHARE: WORD}
    fields |= {key: {"description": COMMON[key], "anyOf": [schema]} for key, schema in common.items()}
    mapping = _mapping(fields | _weights(layer, fields))
    if "bias" in fields:  # numbers for it go with those of the weight
        mapping["anyOf"] = [{"properties": {"bias": fields["bias"]}}, *({"required": [name]} for name in WEIGHTS)]
    required = _required(layer)
    found = {f"{kind}_fields": mapping, kind: _forms(kind, layer, required)}
    return found if not required else {**found, f"{kind}_with_defaults": _forms(kind, layer, required & {"from"})}


def _weights(layer: type[Layer], fields: dict[str, JsonSchema]) -> dict[str, JsonSchema]:
    """The fields for the weights of a layer, or dropout's mask, as numbers, which ``cnn convolve`` reads."""
    numbers = _ref("numbers")
    found = {name: numbers for name in WEIGHT_FIELDS if name not in fields and gives_weight(layer, name)}
    if "bias" in fields:
        found["bias"] = {**fields["bias"], "anyOf": [*fields["bias"]["anyOf"], numbers]}
    return found


def _required(layer: type[Layer]) -> set[str]:
    own = {name for name, field in layer.schema.items() if field.required}
    return own | ({"from"} if layer.merges else set())


def _inputs(layer: type[Layer]) -> JsonSchema:
    """The values of ``from``."""
    most = {} if layer.merges else {"maxItems": 1}
    several = {"type": "array", "items": WORD, "minItems": layer.min_inputs, **most}
    return {"anyOf": [WORD, several] if layer.min_inputs == 1 else [several]}


def _forms(kind: str, layer: type[Layer], required: set[str]) -> JsonSchema:
    """What may stand after ``kind:`` if ``required`` fields must be given."""
    main = "from" if layer.merges else layer.main
    forms = [_ref(f"{kind}_fields")]
    if required:
        enough = [required, *({name} for name in WEIGHTS if issubclass(layer, SIZED_BY_WEIGHT))]
        forms = [{"allOf": [*forms, {"anyOf": [{"required": sorted(names)} for names in enough]}]}]
    else:
        forms.append(NOTHING)
    if main and required <= {main}:
        read = layer.schema[main].read if not layer.merges else None
        forms.append(_or_expression(read.accepts) if isinstance(read, Reader) else _inputs(layer))
    return {"description": " ".join((layer.__doc__ or "").partition("\n\n")[0].split()), "anyOf": forms}


def _by_hand() -> dict[str, JsonSchema]:
    """The keys of a file with numbers."""
    numbers = _ref("numbers")
    return {
        "values": {"description": KEYS_BY_HAND["values"], "anyOf": [numbers, _named(numbers, minProperties=1)]},
        "target": {"description": KEYS_BY_HAND["target"], **numbers},
        "loss": {"description": KEYS_BY_HAND["loss"], "enum": [*LOSS_NAMES]},
    }


# Lists of layers --------------------------------------------------------------------------------------------------


def _suffix(blocks: bool, defaults: bool) -> str:
    return ("_and_blocks" if blocks else "") + ("_with_defaults" if defaults else "")


def _layer_list(blocks: bool, defaults: bool) -> dict[str, JsonSchema]:
    """The definitions of a list of layers in a file that has ``blocks`` or ``defaults``, or neither."""
    suffix = _suffix(blocks, defaults)
    needs = {kind: _required(layer) & {"from"} if defaults else _required(layer) for kind, layer in KINDS.items()}
    bare = [kind for kind in KINDS if not needs[kind]]
    others = {"type": "string", "not": {"enum": sorted({*KINDS, *COMPOSITES} - {*bare})}}
    words = [{"enum": bare}, _ref("expression"), *([others, {"type": ["number", "boolean"]}] if blocks else [])]
    entries = {kind: _ref(f"{kind}_with_defaults" if defaults and _required(KINDS[kind]) else kind) for kind in KINDS}
    composites = {name: _composite(keys, suffix) for name, keys in COMPOSITES.items()}
    entry: JsonSchema = {
        "type": "object",
        "properties": entries | {name: _ref(f"{name}{suffix}") for name in composites},
        "patternProperties": {IS_EXPRESSION["pattern"]: {}},
        "additionalProperties": _ref("block_call") if blocks else False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {
        f"layers{suffix}": {"type": "array", "items": {"anyOf": [*words, entry]}},
        **{f"{name}{suffix}": schema for name, schema in composites.items()},
    }


def _composite(composite: CompositeKeys, suffix: str) -> JsonSchema:
    layers = _ref(f"layers{suffix}")
    branch = {"anyOf": [layers, NOTHING]}
    takes: dict[str, list[JsonSchema]] = {
        "layers": [layers],
        "layers or nothing": [layers, NOTHING],
        "branches": [{"type": "array", "items": branch, "minItems": 1}, _named(branch, minProperties=1)],
        "merge": [{"enum": [kind for kind, layer in KINDS.items() if layer.merges]}, _ref("expression"), NOTHING],
        "times": [{"type": "integer", "minimum": 0, "maximum": LAYER_LIMIT}, _ref("expression")],
        "index": [_ref("name"), NOTHING],
        "test": [{"type": "boolean"}, _ref("expression")],
    }
    keys = {name: {"description": key.description, "anyOf": takes[key.takes]} for name, key in composite.keys.items()}
    if composite.everywhere:
        single = {"anyOf": [WORD, {"type": "array", "items": WORD, "minItems": 1, "maxItems": 1}]}
        common = {"name": _ref("name"), "from": single}
        keys |= {key: {"description": COMMON[key], "anyOf": [common[key]]} for key in EVERYWHERE}
    forms = [_mapping(keys, composite.required), *([layers] if composite.required == ("layers",) else [])]
    return {"description": composite.description, "anyOf": forms}


# The file ---------------------------------------------------------------------------------------------------------


def _file_key(key: str) -> JsonSchema:
    """The value of a key of the file; lists of layers are described by :func:`_by_definitions`."""
    recipe = {name: _field(field, ROWS[name].help) for name, field in Recipe.schema.items()}
    found: dict[str, JsonSchema] = {
        **dict.fromkeys(("name", "description", "source"), TEXT),
        "input": _ref("shape"),
        "inputs": _named(_ref("shape"), minProperties=1),
        "variables": {"anyOf": [_named(_ref("value")), NOTHING]},
        "variants": {"anyOf": [{"type": "object", "additionalProperties": {"type": "object"}}, NOTHING]},
        "defaults": {"type": ["object", "null"], "additionalProperties": {"type": "object"}},
        "blocks": {"type": ["object", "null"]},
        "layers": {"type": "array", "minItems": 1},
        "outputs": {"anyOf": [WORD, {"type": "array", "items": TEXT, "minItems": 1}, NOTHING]},
        "train": {"anyOf": [_mapping(recipe), NOTHING]},
    }
    return found[key]


def _by_definitions() -> JsonSchema:
    """What depends on whether the file has ``blocks`` and ``defaults``."""

    def given(key: str) -> JsonSchema:
        return {"required": [key], "properties": {key: {"type": "object", "minProperties": 1}}}

    def with_blocks(blocks: bool) -> JsonSchema:
        return {"if": given("defaults"), "then": _with(blocks, True), "else": _with(blocks, False)}

    return {"if": given("blocks"), "then": with_blocks(True), "else": with_blocks(False)}


def _with(blocks: bool, defaults: bool) -> JsonSchema:
    layers = _ref(f"layers{_suffix(blocks, defaults)}")
    found: JsonSchema = {"layers": layers}
    if blocks:
        found["blocks"] = {
            "type": "object",
            "propertyNames": {**IS_NAME, "not": {"enum": [*KINDS, *COMPOSITES]}},
            "additionalProperties": _block(layers),
        }
    if defaults:
        no_place = {"properties": dict.fromkeys(COMMON, False)}
        kinds = {kind: {"allOf": [_ref(f"{kind}_fields"), no_place]} for kind in KINDS}
        found["defaults"] = {"properties": kinds} | ({} if blocks else {"additionalProperties": False})
    return {"properties": found}


def _block(layers: JsonSchema) -> JsonSchema:
    parameters = {"anyOf": [_named(_ref("value")), {"type": "array", "items": WORD}, NOTHING]}
    values = {"parameters": parameters, "layers": layers, "description": {}}
    return _mapping(
        {key: {"description": text, "anyOf": [values[key]]} for key, text in BLOCK_KEYS.items()}, ("layers",)
    )
