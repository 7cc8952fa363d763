"""The recipe's keys, a row each: type, default, meaning, and the module that reads it. No torch here.

All that is known of a key is in its row: the ``train`` section of a file, the options of ``cnn train`` and their help,
``recipe.yaml`` and the messages are made from it. ``tests/recipe/test_every_key_is_read.py`` trains with and without
each key, and fails for a key that changes nothing.
"""

from collections.abc import Mapping
from typing import Annotated, NamedTuple

from cnncli.arithmetic.shape import InvalidValue
from cnncli.errors import Problem, closest
from cnncli.graph import Setting
from cnncli.layers.fields import Count, Flag, NonNegative, Positive, Text, UnitInterval, Whole
from cnncli.recipe.values import (
    AUTO,
    BelowOne,
    ClassWeights,
    CompileMode,
    Epochs,
    FactorsByName,
    Flip,
    Integers,
    Optimizer,
    Patterns,
    PrecisionName,
    RegressionLoss,
    Schedule,
    Task,
    Views,
)
from cnncli.schema import Record

# The modules that read the keys.
OPTIM = "executor.training.optimization.optimizers"
SCHED = "executor.training.optimization.schedules"
LOOP = "executor.training.loop"
STATE = "executor.training.state"
LOSS = "executor.training.losses"
AUGMENT = "executor.feeding.augmentation"
INIT = "executor.network.initialization"
SETUP = "executor.runs.setup"
PREPARATION = "runs.preparation"
TASK_OF = "runs.tasks"

SGD = ("optimizer", "sgd")
MOMENTUM = ("optimizer", "sgd", "rmsprop", "muon")
MUON = ("optimizer", "muon")


class Key(NamedTuple):
    """The properties of a recipe key besides its type and default.

    ``read_by`` is the module of cnncli in which the key takes effect. ``needs`` names another key and the values of it
    without which this one has no effect; without values the other key must not be 0. ``input`` is "axes" for a key that
    needs an input with spatial axes, "image" for one that needs images. ``synonyms`` are names in other trainers.
    """

    help: str
    read_by: str
    needs: tuple[str, ...] = ()
    input: str = ""
    synonyms: tuple[str, ...] = ()


class Recipe(Record):
    """The training recipe."""

    dataset: Annotated[
        Text,
        Key(
            "digits, mnist, cifar10, images:PATH, npz:FILE, wds:PATH …: cnn data lists them.",
            PREPARATION,
            synonyms=("data",),
        ),
    ] = ""
    stream: Annotated[Flag, Key("Read images:PATH from disk while training.", PREPARATION)] = False
    task: Annotated[
        Task,
        Key("auto, classification, regression or segmentation; auto infers it from the output and the data.", TASK_OF),
    ] = AUTO
    loss: Annotated[
        RegressionLoss, Key("Regression loss: mse, l1 or huber.", "executor.training.objectives.regression")
    ] = "mse"
    epochs: Annotated[
        Epochs, Key("Passes over the training set, e.g. 10 or 9.5.", LOOP, synonyms=("max_epochs", "num_epochs"))
    ] = 10
    batch_size: Annotated[Count, Key("Images per step.", LOOP, synonyms=("batch",))] = 128
    accumulate: Annotated[
        Count, Key("Split each batch into N micro-batches to save memory.", LOOP, synonyms=("accumulate_grad_batches",))
    ] = 1
    optimizer: Annotated[
        Optimizer, Key("sgd, adam, adamw, rmsprop, or muon (for filters; sgd for the rest).", OPTIM, synonyms=("opt",))
    ] = "adam"
    lr: Annotated[Positive, Key("Learning rate.", OPTIM, synonyms=("learning_rate",))] = 0.001
    momentum: Annotated[UnitInterval, Key("Momentum of sgd and rmsprop.", OPTIM, needs=MOMENTUM)] = 0.9
    nesterov: Annotated[Flag, Key("Nesterov momentum for sgd.", OPTIM, needs=SGD)] = False
    weight_decay: Annotated[NonNegative, Key("Weight decay.", OPTIM, synonyms=("wd", "decay"))] = 0.0
    decay_bias_and_norm: Annotated[
        Flag, Key("Apply weight decay to biases and norms, too.", OPTIM, needs=("weight_decay",))
    ] = True
    decay_factors: Annotated[
        FactorsByName,
        Key("Weight-decay multipliers by parameter name, e.g. conv1.*=0.", OPTIM, needs=("weight_decay",)),
    ] = ()
    muon_lr: Annotated[Positive, Key("Learning rate of the filters with muon.", OPTIM, needs=MUON)] = 0.02
    muon_momentum: Annotated[UnitInterval, Key("Momentum of the filters with muon.", OPTIM, needs=MUON)] = 0.95
    lr_factors: Annotated[
        FactorsByName, Key("Learning-rate multipliers by parameter name, e.g. conv1.*=0.1.", OPTIM)
    ] = ()
    freeze: Annotated[Patterns, Key("Parameters that are not trained, by name, e.g. conv1.*.", OPTIM)] = ()
    freeze_after: Annotated[
        FactorsByName,
        Key(
            "Freeze parameters after a number of epochs, by name, e.g. conv1.bias=3; their schedule ends there.", OPTIM
        ),
    ] = ()
    schedule: Annotated[
        Schedule,
        Key(
            "constant, step, multistep, cosine, one-cycle, linear, polynomial or plateau.",
            SCHED,
            synonyms=("scheduler", "lr_scheduler"),
        ),
    ] = "cosine"
    step_epochs: Annotated[
        Count, Key("Step schedule: epochs between two drops.", SCHED, needs=("schedule", "step"))
    ] = 30
    milestones: Annotated[
        Integers,
        Key(
            "Multistep schedule: epochs after which the learning rate drops, e.g. 30,60.",
            SCHED,
            needs=("schedule", "multistep"),
        ),
    ] = ()
    gamma: Annotated[
        Positive,
        Key(
            "Factor of a step, a milestone or (below 1) a plateau.",
            SCHED,
            needs=("schedule", "step", "multistep", "plateau"),
        ),
    ] = 0.1
    power: Annotated[
        Positive, Key("Polynomial schedule: (1 - progress) to this power.", SCHED, needs=("schedule", "polynomial"))
    ] = 1.0
    warmup: Annotated[NonNegative, Key("Epochs over which the learning rate first rises.", SCHED)] = 0.0
    patience: Annotated[
        Count,
        Key(
            "Plateau schedule: epochs without a lower held-out loss before the learning rate drops.",
            STATE,
            needs=("schedule", "plateau"),
        ),
    ] = 3
    early_stopping: Annotated[Whole, Key("Stop after N epochs without a lower held-out loss; 0: never.", STATE)] = 0
    label_smoothing: Annotated[
        BelowOne,
        Key(
            "Fraction of the target spread evenly over all classes (Szegedy et al. 2016).",
            LOSS,
            synonyms=("smoothing",),
        ),
    ] = 0.0
    class_weights: Annotated[
        ClassWeights, Key("none, balanced (inverse class frequency), or a weight for each class.", LOSS)
    ] = "none"
    clip_norm: Annotated[
        NonNegative, Key("Max global gradient norm; 0: no clipping.", LOOP, synonyms=("grad_clip", "gradient_clip_val"))
    ] = 0.0
    ema: Annotated[BelowOne, Key("EMA decay; the EMA weights are evaluated and saved; 0: no EMA.", LOOP)] = 0.0
    lookahead: Annotated[
        Whole, Key("Steps between two lookahead updates (Zhang et al. 2019); 0: no lookahead.", LOOP)
    ] = 0
    flip: Annotated[
        Flip,
        Key("Mirror images: none, random, or alternating (each image in every other epoch).", AUGMENT, input="axes"),
    ] = "none"
    translate: Annotated[Whole, Key("Max random shift in pixels; borders reflected.", AUGMENT, input="axes")] = 0
    cutout: Annotated[
        Whole, Key("Side of a square that is blanked (DeVries and Taylor 2017).", AUGMENT, input="image")
    ] = 0
    rotation: Annotated[NonNegative, Key("Max rotation in degrees.", AUGMENT, input="image")] = 0.0
    jitter: Annotated[
        NonNegative, Key("Max relative change of brightness, contrast and saturation.", AUGMENT, input="axes")
    ] = 0.0
    mixup: Annotated[NonNegative, Key("Mixup alpha (Zhang et al. 2018); 0: no mixup.", AUGMENT)] = 0.0
    cutmix: Annotated[NonNegative, Key("CutMix alpha (Yun et al. 2019); 0: no CutMix.", AUGMENT, input="image")] = 0.0
    sizes: Annotated[Integers, Key("Progressive resizing: image sides, e.g. 24,28,32.", AUGMENT)] = ()
    tta: Annotated[
        Views, Key("Test-time augmentation: none, mirror or six.", "executor.runs.running", input="axes")
    ] = "none"
    init: Annotated[
        Text,
        Key(
            "Initial weights: kaiming, xavier, lecun, normal, dirac, or a run folder or weights file to start from.",
            INIT,
        ),
    ] = "kaiming"
    partial: Annotated[
        Flag, Key("With --init FILE: initialize the tensors that the file lacks instead of refusing it.", INIT)
    ] = False
    whiten: Annotated[
        Flag, Key("Start the first convolution with filters that whiten the training images, and freeze it.", INIT)
    ] = False
    seed: Annotated[Whole, Key("Seed of the weights, the data order, augmentation and dropout.", LOOP)] = 0
    validation: Annotated[BelowOne, Key("Fraction of training images held out for validation.", SETUP)] = 0.0
    device: Annotated[Text, Key("auto, cpu, cuda, cuda:1, …", SETUP)] = AUTO
    loaders: Annotated[
        Whole, Key("Processes that read and decode images from disk.", SETUP, synonyms=("num_workers",))
    ] = 2
    precision: Annotated[
        PrecisionName,
        Key("auto, fp32, bf16 or fp16; auto is bf16 where the device is fast at it.", SETUP, synonyms=("amp",)),
    ] = AUTO
    compile: Annotated[
        CompileMode,
        Key(
            "torch.compile: off, on, graphs (CUDA graphs), trial (the fastest of them) or auto (a trial on a GPU).",
            SETUP,
        ),
    ] = AUTO
    deterministic: Annotated[Flag, Key("Bit-reproducible GPU runs; slower.", SETUP)] = False
    sync_batchnorm: Annotated[Flag, Key("Synchronize batchnorm statistics across workers.", SETUP)] = False


ROWS: dict[str, Key] = {name: field.row for name, field in Recipe.schema.items()}
SYNONYMS = {word: name for name, row in ROWS.items() for word in row.synonyms}
SYNONYMS["dropout"] = "layers, where dropout is one of them"


def option_of(key: str) -> str:
    """The option of ``cnn train`` that sets a key: ``--batch-size``."""
    return f"--{key.replace('_', '-')}"


def recipe_problems(train: Mapping[str, Setting]) -> list[Problem]:
    """The problems in a ``train`` section; commands that only calculate report it, too."""
    problems = []
    for key, setting in train.items():
        if key not in Recipe.schema:
            near = SYNONYMS.get(key) or closest(key, list(Recipe.schema))
            hint = f"write {near}" if near else f"the keys are {', '.join(Recipe.schema)}"
            problems.append(Problem(f"unknown recipe key {key!r}", hint, setting.key_place, "train"))
            continue
        try:
            Recipe.schema[key].read(setting.value)
        except InvalidValue as error:
            problems.append(Problem(f"{key} {error}", error.hint, setting.place, "train"))
    return problems
