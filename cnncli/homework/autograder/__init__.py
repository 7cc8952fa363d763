"""The zip archive of an autograder for Gradescope."""
