"""datatrove: a pipeline step that normalizes `Document.text`.

from arabench.engines.datatrove_step import NormalizeDocuments

LocalPipelineExecutor([JsonlReader("in"), NormalizeDocuments("llm"), JsonlWriter("out")])
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from arabench.engines.worker import as_options, engine_for, normalize_texts
from arabench.errors import UsageError, require_extra
from arabench.text.normalizer import Normalizer
from arabench.text.options import Options

if TYPE_CHECKING:
    from datatrove.data import Document

#: Documents held at once. The compiled engine works on batches: at a few hundred short
#: documents the cost of one call no longer shows.
BATCH_DOCS: Final = 1024
#: Characters held at once (one longer document may exceed it): bounds memory on long documents.
BATCH_CHARS: Final = 4 << 20


class NormalizeDocuments:
    """Rewrites the text of documents in batches; id, media and metadata stay, and their order.

    A `PipelineStep` to datatrove (its stats are merged and saved like any other's), without
    importing datatrove before one is made. Pickles to its settings and counts, so every
    executor can send it.
    """

    type = "✂️ - FORMAT"
    name = "Arabic normalization"

    def __init__(
        self,
        options: Options | str = "llm",
        batch_docs: int = BATCH_DOCS,
        batch_chars: int = BATCH_CHARS,
    ) -> None:
        """A step for `options`.

        Args:
            options: normalization options, or the name of a preset.
            batch_docs: documents held at once.
            batch_chars: characters held at once.

        Raises:
            MissingExtraError: datatrove is not installed.
            UsageError: unknown preset, or an impossible number.
        """
        require_extra("datatrove", "datatrove")
        from datatrove.pipeline.base import PipelineStep
        from datatrove.utils.stats import Stats

        for name, value in (("batch_docs", batch_docs), ("batch_chars", batch_chars)):
            if value < 1:
                raise UsageError(f"{name}={value} is not allowed. Use 1 or more.")
        PipelineStep.register(type(self))  # for isinstance, in the process that runs executors
        self.options = as_options(options)
        self.signature = Normalizer(self.options).signature
        self.batch_docs = batch_docs
        self.batch_chars = batch_chars
        self.stats = Stats(repr(self))

    def __repr__(self) -> str:
        return f"{self.type}: {self.name}"

    def run(
        self, data: Iterable[Document] | None, rank: int = 0, world_size: int = 1
    ) -> Iterator[Document]:
        """The documents of `data` with their text normalized.

        Args:
            data: a document whose text is None is handed on as it is.
            rank: not used; part of datatrove's protocol.
            world_size: not used; part of datatrove's protocol.
        """
        engine = engine_for(self.options)
        for documents in self._batches(data or ()):
            before = [document.text for document in documents]
            self.stats.time_stats.unit = "batch"
            with self.stats.time_stats:
                after = normalize_texts(before, engine)
            changed = 0
            for document, old, new in zip(documents, before, after, strict=True):
                if new != old:
                    document.text = new
                    changed += 1
            self._count("total", len(documents))
            self._count("changed", changed)
            self._count("chars_in", sum(len(text) for text in before if text is not None))
            self._count("chars_out", sum(len(text) for text in after if text is not None))
            yield from documents

    __call__ = run

    def _batches(self, data: Iterable[Document]) -> Iterator[list[Document]]:
        waiting: list[Document] = []
        chars = 0
        for document in data:
            waiting.append(document)
            chars += len(document.text or "")
            if len(waiting) >= self.batch_docs or chars >= self.batch_chars:
                yield waiting
                waiting, chars = [], 0
        if waiting:
            yield waiting

    def _count(self, label: str, value: int) -> None:
        self.stats[label].update(value, "batch")
