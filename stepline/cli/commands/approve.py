"""`stepline approve` and `stepline reject`: answer an approval that a pipeline or a deployment waits for."""

from __future__ import annotations

import click

from stepline.aws.approvals import (
    MAX_COMMENT_CHARACTERS,
    Answer,
    ApprovalChoice,
    answer_approval,
    find_approval,
)
from stepline.cli import terminal
from stepline.cli.name_completion import complete_pipeline
from stepline.cli.options import choose_and_show_target, target_options, with_options

_options = with_options(
    click.argument("pipeline", metavar="[ID|PIPELINE]", required=False, shell_complete=complete_pipeline),
    click.option("--stage", help="Stage of the approval, if several wait."),
    click.option("--action", help="Action of the approval, if several wait."),
    click.option("--execution-id", help="Execution of the approval, if several wait in mode PARALLEL."),
    click.option(
        "--comment",
        "--reason",
        "-m",
        "comment",
        help="Comment or reason, up to 512 characters. Default of manual approvals: Approved or Rejected.",
    ),
    target_options,
)


def _answer(ctx: click.Context, choice: ApprovalChoice, answer: Answer, comment: str | None) -> None:
    comment = comment or ""
    if len(comment) > MAX_COMMENT_CHARACTERS:
        raise click.UsageError(
            f"--comment has {len(comment)} characters; {MAX_COMMENT_CHARACTERS} are allowed"
        )
    target = choose_and_show_target(ctx)
    approval = find_approval(target, choice)
    answer_approval(target, approval, answer, comment)
    terminal.print_success(f"{answer} {approval.title}")


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


_CHOICE = (
    "ID is that of a change of a stack or of a wave, which `stepline status` shows; PIPELINE means "
    "the approval that waits in it. Without either it is the only approval that waits."
)
command = _command(
    "approve",
    Answer.APPROVED,
    f"Approve the manual approval or the change that waits, so that the execution continues.\n\n{_CHOICE}",
)
reject = _command(
    "reject",
    Answer.REJECTED,
    f"Reject the manual approval or the change that waits: the execution fails.\n\n{_CHOICE}",
)
