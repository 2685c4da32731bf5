"""What a run reads and writes: formats, names and folders, settled before any work."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from arabench.corpus.formats.names import (
    CODEC_SUFFIXES,
    SEEKABLE_FORMATS,
    SUFFIXES,
    Codec,
    Format,
    codec_of,
    format_of,
    split_suffix,
)
from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.inputs import InputFile, Inputs, check_input
from arabench.corpus.runs.journal import Journal
from arabench.corpus.runs.manifest import manifest_path
from arabench.corpus.runs.output_names import OutputFile, plan_outputs, refuse_output_inside
from arabench.errors import UsageError
from arabench.files.atomic import STDIO, is_device
from arabench.files.digests import HashName

_SHARD: Final = re.compile(
    rf"part-([0-9]{{5,}})\.({'|'.join(suffix[1:] for suffix in SUFFIXES)})"
    rf"(\.({'|'.join(suffix[1:] for suffix in CODEC_SUFFIXES)}))?"
    r"(\.(rejects|dropped)\.jsonl)?"
)
_PARTIAL: Final = re.compile(r"\.(.+)\.[0-9]+(\.old)?\.partial")


@dataclass(frozen=True)
class Target:
    """One output, or all shards of a run."""

    sources: list[int]
    """Places in the plan's files."""
    path: str
    """Of shards: their folder."""
    is_device: bool
    """Written as it is: standard output, a pipe or a device."""
    file_format: Format
    codec: Codec | None


@dataclass(frozen=True)
class Plan:
    """Everything that is known about a run before it begins."""

    files: list[str]
    output: str
    is_folder: bool
    in_shards: bool
    targets: list[Target]
    hash_name: HashName | None
    """Digest of outputs; None where nothing needs one."""
    manifest: str | None

    @property
    def to_device(self) -> bool:
        """Whether the one output is written as it is."""
        return not self.is_folder and self.targets[0].is_device

    @property
    def base(self) -> Path:
        """What names of outputs in journal and manifest are relative to."""
        return Path(self.output) if self.is_folder else Path(self.output).parent


def plan_run(found: Inputs, output: str, io: IoOptions) -> Plan:
    """Check inputs and output, and settle what is written where; see `run_files`.

    Raises:
        UsageError: an input is not there, the output lies among the inputs, names collide, or a
            format cannot be told or written there.
        DataError: an input is empty.
    """
    for file in found.files:
        check_input(file.path)
    refuse_output_inside(found.folders, output)
    return make_plan(found.files, output, io)


def refuse_plain_text(plan: Plan, added: str) -> None:
    """Raise `UsageError` where an output is plain text, which has no place for a field.

    Args:
        plan: of the run.
        added: what the field holds, for the message.
    """
    for target in plan.targets:
        if target.file_format == "txt":
            raise UsageError(
                f"{target.path!r} would be plain text, which cannot hold {added} beside the text. "
                "Write .jsonl, .csv or .parquet, or add --output-format jsonl."
            )


def with_room_for(added: str, plan: Plan, io: IoOptions) -> tuple[Plan, IoOptions]:
    """A run that adds a field: plain text on standard output becomes JSON lines.

    Raises:
        UsageError: see `refuse_plain_text`.
    """
    if io.output_format is None and plan.to_device and plan.targets[0].file_format == "txt":
        target = replace(plan.targets[0], file_format="jsonl", codec=None)
        return replace(plan, targets=[target]), replace(io, output_format="jsonl")
    refuse_plain_text(plan, added)
    return plan, io


def make_plan(files: Sequence[InputFile], output: str, io: IoOptions) -> Plan:
    """Which inputs go to which outputs, in which format.

    Raises:
        UsageError: names collide, or a format cannot be told or written there.
    """
    paths = [file.path for file in files]
    in_shards = io.shard_bytes is not None
    if in_shards:
        _check_shard_folder(paths, output)
        outputs, is_folder = [OutputFile(paths, output, is_device=False)], True
    else:
        outputs = plan_outputs(files, output, io.output_format)
        is_folder = outputs[0].path != output
    manifest = None
    if io.manifest != "none" and (is_folder or not outputs[0].is_device):
        manifest = manifest_path(output, is_folder=is_folder)
        for name in paths:
            if name != STDIO and Path(manifest).exists() and Path(name).samefile(manifest):
                raise UsageError(
                    f"the manifest {manifest!r} is also an input. Choose another output."
                )
    hash_name: HashName | None = None if io.manifest == "none" else io.manifest
    if hash_name is None and io.journal != "none" and is_folder:
        hash_name = "xxh128"
    places = range(len(paths))
    in_each = [[place] for place in places] if len(outputs) > 1 else [[*places]]
    return Plan(
        paths,
        output,
        is_folder,
        in_shards,
        [
            Target(sources, each.path, each.is_device, *_target_format(each, io, in_shards))
            for sources, each in zip(in_each, outputs, strict=True)
        ],
        None if not is_folder and outputs[0].is_device else hash_name,
        manifest,
    )


def _check_shard_folder(inputs: Sequence[str], output: str) -> None:
    suffix, codec = split_suffix(output)
    is_named_folder = output.endswith("/") or Path(output).is_dir()
    if is_device(output) or ((suffix in SUFFIXES or codec) and not is_named_folder):
        raise UsageError(
            f"shards need a folder, and {output!r} is a file. "
            "End the name with '/', or leave out --shard-size."
        )
    if Path(output).is_file():
        raise UsageError(f"shards need a folder, and {output!r} is a file. Choose another name.")
    folder = os.path.realpath(output)
    for name in inputs:
        own = Path(os.path.realpath(name))
        if name != STDIO and str(own.parent) == folder and _SHARD.fullmatch(own.name):
            raise UsageError(
                f"input {name!r} has the name of a shard in the output folder. "
                "Choose another folder."
            )


def _target_format(
    output: OutputFile, io: IoOptions, in_shards: bool
) -> tuple[Format, Codec | None]:
    sources, target = output.sources, output.path
    source_formats = [format_of(source, io.input_format) for source in sources]
    as_source = in_shards or output.is_device or Path(target).name == Path(sources[0]).name
    if io.output_format is None and source_formats == ["datasets"] and not split_suffix(target)[0]:
        as_source = True  # a dataset written to a name without suffix stays one
    if io.output_format is None and as_source:
        chosen = source_formats[0]
        codec = None if output.is_device else codec_of(sources[0], io.input_format)
    else:
        # Shards have their suffix from the format; a folder's name tells nothing.
        name = STDIO if in_shards else target
        chosen, codec = format_of(name, io.output_format), codec_of(name, io.output_format)
    if chosen in SEEKABLE_FORMATS and output.is_device:
        raise UsageError(
            f"{chosen.capitalize()} cannot be written to {target!r}. "
            f"Use -o FILE.{chosen}, or --output-format jsonl."
        )
    if in_shards and chosen == "datasets":
        raise UsageError(
            "a datasets folder is not written in shards of ours. Leave out --shard-size, "
            "or write shards with --output-format arrow or parquet."
        )
    return chosen, codec


def clear_folder(plan: Plan, journal: Journal) -> None:
    """Remove what a killed run left half-written, and the shards of a run to be forgotten.

    Raises:
        UsageError: there are shards that no journal tells of.
    """
    folder = Path(plan.output)
    if not plan.in_shards:
        targets = [Path(target.path) for target in plan.targets]
        names = {target.name for target in targets}
        for place in {target.parent for target in targets}:
            _remove_partials(place, lambda name: _main_name(name) in names)
        return
    _remove_partials(folder, lambda name: _SHARD.fullmatch(name) is not None)
    if journal.forgotten:
        for name in {record.name for record in journal.forgotten}:
            if _SHARD.fullmatch(name):
                (folder / name).unlink(missing_ok=True)
        for file in list(folder.iterdir()):
            match = _SHARD.fullmatch(file.name)
            if match and int(match[1]) == journal.shards_known - 1:
                file.unlink()
        refuse_shards(plan.output, 0)
    else:
        refuse_shards(plan.output, journal.shards_known)


def _remove_partials(folder: Path, is_ours: Callable[[str], bool]) -> None:
    if not folder.is_dir():
        return
    for file in list(folder.iterdir()):
        match = _PARTIAL.fullmatch(file.name)
        if match and is_ours(match[1]):
            if file.is_dir():  # of a datasets folder
                shutil.rmtree(file)
            else:
                file.unlink(missing_ok=True)


def _main_name(name: str) -> str:
    """Of an output or one of its side files, the name of the output."""
    return name.removesuffix(".rejects.jsonl").removesuffix(".dropped.jsonl")


def refuse_shards(folder: str, known: int) -> None:
    """Shards numbered `known` and above would be taken for a part of this run."""
    if not Path(folder).is_dir():
        return
    for file in sorted(Path(folder).iterdir()):
        match = _SHARD.fullmatch(file.name)
        if match and int(match[1]) >= known:
            raise UsageError(
                f"folder {folder!r} holds shards of another run, such as {file.name!r}. "
                "Move them away, or use another folder."
            )
