"""What the console can do: each act has a page that says what will happen, and a form that does it."""

from stepline.console.acts import answers, executions, pipelines
from stepline.console.acts.act import Act

ACTS: tuple[Act, ...] = (*pipelines.ACTS, *executions.ACTS, *answers.ACTS)
