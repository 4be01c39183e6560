"""The lab's object store credentials as the Secret that training pods and KServe both read."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

NAME = "object-store"
REGION = "us-east-1"


def manifest(s3: Mapping[str, str], namespace: str) -> str:
    """The Secret as YAML.

    Args:
        s3: The lab status's `s3`: endpoint, access_key and secret_key.
        namespace: Where it is to be made.
    """
    endpoint = s3["endpoint"]
    annotations = {
        "serving.kserve.io/s3-endpoint": endpoint.removeprefix("http://"),
        "serving.kserve.io/s3-usehttps": "0",
        "serving.kserve.io/s3-region": REGION,
        "serving.kserve.io/s3-verifyssl": "0",
        "serving.kserve.io/s3-useanoncredential": "false",
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": NAME, "namespace": namespace, "annotations": annotations},
        "stringData": {
            "AWS_ACCESS_KEY_ID": s3["access_key"],
            "AWS_SECRET_ACCESS_KEY": s3["secret_key"],
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": REGION,
        },
    }
    return yaml.safe_dump(secret, sort_keys=False)
