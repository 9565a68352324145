"""CloudTrail's data events of S3: `records` of requests, event `selectors` of trails, and `log_files`."""

from stepline.localaws.cloudtrail.log_files import LogFile, log_file
from stepline.localaws.cloudtrail.records import Record, S3Call, data_event
from stepline.localaws.cloudtrail.selectors import selects

__all__ = ["LogFile", "Record", "S3Call", "data_event", "log_file", "selects"]
