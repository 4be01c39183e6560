"""Fixtures of the harness for every test; they cost nothing until asked for."""

pytest_plugins = ["harness.fixtures"]
