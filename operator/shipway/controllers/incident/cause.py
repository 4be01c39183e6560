"""Where to look for the cause: from the metric by the version's lineage to the data, compared with stable's. Pure."""

from collections.abc import Iterable

from shipway.api.v1alpha1.incident import IncidentSpec, Suspect
from shipway.api.v1alpha1.modelversion import Lineage, ModelVersionSpec
from shipway.kube.resource import Object

MOST = 32


def suspects(spec: IncidentSpec, version: Object | None, stable: Object | None) -> list[Suspect]:
    """The path from what was seen to what it may come from; nothing where no version is to blame or it is not known.

    Args:
        spec: The record.
        version: The ModelVersion that was taken back.
        stable: The one that answers instead, to compare with.
    """
    if spec.type != "Rollback" or version is None or version["spec"]["digest"] != spec.digest:
        return []
    new = ModelVersionSpec.model_validate(version["spec"]).lineage
    old = ModelVersionSpec.model_validate(stable["spec"]).lineage if stable else None
    path = (
        Suspect(step="Metric", name=spec.gate, detail=spec.summary),
        Suspect(step="Version", name=spec.version, detail=spec.digest),
        *_code(new, old),
        *_parameters(new, old),
        *_data(new, old),
    )
    return list(path)[:MOST]


def _code(new: Lineage, old: Lineage | None) -> Iterable[Suspect]:
    before = old or Lineage()
    for name, value, known in (("code", new.code_revision, before.code_revision), ("image", new.image, before.image)):
        if value:
            yield _compared("Code", name, value, known or None)


def _parameters(new: Lineage, old: Lineage | None) -> Iterable[Suspect]:
    if old is None:
        return
    for name in sorted({*new.parameters, *old.parameters}):
        value, before = new.parameters.get(name, "unset"), old.parameters.get(name, "unset")
        if value != before:
            yield _compared("Parameter", name, value, before)


def _data(new: Lineage, old: Lineage | None) -> Iterable[Suspect]:
    known = {data.name: data for data in old.datasets} if old else {}
    for data in new.datasets:
        before = known.get(data.name)
        then = (before.digest or "no digest" if before else "not used") if old else None
        yield _compared("Snapshot", data.name, data.digest or "no digest", then)
        if data.uri:
            yield Suspect(step="Upstream", name=data.name, detail=data.uri)
    for name in sorted(known.keys() - {data.name for data in new.datasets}):
        yield _compared("Snapshot", name, "not used", known[name].digest or "no digest")


def _compared(step: str, name: str, value: str, before: str | None) -> Suspect:
    """One step; it has changed where stable's is known and another."""
    changed = before is not None and before != value
    detail = f"{value}; stable: {before}" if changed else value
    return Suspect.model_validate({"step": step, "name": name[:256], "changed": changed, "detail": detail[:1024]})
