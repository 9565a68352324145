"""AWS Batch on Fargate, served locally: jobs are processes of the programs in their images.

`Batch` is the service, `jobs` the life of a job, `registry` its surroundings (compute environments, queues,
job definitions); `containers` runs the processes, `image_store` fetches and unpacks images, `log_stream`
writes what the processes say.
"""

from stepline.localaws.batch.containers import ProcessContainers
from stepline.localaws.batch.model import Containers, Outcome, Task
from stepline.localaws.batch.service import Batch

__all__ = ["Batch", "Containers", "Outcome", "ProcessContainers", "Task"]
