"""Answers of models across runs, by everything that fixes them and the request.

One database in a folder, for any number of models and processes. An answer is found only under
the identity of the model that gave it, so that a changed byte of an adapter finds nothing.
"""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from arabench.errors import UsageError

CACHE_NAME: Final = "answers.sqlite"
#: Bytes from which on nothing more is added. Opening a cache of that size makes room first: the
#: answers of models that were used longest ago go, until half is free.
MAX_BYTES: Final = 2 << 30
#: Seconds to wait for another process that writes.
_PATIENCE_S: Final = 60
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS models (model TEXT PRIMARY KEY, used TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
    model TEXT NOT NULL, request BLOB NOT NULL, answer TEXT NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (model, request)
) WITHOUT ROWID;
"""
#: SQLite takes so many parameters in one statement everywhere.
_AT_ONCE: Final = 500


class AnswerCache:
    """The answers of one model in a cache folder.

    A damaged cache is set aside under another name, with a message, and a new one begun; one that
    is full or cannot be written to is read and not added to. Neither ends a run.

    Attributes:
        cached: answers that were found so far.
    """

    def __init__(
        self,
        folder: str | Path,
        model: str,
        say: Callable[[str], None],
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Open the cache of a folder, which is made.

        Args:
            folder: of the cache.
            model: everything that fixes the model's answers, as a digest.
            say: takes messages.
            max_bytes: see `MAX_BYTES`.

        Raises:
            UsageError: the folder cannot be used.
        """
        self.cached = 0
        self._model, self._say, self._max_bytes = model, say, max_bytes
        self._path = Path(folder).expanduser() / CACHE_NAME
        self._adding = True
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"cache {str(folder)!r} is no folder that can be used: {error.strerror}."
            ) from error
        try:
            self._open()
        except sqlite3.OperationalError as error:
            raise UsageError(f"cache {str(self._path)!r} cannot be opened: {error}.") from error
        except sqlite3.DatabaseError as error:
            self._set_aside(str(error))

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def find(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """Answers of this model to requests."""
        found: dict[bytes, str] = {}
        with self._whole():
            for start in range(0, len(keys), _AT_ONCE):
                part = keys[start : start + _AT_ONCE]
                marks = ",".join("?" * len(part))
                rows = self._database.execute(
                    "SELECT request, answer, crc FROM answers "  # noqa: S608 - only marks
                    f"WHERE model = ? AND request IN ({marks})",
                    (self._model, *part),
                ).fetchall()
                for request, answer, crc in rows:
                    if _crc(self._model, request, answer) != crc:
                        raise sqlite3.DatabaseError("an answer is not what was written")
                    found[request] = answer
        self.cached += len(found)
        return found

    def keep(self, answers: Mapping[bytes, str]) -> None:
        """Add answers of this model; one that is there already stays."""
        if not self._adding or not answers:
            return
        if self._size() > self._max_bytes:
            self._stop_adding(f"is full ({self._max_bytes >> 20:,} MiB)")
            return
        rows = [
            (self._model, request, answer, _crc(self._model, request, answer))
            for request, answer in answers.items()
        ]
        with self._whole(), self._database:
            self._database.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?)", rows)

    def _open(self) -> None:
        self._database = sqlite3.connect(self._path, timeout=_PATIENCE_S)
        self._database.executescript(_TABLES)
        if self._size() > self._max_bytes:
            self._make_room()
        with self._database:
            self._database.execute(
                "INSERT OR REPLACE INTO models VALUES (?, ?)",
                (self._model, datetime.now().isoformat()),
            )

    def _size(self) -> int:
        (pages,) = self._database.execute("PRAGMA page_count").fetchone()
        (free,) = self._database.execute("PRAGMA freelist_count").fetchone()
        (size,) = self._database.execute("PRAGMA page_size").fetchone()
        return int((pages - free) * size)

    def _make_room(self) -> None:
        oldest = self._database.execute("SELECT model FROM models ORDER BY used").fetchall()
        for (model,) in oldest:
            with self._database:
                self._database.execute("DELETE FROM answers WHERE model = ?", (model,))
                self._database.execute("DELETE FROM models WHERE model = ?", (model,))
            if self._size() <= self._max_bytes // 2:
                break

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        """Go on without what the cache cannot give or take."""
        try:
            yield
        except sqlite3.OperationalError as error:  # full disk, another process holds it too long
            self._stop_adding(f"cannot be used: {error}")
        except sqlite3.DatabaseError as error:
            self._set_aside(str(error))

    def _stop_adding(self, why: str) -> None:
        if self._adding:
            self._say(f"cache {str(self._path)!r} {why}; nothing is added to it")
        self._adding = False

    def _set_aside(self, why: str) -> None:
        self._database.close()
        stamp = datetime.now().strftime("%Y%m%dT%H%M%S%f")
        aside = self._path.with_name(f"answers.damaged-{stamp}.sqlite")
        self._path.rename(aside)
        self._say(
            f"the cache {str(self._path)!r} is damaged ({why}): it is set aside as {aside.name}, "
            "and a new one is begun"
        )
        self._open()


def _crc(model: str, request: bytes, answer: str) -> int:
    """A check of one answer: SQLite itself does not notice a changed byte in a value."""
    return zlib.crc32(model.encode("ascii") + request + answer.encode("utf-8", "surrogatepass"))
