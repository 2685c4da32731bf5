from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from arabench.errors import UsageError
from arabench.files.digests import (
    BLOCK_BYTES,
    digest_file,
    digest_path,
    file_sha256,
    files_below,
    files_sha256,
    new_digest,
)

#: Test vector of FIPS 180-2, appendix B.1, and XXH3 of nothing as `xxh128sum` prints it.
ABC_SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
NOTHING_XXH128 = "99aa06d3014798d86001c324468d497f"


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_published_digests(tmp_path: Path) -> None:
    abc, nothing = write(tmp_path / "abc", b"abc"), write(tmp_path / "nothing", b"")
    assert file_sha256(abc) == digest_file(str(abc), "sha256") == ABC_SHA256
    assert digest_file(str(nothing), "xxh128") == NOTHING_XXH128


@pytest.mark.parametrize("size", [BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1])
def test_files_larger_than_a_block_are_read_whole(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    file = write(tmp_path / "file", content[:size])
    assert file_sha256(file) == hashlib.sha256(content[:size]).hexdigest()


def test_several_files_count_in_the_order_of_their_paths_without_their_names(
    tmp_path: Path,
) -> None:
    first, second = write(tmp_path / "1.bin", b"a"), write(tmp_path / "2.bin", b"bc")
    assert files_sha256((second, first)) == files_sha256((first, second)) == ABC_SHA256
    assert files_sha256(()) == hashlib.sha256().hexdigest()


def test_a_folder_is_its_files_and_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    write(folder / "b" / "c", b"abc")
    write(folder / "a", b"")
    assert [file.relative_to(folder).as_posix() for file in files_below(str(folder))] == [
        "a",
        "b/c",
    ]
    lines = f"{hashlib.sha256().hexdigest()}  a\n{ABC_SHA256}  b/c\n"
    assert digest_path(str(folder), "sha256") == hashlib.sha256(lines.encode()).hexdigest()


def test_an_unknown_digest_names_those_that_are_known() -> None:
    with pytest.raises(UsageError, match=r"'sha265' is not known.*sha256"):
        new_digest("sha265")  # type: ignore[arg-type]
