"""The Deploy state machine: creates or updates one CloudFormation stack, safely.

`deploy.asl.json` is the workflow, and each task of it one handler module here, named as
its state: `create_change_set.py` is "Create Change Set". What passes between them:

`request`     the execution's input, as the user and the trigger wrote it (`request.DeployRequest`)
`execution`   who asks: `{"id", "name", "startTime", "attempt"}` (`names.Execution`)
`stack`       `{"plan", "id", "progress"}`, the answer of Check Stack Exists
`changeSet`   `{"id", "stackId", "stackPolicy", "progress"}` (`change_sets.ChangeSet`)
`operation`   `{"stackId", "token", "since", "progress"}`: the creation, update or deletion
              that is waited for (`operations.AwaitedOperation`)
`progress`    `{"waitedSeconds", "waitSeconds"}`: how a wait loop goes (`waiting.Progress`)
`failure`     `{"Error", "Cause"}`, as Step Functions puts it there on a Catch
"""
