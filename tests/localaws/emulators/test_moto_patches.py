"""Each patch of moto's interpreter is still needed: its source has the defect.

When a test here fails after an update of moto, remove the patch if its defect was repaired, or adapt it.
"""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from stepline.localaws.emulators.moto.interpreter import load_engine

_PARSER = "moto.stepfunctions.parser"
_ASL = f"{_PARSER}.asl"
_TASK = f"{_ASL}.component.state.exec.state_task"
_STATE_MAP = f"{_ASL}.component.state.exec.state_map"
_CHOICE = f"{_ASL}.component.state.choice"
_ITERATION = f"{_STATE_MAP}.iteration"

DEFECTS = {
    "use_given_task_clients": (f"{_ASL}.utils.boto_client", 'f"http://localhost:{moto_server_port()}"'),
    "assume_roles_of_tasks": (f"{_ASL}.utils.boto_client", 'aws_access_key_id="ak",'),
    "renew_task_tokens": (
        f"{_TASK}.service.state_task_service_callback",
        "env.callback_pool_manager.add(task_token)\n\n        super()._eval_body(env=env)",
    ),
    "translate_field_names": (
        f"{_TASK}.service.state_task_service",
        "service_action_name: str | None = None,\n    ) -> None:\n        pass",
    ),
    "name_lambda_errors": (
        f"{_TASK}.state_task_lambda",
        "error_name = CustomErrorName(error)\n            cause = ex.response",
    ),
    "write_json_as_utf8": (
        f"{_ASL}.utils.encoding",
        "json.dumps(obj, cls=_DateTimeEncoder, separators=separators)",
    ),
    "evaluate_jsonata_in_python": (f"{_ASL}.jsonata.jsonata", "        _eval_jsonata = None\n"),
    "describe_http_responses": (
        f"{_TASK}.service.state_task_service_sns",
        'response.pop("ResponseMetadata", None)',
    ),
    "evaluate_templates_that_are_lists": (
        f"{_ASL}.component.common.payload.payloadvalue.payloadtmpl.payload_tmpl",
        "payload_bindings: list[PayloadBinding]",
    ),
    "convert_values": (
        f"{_TASK}.service.state_task_service",
        "elif isinstance(value_shape, ListShape) and isinstance(request_value, list):",
    ),
    "call_models_of_bedrock": (f"{_TASK}.service.state_task_service_factory", '    "bedrock",\n'),
    "wait_for_jobs": (
        f"{_TASK}.service.state_task_service_unsupported",
        "    ResourceCondition.WaitForTaskToken,\n}",
    ),
    "adapt_requests_of_emr": (f"{_TASK}.service.state_task_service_factory", '    "elasticmapreduce",\n'),
    "add_http_tasks": (f"{_TASK}.service.state_task_service_api_gateway", "        task_credentials: Any,"),
    "pass_on_failures": (
        f"{_TASK}.service.state_task_service_dynamodb",
        "        else:\n            return FailureEvent(",
    ),
    "name_the_state_that_failed": (
        f"{_ASL}.component.common.error_name.failure_event",
        'execution_failed_event_details["cause"] = decorated_cause',
    ),
    "describe_missing_paths": (
        f"{_ASL}.component.state.exec.execute_state",
        "cause=str(ex),",
    ),
    "match_errors": (
        f"{_ASL}.component.common.error_name.error_equals_decl",
        "if ErrorEqualsDecl._STATE_ALL_ERROR in self.error_names:\n            res = True",
    ),
    "set_results_by_path": (
        f"{_ASL}.component.common.path.result_path",
        "state_output = result_expr.update_or_create(",
    ),
    "use_own_intrinsic_functions": (
        f"{_ASL}.parse.intrinsic.preprocessor",
        "float(ctx.INT().getText())",
    ),
    "compare_times": (f"{_CHOICE}.comparison.operator.implementations.is_operator", '"%Y-%m-%dT%H:%M:%SZ"'),
    "compare_strings": (
        f"{_CHOICE}.comparison.operator.implementations.string_operators",
        "fnmatch.fnmatch(variable, comparison_value)",
    ),
    "refuse_missing_variables": (f"{_CHOICE}.comparison.variable", "value = NoSuchVariable("),
    "name_unmatched_choices": (f"{_CHOICE}.state_choice", 'RuntimeError("No branching option reached'),
    "check_conditions": (
        f"{_CHOICE}.comparison.comparison",
        'raise RuntimeError(\n                f"Expected Condition to produce a boolean',
    ),
    "wait_for_numbers_of_seconds": (
        f"{_ASL}.component.state.wait.wait_function.seconds",
        "max_items: int = int(env.stack.pop())",
    ),
    "name_errors_of_the_sdk": (
        f"{_TASK}.service.state_task_service_aws_sdk",
        '_SERVICE_ERROR_NAMES = {"dynamodb": "DynamoDb", "sfn": "Sfn"}',
    ),
    "name_errors_of_other_services": (
        f"{_TASK}.service.state_task_service_unsupported",
        "getattr(boto_client, boto_action)(**normalised_parameters)",
    ),
    "refuse_malformed_events": (
        f"{_TASK}.service.state_task_service_events",
        "if failed_entry_count > 0:",
    ),
    "read_items": (
        f"{_STATE_MAP}.item_reader.eval.resource_output_transformer.transformer_factory",
        "Unknown InputType value",
    ),
    "describe_input_that_is_not_a_list": (
        f"{_STATE_MAP}.state_map",
        "Map state input must be an array but was: {type(input_items)}",
    ),
    "fail_map_runs": (f"{_ITERATION}.itemprocessor.distributed_item_processor_worker", "job_output = None"),
    "write_results_of_map_runs": (
        f"{_STATE_MAP}.result_writer.resource_eval.resource_eval_s3",
        "# TODO: generate result files and upload them to s3.",
    ),
    "separate_parsers": (
        f"{_ASL}.parse.preprocessor",
        "    _query_language_per_scope: list[QueryLanguage] = []",
    ),
    "inherit_query_language_of_machine": (
        f"{_ASL}.parse.preprocessor",
        "query_language = current_query_language",
    ),
    "decode_texts": (f"{_ASL}.parse.preprocessor", "            inner_str = inner_str[1:-1]"),
    "allow_reserved_error_names": (
        f"{_ASL}.component.common.error_name.custom_error_name",
        "Custom Error Names MUST NOT begin with",
    ),
    "return_values_of_paths": (f"{_ASL}.utils.json_path", "len(matches) > 1"),
    "read_variables_by_path": (
        f"{_ASL}.component.common.string.string_expression",
        "result = eval_jsonata_expression(rich_jsonata_expression)\n        env.stack.append(result)",
    ),
    "disable_error_logs": (f"{_ASL}.component.eval_component", "component_repr = repr(self)"),
    "use_threads_of_the_execution": (
        f"{_ASL}.component.state.exec.execute_state",
        "terminated_event.wait(timeout_seconds)",
    ),
    "share_components_among_executions": (f"{_ASL}.component.eval_component", "self.__heap_key = long_uid()"),
    "drop_references_to_threads": (f"{_PARSER}.utils", "TMP_THREADS = []"),
    "run_programs_on_the_calling_thread": (
        f"{_ASL}.component.program.program",
        "worker_thread.join(timeout=timeout)",
    ),
    "wait_on_the_clock": (f"{_ASL}.component.state.wait.wait_function.wait_function", "t0 = time.time()"),
    "wait_until_timestamps_of_the_clock": (
        f"{_ASL}.component.state.wait.wait_function.timestamp",
        "delta = timestamp - datetime.datetime.now()",
    ),
    "back_off_on_the_clock": (f"{_ASL}.component.common.retry.retrier_decl", "time.sleep(interval_seconds)"),
    "enter_states_on_the_clock": (
        f"{_ASL}.component.state.state",
        "EnteredTime=datetime.datetime.now(tz=datetime.timezone.utc).isoformat()",
    ),
    "limit_concurrent_tasks": (
        f"{_ASL}.component.state.exec.execute_state",
        "thread = Thread(target=_exec_and_notify",
    ),
    "limit_map_concurrency": (
        f"{_ITERATION}.inline_iteration_component",
        "len(input_items)\n            if max_concurrency",
    ),
    "iterate_maps_without_recursion": (
        f"{_ITERATION}.iteration_worker",
        "self._eval_pool(job=next_job, worker_frame=worker_frame)",
    ),
    "wait_for_job_events": (
        f"{_TASK}.service.state_task_service_callback",
        "time.sleep(_DELAY_SECONDS_SYNC_CONDITION_CHECK)",
    ),
    "name_errors_of_nested_executions": (
        f"{_TASK}.service.state_task_service_sfn",
        'error_name: str = f"StepFunctions.{error_code}Exception"',
    ),
    "stop_nested_executions": (
        f"{_TASK}.service.state_task_service_sfn",
        "if execution_status == ExecutionStatus.RUNNING:\n                return None",
    ),
    "name_batch_errors": (
        f"{_TASK}.service.state_task_service_batch",
        'error_name = f"Batch.{error_code}"',
    ),
    "cache_field_names": (
        f"{_TASK}.service.state_task_service",
        "norm_parameter_key = camel_to_snake_case(parameter_key)",
    ),
    "copy_data_as_json": (f"{_ASL}.eval.states", "        return copy.deepcopy(result)\n"),
}
"""Patch -> the module of moto and its text that shows the defect."""


@pytest.fixture(scope="module")
def patches() -> Any:
    """Return the module of the patches, imported after the engine, which is loaded without EC2."""
    load_engine()
    return importlib.import_module("stepline.localaws.emulators.moto.patches")


@pytest.mark.parametrize("name", DEFECTS)
def test_patch_is_still_needed(patches: Any, name: str) -> None:
    module, defect = DEFECTS[name]
    assert defect in _source(module), f"{module} changed: is {name} still needed?"
    (patch,) = (patch for patch in patches.PATCHES if patch.__name__ == name)
    assert inspect.getdoc(patch), "a patch has a docstring about the defect"


def test_every_defect_has_a_patch(patches: Any) -> None:
    assert set(DEFECTS) == {patch.__name__ for patch in patches.PATCHES}


def test_batch_backend_still_imports_ec2() -> None:
    assert "from moto.ec2.models" in _source("moto.batch.models") or "from moto.ec2" in _source(
        "moto.batch.models"
    )


def test_another_version_of_moto_is_refused(patches: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _: "5.2.6")
    with pytest.raises(RuntimeError, match=r"fit moto 5\.2\.5, but moto 5\.2\.6 is installed"):
        patches.apply_patches()


def test_real_batch_backend_can_be_imported_after_the_engine() -> None:
    program = (
        "import sys; from stepline.localaws.emulators.moto import interpreter; interpreter.load_engine();"
        "assert 'moto.ec2' not in sys.modules; assert 'moto.batch' not in sys.modules;"
        "import importlib.util as u; assert u.find_spec('moto.batch').origin.endswith('__init__.py')"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_engine_is_loaded_once() -> None:
    assert load_engine() is load_engine()


def _source(module: str) -> str:
    """Return the source of a module without importing it, which would patch it."""
    package, _, name = module.rpartition(".")
    spec = importlib.util.find_spec(package.partition(".")[0])
    assert spec is not None
    assert spec.submodule_search_locations is not None
    parts = [*package.split(".")[1:], f"{name}.py"]
    return Path(spec.submodule_search_locations[0], *parts).read_text()
