"""Typical mistakes, and the answer that each one gives to a question.

Every mistake is a computation: each mistake's own formula is evaluated for the question, and a wrong answer is
explained by those that give exactly its value, alone or in pairs. Nothing is guessed. Sources: published exercises, the
wrong keys among them, and students' answers.

``table`` describes every mistake and says how likely it is; ``texts`` writes them. The modules ``…_mistakes`` compute
their values, with ``dot_product``, and ``quantities`` those of each quantity of a layer and of sums. ``wrong_values``
holds the values of one question, which are calculated when they are first asked for. ``matching`` finds the mistakes
that explain an answer.
"""
