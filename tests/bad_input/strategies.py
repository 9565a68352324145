"""Hypothesis strategies for what people and programs write by mistake: texts, JSON, events, tokens."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.bad_input.observed import USER_VALUE
from tests.pipeline.world import EXPRESS, MACHINE, job_event

JOB = "11111111-abcd-4111-8111-abcdef000001"

any_text = st.one_of(
    st.text(st.characters(), max_size=40),  # with halves of surrogate pairs
    st.sampled_from(
        ["", " ", "\0", "\ufeff", "\u202e", "\x1b[31m", "a\nb", "{", "[", '"', "null", "../../x", "/x"]
    ),
    st.sampled_from(
        ["s3://inputs/input.json", "s3://", "s3://b", "A::b", "::", "SourceOutput::x", "C:\\x.json"]
    ),
    st.sampled_from(
        [MACHINE, EXPRESS, f"{MACHINE}:1", MACHINE.replace("eu-", "us-"), "deploy", "quick", "deplo"]
    ),
    st.sampled_from(["#{Source.CommitId}", "x" * 300, "9" * 400, "state_machine_input.json"]),
)
any_number = st.one_of(
    st.integers(-3, 3), st.sampled_from([10**18, -(10**18), 10**400, 2**53 + 1]), st.floats(allow_nan=False)
)
any_scalar = st.one_of(st.none(), st.booleans(), any_number, any_text)


def _within(values: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.one_of(st.lists(values, max_size=4), st.dictionaries(any_text, values, max_size=4))


_few = st.integers(0, 3)
any_value = st.recursive(any_scalar, _within, max_leaves=8)
any_object = st.dictionaries(any_text, any_value, max_size=4)


_changes = st.sampled_from(["replace", "replace", "replace", "remove", "add", "repeat"])


@st.composite
def mutated(draw: DrawFn, valid: Any) -> Any:
    """Return a copy of `valid` in which up to three members were replaced, removed, repeated or added."""
    value = copy.deepcopy(valid)
    for _ in range(draw(_few)):
        path = draw(st.sampled_from([*_paths(value)]))
        value = _changed(value, path, draw(_changes), draw(any_value), draw(any_text))
    return value


def _paths(value: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the path to every member in `value`, and the empty path to itself."""
    yield ()
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, member in members:
        yield from ((key, *path) for path in _paths(member))


def _changed(value: Any, path: tuple[Any, ...], change: str, other: Any, name: str) -> Any:
    if not path:
        return other
    key, *rest = path
    result = copy.copy(value)
    if rest or change == "replace":
        result[key] = _changed(value[key], tuple(rest), change, other, name)
    elif change == "remove":
        del result[key]
    elif isinstance(result, list):
        result.extend([value[key]] * 6 if change == "repeat" else [other])
    else:
        result[name] = value[key] if change == "repeat" else other
    return result


@st.composite
def mutated_bytes(draw: DrawFn, data: bytes) -> bytes:
    """Return `data` with up to three pieces replaced, repeated, inserted or removed.

    The value that no message may have is removed: damage could make a name of it, which messages may have.
    """
    data = data.replace(USER_VALUE.encode(), b"value")
    for _ in range(draw(_few)):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 16)))
        piece = draw(_pieces)
        data = data[:start] + (data[start:end] * 2 if piece is None else piece) + data[end:]
    return data


_PIECES = [b"", b"NaN", b"-Infinity", b"1e999", b"\\ud800", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\0", b"\xff"]
_PIECES += [b"[" * 2000, b'{"a":' * 2000, b"9" * 5000, b",", b'"', b"}", b"]", b":", b"//", b"\n"]
_pieces = st.one_of(st.sampled_from(_PIECES), st.binary(max_size=4), st.none())


@st.composite
def json_texts(draw: DrawFn, values: SearchStrategy[Any]) -> bytes:
    """Return JSON of `values` in some encoding, perhaps with a repeated key, perhaps damaged."""
    text = _dumped(draw(values), repeated=draw(st.integers(0, 9)) == 0)
    encoding = draw(st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "utf-32-be", "latin-1"]))
    data = text.encode(encoding, errors="replace" if encoding == "latin-1" else "surrogatepass")
    return data if draw(st.booleans()) else draw(mutated_bytes(data))


def _dumped(value: Any, *, repeated: bool) -> str:
    text = json.dumps(value, allow_nan=True, ensure_ascii=False)
    if repeated and text.startswith("{") and value:
        return f"{{{text[1:-1]}, {json.dumps(next(iter(value)))}: 1}}"
    return text


# ---------------------------------------------------------------- for the trigger

_VALID_PARAMETERS: list[Mapping[str, Any]] = [
    {"input": {"a": {"b": [1, 2]}, "key": USER_VALUE}, "parameters": {"a": {"c": USER_VALUE}}},
    {"inputFile": "state_machine_input.json", "timeoutMinutes": 5, "outputVariables": {"Url": "a.b[0]"}},
    {"inputS3": "s3://inputs/input.json", "stateMachine": "deploy", "pipelineExecutionId": "1234"},
    {"s3Bucket": "inputs", "stateMachineFile": "input.json", "stateMachine": MACHINE},
]
_EXPRESSIONS = [
    "a.b",
    "*.x",
    "[?a>`1`]",
    "a|b",
    "@",
    "length(@)",
    "{a: b}",
    "[*].[a,b]",
    "&a",
    '`"x"`',
    "'x'",
    "a[1:2:0]",
]
expressions = st.lists(st.sampled_from([*_EXPRESSIONS, "(", ")", "`", "[", "|", "."]), max_size=5).map(
    "".join
)
_GROWING = [
    "[@,@]",
    "{a:@,b:@}",
    "to_string(@)",
    "join('',[@,@])",
    "join(to_string(@),map(&'x',@))",
    "map(&[@,@],@)",
    "map(&to_string(@),@)",
    "[*].[@,@]",
    "@[]",
    "[?@==@]",
    "[?contains(@,'x')]",
    "merge(@,{c:@})",
    "values(@)",
    "to_array(@)",
    "sort_by(@,&to_string(@))",
    "max_by(@,&to_string(@))",
    "reverse(@)",
    "@==@",
    "[*]",
    "*",
    "t",
    "a",
]
hostile_expressions = st.builds(
    lambda parts, times: "|".join(parts * times)[:900].rpartition("|")[0] or parts[0],
    st.lists(st.sampled_from(_GROWING), min_size=1, max_size=6),
    st.integers(1, 150),
)
user_parameters = st.one_of(
    any_text,
    st.sampled_from(_VALID_PARAMETERS).flatmap(mutated).map(json.dumps),
    json_texts(st.sampled_from(_VALID_PARAMETERS).flatmap(mutated)).map(
        lambda data: data.decode("utf-8", "replace")
    ),
    st.builds(
        lambda text: json.dumps({"outputVariables": {"A": text}}), st.one_of(expressions, hostile_expressions)
    ),
)


def _event_with_all_members() -> dict[str, Any]:
    event = job_event(JOB, {"input": {"environmentName": "test"}})
    data = event["CodePipeline.job"]["data"]
    data["outputArtifacts"] = copy.deepcopy(data["inputArtifacts"])
    data["encryptionKey"] = {"id": "arn:aws:kms:eu-west-1:000000000000:key/1", "type": "KMS"}
    return event


job_events = st.one_of(mutated(job_event(JOB)), mutated(_event_with_all_members()))


def _token(now: int) -> dict[str, Any]:
    arn = f"{MACHINE.replace(':stateMachine:', ':execution:')}:codepipeline-{JOB}"
    return {"v": 1, "job": JOB, "since": now, "percent": 3, "execution": arn, "started": now}


def tokens(now: int) -> SearchStrategy[str]:
    valid = _token(now)
    return st.one_of(
        any_text.filter(bool),
        mutated(valid).map(json.dumps),
        json_texts(mutated(valid)).map(lambda data: data.decode("utf-8", "replace")).filter(bool),
    )


input_files = json_texts(st.one_of(any_object, any_value, mutated({"key": USER_VALUE, "a": [{"b": 1.5}]})))
