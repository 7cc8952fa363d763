"""Reading and inference of 1,000 to 100,000 layers: time per layer should stay the same."""

from __future__ import annotations

import time

from cnncli.inference import infer
from cnncli.language import Source, read

CHAIN = """
input: 3x32x32
layers:
  - repeat:
      times: {times}
      layers:
        - conv: {{filters: 3, kernel: 3, padding: 1}}
        - residual: [batchnorm, relu]
"""


def main() -> None:
    """Print seconds for each number of layers, and the ratio of the time per layer to the smallest network's."""
    first = 0.0
    print(f"{'layers':>8} {'read s':>8} {'infer s':>8} {'us/layer':>9} {'ratio':>6}")
    for layers in (1_000, 10_000, 100_000):
        source = Source("chain.yaml", CHAIN.format(times=layers // 4))
        started = time.perf_counter()
        draft = read(source)
        read_seconds = time.perf_counter() - started
        inferred = infer(draft.graph)
        seconds = time.perf_counter() - started
        per_layer = seconds / len(inferred.facts)
        first = first or per_layer
        print(
            f"{len(inferred.facts):8,} {read_seconds:8.3f} {seconds - read_seconds:8.3f} {per_layer * 1e6:9.1f} "
            f"{per_layer / first:6.2f}"
        )


if __name__ == "__main__":
    main()
