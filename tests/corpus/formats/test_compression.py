"""Compressed files: read whole or refused, written in members that threads can make."""

from __future__ import annotations

import bz2
import collections
import gzip
import io
import lzma
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, cast, get_args

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabench.corpus.formats import compression, lines
from arabench.corpus.formats.compression import ByteSource, CompressedWriter, compress_block
from arabench.corpus.formats.lines import line_blocks
from arabench.corpus.formats.names import CODEC_SUFFIXES, Codec
from arabench.corpus.formats.readers import read_batches
from arabench.errors import DataError

CODECS: tuple[Codec, ...] = get_args(Codec)
SUFFIX = {codec: suffix for suffix, codec in CODEC_SUFFIXES.items()}
LINES = "".join(f"سطر رقم {number} من نص طويل\n" for number in range(20_000)).encode()


def zstd_compress(data: bytes) -> bytes:
    return cast(bytes, pa.Codec("zstd").compress(data, asbytes=True))


def zstd_decompress(data: bytes) -> bytes:
    return cast(bytes, pa.CompressedInputStream(pa.BufferReader(data), "zstd").read())


#: Made and read by other code than ours.
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd_compress,
}
DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "bz2": bz2.decompress,
    "xz": lzma.decompress,
    "zstd": zstd_decompress,
}


def read_all(path: Path, codec: Codec, size: int = 1000) -> bytes:
    with ByteSource(str(path), codec) as source:
        parts = []
        while part := source.read(size):
            parts.append(part)
        assert source.consumed == path.stat().st_size
        return b"".join(parts)


def iter_parts(path: Path, codec: Codec) -> Iterator[bytes]:
    with ByteSource(str(path), codec) as source:
        while part := source.read(1 << 16):
            yield part


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [7, 4096, 1 << 22])
def test_file_of_another_tool_is_read_whole(tmp_path: Path, codec: Codec, size: int) -> None:
    file = tmp_path / "a"
    file.write_bytes(COMPRESS[codec](LINES))
    assert read_all(file, codec, max(size, 1000)) == LINES


@pytest.mark.parametrize("codec", CODECS)
def test_joined_members_are_one_file(tmp_path: Path, codec: Codec) -> None:
    file = tmp_path / "a"
    file.write_bytes(COMPRESS[codec](b"a\n") + COMPRESS[codec](b"") + COMPRESS[codec](LINES))
    assert read_all(file, codec) == b"a\n" + LINES


def test_zeros_between_xz_streams_are_padding(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(lzma.compress(b"a\n") + bytes(8) + lzma.compress(b"b\n") + bytes(4))
    assert read_all(file, "xz") == b"a\nb\n"


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("part", [0.3, 0.5, 0.999])
def test_file_cut_in_the_middle_is_refused_by_name_and_line(
    tmp_path: Path, codec: Codec, part: float
) -> None:
    whole = COMPRESS[codec](LINES)
    file = tmp_path / f"a.txt{SUFFIX[codec]}"
    file.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(DataError, match=r"a\.txt.*' is cut short.*line \d+ was the last whole"):
        list(read_batches(str(file), "txt", "text"))


@pytest.mark.parametrize("codec", CODECS)
def test_damage_is_found_by_the_checksum(tmp_path: Path, codec: Codec) -> None:
    damaged = bytearray(compress_block(LINES, codec))
    middle = len(damaged) // 2
    damaged[middle : middle + 64] = bytes(64)
    file = tmp_path / "a"
    file.write_bytes(damaged)
    with pytest.raises(DataError, match=r"'.*a' is (damaged|cut short)"):
        read_all(file, codec)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("behind", [b"", b"text\n"])
def test_what_is_no_such_data_is_refused(tmp_path: Path, codec: Codec, behind: bytes) -> None:
    file = tmp_path / "a"
    file.write_bytes((COMPRESS[codec](b"a\n") if behind else b"plain ") + b"text behind it\n")
    with pytest.raises(DataError, match=f"is damaged or no {codec} data|is cut short"):
        read_all(file, codec)


@pytest.mark.parametrize("codec", CODECS)
def test_bomb_is_stopped_before_it_fills_memory(
    tmp_path: Path, codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "EXPANSION_FREE_BYTES", 1 << 20)
    monkeypatch.setattr(compression, "MAX_EXPANSION", 100)
    file = tmp_path / "a"
    file.write_bytes(COMPRESS[codec](b"\n" * (32 << 20)))
    parts = iter_parts(file, codec)
    with pytest.raises(DataError, match=r"expands more than 100 times.*decompression bomb"):
        collections.deque(parts, maxlen=0)


def test_much_repeated_text_below_the_limit_is_no_bomb(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(zstd_compress(b"\n" * (32 << 20)))
    assert file.stat().st_size * compression.MAX_EXPANSION < 32 << 20
    assert len(read_all(file, "zstd", 1 << 20)) == 32 << 20


def test_xz_stream_that_asks_for_much_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "XZ_MEMORY_BYTES", 1 << 20)
    file = tmp_path / "a"
    file.write_bytes(lzma.compress(LINES, preset=6))
    with pytest.raises(DataError, match="needs more than"):
        read_all(file, "xz")


def test_endless_line_is_refused_before_it_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 100_000)
    file = tmp_path / "a"
    file.write_bytes(b"a\n" + b"x" * 300_000)
    with ByteSource(str(file)) as source, pytest.raises(DataError, match=r"line 2 of .* longer"):
        list(line_blocks(source, 4096))
    file.write_bytes(b"a\n" + b"x" * 90_000 + b"\n")
    with ByteSource(str(file)) as source:
        assert b"".join(block.data for block in line_blocks(source, 4096)) == file.read_bytes()


@given(
    data=st.lists(st.sampled_from([b"", b"\n", b"a\n", b"\r\n", b"xyz", b"\n\n", b"long" * 9])),
    size=st.integers(1, 20),
)
def test_blocks_are_whole_lines_and_join_to_the_file(data: list[bytes], size: int) -> None:
    content = b"".join(data)
    source = ByteSource.__new__(ByteSource)
    source.name, source.codec = "a", None
    source._file = source._stream = compression._Counted(io.BytesIO(content))
    blocks = list(line_blocks(source, size))
    assert b"".join(block.data for block in blocks) == content
    assert sum(block.consumed for block in blocks) == len(content)
    before = b""
    for block in blocks:
        assert block.first_line == before.count(b"\n") + 1
        assert block.data.endswith(b"\n") or block is blocks[-1]
        before += block.data


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("cuts", [1, 3, 1000])
def test_written_members_are_read_by_other_tools(codec: Codec, cuts: int) -> None:
    target = io.BytesIO()
    writer = CompressedWriter(target, codec)
    for start in range(0, len(LINES), len(LINES) // cuts):
        piece = LINES[start : start + len(LINES) // cuts]
        assert writer.write(memoryview(piece)) == len(piece)
    writer.finish()
    assert DECOMPRESS[codec](target.getvalue()) == LINES


def test_members_do_not_depend_on_how_writes_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "MEMBER_BYTES", 50_000)
    written = []
    for step in (1_000_000, 7919, 50_000):
        target = io.BytesIO()
        writer = CompressedWriter(target, "zstd")
        for start in range(0, len(LINES), step):
            writer.write(LINES[start : start + step])
        writer.finish()
        written.append(target.getvalue())
    assert written[0] == written[1] == written[2]
    assert zstd_decompress(written[0]) == LINES


@pytest.mark.parametrize("codec", CODECS)
def test_output_of_nothing_is_a_valid_file(codec: Codec) -> None:
    target = io.BytesIO()
    CompressedWriter(target, codec).finish()
    assert target.getvalue()
    assert DECOMPRESS[codec](target.getvalue()) == b""


@pytest.mark.parametrize("codec", CODECS)
def test_blocks_compressed_by_threads_make_one_file_with_written_text(codec: Codec) -> None:
    pieces = [LINES[start : start + 100_000] for start in range(0, len(LINES), 100_000)]
    with ThreadPoolExecutor(4) as pool:
        members = list(pool.map(lambda piece: compress_block(piece, codec), pieces))
    assert members == [compress_block(piece, codec) for piece in pieces]
    target = io.BytesIO()
    writer = CompressedWriter(target, codec)
    writer.write(b"before\n")
    for member in members:
        writer.write_member(member)
    writer.write(b"after\n")
    writer.finish()
    assert DECOMPRESS[codec](target.getvalue()) == b"before\n" + LINES + b"after\n"


@pytest.mark.parametrize("tool", ["gzip", "zstd", "bzip2", "xz"])
def test_command_line_tool_accepts_what_is_written(tmp_path: Path, tool: str) -> None:
    codec = cast(Codec, {"bzip2": "bz2"}.get(tool, tool))
    target = io.BytesIO()
    writer = CompressedWriter(cast(IO[bytes], target), codec)
    writer.write_member(compress_block(b"a\n", codec))
    writer.write(b"b\n")
    writer.finish()
    try:
        result = subprocess.run([tool, "-dc"], input=target.getvalue(), capture_output=True)
    except FileNotFoundError:
        pytest.skip(f"{tool} is not installed")
    assert (result.returncode, result.stdout) == (0, b"a\nb\n")


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl"])
@pytest.mark.parametrize("codec", ["gzip", "zstd", "xz"])
def test_compressed_file_under_a_plain_name_is_told_what_it_is(
    tmp_path: Path, name: str, codec: str
) -> None:
    file = tmp_path / name
    file.write_bytes(COMPRESS[codec](b'{"text":"a"}\n'))
    with pytest.raises(DataError, match=f"is compressed with {codec}: its name must end in"):
        list(read_batches(str(file), "txt" if name == "a.txt" else "jsonl", "text"))


def test_compressed_nothing_is_an_empty_input(tmp_path: Path) -> None:
    file = tmp_path / "a.txt.gz"
    file.write_bytes(gzip.compress(b""))
    with pytest.raises(DataError, match="is empty: there is nothing to process"):
        list(read_batches(str(file), "txt", "text"))


def test_plain_text_is_read_and_written_without_loading_arrow(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\n")
    code = (
        "import sys; from arabench.corpus.formats.readers import read_batches; "
        "from arabench.corpus.formats.writers import open_writer; "
        f"list(read_batches({str(tmp_path / 'a.txt')!r}, 'txt', 'text')); "
        "print('pyarrow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
