"""The events that CodeBuild puts on the event bus.

https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications.html, "Build notifications
input format reference"
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from stepline.localaws.codebuild.models import Build, BuildStatus, Phase
from stepline.localaws.events import AwsEvent

SOURCE = "aws.codebuild"
STATE_CHANGE = "CodeBuild Build State Change"
PHASE_CHANGE = "CodeBuild Build Phase Change"


def state_change(build: Build, now: datetime) -> AwsEvent:
    """Return the event for the present status of the build."""
    current = build.phases[-1]
    detail = {
        "build-status": build.status.value,
        "project-name": build.project_name,
        "build-id": build.arn,
        "additional-information": _information(build),
        "current-phase": current.type.value,
        "current-phase-context": _contexts_text(current),
        "version": "1",
    }
    return AwsEvent(SOURCE, STATE_CHANGE, detail, now, (build.arn,))


def phase_change(build: Build, phase: Phase) -> AwsEvent:
    """Return the event for a phase that has ended."""
    assert phase.ended_at is not None
    detail = {
        "completed-phase": phase.type.value,
        "project-name": build.project_name,
        "build-id": build.arn,
        "completed-phase-context": _contexts_text(phase),
        "additional-information": _information(build),
        "completed-phase-status": phase.status.value if phase.status else "",
        "completed-phase-duration-seconds": float(phase.seconds),
        "version": "1",
        "completed-phase-start": _time(phase.started_at),
        "completed-phase-end": _time(phase.ended_at),
    }
    return AwsEvent(SOURCE, PHASE_CHANGE, detail, phase.ended_at, (build.arn,))


def _information(build: Build) -> dict[str, Any]:
    document = build.document
    artifact = build.artifacts.get("") or next(iter(build.artifacts.values()), None)
    environment, source, logs = document["environment"], document["source"], document["logs"]
    information = {
        "artifact": {
            "location": artifact.location if artifact else "",
            **({"md5sum": artifact.md5, "sha256sum": artifact.sha256} if artifact and artifact.md5 else {}),
        },
        "environment": {
            "image": environment["image"],
            "privileged-mode": bool(environment.get("privilegedMode")),
            "compute-type": environment["computeType"],
            "type": environment["type"],
            "environment-variables": environment.get("environmentVariables", []),
        },
        "timeout-in-minutes": float(document["timeoutInMinutes"]),
        "build-complete": build.is_complete,
        "initiator": document["initiator"],
        "build-start-time": _time(build.started_at),
        "source": {name: source[name] for name in ("buildspec", "location", "type") if name in source},
        "source-version": document.get("sourceVersion"),
        "logs": {
            "group-name": logs.get("groupName"),
            "stream-name": logs.get("streamName"),
            "deep-link": logs.get("deepLink"),
        },
        "phases": [_phase(phase) for phase in build.phases],
        "queued-timeout-in-minutes": float(document["queuedTimeoutInMinutes"]),
    }
    if build.number is not None:
        information["build-number"] = float(build.number)
    if build.exported:
        information["exported-environment-variables"] = [
            {"name": name, "value": value} for name, value in build.exported.items()
        ]
    return {name: value for name, value in information.items() if value is not None}


def _phase(phase: Phase) -> dict[str, Any]:
    if phase.ended_at is None:
        return {"start-time": _time(phase.started_at), "phase-type": phase.type.value}
    return {
        "phase-context": _contexts(phase),
        "start-time": _time(phase.started_at),
        "end-time": _time(phase.ended_at),
        "duration-in-seconds": float(phase.seconds),
        "phase-type": phase.type.value,
        "phase-status": phase.status.value if phase.status else "",
    }


def _contexts(phase: Phase) -> list[str]:
    """Return the contexts as text; AWS writes ` : ` for one that is blank."""
    if phase.code or phase.status is BuildStatus.SUCCEEDED:
        return [f"{phase.code}: {phase.message}" if phase.code else ": "]
    return []


def _contexts_text(phase: Phase) -> str:
    return f"[{', '.join(_contexts(phase))}]"


def _time(moment: datetime) -> str:
    """`Sep 1, 2017 4:12:29 PM`"""
    hour = moment.hour % 12 or 12
    return f"{moment:%b} {moment.day}, {moment.year} {hour}:{moment:%M:%S %p}"
