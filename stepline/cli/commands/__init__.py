"""The commands, one module each; each module's `command` is what `stepline.cli.command_group` loads."""
