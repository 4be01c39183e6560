"""The ranker as files: `model.json` says what it is, `weights.safetensors` holds its numbers.

Rows of users and items are found by id through explicit lists, so an artifact can know an item (its `catalogue`) and
still have no row for it. Such a pair is never scored by anything else in its place: asking for it is an error that
names the item.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from shipway_workloads import digest, storage
from shipway_workloads.storage import FileStore, Store
from shipway_workloads.termination import WorkloadError
from shipway_workloads.training.contract import PublishedArtifact
from shipway_workloads.training.model import Ranker, RankerConfig

FORMAT_NAME = "shipway-ranker"
FORMAT_VERSION = "1"
MODEL_FILE = "model.json"
WEIGHTS_FILE = "weights.safetensors"
_ITEM_TENSORS = "item."


class ArtifactError(WorkloadError):
    """The files are no ranker of this format; reason `InvalidArtifact`."""

    def __init__(self, message: str) -> None:
        super().__init__("InvalidArtifact", message)


class UnknownUserError(LookupError):
    """The model does not know the user."""

    def __init__(self, user: int) -> None:
        super().__init__(f"user {user} is unknown to this model; it knows users it was trained with")


class UnknownItemError(LookupError):
    """The item is not in the model's catalogue."""

    def __init__(self, item: int) -> None:
        super().__init__(f"item {item} is not in this model's catalogue")


class MissingItemRowError(LookupError):
    """The item is in the catalogue, but the artifact lacks its row: a broken artifact, not a bad request."""

    def __init__(self, item: int) -> None:
        super().__init__(f"item {item} is in the catalogue but this artifact has no row for it")
        self.item = item


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A trained ranker and the ids of its rows.

    Attributes:
        model: The ranker.
        users: Id of each user row.
        items: Id of each item row.
        catalogue: Ids of all items that the model is meant to serve.
        encoders: Names behind category numbers, for readers.
    """

    model: Ranker
    users: Sequence[int]
    items: Sequence[int]
    catalogue: Sequence[int]
    encoders: Mapping[str, Any]

    def keep_items(self, ids: Iterable[int]) -> Artifact:
        """A new artifact with the rows of these items only; the catalogue stays as it is.

        Raises:
            ValueError: An id has no row here.
        """
        kept = sorted(set(ids))
        place = {item: row for row, item in enumerate(self.items)}
        unknown = [item for item in kept if item not in place]
        if unknown:
            raise ValueError(f"items {unknown[:5]} have no row in this artifact, so they cannot be kept")
        rows = torch.tensor([place[item] for item in kept], dtype=torch.int64)
        config = replace(self.model.config, items=len(kept))
        model = Ranker(config)
        model.load_state_dict(
            {
                name: tensor[rows] if name.startswith(_ITEM_TENSORS) else tensor
                for name, tensor in self.model.state_dict().items()
            }
        )
        return replace(self, model=model, items=kept)


class RowIndex:
    """Finds rows by id; every miss is an error that says which of three things it is."""

    def __init__(self, artifact: Artifact) -> None:
        self._users = {user: row for row, user in enumerate(artifact.users)}
        self._items = {item: row for row, item in enumerate(artifact.items)}
        self._catalogue = frozenset(artifact.catalogue)

    def user_row(self, user: int) -> int:
        """Row of a user.

        Raises:
            UnknownUserError: There is none.
        """
        try:
            return self._users[user]
        except KeyError:
            raise UnknownUserError(user) from None

    def item_row(self, item: int) -> int:
        """Row of an item.

        Raises:
            UnknownItemError: The catalogue lacks it.
            MissingItemRowError: The catalogue has it, the artifact does not.
        """
        row = self._items.get(item)
        if row is not None:
            return row
        if item in self._catalogue:
            raise MissingItemRowError(item)
        raise UnknownItemError(item)

    def has_item_row(self, item: int) -> bool:
        """Whether the item can be scored."""
        return item in self._items


def load(source: str | Path | Store) -> Artifact:
    """Reads an artifact.

    Args:
        source: A storage URI, a local folder, or an open store.

    Raises:
        StorageError: It cannot be read.
        ArtifactError: It is not a ranker of this format, saying what is wrong.
    """
    store = _store(source)
    described = _parse(store)
    model = Ranker(_config(described, store.uri))
    try:
        model.load_state_dict(load_tensors(store.read(WEIGHTS_FILE)))
    except (RuntimeError, SafetensorError) as error:
        raise ArtifactError(f"{store.uri}/{WEIGHTS_FILE} does not fit {MODEL_FILE}: {error}") from error
    model.eval()
    return Artifact(
        model=model,
        users=described["userRows"],
        items=described["itemRows"],
        catalogue=described["catalogue"],
        encoders=described["encoders"],
    )


def save(artifact: Artifact, folder: Path) -> None:
    """Writes the two files; equal artifacts give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    described = {
        "format": {"name": FORMAT_NAME, "version": FORMAT_VERSION},
        "config": asdict(artifact.model.config),
        "catalogue": list(artifact.catalogue),
        "userRows": list(artifact.users),
        "itemRows": list(artifact.items),
        "encoders": dict(artifact.encoders),
    }
    (folder / MODEL_FILE).write_text(json.dumps(described, separators=(",", ":"), sort_keys=True) + "\n")
    tensors: dict[str, Tensor] = {name: t.contiguous() for name, t in artifact.model.state_dict().items()}
    (folder / WEIGHTS_FILE).write_bytes(save_tensors(tensors))


def publish(artifact: Artifact, uri: str) -> PublishedArtifact:
    """Uploads an artifact and says what it hashes to.

    Raises:
        StorageError: The store does not take it.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        save(artifact, folder)
        found = digest.of_store(FileStore(folder))
        storage.upload(folder, storage.open_store(uri))
    return PublishedArtifact(
        uri=uri,
        digest=found.digest,
        size_bytes=found.size_bytes,
        format_name=FORMAT_NAME,
        format_version=FORMAT_VERSION,
    )


def _store(source: str | Path | Store) -> Store:
    if isinstance(source, str):
        return storage.open_store(source)
    return FileStore(source) if isinstance(source, Path) else source


def _parse(store: Store) -> dict[str, Any]:
    where = f"{store.uri}/{MODEL_FILE}"
    try:
        described = json.loads(store.read(MODEL_FILE))
    except ValueError as error:
        raise ArtifactError(f"{where} is no JSON: {error}") from error
    wanted = {"name": FORMAT_NAME, "version": FORMAT_VERSION}
    found = described.get("format") if isinstance(described, dict) else None
    if found != wanted:
        raise ArtifactError(f"{where} has format {found}, this code reads {wanted}")
    missing = [key for key in ("config", "catalogue", "userRows", "itemRows", "encoders") if key not in described]
    if missing:
        raise ArtifactError(f"{where} lacks {', '.join(missing)}")
    return described  # type: ignore[no-any-return]


def _config(described: Mapping[str, Any], uri: str) -> RankerConfig:
    try:
        fields = dict(described["config"])
        fields["user_cardinalities"] = tuple(fields["user_cardinalities"])
        config = RankerConfig(**fields)
    except (TypeError, KeyError, ValueError) as error:
        raise ArtifactError(f"{uri}/{MODEL_FILE} has a broken config: {error}") from error
    rows = (len(described["userRows"]), len(described["itemRows"]))
    if rows != (config.users, config.items):
        raise ArtifactError(
            f"{uri}/{MODEL_FILE} lists {rows[0]} user and {rows[1]} item rows, its config says"
            f" {config.users} and {config.items}"
        )
    return config
