"""Parses the names of images, in the form of container engines and AWS Batch."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stepline.core.errors import UsageError

_ECR_HOST = re.compile(r"\d{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|on\.aws)")
_REPOSITORY = re.compile(r"[a-z0-9]+([._/-]+[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

DEFAULT_TAG = "latest"


@dataclass(frozen=True)
class ImageName:
    """`<host>/<repository>:<tag>` or `<host>/<repository>@<digest>`; `reference` is the tag or the digest."""

    host: str
    repository: str
    reference: str = DEFAULT_TAG

    @property
    def uri(self) -> str:
        return f"{self.host}/{self.repository}"

    @property
    def is_in_ecr(self) -> bool:
        return _ECR_HOST.fullmatch(self.host) is not None

    def at(self, reference: str) -> ImageName:
        return ImageName(self.host, self.repository, reference)

    def __str__(self) -> str:
        return f"{self.uri}{'@' if self.reference.startswith('sha256:') else ':'}{self.reference}"


def parse_image_name(text: str) -> ImageName:
    """Parse a name. Raises UsageError if it is malformed or lacks the registry's host."""
    name, at, digest = text.partition("@")
    host, _, rest = name.partition("/")
    repository, colon, tag = rest.partition(":")
    reference = digest if at else tag if colon else DEFAULT_TAG
    is_reference = _DIGEST.fullmatch(reference) if at else _TAG.fullmatch(reference)
    if not ("." in host or ":" in host) or not _REPOSITORY.fullmatch(repository) or not is_reference:
        raise UsageError(
            f"{text!r} is not the name of an image in a registry: "
            "write it as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/repository:tag"
        )
    return ImageName(host, repository, reference)


def parse_repository_uri(text: str) -> ImageName:
    """Parse the `repositoryUri` of an ECR repository. Raises UsageError."""
    image = parse_image_name(text)
    if not image.is_in_ecr or text != image.uri:
        raise UsageError(
            f"{text!r} is not the URI of an ECR repository: "
            "write it as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/repository"
        )
    return image


def check_tag(tag: str) -> str:
    """Return the tag. Raises UsageError if it is malformed."""
    if not _TAG.fullmatch(tag):
        raise UsageError(f"{tag!r} is not a tag: up to 128 letters, digits, `_`, `.` and `-`")
    return tag
