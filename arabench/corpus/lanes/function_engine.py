"""Any function of strings as a `TextEngine`, so that files keep all bytes around the text."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import orjson

from arabench.text.engine import COMPILE_AFTER_CHARS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from arabench.text.column import Column


class FunctionEngine:
    """The `TextEngine` of a function that rewrites each of some texts on its own.

    Args:
        rewrite: a text for each of some texts, in order; may be called from several threads.

    Attributes:
        reference: the engine that defines the result: this one.
    """

    def __init__(self, rewrite: Callable[[Sequence[str]], list[str]]) -> None:
        self._rewrite = rewrite
        self._chars_seen = 0

    @property
    def reference(self) -> FunctionEngine:
        """Itself."""
        return self

    def normalize(self, text: str, /) -> str:
        """One text rewritten."""
        return self._rewrite([text])[0]

    def normalize_many(self, texts: Sequence[str]) -> list[str]:
        """The rewritten texts, in order."""
        return self._rewrite(texts)

    def kernel_for(self, size: int) -> FunctionEngine | None:
        """Itself, once loading the compiled scan of lines pays: after `size` more characters."""
        self._chars_seen += size
        return self if self._chars_seen >= COMPILE_AFTER_CHARS else None

    def normalize_column(self, column: Column) -> Column:
        """The rewritten column, with `changed` counted.

        Raises:
            UnicodeDecodeError: a value is not UTF-8.
        """
        rows = column.filled()
        before = [column.text(row) for row in rows]
        after = self._rewrite(before)
        texts = {row: new for row, old, new in zip(rows, before, after, strict=True) if old != new}
        return dataclasses.replace(column.with_texts(texts), changed=len(texts))

    def normalize_spans(
        self,
        data: npt.NDArray[np.uint8],
        starts: npt.NDArray[np.int64],
        ends: npt.NDArray[np.int64],
        heads: npt.NDArray[np.int64],
        tails: npt.NDArray[np.int64],
        mode: int,
        out: npt.NDArray[np.uint8],
    ) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Rewrite spans of bytes and copy what stands around them.

        Arguments and result are those of `arabench.text.engine.Kernel.normalize_spans`; rows that
        are not UTF-8, or whose text would break a line, are left to the reference.
        """
        import numpy as np

        from arabench.text.compiled.kernel import AS_JSON, AS_LINE, CHANGED, DONE, TO_REFERENCE

        raw = data.tobytes()
        status = np.full(len(starts), DONE, dtype=np.uint8)
        before: list[str] = []
        for row, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            try:
                before.append(raw[start:end].decode("utf-8"))
            except UnicodeDecodeError:
                before.append("")
                status[row] = TO_REFERENCE
        pieces: list[bytes] = []
        sizes = np.zeros(len(starts), dtype=np.int64)
        frames = zip(heads.tolist(), tails.tolist(), strict=True)
        rows = zip(before, self._rewrite(before), frames, strict=True)
        for row, (old, new, ((head, head_end), (tail, tail_end))) in enumerate(rows):
            if mode == AS_LINE and ("\n" in new or "\r" in new):
                status[row] = TO_REFERENCE
            if status[row] != DONE:
                continue
            if old != new:
                status[row] |= CHANGED
            text = orjson.dumps(new)[1:-1] if mode == AS_JSON else new.encode()
            piece = b"%b%b%b\n" % (raw[head:head_end], text, raw[tail:tail_end])
            pieces.append(piece)
            sizes[row] = len(piece)
        joined = b"".join(pieces)
        if len(joined) > len(out):
            out = np.empty(len(joined), dtype=np.uint8)
        out[: len(joined)] = np.frombuffer(joined, dtype=np.uint8)
        return out[: len(joined)], np.cumsum(sizes), status
