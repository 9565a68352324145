"""`stepline approve` and `stepline reject`: answer a manual approval of a pipeline."""

from __future__ import annotations

import click

from stepline.aws.approvals import (
    MAX_COMMENT_CHARACTERS,
    Answer,
    ApprovalChoice,
    answer_approval,
    find_approval,
)
from stepline.aws.pipelines import find_pipeline
from stepline.cli import terminal
from stepline.cli.name_completion import complete_pipeline
from stepline.cli.options import choose_and_show_target, target_options, with_options

_options = with_options(
    click.argument("pipeline", required=False, shell_complete=complete_pipeline),
    click.option("--stage", help="Stage of the approval, if several wait."),
    click.option("--action", help="Action of the approval, if several wait."),
    click.option("--execution-id", help="Execution of the approval, if several wait in mode PARALLEL."),
    click.option("--comment", "-m", help="Comment, up to 512 characters. Default: Approved or Rejected."),
    target_options,
)


def _answer(ctx: click.Context, choice: ApprovalChoice, answer: Answer, comment: str | None) -> None:
    comment = comment or answer.value
    if len(comment) > MAX_COMMENT_CHARACTERS:
        raise click.UsageError(
            f"--comment has {len(comment)} characters; {MAX_COMMENT_CHARACTERS} are allowed"
        )
    target = choose_and_show_target(ctx)
    if choice.pipeline:
        find_pipeline(target, choice.pipeline)
    codepipeline = target.client("codepipeline")
    approval = find_approval(codepipeline, choice)
    answer_approval(codepipeline, approval, answer, comment)
    terminal.print_success(f"{answer} {approval.stage} / {approval.action} of pipeline {approval.pipeline}")


def _command(name: str, answer: Answer, description: str) -> click.Command:
    @click.command(name, help=description)
    @_options
    @click.pass_context
    def answer_approval(
        ctx: click.Context,
        /,
        *,
        pipeline: str | None,
        stage: str | None,
        action: str | None,
        execution_id: str | None,
        comment: str | None,
    ) -> None:
        _answer(ctx, ApprovalChoice(pipeline, stage, action, execution_id), answer, comment)

    return answer_approval


_CHOICE = "Without PIPELINE it is the only approval that waits in any pipeline."
command = _command(
    "approve",
    Answer.APPROVED,
    f"Approve the manual approval that waits in PIPELINE, so that the execution continues.\n\n{_CHOICE}",
)
reject = _command(
    "reject",
    Answer.REJECTED,
    f"Reject the manual approval that waits in PIPELINE: the execution fails.\n\n{_CHOICE}",
)
