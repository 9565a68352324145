"""Patches ministack's CloudWatch: alarms ignore dimensions, time and policies; metrics are missing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from ministack.core import responses
from ministack.services import cloudwatch, kms, sns, sqs

from stepline.localaws import service_policies
from stepline.localaws.cloudwatch import AlarmState, Metric, evaluate, execution_metrics, windows
from stepline.localaws.events import AwsEvent

_log = logging.getLogger(__name__)

_SERVICE = "cloudwatch.amazonaws.com"
_EVALUATION_SECONDS = 1.0
"""AWS evaluates most alarms once a minute."""

_VISIBLE_MESSAGES = "ApproximateNumberOfMessagesVisible"
_QUEUE_SECONDS = 60.0
_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}

_Alarm = dict[str, Any]

_lock = threading.RLock()
"""Held while datapoints are added, evicted or read: ministack does the first two on different threads."""


def record(metric: Metric) -> None:
    cloudwatch.record_metric(
        metric.namespace, metric.name, metric.value, metric.unit, dict(metric.dimensions)
    )


def record_executions(event: AwsEvent) -> None:
    """Record the metrics of an event with the status of an execution."""
    for metric in execution_metrics(event):
        record(metric)


def record_dropped_event(function: str) -> None:
    """Record that Lambda has given up an event of a function (a name or an ARN)."""
    record(Metric("AWS/Lambda", "AsyncEventsDropped", {"FunctionName": function.rpartition(":")[2]}))


def evaluate_alarms() -> Callable[[], None]:
    """Evaluate all alarms again and again, on a thread; return what ends it.

    ministack evaluates alarms only when PutMetricData is called, with the datapoints of all dimensions, and
    an alarm never ends.
    """
    _lock_datapoints()
    cloudwatch._evaluate_all_alarms = lambda: None
    stopped = threading.Event()

    def run() -> None:
        while not stopped.wait(_EVALUATION_SECONDS):
            for (account_id, region, _), alarm in cloudwatch._alarms.all_items():
                try:
                    with responses.request_scope(account_id, region):
                        _evaluate(alarm)
                except Exception:
                    _log.exception("cannot evaluate the alarm %s", alarm["AlarmName"])

    thread = threading.Thread(target=run, name="alarms", daemon=True)
    thread.start()

    def stop() -> None:
        stopped.set()
        thread.join()

    return stop


def check_topic_policies() -> None:
    """Publish only to topics that CloudWatch may use; ministack publishes to all."""
    original = cloudwatch._dispatch_alarm_actions

    def dispatch(alarm: _Alarm, old_state: str, new_state: str, reason: str) -> None:
        member = _ACTIONS[new_state]
        allowed = [arn for arn in alarm.get(member) or [] if _may_publish(alarm["AlarmArn"], arn)]
        original({**alarm, member: allowed}, old_state, new_state, reason)

    cloudwatch._dispatch_alarm_actions = dispatch


def _lock_datapoints() -> None:
    for name in ("record_metric", "_store_datum", "_evict_old_metrics"):
        setattr(cloudwatch, name, _locked(getattr(cloudwatch, name)))


def _locked(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with _lock:
            return function(*args, **kwargs)

    return call


def _evaluate(alarm: _Alarm) -> None:
    if alarm["Namespace"] == "AWS/SQS":
        _measure_queue(alarm)
    now = time.time()
    with _lock:
        values = [_value(alarm, begin, end) for begin, end in windows(alarm, now)]
    state = evaluate(alarm, values)
    if state is not None and state.value != alarm["StateValue"]:
        _change(alarm, state)


def _change(alarm: _Alarm, state: AlarmState) -> None:
    old = alarm["StateValue"]
    alarm["StateValue"], alarm["StateReason"] = state.value, state.reason
    alarm["StateUpdatedTimestamp"] = int(time.time())
    cloudwatch._record_history(alarm["AlarmName"], old, state.value, state.reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, state.value, state.reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _value(alarm: _Alarm, begin: float, end: float) -> float | None:
    points = list(_points(alarm, begin, end))
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    value: float | None = cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)
    return value if points else None


def _points(alarm: _Alarm, begin: float, end: float) -> Iterator[Any]:
    key = cloudwatch._dims_key({item["Name"]: item["Value"] for item in alarm.get("Dimensions") or []})
    for point in reversed(cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], key)) or []):
        if point["Timestamp"] <= begin:
            return
        if point["Timestamp"] <= end:
            yield point


def _measure_queue(alarm: _Alarm) -> None:
    """Record the number of messages of the alarm's queue when it changes, and once a minute, as SQS does."""
    name = next((item["Value"] for item in alarm["Dimensions"] if item["Name"] == "QueueName"), "")
    found = (queue for queue in list(sqs._queues.values()) if queue["name"] == name)
    if alarm["MetricName"] != _VISIBLE_MESSAGES or (queue := next(found, None)) is None:
        return
    sqs._refresh_counts(queue)
    count = float(queue["attributes"]["ApproximateNumberOfMessages"])
    with _lock:
        latest = next(_points(alarm, time.time() - _QUEUE_SECONDS, time.time()), None)
    if latest is None or latest["Value"] != count:
        record(Metric("AWS/SQS", _VISIBLE_MESSAGES, {"QueueName": name}, count))


def _may_publish(alarm_arn: str, topic_arn: str) -> bool:
    """Whether the policies of the topic and of its key allow it. Actions that are no topics stay as they are.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html: the key `alias/aws/sns` allows none.
    """
    if not cloudwatch._is_sns_action_arn(topic_arn):
        return True
    topic = sns._topic_by_arn_any_scope(topic_arn) or {"attributes": {}}
    key = topic["attributes"].get("KmsMasterKeyId")
    needed = [("sns:Publish", topic_arn, topic["attributes"].get("Policy"))]
    if key:
        policy = kms.key_policy_for_arn(key)
        needed += [(action, key, policy and policy[0]) for action in ("kms:Decrypt", "kms:GenerateDataKey")]
    # The topic's default policy allows its owner's services.
    context = {"aws:sourceowner": topic_arn.split(":")[4]}
    for action, resource, document in needed:
        if not service_policies.allows(
            document, _SERVICE, action, resource, source_arn=alarm_arn, context=context
        ):
            _log.warning("%s cannot publish: CloudWatch may not %s on %s", alarm_arn, action, resource)
            return False
    return True
