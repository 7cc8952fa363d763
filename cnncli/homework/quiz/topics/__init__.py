"""The topics of quizzes: how a question of each is drawn. All numbers can be calculated on paper."""
