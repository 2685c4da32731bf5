"""Whether the files of a manifest are still what it says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from arabench.corpus.formats.names import codec_of, format_of
from arabench.corpus.runs.manifest import FOLDER_MANIFEST, FileRecord, Manifest, read_manifest
from arabench.errors import DataError, UsageError
from arabench.files.digests import HashName, digest_path, files_below, is_rereadable


@dataclass(frozen=True)
class Finding:
    """A file that is not what its manifest says."""

    fault: Literal["missing", "changed"]
    path: str
    detail: str


def verify(
    path: str, *, inputs: bool = False, count_rows: bool = False
) -> tuple[Manifest, list[Finding]]:
    """Compare every file of a manifest with the disk.

    Args:
        path: the manifest, or the folder it lies in.
        inputs: check the inputs too; relative names start from the working folder.
        count_rows: read the outputs through and count their rows.

    Raises:
        UsageError, DataError, UnsafeInputError: see `read_manifest`.
    """
    if Path(path).is_dir():
        path = str(Path(path) / FOLDER_MANIFEST)
    manifest = read_manifest(path)
    folder = Path(path).parent
    findings: list[Finding] = []
    for record in [*manifest.outputs, *manifest.side_files]:
        file = str(folder / record.name)
        found = compare(file, record, manifest.hash)
        if not found and count_rows and record.rows is not None:
            field_name = manifest.options.get("text_field")
            found = list(_compare_rows(file, record, manifest, str(field_name)))
        findings += found
    if inputs:
        for record in manifest.inputs:
            if record.digest is not None:
                findings += compare(record.name, record, manifest.hash)
    return manifest, findings


def compare(file: str, record: FileRecord, name: HashName | None) -> list[Finding]:
    """What is wrong with a file, by its size first and then by its digest; empty if nothing."""
    try:
        if not is_rereadable(file):
            detail = "it is no plain file" if Path(file).exists() else "it does not exist"
            return [Finding("missing", record.path, detail)]
        size = sum(part.stat().st_size for part in files_below(file))
        if size != record.bytes:
            return [Finding("changed", record.path, f"{size} bytes, not {record.bytes}")]
        if name is None or record.digest is None:
            return []
        digest = digest_path(file, name)
    except OSError as error:
        return [Finding("missing", record.path, f"it cannot be read: {error.strerror or error}")]
    if digest != record.digest:
        return [Finding("changed", record.path, f"{name} {digest}, not {record.digest}")]
    return []


def _compare_rows(
    file: str, record: FileRecord, manifest: Manifest, text_field: str
) -> Iterable[Finding]:
    is_side = record in manifest.side_files
    try:
        rows = _lines(file) if is_side else _rows(file, manifest, text_field)
    except (DataError, UsageError) as error:
        yield Finding("changed", record.path, f"its rows cannot be read: {error}")
        return
    if rows != record.rows:
        yield Finding("changed", record.path, f"{rows} rows, not {record.rows}")


def _lines(file: str) -> int:
    with Path(file).open("rb") as stream:
        return sum(1 for _ in stream)


def _rows(file: str, manifest: Manifest, text_field: str) -> int:
    from arabench.corpus.formats.names import SUFFIXES, is_dataset_folder, split_suffix
    from arabench.corpus.formats.readers import read_batches

    given = manifest.options.get("output_format")
    if given is None and split_suffix(file)[0] not in SUFFIXES and not is_dataset_folder(file):
        given = manifest.options.get("input_format")
    name = None if given is None else str(given)
    batches = read_batches(file, format_of(file, name), text_field, codec=codec_of(file, name))
    return sum(len(batch.rows) + len(batch.rejects) for batch in batches)
