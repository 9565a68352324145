"""Derives the name of an execution from the write of an object: each write has its own name."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from statemachines.s3_trigger.object_events import ObjectWrite
from stepline.core import strict_json
from stepline.core.limits import MAX_EXECUTION_NAME_CHARACTERS

_DIGEST_CHARACTERS: Final = 20
"""80 bits [ours]: among a thousand million writes, a collision has a probability below one in a million."""

_READABLE_CHARACTERS: Final = MAX_EXECUTION_NAME_CHARACTERS - 1 - _DIGEST_CHARACTERS
_NOT_IN_NAMES: Final = re.compile("[^0-9A-Za-z_-]+")


def execution_name(write: ObjectWrite) -> str:
    """Return a name like `orders-2026-11-csv-5f0a…`: the allowed characters of the key, and a digest of the
    write.

    Of a long key the end is used, which contains the file name.
    """
    identity = strict_json.canonical([write.bucket, write.key, write.write_id])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    readable = _NOT_IN_NAMES.sub("-", write.key).strip("-")[-_READABLE_CHARACTERS:].lstrip("-")
    return f"{readable}-{digest}" if readable else digest
