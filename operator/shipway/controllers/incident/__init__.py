"""Incident: what needs a person, such as a rollback, and how it was handled."""
