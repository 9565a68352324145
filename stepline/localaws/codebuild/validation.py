"""What requests to CodeBuild must satisfy beyond the service model: they raise InvalidInputException.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html
"""

from __future__ import annotations

from stepline.localaws.codebuild.errors import InvalidInputException
from stepline.localaws.codebuild.models import Document

_WITHOUT_LOCATION = {"CODEPIPELINE", "NO_SOURCE"}


def check_project(document: Document) -> None:
    """Check the source and the artifacts of a project, as it would be after the request."""
    source, artifacts = document["source"], document["artifacts"]
    check_source(source)
    for item in document.get("secondarySources", ()):
        check_source(item)
        if not item.get("sourceIdentifier"):
            raise InvalidInputException("Invalid project source: secondary sources need a sourceIdentifier")
    if (source["type"] == "CODEPIPELINE") != (artifacts["type"] == "CODEPIPELINE"):
        raise InvalidInputException(
            "Invalid artifacts: if the type of either source or artifacts is CODEPIPELINE, both must be"
        )
    for item in (artifacts, *document.get("secondaryArtifacts", ())):
        if item["type"] == "S3" and not item.get("location"):
            raise InvalidInputException("Invalid artifacts: location is required for artifacts of type S3")
    if any(not item.get("artifactIdentifier") for item in document.get("secondaryArtifacts", ())):
        raise InvalidInputException("Invalid artifacts: secondary artifacts need an artifactIdentifier")


def check_source(source: Document) -> None:
    if source["type"] not in _WITHOUT_LOCATION and not source.get("location"):
        raise InvalidInputException(
            f"Invalid project source: location is required for sources of type {source['type']}"
        )
