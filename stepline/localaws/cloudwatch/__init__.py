"""What the local AWS adds to CloudWatch: metrics of its services, and the evaluation of alarms."""

from stepline.localaws.cloudwatch.alarms import AlarmState, evaluate, windows
from stepline.localaws.cloudwatch.metrics import Metric, embedded_metrics, execution_metrics

__all__ = ["AlarmState", "Metric", "embedded_metrics", "evaluate", "execution_metrics", "windows"]
