"""The log files that a trail writes to its bucket: gzipped JSON, `{"Records": […]}`.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
"""

from __future__ import annotations

import gzip
import json
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from stepline.localaws.cloudtrail.records import Record

_UNIQUE_CHARACTERS: Final = 16
_LETTERS: Final = string.ascii_letters + string.digits


@dataclass(frozen=True)
class LogFile:
    key: str
    content: bytes


def log_file(
    records: Sequence[Record], *, prefix: str, account_id: str, region: str, time: datetime
) -> LogFile:
    """Return the log file of these records. `prefix` is the trail's S3KeyPrefix, or empty."""
    unique = "".join(secrets.choice(_LETTERS) for _ in range(_UNIQUE_CHARACTERS))
    name = f"{account_id}_CloudTrail_{region}_{time:%Y%m%dT%H%MZ}_{unique}.json.gz"
    folder = f"AWSLogs/{account_id}/CloudTrail/{region}/{time:%Y/%m/%d}"
    content = json.dumps({"Records": list(records)}, separators=(",", ":")).encode()
    return LogFile("/".join(filter(None, (prefix, folder, name))), gzip.compress(content, mtime=0))
