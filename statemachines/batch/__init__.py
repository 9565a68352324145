"""The batch workflow: three steps of AWS Batch jobs. Steps 2 and 3 have one job for each item of a list."""
