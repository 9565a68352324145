"""What one case of the collection showed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """`expected` is what AWS does, by the `source`; `seen` is what the local AWS did.

    `difference` is the reason for a known difference, or empty.
    """

    case: str
    source: str
    expected: str
    seen: str
    difference: str = ""

    @property
    def agrees(self) -> bool:
        return self.seen == self.expected
