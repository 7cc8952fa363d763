"""The training recipe: the ``train`` section of a file, with defaults, overridden by options. No torch here."""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

from cnncli.arithmetic.numerals import read_number
from cnncli.arithmetic.shape import InvalidValue
from cnncli.errors import CnnError, Problem, closest
from cnncli.graph import Setting
from cnncli.layers.fields import Count, Flag, NotNegative, Positive, Share, Text, Whole, one_of, shown
from cnncli.schema import Record

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "muon")
SCHEDULES = ("constant", "step", "multistep", "cosine", "one-cycle", "linear", "polynomial", "plateau")
INITS = ("kaiming", "xavier", "lecun", "normal", "dirac")
AUTO = "auto"
TASKS = ("classification", "regression", "segmentation")
LOSSES = ("mse", "l1", "huber")
COMPILE = (AUTO, "off", "on", "graphs", "trial")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")


def _list_of(read: Callable[[Any], Any], wanted: str) -> Callable[[Any], tuple[Any, ...]]:
    """A reader of a list, or of a text with commas."""

    def read_all(value: object) -> tuple[Any, ...]:
        items = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            items = [items]
        try:
            return tuple(read(item) for item in items if item != "")
        except (InvalidValue, ValueError):
            raise InvalidValue(f"must be {wanted}, not {shown(value)}") from None

    return read_all


def _number(item: Any) -> float:
    if isinstance(item, bool) or not isinstance(item, int | float | str):
        raise ValueError
    number = read_number(item) if isinstance(item, str) else item
    if number is None or not abs(number) < 1e300:
        raise ValueError
    return float(number)


def _whole_number(item: Any) -> int:
    number = _number(item)
    if number < 1 or not number.is_integer():
        raise ValueError
    return int(number)


def _factor(item: Any) -> tuple[str, float]:
    """``conv1.*=0.1``: a pattern of parameters' names, and what their rate is multiplied by."""
    pattern, _, factor = str(item).rpartition("=")
    number = _number(factor)
    if not pattern or not 0 <= number < 1e6:
        raise ValueError
    return pattern.strip(), number


def _class_weights(value: object) -> str | tuple[float, ...]:
    """none, balanced, or a weight for each class."""
    if value in ("none", "balanced"):
        return str(value)
    weights = _list_of(_number, "none, balanced, or a list of weights above 0")(value)
    if not weights or not all(0 < weight < 1e9 for weight in weights):
        raise InvalidValue(f"must be none, balanced, or a list of weights above 0, not {shown(value)}")
    return weights


def _passes(value: object) -> float:
    """Epochs, whole ones as a whole number."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else 0
    if not 0 < number < 1e9:
        raise InvalidValue(f"must be a number of epochs, as 10 or 9.5, not {shown(value)}")
    return int(number) if number == int(number) else number


Passes = Annotated[float, _passes]


def _below_one(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1:
        return float(value)
    raise InvalidValue(f"must be from 0 to below 1, as 0.99, not {shown(value)}")


def _compile(value: object) -> str:
    """One of COMPILE; true and false are on and off."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(one_of(*COMPILE)(value))


Milestones = Annotated[tuple[int, ...], _list_of(_whole_number, "a list of epochs, as 30, 60")]
Patterns = Annotated[tuple[str, ...], _list_of(str, "a list of patterns, as conv1.*")]
RateFactors = Annotated[tuple[tuple[str, float], ...], _list_of(_factor, "a list such as conv1.*=0.1")]
ClassWeights = Annotated[str | tuple[float, ...], _class_weights]


class Recipe(Record):
    """How to train. What each key means stands in :data:`MEANINGS`."""

    dataset: Text = ""
    stream: Flag = False
    task: Annotated[str, one_of(AUTO, *TASKS)] = AUTO
    loss: Annotated[str, one_of(*LOSSES)] = "mse"
    epochs: Passes = 10
    batch_size: Count = 128
    accumulate: Count = 1
    optimizer: Annotated[str, one_of(*OPTIMIZERS)] = "adam"
    lr: Positive = 0.001
    momentum: Share = 0.9
    nesterov: Flag = False
    weight_decay: NotNegative = 0.0
    decay_bias_and_norm: Flag = True
    decay_factors: RateFactors = ()
    muon_lr: Positive = 0.02
    muon_momentum: Share = 0.95
    lr_factors: RateFactors = ()
    freeze: Patterns = ()
    freeze_after: RateFactors = ()
    schedule: Annotated[str, one_of(*SCHEDULES)] = "cosine"
    step_epochs: Count = 30
    milestones: Milestones = ()
    gamma: Positive = 0.1
    power: Positive = 1.0
    warmup: NotNegative = 0.0
    patience: Count = 3
    early_stopping: Whole = 0
    label_smoothing: Annotated[float, _below_one] = 0.0
    class_weights: ClassWeights = "none"
    clip_norm: NotNegative = 0.0
    ema: Annotated[float, _below_one] = 0.0
    lookahead: Whole = 0
    flip: Annotated[str, one_of("none", "random", "alternating")] = "none"
    translate: Whole = 0
    cutout: Whole = 0
    rotation: NotNegative = 0.0
    jitter: NotNegative = 0.0
    mixup: NotNegative = 0.0
    cutmix: NotNegative = 0.0
    sizes: Milestones = ()
    tta: Annotated[str, one_of("none", "mirror", "six")] = "none"
    init: Text = "kaiming"
    partial: Flag = False
    whiten: Flag = False
    seed: Whole = 0
    validation: Annotated[float, _below_one] = 0.0
    device: Text = "auto"
    loaders: Whole = 2
    precision: Annotated[str, one_of(*PRECISIONS)] = "auto"
    compile: Annotated[str, _compile] = AUTO
    deterministic: Flag = False
    sync_batchnorm: Flag = False


MEANINGS = {
    "dataset": "digits, mnist, cifar10, images:PATH, npz:FILE, wds:PATH …: cnn data lists them.",
    "stream": "Leave the images of images:PATH on disk, as those that do not fit in memory are.",
    "task": "auto, classification, regression or segmentation; auto goes by the output and the data.",
    "loss": "Of a regression: mse, l1 or huber.",
    "epochs": "Passes over the training images; the last one may be a part, as in 9.5.",
    "batch_size": "Images per step.",
    "accumulate": "Parts in which a batch is computed, one after the other: for memory.",
    "optimizer": "sgd, adam, adamw, rmsprop, or muon (for filters; sgd for the rest).",
    "lr": "Learning rate.",
    "momentum": "Of sgd and rmsprop.",
    "nesterov": "Nesterov's momentum, of sgd.",
    "weight_decay": "Decay of the weights.",
    "decay_bias_and_norm": "Whether biases and norms decay as well.",
    "decay_factors": "Factors of the decay by parameters' names, as conv1.*=0.",
    "muon_lr": "Learning rate of the filters, with muon.",
    "muon_momentum": "Momentum of the filters, with muon.",
    "lr_factors": "Factors of the rate by parameters' names, as conv1.*=0.1.",
    "freeze": "Parameters that stay as they are, by name, as conv1.*.",
    "freeze_after": "Epochs after which parameters stay, their rate gone by then, by name, as conv1.bias=3.",
    "schedule": "constant, step, multistep, cosine, one-cycle, linear, polynomial or plateau.",
    "step_epochs": "Of the step schedule: epochs from one step to the next.",
    "milestones": "Of multistep: the epochs after which the rate falls, as 30,60.",
    "gamma": "The factor of a step, a milestone or (below 1) a plateau.",
    "power": "Of polynomial: (1 - progress) to this power.",
    "warmup": "Epochs over which the rate rises at first.",
    "patience": "Of plateau: epochs without a better loss before the rate falls.",
    "early_stopping": "Epochs without a better loss after which the training ends; 0: never.",
    "label_smoothing": "Share of the target that goes to all classes alike (Szegedy et al. 2016).",
    "class_weights": "none, balanced (by how rare they are), or a weight for each class.",
    "clip_norm": "Largest norm of all gradients together; 0: any.",
    "ema": "Decay of a running average of the weights, which is what is evaluated and kept; 0: none.",
    "lookahead": "Steps from one look ahead to the next (Zhang et al. 2019); 0: none.",
    "flip": "Mirror images: none, random, or alternating (each image in every other epoch).",
    "translate": "Most pixels by which images are moved, the border reflected.",
    "cutout": "Side of a square that is blanked out (DeVries and Taylor 2017).",
    "rotation": "Most degrees by which images are turned.",
    "jitter": "Strength of changes of brightness, contrast and saturation.",
    "mixup": "Alpha of mixup (Zhang et al. 2018); 0: none.",
    "cutmix": "Alpha of cutmix (Yun et al. 2019); 0: none.",
    "sizes": "Sides of the images from the first epochs to the last, as 24,28,32.",
    "tta": "Views that are averaged at evaluation: none, mirror or six.",
    "init": "Initial weights: kaiming, xavier, lecun, normal, dirac, or a run or a file of weights to start from.",
    "partial": "With init from a file: start as new what has no weights of its name and shape there.",
    "whiten": "Start the first convolution with filters that whiten the training images, and freeze it.",
    "seed": "Of the weights, the order of the data, augmentation and dropout.",
    "validation": "Share of the training images held out to watch the training.",
    "device": "auto, cpu, cuda, cuda:1, …",
    "loaders": "Processes that read and decode what stays on disk.",
    "precision": "auto, fp32, bf16 or fp16; auto is bf16 where the device is fast at it.",
    "compile": "torch.compile: off, on, graphs (CUDA graphs), trial (the fastest of them) or auto (a trial on a GPU).",
    "deterministic": "The same weights twice on a GPU, too; slower.",
    "sync_batchnorm": "Batch normalisation over the batches of all workers.",
}


LARGEST_FACTOR = 1e30  # of a rate, in all of a schedule: float32 ends at 3e38

USED_WITH = {  # keys that one optimizer or schedule alone has a use for
    "momentum": ("optimizer", ("sgd", "rmsprop", "muon")),
    "nesterov": ("optimizer", ("sgd",)),
    "muon_lr": ("optimizer", ("muon",)),
    "muon_momentum": ("optimizer", ("muon",)),
    "step_epochs": ("schedule", ("step",)),
    "milestones": ("schedule", ("multistep",)),
    "gamma": ("schedule", ("step", "multistep", "plateau")),
    "power": ("schedule", ("polynomial",)),
    "patience": ("schedule", ("plateau",)),
}

SYNONYMS = {  # as other trainers call them
    "learning_rate": "lr",
    "max_epochs": "epochs",
    "num_epochs": "epochs",
    "batch": "batch_size",
    "data": "dataset",
    "wd": "weight_decay",
    "decay": "weight_decay",
    "scheduler": "schedule",
    "lr_scheduler": "schedule",
    "opt": "optimizer",
    "smoothing": "label_smoothing",
    "num_workers": "loaders",
    "amp": "precision",
    "grad_clip": "clip_norm",
    "gradient_clip_val": "clip_norm",
    "accumulate_grad_batches": "accumulate",
    "dropout": "layers, where dropout is one of them",
}


def read_recipe(train: Mapping[str, Setting], options: Mapping[str, Any]) -> Recipe:
    """The recipe of a file's ``train`` section; ``options`` (those given on the command line) come before it.

    Raises CnnError with every entry that cannot be read.
    """
    problems = recipe_problems(train)
    values = {}
    for key, setting in train.items():
        if key in Recipe.schema and key not in options and not problems:
            values[key] = Recipe.schema[key].read(setting.value)
    for key, value in options.items():
        try:
            values[key] = Recipe.schema[key].read(value)
        except InvalidValue as error:
            problems.append(Problem(f"--{key.replace('_', '-')}: {error}", error.hint))
    recipe = Recipe(**values) if not problems else None
    if recipe is None:
        raise CnnError.of(problems)
    _check_together(recipe)
    return recipe


def _check_together(recipe: Recipe) -> None:
    """Raises CnnError for keys that say nothing beside each other: they would be ignored without a word."""
    if recipe.schedule == "multistep":
        late = [epoch for epoch in recipe.milestones if epoch >= recipe.epochs]
        if not recipe.milestones or late or list(recipe.milestones) != sorted({*recipe.milestones}):
            found = f"not at {', '.join(map(str, recipe.milestones))}" if recipe.milestones else "and none is given"
            message = f"milestones: the rate falls at growing epochs below {recipe.epochs:g}, {found}"
            raise CnnError(message, "write milestones: [30, 60], or --milestones 30,60")
    if recipe.schedule == "plateau" and recipe.gamma >= 1:
        hint = "write gamma: 0.1, or --gamma 0.1: any factor below 1"
        raise CnnError(f"gamma: {recipe.gamma:g} does not lower the rate at a plateau", hint)
    changes = {"step": (math.ceil(recipe.epochs) - 1) // recipe.step_epochs, "multistep": len(recipe.milestones)}
    times = changes.get(recipe.schedule, 0)
    if times * math.log10(recipe.gamma) > math.log10(LARGEST_FACTOR):
        message = f"gamma: {recipe.gamma:g}, applied {times} times, raises the rate more than {LARGEST_FACTOR:g}-fold"
        raise CnnError(message, "write gamma: 0.1, or --gamma 0.1: a factor below 1 lowers the rate")
    if recipe.partial and recipe.init in INITS:
        hint = "it goes with --init RUN or a file; --no-partial takes it back"
        raise CnnError(f"partial: init {recipe.init} gives all weights their values", hint)
    if recipe.warmup >= recipe.epochs:
        raise CnnError(
            f"warmup: {recipe.warmup:g} epochs of {recipe.epochs:g} leave none at the full rate", "use a shorter one"
        )


def check_options(recipe: Recipe, given: Collection[str]) -> None:
    """Raises CnnError for a key given as an option that the rest of the recipe has no use for.

    In a file such keys may stand: they wait for another optimizer or schedule to be chosen.
    """
    for key in given:
        other, values = USED_WITH.get(key, ("", ()))
        if other and getattr(recipe, key) is not False and getattr(recipe, other) not in values:
            option, chosen = f"--{key.replace('_', '-')}", f"{other} {getattr(recipe, other)}"
            raise CnnError(
                f"{option} has no effect with {chosen}",
                f"give --{other.replace('_', '-')} {' or '.join(values)}, or leave {option} out",
            )
    for key in ("decay_bias_and_norm", "decay_factors"):
        if key in given and not recipe.weight_decay:
            option = f"--{key.replace('_', '-')}"
            raise CnnError(
                f"{option} has no effect without weight decay", f"give --weight-decay, or leave {option} out"
            )


def recipe_problems(train: Mapping[str, Setting]) -> list[Problem]:
    """What is wrong in a ``train`` section, found while nothing but figures is wanted as well."""
    problems = []
    for key, setting in train.items():
        if key not in Recipe.schema:
            near = SYNONYMS.get(key) or closest(key, list(Recipe.schema))
            hint = f"write {near}" if near else f"it takes {', '.join(Recipe.schema)}"
            problems.append(Problem(f"the recipe has no {key!r}", hint, setting.key_place, "train"))
            continue
        try:
            Recipe.schema[key].read(setting.value)
        except InvalidValue as error:
            problems.append(Problem(f"{key} {error}", error.hint, setting.place, "train"))
    return problems


def as_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain values that :func:`from_dict` reads back, in the order of its fields."""
    return {name: _plain(getattr(recipe, name)) for name in Recipe.schema}


def _plain(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return [f"{item[0]}={item[1]!r}" if isinstance(item, tuple) else item for item in value]


def from_dict(values: Mapping[str, Any]) -> Recipe:
    """The recipe of :func:`as_dict`. Raises CnnError for values that no recipe has."""
    try:
        read = {name: Recipe.schema[name].read(value) for name, value in values.items()}
    except (KeyError, InvalidValue) as error:
        raise CnnError(f"the recipe cannot be read: {error}", "was recipe.yaml changed by hand?") from None
    return Recipe(**read)


def differences(one: Recipe, other: Recipe) -> list[str]:
    """What differs, as ``lr 0.1 and 0.2``."""
    pairs = ((name, getattr(one, name), getattr(other, name)) for name in Recipe.schema)
    return [f"{name} {_plain(a)} and {_plain(b)}" for name, a, b in pairs if a != b]
