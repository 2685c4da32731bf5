"""The steps of the demo: real commands, cached by what goes into them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from arabench import __version__
from arabench.errors import ArabenchError
from arabench.files.atomic import write_text_atomically
from arabench.models.devices import pick_threads
from arabench.resources import tasks_dir, trainers_dir

Say = Callable[[str], None]
#: Seconds between signs of life of a command that runs long.
HEARTBEAT_S = 15


@dataclass
class Workshop:
    """Runs steps in a folder and skips those whose inputs have not changed.

    A step's fingerprint covers its own settings, the fingerprint of the step before it
    and the source of arabench, so a change anywhere upstream runs everything after it.
    """

    folder: Path
    say: Say
    total: int
    fingerprint: str = ""
    number: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "logs").mkdir(exist_ok=True)
        if not self.fingerprint:
            self.fingerprint = _source_fingerprint()

    def step(
        self, name: str, settings: object, outputs: Sequence[str], work: Callable[[], None]
    ) -> None:
        """Run `work` unless it was done with the same settings and its outputs are there."""
        self.number += 1
        text = json.dumps([self.fingerprint, name, settings], sort_keys=True, default=str)
        self.fingerprint = hashlib.sha256(text.encode()).hexdigest()
        stamp = self.folder / "logs" / f"{self.number:02d}-{_slug(name)}.done"
        label = f"[{self.number}/{self.total}] {name}"
        if _read(stamp) == self.fingerprint and all((self.folder / o).exists() for o in outputs):
            self.say(f"{label}: done before")
            return
        self.say(label)
        stamp.unlink(missing_ok=True)
        started = time.monotonic()
        work()
        self.seconds[name] = time.monotonic() - started
        write_text_atomically(stamp, self.fingerprint)
        self.say(f"{label}: {self.seconds[name]:.0f} s")

    def command(self, arguments: Sequence[str], allowed: Sequence[int] = (0,)) -> int:
        """Run a command; its output goes to logs/, and a failure shows the end of it."""
        log = self.folder / "logs" / f"{self.number:02d}-{_slug(Path(arguments[0]).name)}.log"
        self.say(f"    $ {' '.join(_shown(part) for part in arguments)}")
        environment = {
            **os.environ,
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_OFFLINE": "1",
            "PYTHONUNBUFFERED": "1",
            # On busy cores two threads wait for each other, many times longer than one works.
            "OMP_NUM_THREADS": str(pick_threads().count),
        }
        with log.open("ab") as stream:
            process = subprocess.Popen(
                list(arguments), stdout=stream, stderr=subprocess.STDOUT, env=environment
            )
            started = time.monotonic()
            try:
                while True:
                    try:
                        code = process.wait(timeout=HEARTBEAT_S)
                        break
                    except subprocess.TimeoutExpired:
                        self.say(f"    ... {time.monotonic() - started:.0f} s")
            except BaseException:
                process.terminate()
                process.wait()
                raise
        if code not in allowed:
            tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
            raise ArabenchError(
                f"{arguments[0]} ended with status {code}. Its last lines ({log}):\n{tail}"
            )
        return code


def _slug(name: str) -> str:
    return "".join(char if char.isalnum() else "-" for char in name.lower())[:40]


def _shown(part: str) -> str:
    return f"'{part}'" if any(char in part for char in ' {"') else part


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


#: What changes no number: documentation, and the templates of pages.
_NO_SOURCE: Final = frozenset({".md", ".html", ".j2"})


def _source_fingerprint() -> str:
    """Digest of the sources and data of arabench."""
    package = Path(__file__).resolve().parent.parent
    return fingerprint_of((package, tasks_dir(), trainers_dir()))


def fingerprint_of(roots: Iterable[Path]) -> str:
    """Digest of the names and bytes of sources and data below some folders.

    What running a command leaves beside the sources does not count: everything in
    `__pycache__` (Python's bytecode and numba's compiled kernels, whose index is rewritten by
    any command that compiles) and in hidden folders.
    """
    digest = hashlib.sha256(__version__.encode())
    for root in roots:
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root)
            made = any(part == "__pycache__" or part.startswith(".") for part in name.parts)
            if not made and path.suffix not in _NO_SOURCE and path.is_file():
                digest.update(f"{name.as_posix()}\0{path.stat().st_size}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def executable(name: str) -> str:
    """A command installed beside this Python."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else name
