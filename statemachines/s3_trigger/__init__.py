"""Started by an S3 upload: writing an object to a bucket starts a state machine.

`start_execution` is what EventBridge invokes for each written object, whichever way it is noticed; `names`
makes the execution's name, `object_events` reads the events. `s3_trigger.asl.json`, with its one task
`summarize_object`, is a sample of what may be started.
"""
