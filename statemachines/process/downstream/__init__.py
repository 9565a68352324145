"""The state machine that the process starts with its last step, and goes on by itself: docs/process.md."""
