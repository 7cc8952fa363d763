"""The table of topics, in the order in which a quiz cycles through them."""

from __future__ import annotations

from collections.abc import Callable

from cnncli.homework.quiz.draws import Draws
from cnncli.homework.quiz.question import QuizQuestion
from cnncli.homework.quiz.topics.by_hand import backward, by_hand
from cnncli.homework.quiz.topics.counts import budget, memory, parameters
from cnncli.homework.quiz.topics.fields import receptive_fields
from cnncli.homework.quiz.topics.networks import networks, table
from cnncli.homework.quiz.topics.normalization import batchnorm, softmax
from cnncli.homework.quiz.topics.window_sizes import paddings, sizes, transposed

TOPICS: dict[str, Callable[[Draws, str, str], QuizQuestion]] = {
    "sizes": sizes,
    "padding": paddings,
    "parameters": parameters,
    "fields": receptive_fields,
    "by_hand": by_hand,
    "networks": networks,
    "transposed": transposed,
    "backward": backward,
    "batchnorm": batchnorm,
    "softmax": softmax,
    "memory": memory,
    "budget": budget,
    "table": table,
}
