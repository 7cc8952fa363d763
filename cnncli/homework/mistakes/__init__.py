"""Typical mistakes, and the answer that each one gives to a question.

Every mistake is a computation: each mistake's own formula is evaluated for every question, and an answer is explained
by those that give exactly its value, alone or in pairs. Nothing is guessed. Sources: published exercises, the wrong
keys among them, and students' answers.

``table`` describes every mistake. The other modules compute its value for sizes, counts, receptive fields and exact
convolutions. ``matching`` finds the mistakes that explain an answer.
"""
