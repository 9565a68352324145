"""`python -m benchmarks.load.counted_local_aws`: runs the local AWS with its calls counted."""

from __future__ import annotations

from typing import Any

from benchmarks.load.calls import CallCounter
from stepline.localaws import __main__ as program
from stepline.localaws import server


def main() -> None:
    create_app = server.create_app

    def create_counted_app(*args: Any, **kwargs: Any) -> Any:
        return CallCounter(create_app(*args, **kwargs))

    server.create_app = create_counted_app
    program.main()


if __name__ == "__main__":
    main()
