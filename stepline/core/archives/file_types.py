"""Recognizes files that are often mistaken for zip archives, by their first bytes.

Source of the signatures: the specifications of the formats, as collected in the magic database of file(1).
"""

from __future__ import annotations

from typing import Final

HEAD_BYTES: Final = 512
"""Bytes that `file_type` needs: one block of a tar archive."""

_SIGNATURES: Final = {
    b"\x1f\x8b": "gzip (.gz, .tar.gz)",
    b"BZh": "bzip2 (.bz2, .tar.bz2)",
    b"\xfd7zXZ\x00": "XZ (.xz, .tar.xz)",
    b"\x28\xb5\x2f\xfd": "Zstandard (.zst, .tar.zst)",
    b"7z\xbc\xaf\x27\x1c": "7-Zip (.7z)",
    b"Rar!\x1a\x07": "RAR (.rar)",
}
_TAR_OFFSET, _TAR_SIGNATURE = 257, b"ustar"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def file_type(head: bytes) -> str | None:
    """Return the type of a file that begins with `head`, or None if it is not one of these types."""
    for signature, name in _SIGNATURES.items():
        if head.startswith(signature):
            return name
    if head.startswith(_TAR_SIGNATURE, _TAR_OFFSET):
        return "a tar archive"
    if head.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith((b"{", b"[")):
        # Source actions of CodeCommit and of connections create it for a full clone, which only CodeBuild can
        # use.
        return "JSON, which a source action with OutputArtifactFormat CODEBUILD_CLONE_REF creates"
    return None
