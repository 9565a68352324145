"""The name of the execution that a written object starts: the same for the same write, and for no other."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from statemachines.s3_trigger.object_events import ObjectWrite
from stepline.core import strict_json
from stepline.core.limits import MAX_EXECUTION_NAME_CHARACTERS

_DIGEST_CHARACTERS: Final = 20
"""80 bits [ours]: among a thousand million writes, two alike are less likely than one in a million."""

_READABLE_CHARACTERS: Final = MAX_EXECUTION_NAME_CHARACTERS - 1 - _DIGEST_CHARACTERS
_NOT_IN_NAMES: Final = re.compile("[^0-9A-Za-z_-]+")


def execution_name(write: ObjectWrite) -> str:
    """`orders-2026-11-csv-5f0a…`: the key, as far as a name may show it, and a digest of the write.

    Of a long key it is the end, where the file's name is.
    """
    identity = strict_json.canonical([write.bucket, write.key, write.write_id])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    readable = _NOT_IN_NAMES.sub("-", write.key).strip("-")[-_READABLE_CHARACTERS:].lstrip("-")
    return f"{readable}-{digest}" if readable else digest
