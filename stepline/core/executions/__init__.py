"""Starting and reading Step Functions executions.

`arns`      ARNs of state machines and executions, and links to the console
`machines`  whether a state machine is Standard or Express
`start`     start an execution at most once
`digests`   short digests of executions, for names and ids
`describe`  status, output, error and cause of an execution
`history`   its current state, and the state that failed, from its history
`progress`  its current state and percentage for display
`failure`   why it failed, for display
"""
