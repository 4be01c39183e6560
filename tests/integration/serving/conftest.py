"""The cluster with the definitions of KServe and the Gateway API; their controllers are played by the tests."""

import asyncio

import pytest

from harness.definitions import install_serving_crds
from harness.lab import Lab


@pytest.fixture(scope="session")
def serving_lab(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The lab with KServe's and the Gateway API's CRDs, as their Go modules bring them."""
    asyncio.run(install_serving_crds(lab, tmp_path_factory.mktemp("definitions")))
    return lab
