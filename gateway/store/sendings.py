"""Notes on disk of what is being sent, so that a transmission which its gateway did not survive is told.

    begun       <data_dir>/sending/<id>.json   durable before PTT is pressed
    forgotten   it goes                        the event is stored, or nothing was keyed

What is found at a start was on the air when the process died, or is over and waits for a store that refused.
"""

import contextlib
import os
from pathlib import Path

from gateway.errors import StoreUnavailable

FOLDER = "sending"


class SendingNotes:
    """The folder of one gateway. Any thread; one at a time for each id."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER

    def write(self, transmission_id: str, content: bytes) -> None:
        """Keep a note in place of an earlier one of that id; durable when this returns.

        Raises StoreUnavailable; the earlier one is still there then.
        """
        path = self._path(transmission_id)
        draft = path.with_suffix(".tmp")
        try:
            self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise StoreUnavailable(
                f"{path}: cannot be kept ({error.strerror}); check space and owner of the folder"
            ) from error

    def forget(self, transmission_id: str) -> None:
        """Remove a note, where there is one. Raises StoreUnavailable."""
        path = self._path(transmission_id)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"{path}: cannot be removed ({error.strerror})") from error

    def left(self) -> dict[str, bytes]:
        """Return the notes of an earlier process by id, oldest first. Raises StoreUnavailable."""
        try:
            for draft in self._folder.glob("*.tmp"):
                draft.unlink(missing_ok=True)
            return {path.stem: path.read_bytes() for path in sorted(self._folder.glob("*.json"))}
        except OSError as error:
            raise StoreUnavailable(f"{self._folder}: cannot be read ({error.strerror})") from error

    def set_aside(self, transmission_id: str) -> Path:
        """Keep a note that makes no sense out of the way; return where. Raises StoreUnavailable."""
        path = self._path(transmission_id)
        try:
            return path.rename(path.with_suffix(".damaged"))
        except OSError as error:
            raise StoreUnavailable(f"{path}: cannot be renamed ({error.strerror})") from error

    def _path(self, transmission_id: str) -> Path:
        if Path(transmission_id).name != transmission_id:
            raise ValueError(f"transmission id {transmission_id!r} cannot name a file")
        return self._folder / f"{transmission_id}.json"
