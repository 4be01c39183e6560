"""Labels and annotations. Children carry these and never the user's (GitOps tools track objects by theirs)."""

from shipway.api.schema import GROUP

MANAGED_BY = "app.kubernetes.io/managed-by"
OPERATOR = "shipway"
KIND = f"{GROUP}/kind"
"""Kind of the owner, on every child."""
NAME = f"{GROUP}/name"
"""Name of the owner, on every child."""
ATTEMPT = f"{GROUP}/attempt"
RANK = f"{GROUP}/rank"
MODEL = f"{GROUP}/model"
VERSION = f"{GROUP}/version"

SPEC_HASH = f"{GROUP}/spec-hash"
"""Annotation: hash of what the child was rendered from; it is rendered anew only when that changes."""

ACTION = f"{GROUP}/action"
"""Annotation, by the user: promote, pause, resume, abort, retry or undo."""
ACTION_ID = f"{GROUP}/action-id"
"""Annotation, by the user: any text new to this object; each id runs once."""
ACTION_REASON = f"{GROUP}/action-reason"
ACTION_TO = f"{GROUP}/action-to"
"""Annotation, by the user: the version an undo goes back to; the newest kept one without it."""
ACTION_BY = f"{GROUP}/action-by"
"""Annotation, stamped at admission with the name of whoever set the action."""
