"""Choosing the engine: the compiled kernel for much text, the reference for little.

Both give the same bytes (tests compare them on random options and text), so a run may
change from one to the other in the middle.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from arabench.text.normalizer import Normalizer
from arabench.text.options import Options

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from arabench.text.column import Column

#: Characters after which a run changes to the compiled engine. The reference needs about
#: half a second for these, which is what importing numba and its cached code costs.
COMPILE_AFTER_CHARS: Final = 1_000_000
#: With so few rules the reference is about as fast, and needs none of numba's 100 MB.
NOT_WORTH_COMPILING: Final = 1


class BatchNormalizer:
    """Normalizes batches of strings with the engine that suits the amount of text.

    Attributes:
        reference: the engine that defines the result.
        chars_seen: characters normalized so far.
    """

    def __init__(
        self, reference: Normalizer, compile_after_chars: int = COMPILE_AFTER_CHARS
    ) -> None:
        self.reference = reference
        self.chars_seen = 0
        self._compile_after = compile_after_chars
        self._kernel: Kernel | None = None
        self._building = threading.Lock()
        self._may_compile = len(reference.rules) > NOT_WORTH_COMPILING

    def kernel_for(self, size: int) -> Kernel | None:
        """The kernel, once it is worth loading: after `size` more characters of text."""
        self.chars_seen += size
        if self._may_compile and self._kernel is None and self.chars_seen >= self._compile_after:
            with self._building:
                if self._may_compile and self._kernel is None:
                    self._kernel = Kernel(self.reference.options)
        return self._kernel

    def normalize_many(self, texts: Sequence[str]) -> list[str]:
        """The normalized texts, in order."""
        # A row costs the reference as much as some 20 characters, also when it is empty.
        kernel = self.kernel_for(sum(map(len, texts)) + 20 * len(texts))
        if kernel is None:
            return [self.reference.normalize(text) for text in texts]
        return [
            self.reference.normalize(before) if after is None else after
            for before, after in zip(texts, kernel.normalize(texts), strict=True)
        ]

    def normalize_array(self, array: pa.Array) -> pa.Array:
        """The normalized texts of an array of strings, nulls kept, of the same type.

        Raises:
            UnicodeDecodeError: a value is not UTF-8.
        """
        from arabench.text.column import Column

        return self.normalize_column(Column.of(array)).as_type(array.type)

    def normalize_column(self, column: Column) -> Column:
        """The normalized column, with `changed` counted.

        Raises:
            UnicodeDecodeError: a value is not UTF-8.
        """
        kernel = self.kernel_for(column.size // 2)
        normalized = None if kernel is None else kernel.normalize_column(column)
        left = column.filled() if normalized is None else normalized.left_to_reference
        texts, changed = {}, 0 if normalized is None else normalized.changed
        for row in left:
            before = column.text(row)
            texts[row] = self.reference.normalize(before)
            changed += texts[row] != before
        result = (normalized or column).with_texts(texts)
        return dataclasses.replace(result, changed=changed)

    def __getstate__(self) -> dict[str, Any]:
        # Sent to another process the kernel is built there again: a lock cannot travel, and
        # loading the cached code is faster than sending tables.
        return {"options": self.reference.options, "compile_after": self._compile_after}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(Normalizer(state["options"]), state["compile_after"])  # type: ignore[misc]


class Kernel:
    """The compiled engine for one set of options. Safe to share between threads."""

    def __init__(self, options: Options) -> None:
        from arabench.text.compiled.stages import build_stages

        self._stages, self._last = build_stages(options)

    @property
    def passes(self) -> int:
        """How often the rows are gone through."""
        return len(self._stages) + 1

    def normalize(self, texts: Sequence[str]) -> list[str | None]:
        """Normalized texts; None for those only the reference can settle.

        These hold lone surrogates, or more marks on one letter than the kernel sorts.
        """
        import numpy as np

        from arabench.text.compiled.kernel import CHANGED, DONE

        if not texts:
            return []
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        data = np.frombuffer(b"".join(encoded) or b"\0", dtype=np.uint8)
        bounds = np.fromiter(
            accumulate(map(len, encoded), initial=0), dtype=np.int64, count=len(encoded) + 1
        )
        out, out_ends, status = self.normalize_spans(data, bounds[:-1], bounds[1:])
        result = out.tobytes()
        ends = out_ends.tolist()
        return [
            result[start:end].decode("utf-8") if settled & ~CHANGED == DONE else None
            for start, end, settled in zip([0, *ends[:-1]], ends, status.tolist(), strict=True)
        ]

    def normalize_column(self, column: Column) -> Column:
        """The normalized column; rows it could not settle are empty and listed in it."""
        import numpy as np

        from arabench.text.column import Column
        from arabench.text.compiled.kernel import CHANGED, DONE

        out, out_ends, status = self.normalize_spans(column.data, column.starts, column.ends)
        done = status & ~np.uint8(CHANGED) == DONE
        starts = np.concatenate([np.zeros(1, dtype=np.int64), out_ends])[:-1]
        return Column(
            out, starts, out_ends, column.valid, int((status & CHANGED != 0).sum()),
            np.flatnonzero(~done).tolist(),
        )  # fmt: skip

    def normalize_spans(
        self,
        data: NDArray[np.uint8],
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        heads: NDArray[np.int64] | None = None,
        tails: NDArray[np.int64] | None = None,
        mode: int = 0,
        out: NDArray[np.uint8] | None = None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8]]:
        """Normalize spans of bytes; see `arabench.text.compiled.kernel.normalize_rows`.

        Args:
            data: (bytes,) uint8.
            starts, ends: (rows,) int64.
            heads, tails: (rows, 2) int64 or None.
            mode: PLAIN, AS_JSON or AS_LINE of the kernel.
            out: (capacity,) uint8 to write to; another is made where it is too small.

        Returns:
            (out, out_ends, status): uint8 cut to what was written, (rows,) int64 ends of the
            rows in it, and (rows,) uint8 status bits.
        """
        import numpy as np

        from arabench.text.compiled.kernel import CHANGED, mark_changed
        from arabench.text.compiled.stages import Rows

        rows = Rows(data, starts, ends, np.zeros(len(starts), dtype=np.uint8))
        for stage in self._stages:
            rows = stage.run(rows)
        out, out_ends, status = self._last.write(rows, data, heads, tails, mode, out)
        if self._stages:
            # The last pass knows only what it changed itself.
            status = rows.status | (status & ~np.uint8(CHANGED))
            none = np.empty((0, 2), dtype=np.int64)
            heads, tails = (none, none) if heads is None else (heads, tails)
            mark_changed(data, heads, starts, ends, tails, out, out_ends, status, mode)
        return out, out_ends, status
