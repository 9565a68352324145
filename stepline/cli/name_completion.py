"""Completes names in shells: those of the AWS that the command line would use.

A shell waits for the answer. So there are no retries and short time-outs, and any error means no names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace

import click
from botocore.config import Config

from stepline.aws.functions import list_functions
from stepline.aws.pipelines import list_pipeline_names
from stepline.aws.target import Target, choose_target
from stepline.cli.options import default_stack_name, given_target_options, main_deployment
from stepline.deployment.systems import list_systems

_CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


class _QuickTarget(Target):
    """A target whose clients give up soon."""

    def client(self, service: str, region: str | None = None) -> object:
        return self.new_client(service, _CONFIG.merge(Config(region_name=region or self.region)))


def _quietly(names: Callable[[click.Context], Iterable[str]]) -> Complete:
    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
        try:
            return sorted(name for name in names(ctx) if name.startswith(incomplete))
        except Exception:  # a traceback would end up in the command line
            return []

    return complete


def _functions(ctx: click.Context) -> list[str]:
    stack_name = ctx.params.get("stack_name") or default_stack_name()
    target = _target(ctx)
    return [
        function.listed_name(stack_name)
        for function in list_functions(target, stack_name, all_stacks=target.is_local)
    ]


def _pipelines(ctx: click.Context) -> list[str]:
    return list_pipeline_names(_target(ctx).client("codepipeline"))


def _target(ctx: click.Context) -> Target:
    target = choose_target(given_target_options(ctx), os.environ)
    return _QuickTarget(**vars(replace(target, _clients={})))


def complete_system(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the last of several names that are separated by commas."""
    before, comma, last = incomplete.rpartition(",")
    try:
        systems = list_systems(main_deployment(None, None, {}).template.parent)
    except Exception:
        return []
    return [f"{before}{comma}{system.name}" for system in systems if system.name.startswith(last)]


complete_function = _quietly(_functions)
complete_pipeline = _quietly(_pipelines)
