"""AWS Batch on Fargate: a job is a process that runs the program of its image.

`submission` and `tasks` build jobs and their attempts, `scheduler` runs them, `containers` starts the
processes, `fargate` provides image, log and credentials, `image_store` downloads and unpacks images,
`stepline.localaws.log_streams` writes the output to CloudWatch Logs.
"""

from stepline.localaws.batch.containers import ProcessContainers
from stepline.localaws.batch.fargate import Fargate
from stepline.localaws.batch.image_store import ImageStore
from stepline.localaws.batch.models import Containers, Outcome, Task
from stepline.localaws.batch.service import Batch

__all__ = ["Batch", "Containers", "Fargate", "ImageStore", "Outcome", "ProcessContainers", "Task"]
