"""The pages of the console: each module reads the documents of some of them."""

from stepline.console.pages import Page
from stepline.console.views import (
    approvals,
    deployments,
    executions,
    overview,
    pipeline_executions,
    pipelines,
    search,
    state_machines,
    states,
)

PAGES: tuple[Page, ...] = (
    *overview.PAGES,
    *state_machines.PAGES,
    *deployments.PAGES,
    *executions.PAGES,
    *states.PAGES,
    *pipelines.PAGES,
    *pipeline_executions.PAGES,
    *approvals.PAGES,
    *search.PAGES,
)
