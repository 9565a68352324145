"""A client of one repository of a registry, for pushing and pulling images.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin

import urllib3

from stepline.core.errors import UsageError

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

_TIMEOUT_SECONDS = 60.0
_OK, _CREATED, _ACCEPTED, _NOT_FOUND = 200, 201, 202, 404


class RegistryError(UsageError):
    """The registry rejected a request, returned invalid content, or could not be reached."""


class ImageMissingError(RegistryError):
    """The repository, image or blob does not exist."""


@dataclass(frozen=True)
class Manifest:
    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        return digest_of(self.content)


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class RegistryClient:
    """Calls the registry at `address`, such as `http://127.0.0.1:4566`, without a login."""

    def __init__(self, address: str, repository: str) -> None:
        self._base = f"{address.rstrip('/')}/v2/{repository}/"
        self._repository = repository
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT_SECONDS, retries=False)

    def manifest(self, reference: str) -> Manifest:
        accept = {"Accept": f"{OCI_MANIFEST}, {DOCKER_MANIFEST}"}
        response = self._request("GET", f"manifests/{reference}", headers=accept, expected=_OK)
        return Manifest(response.data, response.headers.get("Content-Type", DOCKER_MANIFEST))

    def blob(self, digest: str) -> bytes:
        """Return the content of a blob. Raises RegistryError if it does not match the digest."""
        content = self._request("GET", f"blobs/{digest}", expected=_OK).data
        if digest_of(content) != digest:
            raise RegistryError(f"{digest} of {self._repository}: the content does not match the digest")
        return content

    def put_blob(self, content: bytes) -> str:
        """Upload a blob unless the repository has it, and return its digest."""
        digest = digest_of(content)
        if self._has_blob(digest):
            return digest
        started = self._request("POST", "blobs/uploads/", expected=_ACCEPTED)
        upload_url = urljoin(self._base, started.headers["Location"])
        separator = "&" if "?" in upload_url else "?"
        self._request(
            "PUT",
            f"{upload_url}{separator}{urlencode({'digest': digest})}",
            headers={"Content-Type": "application/octet-stream"},
            body=content,
            expected=_CREATED,
        )
        return digest

    def put_manifest(self, reference: str, manifest: Manifest) -> None:
        headers = {"Content-Type": manifest.media_type}
        self._request(
            "PUT", f"manifests/{reference}", headers=headers, body=manifest.content, expected=_CREATED
        )

    def _has_blob(self, digest: str) -> bool:
        try:
            self._request("HEAD", f"blobs/{digest}", expected=_OK)
        except ImageMissingError:
            return False
        return True

    def _request(
        self,
        method: str,
        path: str,
        *,
        expected: int,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> urllib3.BaseHTTPResponse:
        url = urljoin(self._base, path)
        try:
            response = self._pool.request(method, url, headers=headers, body=body)
        except urllib3.exceptions.HTTPError as error:
            raise RegistryError(f"the registry at {self._base} cannot be reached: {error}") from error
        if response.status == _NOT_FOUND:
            raise ImageMissingError(f"{path} of {self._repository}: not found")
        if response.status != expected:
            raise RegistryError(
                f"{method} {path} of {self._repository}: {response.status} {_reason(response)}"
            )
        return response


def _reason(response: urllib3.BaseHTTPResponse) -> str:
    """Return the registry's error messages: `{"errors": [{"code", "message", …}]}`."""
    try:
        errors = response.json()["errors"]
        return "; ".join(f"{item['code']}: {item['message']}" for item in errors)
    except (ValueError, KeyError, TypeError):
        return ""
