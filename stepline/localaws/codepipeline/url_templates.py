"""URL templates of custom action types: `{Config:Name}` and `{ExternalExecutionId}`.

https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-create-custom-action.html. Values are
inserted as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_CONFIGURATION = re.compile(r"\{Config:([^{}]*)\}")
_EXTERNAL_ID = "{ExternalExecutionId}"


def properties_in(template: str) -> list[str]:
    """Return the names of the configuration properties that the template refers to."""
    return _CONFIGURATION.findall(template)


def resolve(
    template: str | None, configuration: Mapping[str, str], external_id: str | None = None
) -> str | None:
    """Return the URL; None without a template, or if it needs an external id and there is none."""
    if template is None or (_EXTERNAL_ID in template and external_id is None):
        return None
    url = _CONFIGURATION.sub(lambda match: configuration.get(match[1], ""), template)
    return url.replace(_EXTERNAL_ID, external_id or "")
