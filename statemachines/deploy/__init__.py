"""The Deploy state machine: creates or updates one CloudFormation stack, safely.

`deploy.asl.json` is the workflow. Each task is a handler module with the name of its state:
`create_change_set.py` is "Create Change Set". The data that are passed between the states:

`request`     the execution's input, from the user and the trigger (`request.DeployRequest`) `execution`
`{"id", "name", "startTime", "attempt"}` (`attempt.DeploymentAttempt`) `stack`       `{"plan", "id",
"progress"}`, the result of Check Stack Exists `changeSet`   `{"id", "stackId", "stackPolicy", "progress"}`
(`change_sets.ChangeSet`) `operation`   `{"stackId", "token", "since", "progress"}`: the creation, update or
deletion that the execution waits for (`awaited_operations.AwaitedOperation`) `progress`    `{"waitedSeconds",
"waitSeconds"}` of a wait loop (`waiting.WaitProgress`) `failure`     `{"Error", "Cause"}` of an error that
was caught
"""
