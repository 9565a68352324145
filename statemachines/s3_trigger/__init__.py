"""The S3 trigger: writing an object to a bucket starts a state machine.

EventBridge invokes `start_execution` for each object. `object_events` parses the events of S3 and CloudTrail,
`execution_names` derives the execution's name. `s3_trigger.asl.json`, with its only task `summarize_object`,
is a sample.
"""
