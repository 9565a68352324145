"""CloudTrail's data events of S3: which calls are recorded, how a record looks, and the files of a trail.

`records`    one S3 request as CloudTrail records it
`selectors`  which trail records it
`files`      the files that a trail writes into its bucket
"""

from stepline.localaws.cloudtrail.files import LogFile, log_file
from stepline.localaws.cloudtrail.records import Record, S3Call, record_of
from stepline.localaws.cloudtrail.selectors import selects

__all__ = ["LogFile", "Record", "S3Call", "log_file", "record_of", "selects"]
