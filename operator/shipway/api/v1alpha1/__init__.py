"""shipway.dev/v1alpha1. Adding a kind: one module here, one line below."""

from shipway.api.schema import Kind
from shipway.api.v1alpha1 import incident, model, modelversion, servingdeployment, team, trainingjob

KINDS: tuple[Kind, ...] = (
    trainingjob.KIND,
    model.KIND,
    modelversion.KIND,
    servingdeployment.KIND,
    incident.KIND,
    team.KIND,
)
