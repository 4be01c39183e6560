"""What is served: versions to be verified, and deployments that each serve a version of a model of their own."""

import tempfile
from pathlib import Path

from players import GATEWAY, KSERVE, VERIFIER
from subject import Need, Spec, Subject, is_ready

from harness.builders import model, model_version, serving_deployment
from harness.definitions import install_serving_crds
from harness.lab import Lab
from shipway.api import labels
from shipway.integrations.kserve import POD_LABEL
from shipway.kube.resource import HTTP_ROUTE, INFERENCE_SERVICE, MODEL, MODEL_VERSION, SERVING_DEPLOYMENT

VERSION = "v1"


def _version(name: str) -> Spec:
    return dict(model_version(_version_of(name), model=_model_of(name))["spec"])


def _deployment(name: str) -> Spec:
    gateway = {"name": "gateway", "namespace": "gateway-system"}
    return dict(serving_deployment(model=name, version=VERSION, host=f"{name}.example.com", gateway=gateway)["spec"])


def _models_of_versions(name: str, namespace: str) -> tuple[Need, ...]:
    return (_model(_model_of(name), namespace),)


def _served(name: str, namespace: str) -> tuple[Need, ...]:
    version = model_version(VERSION, model=name, namespace=namespace)
    return _model(name, namespace), Need(MODEL_VERSION, version, "Ready")


def _model(name: str, namespace: str) -> Need:
    # Its own first status is not what a version costs.
    return Need(MODEL, model(name, namespace=namespace), "Ready")


def _model_of(name: str) -> str:
    return name.rpartition("-")[0]


def _version_of(name: str) -> str:
    return name.rpartition("-")[2]


async def _define_serving(lab: Lab) -> None:
    with tempfile.TemporaryDirectory() as folder:
        await install_serving_crds(lab, Path(folder))


MODEL_VERSIONS = Subject(
    "modelversion",
    MODEL_VERSION,
    _version,
    is_ready,
    labels.NAME,
    pods=1,
    ours=True,
    needs=_models_of_versions,
    players=VERIFIER,
)
SERVING_DEPLOYMENTS = Subject(
    "servingdeployment",
    SERVING_DEPLOYMENT,
    _deployment,
    is_ready,
    POD_LABEL,
    pods=1,
    children=(INFERENCE_SERVICE, HTTP_ROUTE),
    ours=True,
    prepare=_define_serving,
    needs=_served,
    players=(*VERIFIER, *KSERVE, *GATEWAY),
)
