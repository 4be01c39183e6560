"""Draws the pictures of docs/pictures anew, from what `shipway.analysis` computes (`make pictures`)."""

from pathlib import Path

from benchmarks.releases.pictures.gallery import drawn

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "pictures"


def main() -> None:
    """Writes every picture."""
    FOLDER.mkdir(exist_ok=True)
    for name, picture in drawn().items():
        (FOLDER / name).write_text(picture)
        print(f"docs/pictures/{name}: {len(picture):,} characters")


if __name__ == "__main__":
    main()
