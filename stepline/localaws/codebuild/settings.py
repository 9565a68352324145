"""The limits and times of CodeBuild, with their sources."""

from __future__ import annotations

import os

DEFAULT_TIMEOUT_MINUTES = 60
"""`timeoutInMinutes` of a project [CreateProject, API reference]."""

DEFAULT_QUEUED_TIMEOUT_MINUTES = 480
"""`queuedTimeoutInMinutes` of a project [CreateProject, API reference]."""

MAX_DESCRIBED = 100
"""The builds or projects of one BatchGet request [API reference]."""

PAGE_SIZE = 100
"""The builds or projects on one page of a list [ListBuilds, ListProjects, API reference]."""

MAX_RUNNING_BUILDS = max(4, os.cpu_count() or 1)
"""More builds wait in the queue [ours]: all share the processors of this machine."""

MAX_ENDED_BUILDS = 500
"""The ended builds that are kept, the newest [ours]. AWS keeps them for a year."""

DEFAULT_RETRIES = 3
"""Retries of `on-failure: RETRY` without a number [user guide, "Buildspec syntax", on-failure]."""

MAX_PARAMETERS_OF_CALL = 10
"""The names of one GetParameters request [Systems Manager API reference]."""

IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
"""What a build without a project reports as its image: it is not used."""
