"""Step Functions executions, whoever starts them: a pipeline, an upload, a REST service, another execution.

`arns`      which state machine, which execution, and its page in the console
`machines`  Standard or Express?
`start`     start one under a name of its own, once
`describe`  how it is
`history`   where it is, and where it failed
`progress`  what to show while it runs
`failure`   why it failed, in one message
"""
