"""Settings: defaults, values, and words for what cannot be meant."""

import pytest

from shipway.settings import Settings, SettingsError, from_environment


def test_an_empty_environment_gives_the_defaults() -> None:
    assert from_environment({}) == Settings()


def test_every_variable_is_read() -> None:
    settings = from_environment(
        {
            "SHIPWAY_NAMESPACES": "team-a, team-b",
            "SHIPWAY_OPERATOR_NAMESPACE": "ops",
            "SHIPWAY_WORKLOADS_IMAGE": "image:1",
            "SHIPWAY_PROGRESS_URL": "http://operator/",
            "SHIPWAY_HTTP_PORT": "1",
            "SHIPWAY_METRICS_PORT": "2",
            "SHIPWAY_WORKERS": "3",
            "SHIPWAY_MAX_CANDIDATES": "6",
            "SHIPWAY_LEASE": "lease",
            "SHIPWAY_LEASE_SECONDS": "4",
            "SHIPWAY_SWEEP_SECONDS": "5",
            "SHIPWAY_LOG_FORMAT": "plain",
            "SHIPWAY_ALERTMANAGER_URL": "http://alertmanager:9093",
            "SHIPWAY_APPRISE_FOLDER": "/etc/shipway/apprise",
            "SHIPWAY_PROMETHEUS_URL": "http://prometheus:9090",
            "SHIPWAY_DOCS_URL": "https://docs.example.com/shipway/",
            "SHIPWAY_METRICS_BIND": "all",
            "SHIPWAY_METRICS_AUTHENTICATION": "true",
        }
    )

    assert settings == Settings(
        namespaces=("team-a", "team-b"),
        operator_namespace="ops",
        workloads_image="image:1",
        progress_url="http://operator",
        http_port=1,
        metrics_port=2,
        metrics_everywhere=True,
        metrics_authentication=True,
        workers=3,
        max_candidates=6,
        lease="lease",
        lease_seconds=4,
        sweep_seconds=5.0,
        plain_logs=True,
        alertmanager_url="http://alertmanager:9093",
        apprise_folder="/etc/shipway/apprise",
        prometheus_url="http://prometheus:9090",
        docs_url="https://docs.example.com/shipway",
    )


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SHIPWAY_HTTP_PORT", "http", "SHIPWAY_HTTP_PORT is 'http'; write a whole number from 0 to 65535"),
        ("SHIPWAY_WORKERS", "0", "SHIPWAY_WORKERS is '0'; write a whole number from 1 to 1024"),
        ("SHIPWAY_LEASE_SECONDS", "-8", "write a whole number from 2 to 600"),
        ("SHIPWAY_METRICS_BIND", "0.0.0.0", "SHIPWAY_METRICS_BIND is '0.0.0.0'; write one of: localhost, all"),
        ("SHIPWAY_ALERTMANAGER_URL", "alertmanager:9093", "SHIPWAY_ALERTMANAGER_URL is no address"),
        ("SHIPWAY_ALERTMANAGER_URL", "http://me:secret@host", "write one such as http://HOST:9093, without a password"),
        ("SHIPWAY_LOG_FORMAT", "xml", "SHIPWAY_LOG_FORMAT is 'xml'; write one of: json, plain"),
    ],
)
def test_what_cannot_be_meant_is_named(name: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        from_environment({name: value})
