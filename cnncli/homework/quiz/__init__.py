"""Quizzes: random questions, which depend on (seed, student, question number) alone, and the formats of a quiz."""
