"""Each patch of the interpreter is still needed: the defect is there, in the source of moto.

When a test here fails after an update of moto, look whether the defect is gone. If it is,
remove the patch; if it only moved, move the patch.
"""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from stepline.localaws.emulators import moto_patches
from stepline.localaws.emulators.moto_loader import load_interpreter

_PARSER = "moto.stepfunctions.parser"
_ASL = f"{_PARSER}.asl"
_TASK = f"{_ASL}.component.state.exec.state_task"
_ITERATION = f"{_ASL}.component.state.exec.state_map.iteration"

DEFECTS = {
    "send_tasks_to_our_clients": (f"{_ASL}.utils.boto_client", 'f"http://localhost:{moto_server_port()}"'),
    "name_fields_as_services_do": (
        f"{_TASK}.service.state_task_service",
        "service_action_name: str | None = None,\n    ) -> None:\n        pass",
    ),
    "name_lambda_errors": (
        f"{_TASK}.state_task_lambda",
        "error_name = CustomErrorName(error)\n            cause = ex.response",
    ),
    "let_fail_states_pass_on_errors": (
        f"{_ASL}.component.state.fail.state_fail",
        "CustomErrorName(error_value) if error_value",
    ),
    "write_json_as_aws": (
        f"{_ASL}.utils.encoding",
        "json.dumps(obj, cls=_DateTimeEncoder, separators=separators)",
    ),
    "evaluate_jsonata": (f"{_ASL}.jsonata.jsonata", "        _eval_jsonata = None\n"),
    "fail_on_wrong_jsonata": (f"{_ASL}.jsonata.jsonata", 'raise JSONataException("UNKNOWN", str(ex))'),
    "quote_jsonata_variables": (f"{_ASL}.jsonata.jsonata", "value_str_lit = f'\"{value}\"'"),
    "remember_json_paths": (f"{_ASL}.utils.json_path", "    input_expr = parse(path)"),
    "log_nothing": (f"{_ASL}.component.eval_component", "component_repr = repr(self)"),
    "use_our_threads": (
        f"{_ASL}.component.state.exec.execute_state",
        "terminated_event.wait(timeout_seconds)",
    ),
    "key_components_once": (f"{_ASL}.component.eval_component", "self.__heap_key = long_uid()"),
    "forget_threads": (f"{_PARSER}.utils", "TMP_THREADS = []"),
    "run_programs_in_place": (f"{_ASL}.component.program.program", "worker_thread.join(timeout=timeout)"),
    "wait_on_our_clock": (f"{_ASL}.component.state.wait.wait_function.wait_function", "t0 = time.time()"),
    "wait_until_a_moment": (
        f"{_ASL}.component.state.wait.wait_function.timestamp",
        "delta = timestamp - datetime.datetime.now()",
    ),
    "retry_on_our_clock": (f"{_ASL}.component.common.retry.retrier_decl", "time.sleep(interval_seconds)"),
    "enter_states_on_our_clock": (
        f"{_ASL}.component.state.state",
        "EnteredTime=datetime.datetime.now(tz=datetime.timezone.utc).isoformat()",
    ),
    "take_turns": (f"{_ASL}.component.state.exec.execute_state", "thread = Thread(target=_exec_and_notify"),
    "limit_map_concurrency": (
        f"{_ITERATION}.inline_iteration_component",
        "len(input_items)\n            if max_concurrency",
    ),
    "iterate_maps_in_a_loop": (
        f"{_ITERATION}.iteration_worker",
        "self._eval_pool(job=next_job, worker_frame=worker_frame)",
    ),
    "wait_for_jobs": (
        f"{_TASK}.service.state_task_service_callback",
        "time.sleep(_DELAY_SECONDS_SYNC_CONDITION_CHECK)",
    ),
    "name_batch_errors": (
        f"{_TASK}.service.state_task_service_batch",
        'error_name = f"Batch.{error_code}"',
    ),
    "remember_names_of_fields": (
        f"{_TASK}.service.state_task_service",
        "norm_parameter_key = camel_to_snake_case(parameter_key)",
    ),
    "copy_data_as_json": (f"{_ASL}.eval.states", "        return copy.deepcopy(result)\n"),
}
"""Patch -> the module of moto, and the text in it that shows what is wrong."""


@pytest.mark.parametrize("patch", moto_patches.PATCHES, ids=lambda patch: patch.__name__)
def test_patch_is_still_needed(patch: object) -> None:
    module, defect = DEFECTS[patch.__name__]  # type: ignore[attr-defined]
    assert defect in _source(module), f"{module} changed: is {patch} still needed?"
    assert inspect.getdoc(patch), "a patch says what it mends"


def test_every_defect_has_a_patch() -> None:
    assert set(DEFECTS) == {patch.__name__ for patch in moto_patches.PATCHES}


def test_batch_still_imports_everything() -> None:
    assert "from moto.ec2.models" in _source("moto.batch.models") or "from moto.ec2" in _source(
        "moto.batch.models"
    )


def test_another_version_of_moto_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _: "5.2.6")
    with pytest.raises(RuntimeError, match=r"fit moto 5\.2\.5, but moto 5\.2\.6 is installed"):
        moto_patches.apply_patches()


def test_loading_the_interpreter_leaves_moto_as_it_was() -> None:
    """The stand-in for moto.batch is gone, and the real one can be imported."""
    program = (
        "import sys; from stepline.localaws.emulators import moto_loader; moto_loader.load_interpreter();"
        "assert 'moto.ec2' not in sys.modules; assert 'moto.batch' not in sys.modules;"
        "import importlib.util as u; assert u.find_spec('moto.batch').origin.endswith('__init__.py')"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_interpreter_is_loaded_once() -> None:
    assert load_interpreter() is load_interpreter()


def _source(module: str) -> str:
    """Without importing it: what is imported is patched."""
    package, _, name = module.rpartition(".")
    spec = importlib.util.find_spec(package.partition(".")[0])
    assert spec is not None
    assert spec.submodule_search_locations is not None
    parts = [*package.split(".")[1:], f"{name}.py"]
    return Path(spec.submodule_search_locations[0], *parts).read_text()
