"""The downstream state machine, which the last step of the process starts: docs/process.md."""
