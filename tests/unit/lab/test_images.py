"""The Dockerfiles are the truth; the lab's stubs must say the same."""

import json
import re
import shlex
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from shipway_lab import images, oci
from shipway_lab.images import STUBS, StubImage

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Dockerfile:
    """The instructions of a Dockerfile, in order."""

    instructions: list[tuple[str, str]]

    @classmethod
    def of(cls, stub: StubImage) -> "Dockerfile":
        text = (ROOT / stub.source / "Dockerfile").read_text()
        lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
        return cls([(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()])

    def all(self, name: str) -> list[str]:
        return [argument for instruction, argument in self.instructions if instruction == name]

    def last_stage(self) -> "Dockerfile":
        start = max(index for index, (name, _) in enumerate(self.instructions) if name == "FROM")
        return Dockerfile(self.instructions[start:])

    def env(self) -> dict[str, str]:
        return dict(word.split("=", 1) for argument in self.all("ENV") for word in shlex.split(argument))

    def apt_packages(self) -> set[str]:
        commands = re.findall(r"apt-get install ([^&]*)", " ".join(self.all("RUN")))
        return {word for command in commands for word in command.split() if not word.startswith("-")}

    def locks(self) -> list[str]:
        install = next(run for run in self.all("RUN") if "--require-hashes" in run)
        return re.findall(r"-r (\S+)", install)


each_image = pytest.mark.parametrize("stub", STUBS, ids=lambda stub: stub.source)


@each_image
def test_stub_has_the_environment_of_the_dockerfile(stub: StubImage) -> None:
    assert dict(stub.env) == Dockerfile.of(stub).last_stage().env()


@each_image
def test_stub_runs_as_the_user_of_the_dockerfile(stub: StubImage) -> None:
    assert [stub.user] == Dockerfile.of(stub).last_stage().all("USER")


@each_image
def test_stub_has_the_entry_point_of_the_dockerfile(stub: StubImage) -> None:
    entry_points = [tuple(json.loads(line)) for line in Dockerfile.of(stub).all("ENTRYPOINT")]
    assert ([stub.entrypoint] if stub.entrypoint else []) == entry_points
    assert Dockerfile.of(stub).all("CMD") == []


@each_image
def test_environment_is_built_from_the_locks_of_the_dockerfile(stub: StubImage) -> None:
    dockerfile = Dockerfile.of(stub)
    assert list(stub.environment.locks) == dockerfile.locks()
    assert all("--no-deps" in run for run in dockerfile.all("RUN") if "--require-hashes" in run)
    for lock in stub.environment.locks:
        assert (ROOT / lock).exists()


@each_image
def test_stub_lists_the_apt_packages_of_the_dockerfile(stub: StubImage) -> None:
    assert set(stub.apt) == Dockerfile.of(stub).apt_packages()


@each_image
def test_code_and_environment_lie_where_the_dockerfile_puts_them(stub: StubImage) -> None:
    copies = [argument.split() for argument in Dockerfile.of(stub).last_stage().all("COPY")]
    targets = {words[-1] for words in copies}
    assert stub.home in targets
    package = next(folder.name for folder in (ROOT / stub.source).iterdir() if (folder / "__init__.py").exists())
    assert f"{stub.sources}/{package}" in targets
    assert any(f"echo {stub.sources} >" in run for run in Dockerfile.of(stub).all("RUN"))
    assert stub.environment.source_path == stub.sources


@each_image
def test_python_versions_agree(stub: StubImage) -> None:
    bases = [base.split()[0] for base in Dockerfile.of(stub).all("FROM")]
    assert {base.split(":")[1].split("-")[0] for base in bases} == {"3.11"}


def test_nothing_that_containers_need_lies_below_a_folder_that_pods_cover() -> None:
    mounts = images.mounts(
        environments={"operator": Path("/tmp/cache/o"), "workloads": Path("/tmp/cache/w")},
        sources={"operator": "/tmp/checkout/operator", "workloads": "/tmp/checkout/workloads"},
        python_prefix="/usr/local",
    )
    assert not [inside for inside in mounts if inside.startswith(("/tmp", "/mnt", "/var"))]
    assert mounts["/opt/shipway/src/operator"] == "/tmp/checkout/operator"


def test_an_interpreter_below_usr_needs_no_mount_of_its_own() -> None:
    folders = {name: Path(f"/cache/{name}") for name in ("operator", "workloads")}
    sources = {name: f"/checkout/{name}" for name in folders}
    own = images.mounts(environments=folders, sources=sources, python_prefix="/opt/python")
    assert own["/opt/python"] == "/opt/python"
    system = images.mounts(environments=folders, sources=sources, python_prefix="/usr/local")
    assert "/usr/local" not in system


def test_every_image_is_pinned_by_a_tag_that_is_not_latest() -> None:
    for image in images.oci_images(["/usr"], pause=b"program"):
        assert re.search(r":[0-9][\w.]*$", image.name)


def test_archive_is_the_same_for_the_same_images_and_its_digests_are_true(tmp_path: Path) -> None:
    made = images.oci_images(["/usr", "/opt/shipway/operator"], pause=b"program")
    for name in ("one.tar", "two.tar"):
        oci.write_archive(tmp_path / name, made)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as archive:
        contents = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    manifests = json.loads(contents["index.json"])["manifests"]
    assert [each["annotations"]["io.containerd.image.name"] for each in manifests] == [image.name for image in made]
    for each in manifests:
        manifest = json.loads(contents[_blob(each)])
        config = json.loads(contents[_blob(manifest["config"])])
        assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]
        for descriptor in (manifest["config"], *manifest["layers"]):
            assert len(contents[_blob(descriptor)]) == descriptor["size"]


def test_layers_contain_folders_before_what_lies_in_them(tmp_path: Path) -> None:
    oci.write_archive(tmp_path / "a.tar", images.oci_images(["/opt/shipway/src/operator"], pause=b"program"))
    with tarfile.open(tmp_path / "a.tar") as archive:
        layers = [entry for entry in archive if entry.size > 2048 and entry.name.startswith("blobs")]
        for layer in layers:
            with tarfile.open(fileobj=archive.extractfile(layer)) as content:
                seen: set[str] = set()
                for entry in content:
                    parent = str(Path(entry.name).parent)
                    assert parent == "." or parent in seen, f"{entry.name} before {parent}"
                    seen.add(entry.name)


def _blob(descriptor: dict[str, str]) -> str:
    return f"blobs/{descriptor['digest'].replace(':', '/')}"
