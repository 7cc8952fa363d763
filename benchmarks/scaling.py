"""Reading and inference of 1,000 to 100,000 layers: time per layer should stay the same."""

from __future__ import annotations

import time

from cnncli.inference import infer
from cnncli.language import Source, read

CHAIN = """
input: {shape}
layers:
  - repeat:
      times: {times}
      layers:
        - conv: {{filters: 3, kernel: 3, padding: {padding}}}
        - residual: [batchnorm, relu]
"""
# every layer alike, or every one on another size; with sizes, and with sizes that stay open
NETWORKS = {
    "alike": ("3x32x32", 1),
    "alike, open sizes": ("3xHxW", 1),
    "shrinking": ("3x99999x99999", 0),
    "shrinking, open sizes": ("3xHxW", 0),
}


def main() -> None:
    """Print seconds for each number of layers, and the ratio of the time per layer to the smallest network's."""
    print(f"{'network':24} {'layers':>8} {'read s':>8} {'infer s':>8} {'us/layer':>9} {'ratio':>6}")
    for name, (shape, padding) in NETWORKS.items():
        first = 0.0
        for layers in (1_000, 10_000, 100_000):
            source = Source("chain.yaml", CHAIN.format(times=layers // 4, shape=shape, padding=padding))
            started = time.perf_counter()
            draft = read(source)
            read_seconds = time.perf_counter() - started
            inferred = infer(draft.graph)
            assert inferred.totals
            seconds = time.perf_counter() - started
            per_layer = seconds / len(inferred.layers)
            first = first or per_layer
            print(
                f"{name:24} {len(inferred.layers):8,} {read_seconds:8.3f} {seconds - read_seconds:8.3f} "
                f"{per_layer * 1e6:9.1f} {per_layer / first:6.2f}"
            )


if __name__ == "__main__":
    main()
