"""How a query went: per selector and segment how many layers were left, and the nearest miss."""

from __future__ import annotations

from collections.abc import Mapping

from weightrepl.engine.missing import complaints, names_at
from weightrepl.engine.missing_weights import empty_complaints
from weightrepl.engine.resolve import weights_within
from weightrepl.engine.scope import Named, Scope, scope_of
from weightrepl.engine.selectors import follow, kind_of
from weightrepl.engine.trace import Step, Trace
from weightrepl.errors import Problem
from weightrepl.model.tree import Place
from weightrepl.model.workspace import Workspace
from weightrepl.query.parser import parse
from weightrepl.query.syntax import Dotted, Missing, Name, Selector
from weightrepl.spans import Span, nearest
from weightrepl.values import Value


class ExplainedStep(Value):
    """One segment of a path, or the weight after it.

    text: the segment as it was typed. found: how many layers (or weights) it left.
    noun: `layers` or `weights`. nearest: what is there and comes nearest, where it left nothing.
    """

    text: str
    span: Span
    found: int
    noun: str
    nearest: str | None = None


class ExplainedSelector(Value):
    """One selector, step by step."""

    text: str
    span: Span
    steps: tuple[ExplainedStep, ...]


class Explanation(Value):
    """How a query went, whether or not it has errors."""

    text: str
    selectors: tuple[ExplainedSelector, ...]
    problems: tuple[Problem, ...]


def explain(
    text: str,
    workspace: Workspace,
    *,
    location: Place | None = None,
    named: Mapping[str, Named] | None = None,
) -> Explanation:
    """Return how each selector of a query goes through the open models; never raises on a broken query."""
    parsed = parse(text)
    scope = scope_of(text, workspace, location, named)
    weights = kind_of(parsed.query, scope.named) == "weights"
    selectors, problems = [], list(parsed.problems)
    for selector in parsed.query.selectors:
        if isinstance(selector, Selector):
            trace = follow(selector, scope)
            problems += complaints(trace, scope)
            if weights and selector.weight is None:
                problems += empty_complaints(trace, weights_within(trace.reached, workspace), scope)
            selectors.append(_explained(trace, scope, weights))
    return Explanation(text, tuple(selectors), tuple(problems))


def _explained(trace: Trace, scope: Scope, weights: bool) -> ExplainedSelector:
    steps = [_step(step, scope) for step in trace.steps]
    selector = trace.selector
    if selector.weight is not None and not trace.ended:
        span = selector.weight.span
        steps.append(
            ExplainedStep(f":{span.of(scope.text)}", span, len(trace.sites), "weights", _near(trace, scope))
        )
    elif weights and not trace.ended:
        found = len(weights_within(trace.reached, scope.workspace))
        steps.append(ExplainedStep("all in and below", selector.span, found, "weights"))
    return ExplainedSelector(selector.span.of(scope.text), selector.span, tuple(steps))


def _step(step: Step, scope: Scope) -> ExplainedStep:
    found = len(step.after.places)
    text = step.segment.span.of(scope.text)
    near = None
    if not found and isinstance(step.segment, Name | Dotted) and step.segment.glob is not None:
        near = next(iter(nearest(text.strip("*"), names_at(step.before, scope), limit=1)), None)
    return ExplainedStep(text, step.segment.span, found, "layers", near)


def _near(trace: Trace, scope: Scope) -> str | None:
    weight = trace.selector.weight
    if trace.sites or weight is None or isinstance(weight.glob, Missing):
        return None
    names = [w.name for place in trace.reached.places for w in place.layer.weights]
    return next(iter(nearest(weight.span.of(scope.text).strip("*"), names, limit=1)), None)
