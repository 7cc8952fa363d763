"""The review queue: a file with answers that a person should look at, and the verdicts, which apply to all alike."""
