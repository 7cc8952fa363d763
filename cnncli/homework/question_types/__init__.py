"""Questions whose answer the key gives, or a person judges: numbers, choices, texts, rubrics and uploads."""
