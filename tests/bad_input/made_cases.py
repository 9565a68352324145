"""Cases of the corpus whose input is too long to write down."""

from __future__ import annotations

from typing import Any

from statemachines.batch.parameters import MAX_INPUT_BYTES, MAX_ITEMS, MAX_PARAMETER_BYTES


def made_cases() -> dict[str, dict[str, Any]]:
    """Return the cases by group and name."""
    return {
        "batch_inputs": {
            "secret_in_a_long_value": _batch_input(
                "1", {"password": "S3CR3T" + "x" * 4100}, 'step1_parameter" in the input is longer'
            ),
            "too_long": _batch_input(
                "1",
                "x" * (MAX_PARAMETER_BYTES + 1),
                '"parameters.step1_parameter" in the input is longer than 4096 bytes.',
            ),
            "too_many": _batch_input(
                "2",
                ["a"] * (MAX_ITEMS + 1),
                '"parameters.step2_parameters" in the input has 251 items; at most 250 are allowed.',
            ),
            "too_large": _batch_input(
                "2",
                ["x" * 1000] * (MAX_INPUT_BYTES // 1000 + 1),
                "bytes as JSON; at most 65536 are allowed: put the data into S3 and pass the keys.",
            ),
        },
        "deploy_inputs": {
            "parameter_name_long": {
                "given": {"input": {"parameters": {"P" * 10_000: {}}}},
                "expected": {"error": "InvalidInputError", "message": ['"parameters.PPPP', "must be text"]},
            },
            "stack_name_too_long": {
                "given": {"input": {"stackName": "a" * 125}},
                "expected": {"error": "InvalidInputError", "message": "at most 128 characters"},
            },
        },
        "job_events": {
            "six_input_artifacts": {
                "why": "CodePipeline allows five today; the first one is the revision",
                "given": {"edits": [_artifact("inputArtifacts", number) for number in range(1, 6)]},
                "expected": {"started": {"environmentName": "test"}},
            },
            "six_output_artifacts": {
                "why": "CodePipeline allows five today",
                "given": {"edits": [_artifact("outputArtifacts", number) for number in range(6)]},
                "expected": {"error": "ConfigurationError", "message": "6 output artifacts; keep one"},
            },
        },
        "process_queries": {
            "long": {
                "given": {"query": {"transactionId": ["a" * 5_000]}},
                "expected": {"error": "400 InvalidInputError", "message": "transactionId"},
            },
        },
        "s3_trigger_events": {
            "key_too_long": {
                "why": "513 characters of two bytes",
                "given": {"notified": {"detail": {"object": {"key": "ä" * 513}}}},
                "expected": {"error": "InvalidEventError", "message": "more than 1,024 bytes"},
            },
        },
        "template_configurations": {
            "tags_51": {
                "given": {"configuration": {"json": {"Tags": {f"t{number}": "v" for number in range(51)}}}},
                "expected": {
                    "error": "InvalidInputError",
                    "message": '"Tags" in the template configuration "configuration.json" may hold 49 tags, '
                    "but it has 51",
                },
            },
        },
        "tokens": {
            "since_huge": {
                "given": {"token": {"members": {"since": 10**400}}},
                "expected": {
                    "error": "ConfigurationError",
                    "message": "The continuation token was not created by the trigger: since is not "
                    "a possible number",
                },
            },
        },
        "user_parameters": {
            "input_with_a_huge_integer": {
                "why": "Step Functions decides whether it accepts it",
                "given": {"userParameters": f'{{"input": {{"a": {"9" * 900}}}}}'},
                "expected": {"started": {"a": int("9" * 900)}},
            },
            "unknown_keys_many": {
                "given": {"userParameters": {f"key{number}": number for number in range(60)}},
                "expected": {"error": "ConfigurationError", "message": 'unknown key "key0", "key1"'},
            },
        },
    }


def _batch_input(step: str, value: Any, message: str) -> dict[str, Any]:
    name = "step1_parameter" if step == "1" else f"step{step}_parameters"
    return {
        "given": {"input": {"parameters": {name: value}}},
        "expected": {"error": "InvalidInputError", "message": message},
    }


def _artifact(kind: str, number: int) -> dict[str, Any]:
    location = {"type": "S3", "s3Location": {"bucketName": "b", "objectKey": "k"}}
    return {
        "at": f"data.{kind}.{number}",
        "put": {"name": f"Other{number}", "revision": None, "location": location},
    }
