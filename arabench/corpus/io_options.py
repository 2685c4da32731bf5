"""How files are read and written: the same for every corpus command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from arabench.errors import UsageError

#: A part of a run in shards ends with a chunk; this many make one, so that it keeps its size.
_CHUNKS_PER_SHARD: Final = 8
#: Less than half is left of text that is compressed: a chunk may be the larger for it.
_SHRINKING_CHUNKS_PER_SHARD: Final = 2
#: Smaller chunks cost more than they carry.
_LEAST_CHUNK_BYTES: Final = 64 << 10

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
    """Write `part-00000...` files into a folder, each ended by the chunk that reaches this size;
    see `chunk_bytes`."""
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

    def chunk_bytes(self, usual: int, *, shrinks: bool = False) -> int:
        """Bytes of a chunk: the usual ones, or fewer where parts must end near a small size.

        Args:
            usual: bytes of a chunk where nothing is said of sizes.
            shrinks: the chunk is compressed before it counts.
        """
        if self.shard_bytes is None:
            return usual
        chunks = _SHRINKING_CHUNKS_PER_SHARD if shrinks else _CHUNKS_PER_SHARD
        return min(usual, max(_LEAST_CHUNK_BYTES, self.shard_bytes // chunks))
