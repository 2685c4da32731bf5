"""Files to files: `arabench normalize` beside named peers and no-op floors.

    python tests/bench/bench_corpus.py [--data FOLDER] [--megabytes 120] [--rounds 3]
                                       [--markdown FILE]

The text is prepared once: paragraphs of Wikipedia, vocalised books and tweets in equal
bytes from FOLDER (default ../shared/data), or the packaged demo text where that is absent,
as JSON lines with three fields. Every contender reads a file and writes a file, in turns
within the same process, so that ratios hold on a noisy machine; each timed run follows an
untimed one of its own, and files are in memory (/dev/shm) where that has room. Rates are
megabytes of input (uncompressed) per CPU-second of all threads and processes, the median of the
rounds; slow peers get a part of the same file. What compiling costs is printed apart.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import random
import re
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from arabench import chars
from arabench.corpus.io_options import IoOptions
from arabench.corpus.runs.run import run_files
from arabench.corpus.steps.normalize import NormalizeStep
from arabench.text.engine import BatchNormalizer
from arabench.text.normalizer import Normalizer
from arabench.text.presets import options_from

PRESET = "llm"
#: Part of the file that peers of less than about 30 MB/s read.
SLOW_MEGABYTES = 8
#: The peer of the last column.
CAMEL = "orjson + camel-tools, work of preset search"
#: Rows are shuffled, so that no contender meets one kind of text only.
SEED = 1


@dataclass
class Contender:
    """One way from a file to a file."""

    name: str
    run: Callable[[Path, Path], None]
    source: str = "mix.jsonl"
    suffix: str = ".jsonl"
    rates: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Median megabytes per CPU-second."""
        return statistics.median(self.rates)


def corpus(data: Path) -> tuple[dict[str, list[str]], str]:
    """Texts by kind, and where they are from."""
    if not data.is_dir():
        demo = files("arabench.demo").joinpath("data")
        return {
            name: demo.joinpath(f"{name}.txt").read_text("utf-8").splitlines()
            for name in ("msa", "egy")
        }, "packaged demo text (msa, egy)"
    wiki = [
        line.split("\t", 1)[1]
        for line in (data / "wiki" / "ar.tsv").read_text("utf-8").split("\n")
        if "\t" in line
    ]
    tweets = [
        line.split("\t", 1)[1]
        for line in (data / "motaz_tweets" / "train_positive.tsv").read_text("utf-8").split("\n")
        if "\t" in line
    ]
    books = (data / "tashkeela" / "books.txt").read_text("utf-8").split("\n")
    return {"wiki": wiki, "tashkeela": books, "tweets": tweets}, "wiki, tashkeela, tweets"


def repeat(rows: list[str], size: int) -> list[str]:
    """Rows again and again until there are `size` bytes."""
    found: list[str] = []
    total = 0
    while total < size:
        for row in rows:
            found.append(row)
            total += len(row.encode())
            if total >= size:
                break
    return found


def prepare(folder: Path, data: Path, megabytes: int) -> str:
    """Write the inputs; returns what they are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds, origin = corpus(data)
    share = megabytes * 1_000_000 // len(kinds)
    rows = [(kind, text) for kind, texts in kinds.items() for text in repeat(texts, share)]
    random.Random(SEED).shuffle(rows)
    records = [{"id": n, "source": kind, "text": text} for n, (kind, text) in enumerate(rows)]
    lines = [orjson.dumps(record) + b"\n" for record in records]
    (folder / "mix.jsonl").write_bytes(b"".join(lines))
    part: list[bytes] = []
    while sum(map(len, part)) < SLOW_MEGABYTES * 1_000_000 and len(part) < len(lines):
        part += lines[len(part) : len(part) + 1000]
    (folder / "slow.jsonl").write_bytes(b"".join(part))
    vocalised = repeat(kinds.get("tashkeela", next(iter(kinds.values()))), megabytes * 500_000)
    (folder / "vocalised.jsonl").write_bytes(
        b"".join(orjson.dumps({"id": n, "text": text}) + b"\n" for n, text in enumerate(vocalised))
    )
    escaped = [json.dumps(record).encode() + b"\n" for record in records[: len(part)]]
    (folder / "escaped.jsonl").write_bytes(b"".join(escaped))
    pq.write_table(pa.Table.from_pylist(records), folder / "mix.parquet", compression="zstd")
    with pa.CompressedOutputStream(str(folder / "mix.jsonl.zst"), "zstd") as stream:
        stream.write(b"".join(lines))
    (folder / "mix.txt").write_bytes(
        b"".join(" ".join(text.split()).encode() + b"\n" for _, text in rows)
    )
    sizes = ", ".join(
        f"{name} {(folder / name).stat().st_size / 1e6:.0f} MB"
        for name in ("mix.jsonl", "slow.jsonl", "vocalised.jsonl", "mix.parquet", "mix.jsonl.zst")
    )
    return f"{origin}, equal bytes, {len(rows)} rows in the mix; {sizes}"


def arabench(workers: int = 1, preset: str = PRESET) -> Callable[[Path, Path], None]:
    """Our own command, without its start-up."""
    step = NormalizeStep(Normalizer(options_from(preset)))

    def run(source: Path, target: Path) -> None:
        run_files([str(source)], str(target), step, IoOptions(workers=workers))

    return run


def row_by_row(function: Callable[[str], str]) -> Callable[[Path, Path], None]:
    """What most people write: parse, change the text, dump."""

    def run(source: Path, target: Path) -> None:
        with source.open("rb") as lines, target.open("wb") as out:
            for line in lines:
                row = orjson.loads(line)
                row["text"] = function(row["text"])
                out.write(orjson.dumps(row) + b"\n")

    return run


def standard_library(source: Path, target: Path) -> None:
    """The best chain of the standard library: json, one translation, one substitution."""
    translate = str.maketrans(
        dict.fromkeys({chars.TATWEEL} | chars.ZERO_WIDTH | chars.BIDI_CONTROLS, None)
        | {chars.ALIF_WASLA: chars.ALIF}
        | chars.PERSIAN_TO_ARABIC
        | chars.PRESENTATION_FORMS
    )
    space = re.compile(r"\s+")
    with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as out:
        for line in lines:
            row = json.loads(line)
            row["text"] = space.sub(" ", row["text"].translate(translate)).strip()
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def parquet_floor(source: Path, target: Path) -> None:
    """Read and write Parquet, touching nothing."""
    import pyarrow.parquet as pq

    with (
        pq.ParquetFile(source) as file,
        pq.ParquetWriter(target, file.schema_arrow, compression="zstd") as writer,
    ):
        for batch in file.iter_batches(batch_size=4096):
            writer.write_batch(batch)


def zstd_floor(source: Path, target: Path) -> None:
    """Decompress and compress, touching nothing."""
    import pyarrow as pa

    with (
        pa.CompressedInputStream(str(source), "zstd") as stream,
        pa.CompressedOutputStream(str(target), "zstd") as out,
    ):
        while block := stream.read(4 << 20):
            out.write(block)


def datasets_map(function: Callable[[str], str]) -> Callable[[Path, Path], None]:
    """`datasets.map(num_proc=2)` from JSON lines to JSON lines."""

    def run(source: Path, target: Path) -> None:
        import datasets

        datasets.disable_progress_bars()
        with tempfile.TemporaryDirectory() as cache:
            loaded = datasets.load_dataset(
                "json", data_files=str(source), split="train", cache_dir=cache
            )
            done = loaded.map(_MapText(function), num_proc=2, load_from_cache_file=False)
            done.to_json(str(target), force_ascii=False)

    return run


class _MapText:
    def __init__(self, function: Callable[[str], str]) -> None:
        self._function = function

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"text": self._function(row["text"])}


def datatrove_reference(source: Path, target: Path) -> None:
    """datatrove's reader, a formatter that calls the plain reference, datatrove's writer."""
    from datatrove.data import Document
    from datatrove.pipeline.formatters.base import BaseFormatter
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    reference = Normalizer(options_from(PRESET))

    class Reference(BaseFormatter):  # type: ignore[misc]
        name = "reference"

        def format(self, text: str) -> str:
            return reference.normalize(text)

    documents: Iterator[Document] = JsonlReader(
        str(source.parent), glob_pattern=source.name, doc_progress=False
    ).run(rank=0, world_size=1)
    written = JsonlWriter(str(target.parent), output_filename=target.name, compression=None).run(
        Reference().run(documents), rank=0, world_size=1
    )
    for _ in written:
        pass


def contenders() -> list[Contender]:
    """Everything that is installed, floors first."""
    reference = Normalizer(options_from(PRESET)).normalize
    found = [
        Contender("file copy", lambda source, target: void(shutil.copyfile(source, target))),
        Contender("orjson parse + dump", row_by_row(lambda text: text)),
        Contender("Parquet read + write", parquet_floor, "mix.parquet", ".parquet"),
        Contender("zstd read + write", zstd_floor, "mix.jsonl.zst", ".jsonl.zst"),
        Contender("arabench, JSONL", arabench()),
        Contender("arabench, JSONL, preset paper", arabench(preset="paper")),
        Contender("arabench, JSONL, preset search", arabench(preset="search")),
        Contender("arabench, JSONL, vocalised books", arabench(), "vocalised.jsonl"),
        Contender("arabench, JSONL with \\u escapes", arabench(), "escaped.jsonl"),
        Contender("arabench, plain text", arabench(), "mix.txt", ".txt"),
        Contender("arabench, Parquet", arabench(), "mix.parquet", ".parquet"),
        Contender("arabench, JSONL zstd", arabench(), "mix.jsonl.zst", ".jsonl.zst"),
        Contender("orjson + the plain reference", row_by_row(reference), "slow.jsonl"),
        Contender("standard library chain", standard_library, "slow.jsonl"),
    ]
    with contextlib.suppress(ImportError):
        import pyarabic.araby as araby

        found.append(
            Contender(
                "orjson + pyarabic",
                row_by_row(
                    lambda text: araby.normalize_hamza(
                        araby.strip_tatweel(araby.strip_tashkeel(text))
                    )
                ),
                "slow.jsonl",
            )
        )
    with contextlib.suppress(ImportError):
        import datasets  # noqa: F401

        found.append(
            Contender("datasets.map(num_proc=2), reference", datasets_map(reference), "slow.jsonl")
        )
    with contextlib.suppress(ImportError):
        import datatrove  # noqa: F401

        found.append(
            Contender("datatrove + the plain reference", datatrove_reference, "slow.jsonl")
        )
    with contextlib.suppress(ImportError):
        from camel_tools.utils.charmap import CharMapper

        mapper = CharMapper.builtin_mapper("arclean")
        found.append(
            Contender("orjson + camel-tools, arclean only", row_by_row(mapper), "slow.jsonl")
        )
        found.append(Contender(CAMEL, row_by_row(camel_chain()), "slow.jsonl"))
    return found


def camel_chain() -> Callable[[str], str]:
    """What one calls of camel-tools to get what preset `search` gives."""
    from camel_tools.utils.charmap import CharMapper
    from camel_tools.utils.dediac import dediac_ar
    from camel_tools.utils.normalize import (
        normalize_alef_ar,
        normalize_alef_maksura_ar,
        normalize_teh_marbuta_ar,
        normalize_unicode,
    )

    clean = CharMapper.builtin_mapper("arclean")

    def chain(text: str) -> str:
        text = dediac_ar(clean(normalize_unicode(text)))
        text = normalize_teh_marbuta_ar(normalize_alef_maksura_ar(normalize_alef_ar(text)))
        return " ".join(text.split())

    return chain


def void(_: object) -> None:
    """Nothing."""


def cpu_seconds() -> float:
    """CPU time of this process, its threads, and its ended children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def megabytes_of(folder: Path, contender: Contender) -> float:
    """Uncompressed input: of Parquet and zstd the JSON lines that they hold."""
    name = contender.source
    if name in ("mix.parquet", "mix.jsonl.zst"):
        name = "mix.jsonl"
    return (folder / name).stat().st_size / 1e6


def measure(folder: Path, found: list[Contender], rounds: int) -> None:
    """Fill the rates, contenders taking turns."""
    for index in range(rounds):
        for contender in found:
            target = folder / f"out{contender.suffix}"
            # Once untimed: inputs and the memory for outputs are then there. On a virtual
            # machine that gives freed memory back, the first to write pays for it again.
            contender.run(folder / contender.source, target)
            target.unlink(missing_ok=True)
            started = cpu_seconds()
            contender.run(folder / contender.source, target)
            spent = cpu_seconds() - started
            contender.rates.append(megabytes_of(folder, contender) / spent)
            target.unlink(missing_ok=True)
            print(f"\r{index + 1}/{rounds} {contender.name:<40}", end="", file=sys.stderr)
    print(file=sys.stderr)


def speed_up(folder: Path, rounds: int) -> list[float]:
    """Wall-clock time of one worker over that of two, in turns."""
    one, two = arabench(1), arabench(2)
    ratios = []
    for _ in range(rounds):
        times = []
        for run in (one, two):
            run(folder / "mix.jsonl", folder / "out.jsonl")
            started = time.perf_counter()
            run(folder / "mix.jsonl", folder / "out.jsonl")
            times.append(time.perf_counter() - started)
        ratios.append(times[0] / times[1])
    return ratios


def start_up() -> tuple[float, float]:
    """Seconds until the first text is normalized: by the reference, and by the kernel."""
    began = time.perf_counter()
    Normalizer(options_from(PRESET)).normalize("نص")
    reference = time.perf_counter() - began
    began = time.perf_counter()
    BatchNormalizer(Normalizer(options_from(PRESET)), compile_after_chars=0).normalize_many(["نص"])
    return reference, time.perf_counter() - began


def table(found: list[Contender]) -> list[str]:
    """Markdown rows: rate and ratios to the peers."""
    rates = {contender.name: contender.rate for contender in found}
    floor = rates.get("orjson parse + dump")
    camel = rates.get(CAMEL)
    lines = ["| contender | MB per CPU-second | x orjson no-op | x orjson + camel-tools |"]
    lines.append("|---|---:|---:|---:|")
    for contender in found:
        to_camel = f"{contender.rate / camel:.2f}" if camel else "-"
        to_floor = f"{contender.rate / floor:.2f}" if floor else "-"
        lines.append(f"| {contender.name} | {contender.rate:.1f} | {to_floor} | {to_camel} |")
    return lines


def machine() -> str:
    """Processor, cores, versions."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    versions = ", ".join(
        f"{name} {metadata.version(name)}" for name in ("numba", "numpy", "orjson", "pyarrow")
    )
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}"


def in_memory() -> str | None:
    """A folder in memory if there is one with room: what disks do is not measured here."""
    shared = Path("/dev/shm")  # a private folder is made in it
    if shared.is_dir() and shutil.disk_usage(shared).free > 4 << 30:
        return str(shared)
    return None


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--megabytes", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--only", action="append", metavar="TEXT", help="contenders whose name holds TEXT"
    )
    parser.add_argument("--markdown", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=in_memory()) as name:
        folder = Path(name)
        what = prepare(folder, options.data, options.megabytes)
        reference, kernel = start_up()
        found = contenders()
        if options.only:
            found = [one for one in found if any(text in one.name for text in options.only)]
        for contender in found:  # load and compile before anything is timed
            contender.run(folder / contender.source, folder / f"warm{contender.suffix}")
        measure(folder, found, options.rounds)
        ratios = speed_up(folder, options.rounds)
    rates = {contender.name: contender.rate for contender in found}
    parquet = "(not measured)"
    if {"arabench, Parquet", "Parquet read + write"} <= rates.keys():
        parquet = f"{rates['arabench, Parquet'] / rates['Parquet read + write']:.0%}"
    lines = [
        f"{datetime.date.today().isoformat()}, {machine()}.",
        f"Text: {what}. Preset {PRESET}, {options.rounds} alternating rounds, medians.",
        "",
        *table(found),
        "",
        f"Parquet reaches {parquet} of its no-op floor. Two workers are "
        f"{statistics.median(ratios):.2f} times as fast as one by wall-clock time "
        f"({', '.join(f'{ratio:.2f}' for ratio in sorted(ratios))}). The first text takes "
        f"{reference * 1000:.0f} ms with the reference and {kernel * 1000:.0f} ms with the "
        "compiled engine (loading numba and cached code; compiling anew takes longer).",
    ]
    print("\n".join(lines))
    if options.markdown:
        options.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
