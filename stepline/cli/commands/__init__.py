"""The commands, one module each; `stepline.cli.command_group` loads its `command`."""
