"""The API: every kind as pydantic models. Imports nothing else of Shipway."""
