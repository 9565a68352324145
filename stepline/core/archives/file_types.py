"""What a file is that should have been a zip archive, told by its first bytes.

Signatures: the formats' own specifications, as collected in file(1)'s magic database.
"""

from __future__ import annotations

from typing import Final

HEAD_BYTES: Final = 512
"""As much of a file as `file_type` looks at: a block of tar."""

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
    """The type of a file that begins with `head`, None if it is none of those that people mix up with zip."""
    for signature, name in _SIGNATURES.items():
        if head.startswith(signature):
            return name
    if head.startswith(_TAR_SIGNATURE, _TAR_OFFSET):
        return "a tar archive"
    if head.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith((b"{", b"[")):
        # A full clone of CodeCommit or of a connection makes such an artifact, for CodeBuild alone.
        return "JSON, which a source action with OutputArtifactFormat CODEBUILD_CLONE_REF makes"
    return None
