"""Reading answers as people write them: numbers, shapes, words and matrices, in the notations of many countries."""
