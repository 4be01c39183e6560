"""Who judges our objects from outside: Argo CD by our Lua, Flux by our CEL, and kstatus by its rules for any kind."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import cel
import yaml
from lupa import lua51

ROOT = Path(__file__).parents[3]
GITOPS = ROOT / "charts" / "shipway" / "gitops"
ARGOCD = GITOPS / "argocd"
FLUX = GITOPS / "flux"

Object = dict[str, Any]


class Health(StrEnum):
    """What Argo CD calls an object."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"


class Status(StrEnum):
    """What kstatus, and with it Flux, calls an object."""

    CURRENT = "Current"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"


AGREES = {
    Health.HEALTHY: {Status.CURRENT},
    Health.PROGRESSING: {Status.IN_PROGRESS},
    Health.DEGRADED: {Status.FAILED},
    # kstatus has no word for waiting for a person: it sees a job that is as it should be, or a release under way.
    Health.SUSPENDED: {Status.CURRENT, Status.IN_PROGRESS},
}


@dataclass(frozen=True)
class Judgement:
    """What Argo CD shows."""

    health: Health
    message: str


def argocd(obj: Object) -> Judgement:
    """What Argo CD's script says."""
    told = run_lua(_health_script(obj["kind"]), obj)
    return Judgement(Health(told["status"]), told["message"])


def flux(obj: Object, exprs: list[dict[str, str]] | None = None) -> Status:
    """What Flux makes of our expressions, or of others: in this order, and in progress where none holds."""
    if _is_stale(obj):
        return Status.IN_PROGRESS
    asked = next(e for e in exprs or health_check_exprs() if e["kind"] == obj["kind"])
    known = {"metadata": obj["metadata"], "status": obj["status"]}
    for field, status in (("inProgress", Status.IN_PROGRESS), ("failed", Status.FAILED), ("current", Status.CURRENT)):
        if field in asked and cel.evaluate(asked[field], known):
            return status
    return Status.IN_PROGRESS


def kstatus(obj: Object) -> Status:
    """What kstatus says of a kind it does not know; `Terminating` is in progress here."""
    if "deletionTimestamp" in obj["metadata"] or _is_stale(obj):
        return Status.IN_PROGRESS
    conditions = obj["status"].get("conditions", [])
    for condition in conditions:
        if (condition["type"], condition["status"]) == ("Reconciling", "True"):
            return Status.IN_PROGRESS
        if (condition["type"], condition["status"]) == ("Stalled", "True"):
            return Status.FAILED
    ready = next((c for c in conditions if c["type"] == "Ready"), None)
    return Status.CURRENT if ready is None or ready["status"] == "True" else Status.IN_PROGRESS


def run_lua(script: str, obj: Object) -> dict[str, Any]:
    """The table a script returns, run as Argo CD runs it: Lua 5.1 with the language, `table`, and time on request."""
    lua = lua51.LuaRuntime(register_eval=False, register_builtins=False)
    lua.execute(_SANDBOX)
    lua.globals().obj = lua.table_from(obj, recursive=True)
    answer: dict[str, Any] = _plain(lua.execute(script))
    return answer


_SANDBOX = """
local clock = {time = os.time, date = os.date}
require = function(name) assert(name == "os", name) return clock end
getmetatable("").__index = nil
string, math, io, os, debug, coroutine, package, python = nil
"""


def _plain(value: Any) -> Any:
    if lua51.lua_type(value) != "table":
        return value
    keys = list(value.keys())
    if keys and all(isinstance(key, int) for key in keys):
        return [_plain(item) for item in value.values()]
    return {key: _plain(item) for key, item in value.items()}


def customizations() -> dict[str, Path]:
    """The file behind every key that goes into Argo CD's ConfigMap."""
    (generator,) = yaml.safe_load((ARGOCD / "kustomization.yaml").read_text())["configMapGenerator"]
    return {key: ARGOCD / name for key, _, name in (entry.partition("=") for entry in generator["files"])}


def _health_script(kind: str) -> str:
    return customizations()[f"resource.customizations.health.shipway.dev_{kind}"].read_text()


def health_check_exprs() -> list[dict[str, str]]:
    """What goes into every Flux Kustomization."""
    patch = yaml.safe_load((FLUX / "health-check-exprs.yaml").read_text())
    exprs: list[dict[str, str]] = patch["spec"]["healthCheckExprs"]
    return exprs


def _is_stale(obj: Object) -> bool:
    generation = obj["metadata"]["generation"]
    return bool(obj["status"].get("observedGeneration", generation) != generation)
