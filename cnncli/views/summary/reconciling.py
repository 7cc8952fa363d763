"""What other tools count for a network, and why the counts differ."""

from __future__ import annotations

from typing import Any

from cnncli.analysis.recounting import caveats, differences, operations, param_differences, params
from cnncli.analysis.tool_conventions import CONVENTIONS, Convention
from cnncli.errors import counted
from cnncli.inference import Inferred
from cnncli.io.width import wrapped, wrapped_text

ROUNDED = (("G", 1e9), ("M", 1e6), ("k", 1e3))


def as_records(inferred: Inferred) -> list[dict[str, Any]]:
    """A record per tool: its totals, and its differences from ours by kind, which add up."""
    records: list[dict[str, Any]] = []
    for convention in CONVENTIONS.values():
        facts = inferred.layers.values()
        total = sum(operations(convention, entry) for entry in facts) if convention.counts_operations else None
        records.append(
            {
                "tool": convention.name,
                "version": convention.tool,
                "operations": total,
                "params": sum(params(convention, entry) for entry in facts),
                "counts": convention.what,
                "differences": [
                    {
                        "figure": quantity,
                        "kind": found.kind,
                        "layers": found.layers,
                        "more": found.more,
                        "why": found.reason,
                    }
                    for quantity, several in _differences(inferred, convention)
                    for found in several
                ],
                "notes": caveats(inferred, convention),
            }
        )
    return records


def _differences(inferred: Inferred, convention: Convention) -> tuple[tuple[str, list[Any]], ...]:
    of_operations = differences(inferred, convention) if convention.counts_operations else []
    return ("operations", of_operations), ("params", param_differences(inferred, convention))


def as_text(inferred: Inferred, name: str) -> str:
    """The tools' totals, each with its differences from ours; last, both ways of counting FLOPs."""
    lines = [f"{name}: what the tools count, and why they differ", ""]
    for record in as_records(inferred):
        total = record["operations"]
        shown = "no operations" if total is None else f"{total:,} ({rounded(total)})"
        lines.append(f" {record['version']:<17} {shown:<28} {record['params']:>15,} params")
        lines += wrapped(f"   {record['counts']}")
        for found in record["differences"]:
            sign = "+" if found["more"] > 0 else "-"
            layers = counted(found["layers"], "layer")
            what = f"{sign} {abs(found['more']):,} {found['figure']}"
            lines += wrapped(f"   {what:<28} {found['kind']}, {layers}: {found['why']}", more=29)
        lines += [line for note in record["notes"] for line in wrapped(f"   {note}")]
    totals = inferred.totals
    macs, flops = totals["macs"], totals["flops"]
    lines += [
        "",
        f" twice the multiply-accumulates, as torch's FlopCounter: {2 * macs:,} ({rounded(2 * macs)})",
        f" multiplications and additions of all layers, exactly (cnn's flops): {flops:,} ({rounded(flops)})",
    ]
    return wrapped_text("\n".join(lines)) + "\n"


def rounded(count: int) -> str:
    """``4.089 G``."""
    for unit, size in ROUNDED:
        if count >= size:
            return f"{count / size:.3f} {unit}"
    return str(count)
