"""`python -m benchmarks.load.counted_local_aws`: runs the local AWS with its calls counted."""

from __future__ import annotations

from typing import Any

from benchmarks.load.calls import CallCounter
from stepline.localaws import __main__ as program
from stepline.localaws import server


def main() -> None:
    front = server._front  # noqa: SLF001 - all requests go through it

    def counted_front(*args: Any, **kwargs: Any) -> Any:
        return CallCounter(front(*args, **kwargs))

    server._front = counted_front  # noqa: SLF001
    program.main()


if __name__ == "__main__":
    main()
