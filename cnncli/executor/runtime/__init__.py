"""What a process computes on: devices, number formats, worker processes, signals."""
