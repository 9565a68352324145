"""The pages of the console: each module reads the documents of some of them."""

from stepline.console.pages import Page
from stepline.console.views import approvals, overview, pipeline_executions, pipelines, search, state_machines

PAGES: tuple[Page, ...] = (
    *overview.PAGES,
    *state_machines.PAGES,
    *pipelines.PAGES,
    *pipeline_executions.PAGES,
    *approvals.PAGES,
    *search.PAGES,
)
