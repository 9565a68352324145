"""The batch workflow: three steps of jobs on AWS Batch; of the second and third, one job for each item."""
