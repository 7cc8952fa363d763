"""Quizzes in the formats of learning platforms: Moodle's GIFT and XML, and QTI 1.2 for Canvas."""
