"""The command line: the same commands against AWS and against the local AWS.

`commands/` holds one module for each command. Around it, apart from each other: which AWS
is meant (`target`), reading AWS into frozen dataclasses (`pipelines`, `runs`, `executions`,
`functions`, `log_events`), git (`git_push`), the local AWS as a process
(`local_aws_process`, `runtime_state`, `process_table`), and how things look (`render`,
`plain`, `console`).
"""
