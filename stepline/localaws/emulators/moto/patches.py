"""The list of all patches of moto's interpreter, which from then on runs only executions of the local AWS.

Each is a function with a docstring about the defect. tests/localaws/emulators/test_moto_patches.py fails when
a defect is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata

from stepline.localaws.emulators.moto import (
    batch_jobs,
    choices,
    clock,
    data,
    definitions,
    errors,
    http_calls,
    intrinsics,
    jobs,
    jsonata,
    map_items,
    map_runs,
    nested_executions,
    parsing,
    paths,
    request_values,
    service_errors,
    task_tokens,
    tasks,
    threads,
)

TESTED_VERSION = "5.2.5"
"""The version of moto whose insides the patches fit."""

PATCHES: tuple[Callable[[], None], ...] = (
    parsing.separate_parsers,
    parsing.inherit_query_language_of_machine,
    parsing.decode_texts,
    parsing.allow_reserved_error_names,
    definitions.evaluate_templates_that_are_lists,
    tasks.use_given_task_clients,
    tasks.assume_roles_of_tasks,
    tasks.translate_field_names,
    tasks.describe_http_responses,
    task_tokens.renew_task_tokens,
    request_values.convert_values,
    request_values.call_models_of_bedrock,
    jobs.wait_for_jobs,
    jobs.adapt_requests_of_emr,
    http_calls.add_http_tasks,
    errors.name_lambda_errors,
    errors.name_batch_errors,
    service_errors.name_errors_of_the_sdk,
    service_errors.name_errors_of_other_services,
    service_errors.name_errors_of_nested_executions,
    service_errors.refuse_malformed_events,
    errors.describe_missing_paths,
    errors.pass_on_failures,
    errors.name_the_state_that_failed,
    errors.match_errors,
    errors.disable_error_logs,
    jsonata.evaluate_jsonata_in_python,
    intrinsics.use_own_intrinsic_functions,
    choices.compare_times,
    choices.compare_strings,
    choices.refuse_missing_variables,
    choices.name_unmatched_choices,
    choices.check_conditions,
    paths.return_values_of_paths,
    paths.set_results_by_path,
    paths.read_variables_by_path,
    map_items.read_items,
    map_items.describe_input_that_is_not_a_list,
    map_runs.fail_map_runs,
    map_runs.write_results_of_map_runs,
    threads.use_threads_of_the_execution,
    threads.share_components_among_executions,
    threads.drop_references_to_threads,
    threads.run_programs_on_the_calling_thread,
    threads.limit_concurrent_tasks,
    threads.limit_map_concurrency,
    threads.iterate_maps_without_recursion,
    clock.wait_on_the_clock,
    clock.wait_until_timestamps_of_the_clock,
    clock.wait_for_numbers_of_seconds,
    clock.back_off_on_the_clock,
    clock.enter_states_on_the_clock,
    batch_jobs.wait_for_job_events,
    nested_executions.stop_nested_executions,
    data.write_json_as_utf8,
    data.cache_field_names,
    data.copy_data_as_json,
)


def apply_patches() -> None:
    """Apply all patches. Raises RuntimeError for a version of moto that was not tested."""
    version = metadata.version("moto")
    if version != TESTED_VERSION:
        raise RuntimeError(f"stepline's patches fit moto {TESTED_VERSION}, but moto {version} is installed")
    for patch in PATCHES:
        patch()
