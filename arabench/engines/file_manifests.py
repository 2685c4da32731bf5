"""Manifests of outputs made apart: kept while a run goes on, joined into the folder's at its end.

Every output of a run beyond one machine gets `OUT.manifest.json` beside it as soon as it is
complete. So a run that was killed goes on where it stopped, and at the end the folder has the
one `.manifest.json` that `arabench verify` reads and a local run would have written.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from arabench import __version__
from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.manifest import (
    Counts,
    FileRecord,
    Manifest,
    input_record,
    manifest_path,
    read_manifest,
    record_of,
    write_manifest,
)
from arabench.corpus.runs.run import Summary
from arabench.corpus.runs.verification import verify
from arabench.errors import DataError, UsageError

_PARTIAL: Final = re.compile(r"\.(.+?)((\.rejects|\.dropped)\.jsonl)?\.[0-9]+\.partial")
_START_OVER: Final = "Use another folder, or --no-resume to start over and replace its outputs."


@dataclass(frozen=True)
class FileTask:
    """One input and the output it becomes."""

    source: str
    target: str

    @property
    def manifest(self) -> str:
        """The manifest of this output alone."""
        return manifest_path(self.target, is_folder=False)


def finished_before(
    folder: str, tasks: Sequence[FileTask], step: str, io: IoOptions
) -> dict[FileTask, Summary] | Summary:
    """What an earlier run of the same tasks, settings and inputs left complete and unchanged.

    Removes the unfinished files of a killed run.

    Returns:
        The summary of a run that was complete, or that of each finished task.

    Raises:
        UsageError: the folder holds the outputs of another run.
    """
    whole = manifest_path(folder, is_folder=True)
    _remove_partials(tasks)
    if io.journal != "resume" or io.manifest == "none":
        for path in (whole, *(task.manifest for task in tasks)):
            Path(path).unlink(missing_ok=True)
        return {}
    if Path(whole).exists():
        manifest = read_manifest(whole)
        difference = _difference(manifest, Path(folder), tasks, step, io)
        if difference:
            raise UsageError(f"folder {folder!r} holds another run: {difference}. {_START_OVER}")
        if not verify(whole)[1]:
            return _summary(manifest, Path(folder), whole, resumed=len(tasks))
        Path(whole).unlink()  # an output was changed or removed: make all of them again
    done: dict[FileTask, Summary] = {}
    for task in tasks:
        if not Path(task.manifest).exists():
            continue
        place = Path(task.target).parent
        try:
            manifest = read_manifest(task.manifest)
            same = not _difference(manifest, place, [task], step, io)
            if same and not verify(task.manifest)[1]:
                done[task] = _summary(manifest, place, task.manifest, resumed=1)
        except DataError:
            continue  # cut short by the kill: the output is made again
    return done


def join_manifests(folder: str, tasks: Sequence[FileTask], io: IoOptions) -> str:
    """Write the manifest of the folder from those of its outputs, and remove these."""
    parts = [read_manifest(task.manifest) for task in tasks]
    counts = Counts()
    for part in parts:
        counts.add(part.counts)
    places = [os.path.relpath(Path(task.target).parent, folder) for task in tasks]
    whole = dataclasses.replace(
        parts[0],
        command=io.command,
        options=_options(parts[0], io),
        started=min(part.started for part in parts),
        finished=max(part.finished for part in parts),
        inputs=[record for part in parts for record in part.inputs],
        outputs=_records(places, [part.outputs for part in parts]),
        side_files=_records(places, [part.side_files for part in parts]),
        counts=counts,
        losses=[loss for part in parts for loss in part.losses],
    )
    path = manifest_path(folder, is_folder=True)
    write_manifest(path, whole)
    for task in tasks:
        Path(task.manifest).unlink()
    return path


def _records(places: Sequence[str], parts: Sequence[list[FileRecord]]) -> list[FileRecord]:
    """Records with their names as seen from the folder."""
    return [
        record_of(
            str(PurePosixPath(place) / record.name),
            bytes=record.bytes,
            digest=record.digest,
            rows=record.rows,
        )
        for place, records in zip(places, parts, strict=True)
        for record in records
    ]


def _options(manifest: Manifest, io: IoOptions) -> dict[str, str | int | None]:
    """The options of the whole run; those of a task may name the format of its one file."""
    return {name: getattr(io, name, value) for name, value in manifest.options.items()}


def _difference(
    manifest: Manifest, place: Path, tasks: Sequence[FileTask], step: str, io: IoOptions
) -> str:
    """In words, why the manifest is not of these tasks; empty if it is."""
    settings = [
        ("arabench", manifest.arabench, __version__),
        ("step", manifest.step, step),
        ("hash", manifest.hash, io.manifest),
        *(
            (name, manifest.options[name], value)
            for name, value in _options(manifest, io).items()
            if name != "output_format"  # tells in the names of the outputs
        ),
    ]
    for name, was, is_now in settings:
        if was != is_now:
            return f"{name} was {was!r}, is now {is_now!r}"
    if {place / record.name for record in manifest.outputs} != {
        Path(task.target) for task in tasks
    }:
        return "other inputs, or another output format"
    before = {record.name: (record.bytes, record.mtime_ns) for record in manifest.inputs}
    for task in tasks:
        now = input_record(task.source)
        if before.get(task.source) != (now.bytes, now.mtime_ns):
            return f"input {now.path!r} was another or has changed"
    return ""


def _summary(manifest: Manifest, place: Path, path: str, *, resumed: int) -> Summary:
    fields: dict[str, Any] = {
        item.name: getattr(manifest.counts, item.name) for item in dataclasses.fields(Counts)
    }
    sides = [str(place / record.name) for record in manifest.side_files]
    return Summary(
        **fields,
        outputs=[str(place / record.name) for record in manifest.outputs],
        rejects_files=[name for name in sides if name.endswith("rejects.jsonl")],
        dropped_files=[name for name in sides if name.endswith("dropped.jsonl")],
        losses=manifest.losses,
        resumed=resumed,
        manifests=[path],
    )


def _remove_partials(tasks: Sequence[FileTask]) -> None:
    targets = {task.target for task in tasks}
    for folder in {Path(target).parent for target in targets}:
        if not folder.is_dir():
            continue
        for file in list(folder.iterdir()):
            match = _PARTIAL.fullmatch(file.name)
            if match and str(folder / match[1]) in targets:
                file.unlink(missing_ok=True)
