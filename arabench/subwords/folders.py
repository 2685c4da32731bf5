"""The folder of a trained tokenizer: whole or not there."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from arabench.errors import ArabenchError, UsageError
from arabench.files.records import read_json_object
from arabench.subwords.preparation import RECORD_FILE, RECORD_KIND


def check_output(output: str, *, force: bool = False) -> None:
    """Raise `UsageError` unless `output` is free, or a tokenizer that may be replaced."""
    target = Path(output)
    if target.is_symlink() and not target.exists():
        raise UsageError(f"output {output!r} is a link that leads nowhere. Remove it.")
    if not target.exists():
        return
    if not target.is_dir():
        raise UsageError(f"output {output!r} is a file. Name a folder.")
    if not any(target.iterdir()):
        return
    if not _is_ours(target):
        raise UsageError(
            f"output {output!r} is a folder with other files, and would be replaced as a whole. "
            "Name a new folder."
        )
    if not force:
        raise UsageError(
            f"output {output!r} holds a tokenizer already. Name a new folder, or use --force."
        )


def _is_ours(folder: Path) -> bool:
    try:
        return read_json_object(folder / RECORD_FILE).get("kind") == RECORD_KIND
    except ArabenchError:
        return False


@contextlib.contextmanager
def new_folder(output: str) -> Iterator[Path]:
    """A hidden folder that becomes `output` when the block ends well, and is removed otherwise.

    Raises:
        ArabenchError: the place cannot be written.
    """
    target = Path(os.path.realpath(output))
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    old = target.with_name(f".{target.name}.{os.getpid()}.old.partial")
    try:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial.mkdir()
        except OSError as error:
            raise ArabenchError(
                f"cannot write {output!r}: {error.strerror}. Choose another folder."
            ) from error
        yield partial
        try:
            if target.exists():
                target.rename(old)
            partial.rename(target)
        except OSError as error:
            raise ArabenchError(
                f"cannot write {output!r}: {error.strerror}. What was there is unchanged."
            ) from error
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        for rest in (partial, old):
            shutil.rmtree(rest, ignore_errors=True)
