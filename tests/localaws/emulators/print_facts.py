"""Loads ministack and prints what `facts` of a module returns, as JSON: `print_facts MODULE DIRECTORY`.

In a process of its own, as ministack changes globals. The module is imported after ministack is loaded.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from pathlib import Path

from stepline.core.local_aws import ACCOUNT_ID, DEFAULT_PORT, DEFAULT_REGION
from stepline.localaws.emulators.ministack import application


async def main(module: str, directory: Path) -> None:
    application.load(port=DEFAULT_PORT, directory=directory, region=DEFAULT_REGION, account_id=ACCOUNT_ID)
    facts = await importlib.import_module(f"tests.localaws.emulators.{module}").facts()
    sys.stdout.write(json.dumps(facts))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
