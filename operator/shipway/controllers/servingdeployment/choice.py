"""Which version is wanted: the one the spec names, the one an alias names, or the newest that may be released."""

from collections.abc import Iterator, Mapping, Sequence

from shipway.api.conditions import Type, find
from shipway.api.schema import Condition
from shipway.api.v1alpha1.model import ModelSpec
from shipway.api.v1alpha1.modelversion import ModelVersionSpec, ModelVersionStatus
from shipway.api.v1alpha1.servingdeployment import Reason, ServingDeploymentSpec, VersionRef
from shipway.controllers.servingdeployment.checks import hold_on, reference
from shipway.controllers.servingdeployment.situation import Problem, Wanted, same
from shipway.kube.resource import Object


def wanted_version(
    sdep: Object,
    spec: ServingDeploymentSpec,
    *,
    model: Object | None,
    versions: Mapping[str, Object],
    incidents: Sequence[Object],
    stable: VersionRef | None,
) -> Wanted | Problem:
    """The version the spec asks for, or why there is none to release.

    Args:
        sdep: The ServingDeployment.
        spec: Its spec.
        model: The Model it names, if it exists.
        versions: The model's ModelVersions by version.
        incidents: Incidents about the model.
        stable: The version that is trusted now.
    """
    if model is None:
        where = sdep["metadata"]["namespace"]
        return Problem(Reason.MODEL_MISSING, f"Model {spec.model} does not exist in namespace {where}; create it")
    if spec.latest_ready:
        return _latest(sdep, spec, versions=versions, incidents=incidents, stable=stable)
    version = spec.version or _aliased(spec, model)
    if isinstance(version, Problem):
        return version
    found = versions.get(version)
    if found is None:
        text = f"ModelVersion {spec.model}-{version} does not exist; train and publish it, or name one that does"
        return Problem(Reason.VERSION_MISSING, text)
    ready = _ready(found)
    if ready is None or ready.status != "True":
        why = f"{ready.reason}: {ready.message}" if ready else "it is not verified yet"
        return Problem(Reason.VERSION_NOT_READY, f"ModelVersion {spec.model}-{version} is not ready: {why}")
    return Wanted(reference(sdep, spec, ModelVersionSpec.model_validate(found["spec"])))


def wanted_name(
    sdep: Object,
    spec: ServingDeploymentSpec,
    *,
    model: Object | None,
    versions: Mapping[str, Object],
    incidents: Sequence[Object],
) -> str | Problem:
    """The name of the version the spec asks for, whether there is such a version or not."""
    if not spec.latest_ready:
        return spec.version or _aliased(spec, model)
    latest = _latest(sdep, spec, versions=versions, incidents=incidents, stable=None)
    return latest if isinstance(latest, Problem) else latest.ref.version


def _latest(
    sdep: Object,
    spec: ServingDeploymentSpec,
    *,
    versions: Mapping[str, Object],
    incidents: Sequence[Object],
    stable: VersionRef | None,
) -> Wanted | Problem:
    """The newest ready version that is not quarantined; never one that is older than the stable one."""
    held: list[str] = []
    for found in _newest_first(versions):
        ref = reference(sdep, spec, ModelVersionSpec.model_validate(found["spec"]))
        hold = hold_on(ref, sdep=sdep, model=spec.model, incidents=incidents, abort=None)
        if hold is None or same(ref, stable):
            return Wanted(ref, f"; newer and quarantined: {', '.join(held)}" if held else "")
        held.append(ref.version)
    why = f"all that are ready are quarantined: {', '.join(held)}" if held else "none is ready"
    text = f"Model {spec.model} has no version to release: {why}; publish one"
    return Problem(Reason.VERSION_MISSING, text)


def _newest_first(versions: Mapping[str, Object]) -> Iterator[Object]:
    """The ready ones by the time they were created; of one second, by name."""
    ready = (found for found in versions.values() if (told := _ready(found)) and told.status == "True")
    yield from sorted(ready, key=_age, reverse=True)


def _age(version: Object) -> tuple[str, str]:
    return version["metadata"]["creationTimestamp"], version["metadata"]["name"]


def _ready(version: Object) -> Condition | None:
    return find(ModelVersionStatus.model_validate(version.get("status") or {}).conditions, Type.READY)


def _aliased(spec: ServingDeploymentSpec, model: Object | None) -> str | Problem:
    aliases = ModelSpec.model_validate(model["spec"]).aliases if model else []
    found = next((alias.version for alias in aliases if alias.name == spec.alias), None)
    if found is not None:
        return found
    known = ", ".join(alias.name for alias in aliases) or "none"
    text = f"Model {spec.model} has no alias {spec.alias} (it has: {known}); add it to spec.aliases of the Model"
    return Problem(Reason.ALIAS_UNRESOLVED, text)
