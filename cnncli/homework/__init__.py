"""Homework: answer keys, checking, typical mistakes, grading, quizzes, and exact convolution and pooling."""
