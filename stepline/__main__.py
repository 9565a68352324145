"""`python -m stepline` is the command `stepline`."""

from __future__ import annotations

from stepline.cli.main import main

if __name__ == "__main__":
    main()
