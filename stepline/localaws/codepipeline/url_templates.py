"""URL templates of custom action types: `{Config:Name}` and `{ExternalExecutionId}`.

https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-create-custom-action.html. Values are
inserted as they are, and only those of properties that are both required and not secret. A template may refer
to other names, as AWS's own examples do; they stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

_CONFIGURATION = re.compile(r"\{Config:([^{}]*)\}")
_EXTERNAL_ID = "{ExternalExecutionId}"


@dataclass(frozen=True)
class UrlTemplate:
    """`properties`: names of the configuration properties whose values are inserted."""

    text: str | None
    properties: Collection[str]

    def url(self, configuration: Mapping[str, str], external_id: str | None = None) -> str | None:
        """Return the URL; None without a template, or if it needs an external id and there is none."""
        if self.text is None or (_EXTERNAL_ID in self.text and external_id is None):
            return None

        def value(match: re.Match[str]) -> str:
            return configuration.get(match[1], match[0]) if match[1] in self.properties else match[0]

        return _CONFIGURATION.sub(value, self.text).replace(_EXTERNAL_ID, external_id or "")
