"""Validates the input of the batch workflow, and converts it to text for the jobs' command lines."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from stepline.core.errors import InvalidInputError
from stepline.core.fields import Fields
from stepline.core.text import is_unicode
from stepline.core.trigger_keys import TRIGGER_KEYS

MAX_ITEMS: Final = 250
"""Of a step's list [ours]. 250 jobs add about 2,500 of the 25,000 events that a history may have. Their
results, of some 250 bytes each, must fit with the input into the 262,144 bytes of a state's data."""

MAX_INPUT_BYTES: Final = 65_536
"""Of the parameters as JSON [ours], for the same reason."""

MAX_PARAMETER_BYTES: Final = 4_096
"""Of one parameter [ours]: the overrides of a container have at most 8,192 characters [RunTask, ECS API]."""

MAX_JOB_NAME_CHARACTERS: Final = 128
"""Of a job's name: letters, digits, hyphens and underscores [SubmitJob, Batch API]."""

STEP_1, STEP_2, STEP_3 = "step1_parameter", "step2_parameters", "step3_parameters"
_PARAMETERS: Final = (STEP_1, STEP_2, STEP_3)
_LONGEST_SUFFIX: Final = "-step2-000"
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class StepParameters:
    """The parameters of the jobs of each step."""

    step_1: str
    step_2: tuple[str, ...]
    step_3: tuple[str, ...]


def parse_parameters(document: Fields) -> StepParameters:
    """Parse `{"parameters": {"step1_parameter": …, "step2_parameters": […], "step3_parameters": […]}}`.

    A parameter is any JSON value except null; values other than text are passed to the job as JSON. Lists may
    be empty. The keys that the pipeline's trigger adds are ignored. Raise InvalidInputError.
    """
    document.allow_only(["parameters", *TRIGGER_KEYS])
    parameters = document.section("parameters")
    parameters.allow_only(_PARAMETERS)
    _check_size(parameters)
    return StepParameters(
        _text(parameters, STEP_1, parameters.value(STEP_1)),
        _texts(parameters, STEP_2),
        _texts(parameters, STEP_3),
    )


def job_name_prefix(execution_name: str) -> str:
    """Return the prefix of job names: the execution's name, without characters that Batch refuses."""
    length = MAX_JOB_NAME_CHARACTERS - len(_LONGEST_SUFFIX)
    return _NOT_IN_NAMES.sub("-", execution_name).lstrip("-_")[:length] or "job"


def _check_size(parameters: Fields) -> None:
    texts = {name: parameters.value(name) for name in _PARAMETERS}
    size = len(json.dumps(texts, ensure_ascii=False).encode(errors="surrogatepass"))
    if size > MAX_INPUT_BYTES:
        raise InvalidInputError(
            f"The parameters have {size} bytes as JSON; at most {MAX_INPUT_BYTES} are allowed: "
            "put the data into S3 and pass the keys."
        )


def _texts(parameters: Fields, name: str) -> tuple[str, ...]:
    value = parameters.value(name)
    if not isinstance(value, list):
        raise parameters.wrong(name, "must be a list, with one item for each job", value)
    if len(value) > MAX_ITEMS:
        raise parameters.problem(name, f"has {len(value)} items; at most {MAX_ITEMS} are allowed")
    return tuple(_text(parameters, f"{name}[{index}]", item) for index, item in enumerate(value))


def _text(parameters: Fields, name: str, value: object) -> str:
    if value is None:
        raise parameters.problem(name, "is null: a job needs a parameter")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if not is_unicode(text) or "\0" in text:
        raise parameters.problem(name, "must be Unicode text without zero characters")
    if not text.strip():
        raise parameters.problem(name, "must be text that is not blank")
    if len(text.encode()) > MAX_PARAMETER_BYTES:
        raise parameters.problem(name, f"is longer than {MAX_PARAMETER_BYTES} bytes")
    return text
