"""Tokenize the texts of files and undo it: what `arabench tokenize` and `detokenize` do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from arabench.corpus.io_options import IoOptions
from arabench.corpus.lanes.function_engine import FunctionEngine
from arabench.corpus.runs.inputs import AnyInputs, Inputs, expand_inputs
from arabench.corpus.runs.manifest import FOLDER_MANIFEST, manifest_path, read_manifest
from arabench.corpus.runs.run import Summary, run_files
from arabench.corpus.step import TextStep
from arabench.errors import DataError, UsageError

if TYPE_CHECKING:
    from arabench.morph.tokenizer import Detokenizer, Tokenizer

_SIGNATURE: Final = re.compile(r"tokenize:([0-9]+)\|scheme:([a-z0-9]+)\|mark:([a-z]+)\|backend:.*")


class TokenizeStep(TextStep):
    """Splits the words in the text of every row."""

    def __init__(self, tokenizer: Tokenizer, text_field: str = "text") -> None:
        super().__init__(FunctionEngine(tokenizer.tokenize_many), text_field)
        self.tokenizer = tokenizer

    @property
    def signature(self) -> str:
        """Versions of schemes and backend, scheme and mark."""
        return self.tokenizer.signature


class DetokenizeStep(TextStep):
    """Undoes `TokenizeStep` of the same scheme and mark."""

    def __init__(self, detokenizer: Detokenizer, text_field: str = "text") -> None:
        super().__init__(FunctionEngine(detokenizer.detokenize_many), text_field)
        self.detokenizer = detokenizer

    @property
    def signature(self) -> str:
        """Version of the schemes, scheme and mark."""
        return self.detokenizer.signature


def tokenize_files(
    inputs: AnyInputs,
    output: str,
    tokenizer: Tokenizer,
    io: IoOptions | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> tuple[Summary, str]:
    """Tokenize the text of every row of every input; see `run_files`.

    Returns:
        The summary, and the signature of what was done.
    """
    io = io or IoOptions()
    step = TokenizeStep(tokenizer, io.text_field)
    return run_files(inputs, output, step, io, on_bytes), step.signature


def detokenize_files(
    inputs: AnyInputs,
    output: str,
    scheme: str | None = None,
    mark: str | None = None,
    io: IoOptions | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> tuple[Summary, str]:
    """Undo `tokenize_files`.

    Args:
        inputs: files, folders and patterns, or `-`.
        output: as for `run_files`.
        scheme: that of the tokenized text; None takes it from the manifest beside the input,
            or the default where there is none.
        mark: the same.
        io: how files are read and written.
        on_bytes: called with numbers of bytes read.

    Returns:
        The summary, and the signature of what was done.

    Raises:
        UsageError: scheme or mark is unknown or not that of the manifest, or inputs differ.
        DataError: a manifest is damaged, or of a run with other rules.
    """
    from arabench.morph.marks import DEFAULT_MARK
    from arabench.morph.schemes import DEFAULT_SCHEME
    from arabench.morph.tokenizer import Detokenizer

    io = io or IoOptions()
    found = expand_inputs(inputs, io.input_format)
    recorded = _recorded(found)
    _refuse_contradictions(recorded, scheme, mark)
    chosen = (
        recorded[0] if recorded else _Recorded(scheme or DEFAULT_SCHEME, mark or DEFAULT_MARK, "")
    )
    step = DetokenizeStep(Detokenizer(chosen.scheme, chosen.mark), io.text_field)
    return run_files(found, output, step, io, on_bytes), step.signature


class _Recorded(NamedTuple):
    """What a manifest says of the run that wrote an input."""

    scheme: str
    mark: str
    manifest: str


def _refuse_contradictions(
    found: Sequence[_Recorded], scheme: str | None, mark: str | None
) -> None:
    """Raise `UsageError` where options and manifests do not name one scheme and one mark."""
    for record in found:
        for name, given, written in (
            ("scheme", scheme, record.scheme),
            ("mark", mark, record.mark),
        ):
            if given not in (None, written):
                raise UsageError(
                    f"--{name} {given} contradicts {record.manifest!r}, which says that the "
                    f"input was written with --{name} {written}. Leave out --{name}, or move the "
                    "manifest away if it is not of this input."
                )
        if record[:2] != found[0][:2]:
            raise UsageError(
                f"inputs were tokenized in different ways: {found[0].manifest!r} says "
                f"--scheme {found[0].scheme} --mark {found[0].mark}, {record.manifest!r} says "
                f"--scheme {record.scheme} --mark {record.mark}. Detokenize them one by one."
            )


def _recorded(inputs: Inputs) -> list[_Recorded]:
    """What manifests beside the inputs say, of those that come from `tokenize`."""
    found: dict[str, _Recorded | None] = {}
    for file in inputs.files:
        for manifest in _manifests_of(file.path):
            if manifest not in found:
                found[manifest] = _read(manifest)
    return [record for record in found.values() if record is not None]


def _manifests_of(path: str) -> Iterator[str]:
    """Manifests that tell of a file: its own, or that of a folder of outputs that has it."""
    own = manifest_path(path, is_folder=False)
    if Path(own).is_file():
        yield own
        return
    for folder in Path(path).parents:
        manifest = folder / FOLDER_MANIFEST
        if manifest.is_file():
            names = {record.name for record in read_manifest(str(manifest)).outputs}
            if Path(path).relative_to(folder).as_posix() in names:
                yield str(manifest)
            return


def _read(manifest: str) -> _Recorded | None:
    from arabench.morph.schemes import SCHEMES_VERSION

    match = _SIGNATURE.fullmatch(read_manifest(manifest).step)
    if match is None:
        return None
    if int(match[1]) != SCHEMES_VERSION:
        raise DataError(
            f"{manifest!r} says that the input was tokenized by version {match[1]} of the schemes; "
            f"this program undoes version {SCHEMES_VERSION}. Use the arabench that wrote it."
        )
    return _Recorded(match[2], match[3], manifest)
