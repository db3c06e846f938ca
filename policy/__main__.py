"""The policy pack: `pulumi preview --policy-pack policy`, and `up` alike; script/preview gives it always."""

from __future__ import annotations

import json
from collections.abc import Callable

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from policy.resources import Resource, Stack
from policy.rules import RULES, Rule

_declared = Stack()


def _stack() -> Stack:
    settings = pulumi.Config("waqiti")
    lost = settings.get("mayLose")
    return Stack(
        platform=settings.get("platform") or "local",
        protect_data=(settings.get("protectData") or "true").lower() != "false",
        may_lose=frozenset(json.loads(lost)) if lost else frozenset(),
        roles=_declared.roles,
        databases=_declared.databases,
    )


def _policy(rule: Rule) -> ResourceValidationPolicy:
    return ResourceValidationPolicy(
        name=rule.name,
        description=rule.description,
        enforcement_level=EnforcementLevel.MANDATORY,
        validate=_validation(rule),
    )


def _validation(rule: Rule) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report_violation: ReportViolation) -> None:
        one = Resource(args.resource_type, args.name, args.props, args.opts.parent, bool(args.opts.protect))
        for line in rule.check(one, _stack()):
            report_violation(line, None)

    return validate


PolicyPack(name="waqiti", policies=[_policy(rule) for rule in RULES.values()])
