"""`python -m shipway_workloads.serving --model_name=ranker --model_dir=/mnt/models`: the predictor."""

from __future__ import annotations

import argparse
import logging
import logging.config
import os
import socket
import sys
import time
import warnings
from pathlib import Path

import kserve  # type: ignore[import-untyped]
from prometheus_client import REGISTRY

from shipway_workloads import termination
from shipway_workloads.serving.counters import Counters
from shipway_workloads.serving.observer import DEFAULT_PORT
from shipway_workloads.serving.predictor import RankerModel, expected_digest
from shipway_workloads.serving.server import PredictorServer

# KServe logs three lines a request by default, which costs 40 % of its throughput.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {
        "kserve": {"level": "WARNING"},
        "kserve.trace": {"level": "WARNING"},
        "uvicorn": {"level": "WARNING"},
        "uvicorn.access": {"level": "WARNING"},
        "shipway_workloads": {"level": "INFO"},
    },
}

_log = logging.getLogger("shipway_workloads.serving")


def main() -> int:
    """Loads the artifact, then serves until SIGTERM.

    Returns:
        1 when the artifact must not or cannot be served; the termination message says why.
    """
    logging.config.dictConfig(LOGGING)
    # KServe answers by a class that FastAPI has deprecated; nothing for an operator of this pod to act on.
    warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")
    arguments = _arguments()
    counters = Counters(
        pod=socket.gethostname(),
        started_at=time.time(),
        model=arguments.model_name,
        version=os.environ.get("SHIPWAY_MODEL_VERSION", ""),
    )
    model = RankerModel(arguments.model_name, arguments.model_dir, expected_digest(), counters.answered)
    try:
        model.load()
    except termination.WorkloadError as error:
        _log.error("not serving: %s", error)
        termination.write_error(error)
        return 1
    counters.digest = model.digest
    REGISTRY.register(counters)
    _log.info("serving %s %s with digest %s", counters.model, counters.version, counters.digest)
    server = PredictorServer(http_port=arguments.http_port, counters_port=arguments.counters_port, counters=counters)
    server.start([model])
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m shipway_workloads.serving", parents=[kserve.model_server.parser])
    parser.add_argument("--model_dir", type=Path, default=Path("/mnt/models"), help="folder of the artifact")
    parser.add_argument(
        "--counters_port", type=int, default=DEFAULT_PORT, help="port of /counters and /metrics, apart from traffic"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
