"""Fixtures of the harness for every test, which cost nothing until asked for, and what property tests may take."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["harness.fixtures"]

# A property holds or it does not; how fast a busy machine finds out is another question.
settings.register_profile("shipway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# CI answers for a change, so it tries the same examples each time; a person's run goes on looking for new ones.
settings.register_profile("ci", settings.get_profile("shipway"), derandomize=True, database=None)
# A long run, asked for by `--hypothesis-profile=deep`.
settings.register_profile("deep", settings.get_profile("shipway"), max_examples=3000, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "shipway")
