"""Every number of the workflow updater, with its unit and its source: [model], [doc] or [ours]."""

from __future__ import annotations

from typing import Final

MAX_DEFINITION_CHARACTERS: Final = 1_048_576
"""Of a state machine's definition [model: Definition]."""

MAX_DEFINITION_BYTES: Final = 4 * MAX_DEFINITION_CHARACTERS
"""Read of an object [ours]: a character has at most four bytes of UTF-8."""

MAX_TEMPLATE_BYTES: Final = 1_000_000
"""Of a processed template that came by URL, "1 MB" [doc: Troubleshoot the processed template, "Size
limitation"]; the definition is JSON text within it, so quotes and line ends count twice."""

MAX_DIAGNOSTICS: Final = 10
"""Of ValidateStateMachineDefinition, told in one message [ours]; the service would tell 100 [model]."""
