"""How far a run has come: what a run that was killed goes on from.

A small database beside the results, gone when the run is done. What belongs to one window
(answers, sums, the size of the log) is committed together, after the log's lines are on the disk:
a window is in it as a whole or not at all. The answers serve later tasks of the run.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from arabench.errors import DataError, UsageError
from arabench.evaluation.harness.answers import AnswerStore, as_cached
from arabench.evaluation.runner.log import OutputError

#: Hidden: no part of lm-eval's format.
PROGRESS_NAME: Final = ".arabench-eval.sqlite"
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS run (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS begun (
    task TEXT PRIMARY KEY, documents INTEGER NOT NULL, bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL, state TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS done (task TEXT PRIMARY KEY, outcome TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (request BLOB PRIMARY KEY, answer TEXT NOT NULL) WITHOUT ROWID;
"""
#: SQLite takes so many parameters in one statement everywhere.
_AT_ONCE: Final = 500


@dataclass(frozen=True)
class Begun:
    """A task of which some windows are done.

    Attributes:
        documents: how many of its documents are in them.
        bytes, sha256: of its log up to there.
        state: see `TaskRun.state`.
    """

    documents: int = 0
    bytes: int = 0
    sha256: str = ""
    state: dict[str, Any] | None = None


class Progress:
    """The record of one model's run in its folder.

    Attributes:
        stamp: date and time that the names of results and logs end in.
        resumed: whether there was a record before.
        cached: none of the answers is of an earlier run.
    """

    cached = 0

    def __init__(self, folder: Path, identity: Mapping[str, str]) -> None:
        """Open the record or begin one.

        Raises:
            UsageError: it is of a run of something else; says what differs.
            DataError: it is damaged.
            OutputError: it cannot be written.
        """
        self._path = folder / PROGRESS_NAME
        self._pending: dict[bytes, str] = {}
        with self._errors():
            folder.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self._path)
            self._database.executescript(_TABLES)
            found = dict(self._database.execute("SELECT name, value FROM run"))
            self.resumed = bool(found)
            if not found:
                found = {
                    "stamp": datetime.now().isoformat().replace(":", "-"),
                    "identity": json.dumps(dict(identity)),
                }
                with self._database:
                    self._database.executemany("INSERT INTO run VALUES (?, ?)", found.items())
            self.stamp = found["stamp"]
            refuse_other(folder, json.loads(found["identity"]), identity)

    def close(self) -> None:
        """Let go of the file; what was not committed is forgotten."""
        self._database.close()

    def remove(self) -> None:
        """Close the record and remove it: the run is done."""
        self.close()
        self._path.unlink(missing_ok=True)

    def done(self) -> dict[str, dict[str, Any]]:
        """Outcomes of finished tasks by name."""
        with self._errors():
            rows = self._database.execute("SELECT task, outcome FROM done").fetchall()
            return {task: json.loads(outcome) for task, outcome in rows}

    def begun(self, task: str) -> Begun:
        """How far a task has come."""
        with self._errors():
            row = self._database.execute(
                "SELECT documents, bytes, sha256, state FROM begun WHERE task = ?", (task,)
            ).fetchone()
            if row is None:
                return Begun()
            documents, size, sha256, state = row
            return Begun(documents, size, sha256, json.loads(state))

    def find(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """Answers of this run to requests."""
        found = {key: self._pending[key] for key in keys if key in self._pending}
        with self._errors():
            for start in range(0, len(keys), _AT_ONCE):
                part = keys[start : start + _AT_ONCE]
                marks = ",".join("?" * len(part))
                found.update(
                    self._database.execute(
                        f"SELECT request, answer FROM answers WHERE request IN ({marks})",  # noqa: S608
                        part,
                    )
                )
        return found

    def keep(self, answers: Mapping[bytes, str]) -> None:
        """Hold answers until the window that they belong to is committed."""
        self._pending.update(answers)

    def commit(self, task: str, begun: Begun) -> None:
        """A window is done, and its lines are on the disk."""
        with self._errors(), self._database:
            self._database.executemany(
                "INSERT OR IGNORE INTO answers VALUES (?, ?)", self._pending.items()
            )
            self._database.execute(
                "INSERT OR REPLACE INTO begun VALUES (?, ?, ?, ?, ?)",
                (task, begun.documents, begun.bytes, begun.sha256, json.dumps(begun.state)),
            )
        self._pending.clear()

    def finish(self, task: str, outcome: Mapping[str, Any]) -> None:
        """A task is done, and its log has its name."""
        with self._errors(), self._database:
            self._database.execute(
                "INSERT OR REPLACE INTO done VALUES (?, ?)", (task, json.dumps(outcome))
            )

    def forget(self) -> None:
        """Drop answers that were not committed: their window failed."""
        self._pending.clear()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:  # full, not writable
            raise OutputError(
                f"cannot write {str(self._path)!r}: {error}. What was measured before is kept: "
                "free some space, and give the same command again."
            ) from error
        except (sqlite3.DatabaseError, ValueError, KeyError) as error:
            raise _damaged(self._path, error) from error


@dataclass(frozen=True)
class RunAnswers:
    """A run's own answers first, then those of a cache.

    What the cache knew becomes an answer of the run, so that the run stays the same when it goes
    on without the cache.
    """

    run: AnswerStore
    cache: AnswerStore

    @property
    def cached(self) -> int:
        """Answers that the cache knew."""
        return self.cache.cached

    def find(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """Answers that either knows."""
        found = self.run.find(keys)
        known = self.cache.find([key for key in keys if key not in found])
        cached = {key: as_cached(answer) for key, answer in known.items()}
        self.run.keep(cached)
        return {**found, **cached}

    def keep(self, answers: Mapping[bytes, str]) -> None:
        """Answers of the model, for both."""
        self.run.keep(answers)
        self.cache.keep(answers)


def identity_begun(folder: Path) -> dict[str, str] | None:
    """Identity of a run that was begun in a folder and is not done, None where there is none.

    Raises:
        DataError: its record is damaged.
    """
    path = folder / PROGRESS_NAME
    if not path.is_file():
        return None
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            row = database.execute("SELECT value FROM run WHERE name = 'identity'").fetchone()
        return {str(key): str(value) for key, value in json.loads(row[0]).items()} if row else None
    except (sqlite3.DatabaseError, ValueError, AttributeError) as error:
        if "no such table" in str(error):
            return None
        raise _damaged(path, error) from error


def unfinished_below(folder: Path) -> list[str]:
    """Names of the models of a run that was stopped, whose records are in a folder or below it."""
    records = [*folder.glob(PROGRESS_NAME), *folder.glob(f"*/{PROGRESS_NAME}")]
    return sorted(file.parent.name for file in records)


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(
        f"the record of the run, {path}, is damaged ({error}). Remove {path.parent} and run again, "
        "or choose another output."
    )


def refuse_other(folder: Path, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse to add to a run of something else.

    Raises:
        UsageError: names everything that differs.
    """
    differing = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if differing:
        shown = "; ".join(
            f"{name} was {_short(before.get(name))}, is now {_short(now.get(name))}"
            for name in differing
        )
        raise UsageError(
            f"output {str(folder)!r} holds a run of something else: {shown}. Choose another "
            "folder, or remove this one."
        )


def _short(value: str | None) -> str:
    if value is None:
        return "not recorded"
    return value if len(value) <= 60 else f"{value[:57]}..."
