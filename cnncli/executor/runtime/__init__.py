"""The environment of a training process: devices, number formats, workers, signals."""
