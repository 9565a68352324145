"""What moto's interpreter of state machines lacks, mended: the list of patches.

Each patch is a function of `moto_data`, `moto_time`, `moto_sync` or `moto_speed`: it says what it mends and
replaces it where it is. Outside of the threads of an execution of ours, moto works as if it were not
patched. `tests/localaws/stepfunctions/test_patches.py` notices when one is no longer needed.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata

from stepline.localaws.emulators import moto_data, moto_speed, moto_sync, moto_time

TESTED_VERSION = "5.2.5"
"""The version of moto whose insides the patches fit."""

PATCHES: tuple[Callable[[], None], ...] = (
    moto_data.send_tasks_to_our_clients,
    moto_data.name_fields_as_services_do,
    moto_data.name_lambda_errors,
    moto_data.let_fail_states_pass_on_errors,
    moto_data.evaluate_jsonata,
    moto_data.fail_on_wrong_jsonata,
    moto_data.quote_jsonata_variables,
    moto_data.log_nothing,
    moto_time.use_our_threads,
    moto_time.key_components_once,
    moto_time.forget_threads,
    moto_time.run_programs_in_place,
    moto_time.wait_on_our_clock,
    moto_time.wait_until_a_moment,
    moto_time.retry_on_our_clock,
    moto_time.enter_states_on_our_clock,
    moto_time.take_turns,
    moto_time.limit_map_concurrency,
    moto_time.iterate_maps_in_a_loop,
    moto_sync.wait_for_jobs,
    moto_sync.name_batch_errors,
    moto_speed.write_json_as_aws,
    moto_speed.remember_json_paths,
    moto_speed.remember_names_of_fields,
    moto_speed.copy_data_as_json,
)


def apply_patches() -> None:
    """Mend the interpreter. Raises RuntimeError for another version of moto than the tested one."""
    version = metadata.version("moto")
    if version != TESTED_VERSION:
        raise RuntimeError(f"stepline's patches fit moto {TESTED_VERSION}, but moto {version} is installed")
    for patch in PATCHES:
        patch()
