"""Measures reading one member of an artifact: by range requests, and by downloading the whole archive."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.file_server import FileServer, serving

MEMBER = "state_machine_input.json"
_SIZES = {"1 MB": 1_000_000, "100 MB": 100_000_000, "1 GB": 1_000_000_000}
_ENTRY_BYTES = 1_000_000
_RUNS = 5

READERS = {
    "range requests": """
from stepline.core.archives.reader import ArtifactReader
found = ArtifactReader(s3, "b", name).read(member, max_bytes=262_144)
""",
    "whole download": """
import tempfile, zipfile
with tempfile.TemporaryFile() as file:
    s3.download_fileobj("b", name, file)
    found = zipfile.ZipFile(file).read(member)
""",
}

_CHILD = """
import json, resource, sys, time
import boto3
url, name, member = sys.argv[1:]
session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
s3 = session.client("s3", endpoint_url=url)
before = time.perf_counter()
{reader}
seconds = time.perf_counter() - before
assert json.loads(found) == {{"found": True}}
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


@dataclass(frozen=True)
class Reading:
    seconds: float
    peak_mib: float
    requests: int
    bytes_read: int


def measure() -> dict[str, dict[str, Reading]]:
    """Return medians by archive size and method. The methods alternate, each in a process of its own."""
    results = {}
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as server:
        for label, size in _SIZES.items():
            archive = Path(name) / "archive.zip"
            _write_archive(archive, size)
            runs: dict[str, list[Reading]] = {method: [] for method in READERS}
            for _ in range(_RUNS if size < 1_000_000_000 else 3):
                for method, reader in READERS.items():
                    runs[method].append(_read(server, archive.name, reader))
            results[label] = {method: _median(readings) for method, readings in runs.items()}
            archive.unlink()
    return results


def _read(server: FileServer, name: str, reader: str) -> Reading:
    server.reset()
    command = [sys.executable, "-c", _CHILD.format(reader=reader), server.url, name, MEMBER]
    completed = subprocess.run(command, check=True, capture_output=True)
    seconds, peak_mib = json.loads(completed.stdout)
    return Reading(seconds, peak_mib, server.requests, server.bytes_sent)


def _median(readings: list[Reading]) -> Reading:
    return Reading(
        median(r.seconds for r in readings),
        median(r.peak_mib for r in readings),
        readings[0].requests,
        readings[0].bytes_read,
    )


def _write_archive(path: Path, size: int) -> None:
    """Write uncompressed files of 1 MB of random data, with the member in the middle."""
    noise = os.urandom(_ENTRY_BYTES)
    count = max(1, size // _ENTRY_BYTES)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(count):
            if number == count // 2:
                archive.writestr(MEMBER, b'{"found": true}')
            archive.writestr(f"assets/{number:05}.bin", noise)
