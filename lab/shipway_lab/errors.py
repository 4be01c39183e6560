"""What can go wrong in the lab, said so that the reader knows what to do next."""

from __future__ import annotations


class LabError(Exception):
    """A failure with a sentence for the user: what is wrong, and what would be right."""


class MissingPrerequisiteError(LabError):
    """This machine cannot run the lab itself; the message lists what it lacks and the ways around it."""


class PartFailedError(LabError):
    """A part of the lab exited or did not become ready in time."""
