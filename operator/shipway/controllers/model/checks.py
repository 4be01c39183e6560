"""Verdicts about a Model: which alias leads where, what has moved, which version is the newest."""

from collections.abc import Collection, Mapping, Sequence

from shipway.api.conditions import Type, is_true, rfc3339
from shipway.api.schema import Condition
from shipway.api.v1alpha1.model import Alias, AliasChange
from shipway.kube.resource import Object

MAX_HISTORY = 50


def is_ready(version: Object) -> bool:
    """Whether a ModelVersion is ready."""
    told = version.get("status", {}).get("conditions", ())
    return is_true([Condition.model_validate(c) for c in told], Type.READY)


def latest_ready(versions: Sequence[Object], *, held: Collection[str]) -> str:
    """The newest ready version by creation, those of a `held` digest left out; empty when there is none."""
    ready = [version for version in versions if is_ready(version) and version["spec"]["digest"] not in held]
    newest = max(ready, key=lambda v: (v["metadata"]["creationTimestamp"], v["metadata"]["name"]), default=None)
    return str(newest["spec"]["version"]) if newest else ""


def resolve(aliases: Sequence[Alias], known: Mapping[str, Object]) -> tuple[list[Alias], list[Alias]]:
    """The aliases that lead to a version, and those that dangle."""
    resolved = [alias for alias in aliases if alias.version in known]
    dangling = [alias for alias in aliases if alias.version not in known]
    return resolved, dangling


def moved(
    history: Sequence[AliasChange], wanted: Sequence[Alias], resolved: Sequence[Alias], *, now: float
) -> list[AliasChange]:
    """The history with what has moved since its last entries, bounded.

    An alias that dangles has not moved yet: its entry comes when the version does.
    """
    last = {change.name: change.to_version for change in history}
    now_at = {alias.name: alias.version for alias in resolved}
    removed = {name for name, version in last.items() if version} - {alias.name for alias in wanted}
    moves = [
        AliasChange(name=name, from_version=last.get(name, ""), to_version=version, time=rfc3339(now))
        for name, version in [*now_at.items(), *((name, "") for name in sorted(removed))]
        if last.get(name, "") != version
    ]
    return [*history, *moves][-MAX_HISTORY:]
