"""Incident: what a rollback leaves behind, and how it was handled."""
