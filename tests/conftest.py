"""Fixtures of the harness for every test, which cost nothing until asked for, and what property tests may take."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["harness.fixtures"]

# A property holds or it does not; how fast a busy machine finds out is another question.
settings.register_profile("shipway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shipway")
