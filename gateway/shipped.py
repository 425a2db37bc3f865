"""Files that come with the program: beside the package when installed, in config/ of a checkout."""

from pathlib import Path

from gateway.errors import MissingInput

_PACKAGE = Path(__file__).resolve().parent


def shipped_text(name: str) -> str:
    """Return the content of a shipped text file such as `lexicon.yaml`.

    Raises:
        MissingInput: the installation is incomplete.
    """
    for folder in (_PACKAGE / "shipped", _PACKAGE.parent / "config"):
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    raise MissingInput(f"{name} did not come with this installation; install radio-gateway again")
