"""Where to look for the cause: from the metric by the version's lineage to the data, compared with stable's. Pure."""

from collections.abc import Iterable

from shipway.api.v1alpha1.incident import IncidentSpec, IncidentType, Step, Suspect
from shipway.api.v1alpha1.modelversion import Lineage, ModelVersionSpec
from shipway.api.v1alpha1.trainingjob import TrainingJobSpec
from shipway.kube.resource import Object

MOST = 32


def suspects(
    spec: IncidentSpec, version: Object | None, stable: Object | None, subject: Object | None = None
) -> list[Suspect]:
    """The path from what was seen to what it may come from, as far as it is known.

    Args:
        spec: The record.
        version: The ModelVersion that it is about.
        stable: The one that answers instead, to compare with.
        subject: What the Incident is about; asked of a training only, which has no version yet.
    """
    metric = Suspect(step=Step.METRIC, name=spec.gate, detail=spec.summary)
    if spec.type == IncidentType.TRAINING_HANG:
        return [metric, *_training(spec, subject)] if subject is not None else []
    if version is None or version["spec"]["digest"] != spec.digest:
        return []
    new = ModelVersionSpec.model_validate(version["spec"]).lineage
    old = ModelVersionSpec.model_validate(stable["spec"]).lineage if stable else None
    found = Suspect(step=Step.VERSION, name=spec.version, detail=spec.digest)
    return [metric, found, *_origins(spec.type, new, old)][:MOST]


def _origins(type_: str, new: Lineage, old: Lineage | None) -> Iterable[Suspect]:
    """What the version comes from, and what of it can be the cause."""
    if type_ == IncidentType.STALE_FEATURES:
        # Code and parameters make no feature old. Where nobody has named its features, its data came the same way.
        return [*_features(new, old)] or _data(new, old)
    if type_ in {IncidentType.ROLLBACK, IncidentType.SLO_BURN}:
        return (*_code(new, old), *_parameters(new, old), *_data(new, old), *_features(new, old))
    return ()


def _training(spec: IncidentSpec, job: Object) -> Iterable[Suspect]:
    body = TrainingJobSpec.model_validate(job["spec"])
    image = (job.get("status") or {}).get("image") or body.image
    if spec.version:
        yield Suspect(step=Step.VERSION, name=spec.version, detail="to be made")
    if body.recipe:
        yield Suspect(step=Step.CODE, name="recipe", detail=body.recipe.name)
    if image:
        yield Suspect(step=Step.CODE, name="image", detail=image)
    yield Suspect(step=Step.UPSTREAM, name="storage", detail=body.storage.uri)


def _code(new: Lineage, old: Lineage | None) -> Iterable[Suspect]:
    before = old or Lineage()
    for name, value, known in (("code", new.code_revision, before.code_revision), ("image", new.image, before.image)):
        if value:
            yield _compared(Step.CODE, name, value, known or None)


def _parameters(new: Lineage, old: Lineage | None) -> Iterable[Suspect]:
    if old is None:
        return
    for name in sorted({*new.parameters, *old.parameters}):
        value, before = new.parameters.get(name, "unset"), old.parameters.get(name, "unset")
        if value != before:
            yield _compared(Step.PARAMETER, name, value, before)


def _data(new: Lineage, old: Lineage | None) -> Iterable[Suspect]:
    known = {data.name: data for data in old.datasets} if old else {}
    for data in new.datasets:
        before = known.get(data.name)
        then = (before.digest or "no digest" if before else "not used") if old else None
        yield _compared(Step.SNAPSHOT, data.name, data.digest or "no digest", then)
        if data.uri:
            yield Suspect(step=Step.UPSTREAM, name=data.name, detail=data.uri)
    for name in sorted(known.keys() - {data.name for data in new.datasets}):
        yield _compared(Step.SNAPSHOT, name, "not used", known[name].digest or "no digest")


def _features(new: Lineage, old: Lineage | None) -> Iterable[Suspect]:
    known = {view.name: view for view in old.feature_views} if old else {}
    for view in new.feature_views:
        before = known.get(view.name)
        then = ("read" if before else "not read") if old else None
        yield _compared(Step.FEATURES, view.name, "read", then)
        if view.uri:
            yield _compared(Step.UPSTREAM, view.name, view.uri, before.uri or None if before else None)
    for name in sorted(known.keys() - {view.name for view in new.feature_views}):
        yield _compared(Step.FEATURES, name, "not read", "read")


def _compared(step: Step, name: str, value: str, before: str | None) -> Suspect:
    """One step; it has changed where stable's is known and another."""
    changed = before is not None and before != value
    detail = f"{value}; stable: {before}" if changed else value
    return Suspect(step=step, name=name[:256], changed=changed, detail=detail[:1024])
