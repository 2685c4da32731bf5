"""Which inputs go to which output files, and what none of them may be."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from arabench.corpus.formats.names import (
    SUFFIXES,
    is_dataset_dict,
    is_dataset_folder,
    renamed,
    split_suffix,
)
from arabench.corpus.runs.inputs import InputFile
from arabench.errors import UnsafeInputError, UsageError
from arabench.files.atomic import STDIO, is_device


@dataclass(frozen=True, slots=True)
class OutputFile:
    """One output of a run.

    Attributes:
        sources: paths of the inputs that it takes, in order.
        path: where it is written.
        is_device: whether it is written as it is; asked when the run is planned, and not again.
    """

    sources: list[str]
    path: str
    is_device: bool

    def side_path(self, kind: Literal["rejects", "dropped"]) -> str:
        """Where rows go that are not written to it."""
        return side_path(self.path, kind, to_device=self.is_device)


def side_path(target: str, kind: Literal["rejects", "dropped"], *, to_device: bool) -> str:
    """Where rows go that are not written to `target`."""
    return f"{kind}.jsonl" if to_device else f"{target}.{kind}.jsonl"


def plan_outputs(
    inputs: Sequence[str | InputFile], output: str, output_format: str | None = None
) -> list[OutputFile]:
    """Which inputs go to which output file.

    An `output` that names a file (known suffix, or any suffix when a format is given),
    a device or `-` takes all inputs in order; a name that exists as a folder, has no
    suffix or ends in `/` is a folder that gets one file per input, at the input's
    `relative` place: of the same name, or with the suffix of `output_format`.

    An output in the format `datasets` is one folder of that name which takes all inputs;
    with `/` behind its name, or where splits of one dataset are read, it is a folder of such
    folders.

    Args:
        inputs: from `expand_inputs`; a plain path stands at its bare name.
        output: where to write.
        output_format: a format, or one with compression such as "jsonl.zst".

    Raises:
        UsageError: two inputs would write the same file, a file would overwrite an input,
            or `output` has an unknown suffix.
        UnsafeInputError: a file would land outside of the folder `output`.
    """
    files = [
        item if isinstance(item, InputFile) else InputFile(item, Path(item).name or item)
        for item in inputs
    ]
    paths = [file.path for file in files]
    to_device = is_device(output)
    if (
        to_device
        or _is_file_name(output, output_format)
        or _is_one_dataset(files, output, output_format)
    ):
        plan = [OutputFile(paths, output, to_device)]
    else:
        if STDIO in paths:
            raise UsageError("standard input needs an output file or '-', not a folder.")
        if Path(output).is_file():
            raise UsageError(
                f"output {output!r} is a file whose format its name does not tell. "
                f"Use one of the suffixes {', '.join(SUFFIXES)} or name a folder."
            )
        plan = []
        for file in files:
            target = str(Path(output) / _name_in_folder(file, output_format))
            _refuse_outside(output, target)
            plan.append(OutputFile([file.path], target, is_device(target)))
    _refuse_collisions(paths, plan)
    return plan


def refuse_output_inside(folders: Sequence[str], output: str) -> None:
    """Raise `UsageError` if `output` lies in a folder that is read: the next run would read it."""
    place = Path(os.path.realpath(output))
    for folder in folders:
        if place.is_relative_to(os.path.realpath(folder)) and not is_device(output):
            raise UsageError(
                f"output {output!r} lies in the input folder {folder!r}, so that the next run "
                "would read it. Write to another folder."
            )


def _is_file_name(output: str, output_format: str | None) -> bool:
    suffix, codec = split_suffix(output)
    if Path(output).is_dir() or output.endswith("/") or not (suffix or codec):
        return False
    if suffix not in SUFFIXES and output_format is None:
        raise UsageError(
            f"cannot tell the format of {output!r} from its name. Use one of the suffixes "
            f"{', '.join(SUFFIXES)}, name a format, or end the name of a folder with '/'."
        )
    return True


def _is_one_dataset(files: Sequence[InputFile], output: str, output_format: str | None) -> bool:
    """Whether `output` is to become one `datasets` folder."""
    if output.endswith("/"):
        return False
    if output_format is None:
        # A dataset stays a dataset; its splits have places of their own.
        return len(files) == 1 and is_dataset_folder(files[0].path) and not _is_split(files[0])
    return output_format == "datasets" and not any(_is_split(file) for file in files)


def _is_split(file: InputFile) -> bool:
    return is_dataset_folder(file.path) and is_dataset_dict(str(Path(file.path).parent))


def _name_in_folder(file: InputFile, output_format: str | None) -> str:
    own = Path(file.relative)
    if output_format is None:
        return str(own)
    if is_dataset_folder(file.path):  # a dot in its name is no suffix
        new = own.name if output_format == "datasets" else f"{own.name}.{output_format}"
    else:
        new = renamed(own.name, output_format)
    return str(own.with_name(new))


def _refuse_outside(folder: str, target: str) -> None:
    """`..` in a name or a link in the folder must not lead a file out of it."""
    if not Path(os.path.realpath(target)).is_relative_to(os.path.realpath(folder)):
        raise UnsafeInputError(
            f"{target!r} would be written outside of the folder {folder!r}, to "
            f"{os.path.realpath(target)!r}. Rename the input, or remove the link."
        )


def _refuse_collisions(inputs: Sequence[str], plan: list[OutputFile]) -> None:
    targets = [output.path for output in plan]
    sides = [
        side for each in plan for side in (each.side_path("rejects"), each.side_path("dropped"))
    ]
    counts = Counter([*targets, *sides])
    for target in targets:
        if counts[target] > 1:
            raise UsageError(f"several inputs would be written to {target!r}. Rename one of them.")
    sources = {identity for name in inputs if (identity := _identity(name)) is not None}
    for target in counts:
        if _identity(target) not in sources or is_device(target):
            continue
        kind = "output" if target in targets else "the file for rows set aside,"
        raise UsageError(f"{kind} {target!r} is also an input. Choose another output.")


def _identity(path: str) -> tuple[int, int] | None:
    """Device and inode: the same for one file under all its names; None if there is none."""
    if path == STDIO:
        return None
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino
