"""The object store's Secret serves training (AWS_*) and KServe (annotations) alike."""

import yaml

from shipway_lab import secret

S3 = {"endpoint": "http://s3.shipway-lab.svc:7070", "access_key": "shipway", "secret_key": "s3cr3t"}


def test_training_and_kserve_find_the_same_store_and_keys() -> None:
    made = yaml.safe_load(secret.manifest(S3, "team-reco"))
    assert made["metadata"]["namespace"] == "team-reco"
    assert made["stringData"]["AWS_ENDPOINT_URL"] == S3["endpoint"]
    assert made["stringData"]["AWS_SECRET_ACCESS_KEY"] == S3["secret_key"]
    annotations = made["metadata"]["annotations"]
    assert annotations["serving.kserve.io/s3-endpoint"] == "s3.shipway-lab.svc:7070"
    assert annotations["serving.kserve.io/s3-usehttps"] == "0"


def test_the_name_is_the_one_the_examples_use() -> None:
    assert secret.NAME == "object-store"
