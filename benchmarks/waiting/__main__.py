"""`python -m benchmarks.waiting`: the last table of `make bench` alone."""

from __future__ import annotations

from rich.console import Console

from benchmarks.waiting import table

if __name__ == "__main__":
    table.show(Console())
