"""The macro's settings: environment variables, checked when the function starts.

DEFINITIONS_BUCKET   the one bucket that definitions are read from
DEFINITIONS_PREFIX   how their keys begin
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from stepline.core.environment import required


@dataclass(frozen=True)
class Settings:
    bucket: str
    prefix: str

    @classmethod
    def parse(cls, environment: Mapping[str, str]) -> Self:
        """Raises `SettingsError`, naming the variable."""
        return cls(
            bucket=required(environment, "DEFINITIONS_BUCKET"),
            prefix=required(environment, "DEFINITIONS_PREFIX"),
        )


@functools.cache
def settings() -> Settings:
    return Settings.parse(os.environ)
