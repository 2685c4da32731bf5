"""How files are read and written: the same for every corpus command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from arabench.errors import UsageError

OnError = Literal["stop", "quarantine"]
#: "none": every run starts anew; "resume": go on where a killed run stood; "restart": forget
#: the earlier run, but write a journal so that this one can be resumed.
JournalMode = Literal["none", "resume", "restart"]


@dataclass(frozen=True)
class IoOptions:
    """How files are read and written; the same for every command."""

    text_field: str = "text"
    """Field or column of the text."""
    input_format: str | None = None
    """Format of all inputs; None tells it from each name."""
    output_format: str | None = None
    """Format of the output; None tells it from its name."""
    on_error: OnError = "quarantine"
    """Set unreadable rows aside, or stop at the first."""
    workers: int = 1
    """Threads that process chunks."""
    shard_bytes: int | None = None
    """Write `part-00000...` files into a folder, each ended by the chunk that reaches this size."""
    journal: JournalMode = "none"
    """Whether a folder of outputs keeps a journal by which a killed run is resumed."""
    manifest: Literal["none", "xxh128", "sha256"] = "none"
    """Digest of a manifest beside the output."""
    command: str | None = None
    """Command line, for the manifest."""

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise UsageError(f"workers={self.workers} is not allowed. Use 1 or more.")
        if self.shard_bytes is not None and self.shard_bytes < 1:
            raise UsageError(f"shard_bytes={self.shard_bytes} is not allowed. Use 1 or more.")
