"""Formats by name, inputs, and plans of outputs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from arabench.corpus.formats.names import format_of
from arabench.corpus.runs.inputs import InputFile, check_input, expand_inputs
from arabench.corpus.runs.output_names import plan_outputs, refuse_output_inside, side_path
from arabench.errors import DataError, UnsafeInputError, UsageError


@pytest.mark.parametrize(
    ("path", "given", "expected"),
    [
        ("a.txt", None, "txt"),
        ("a.JSONL", None, "jsonl"),
        ("a.ndjson", None, "jsonl"),
        ("a.b.parquet", None, "parquet"),
        ("-", None, "txt"),
        ("-", "jsonl", "jsonl"),
        ("a.txt", "jsonl", "jsonl"),
    ],
)
def test_format_comes_from_the_option_then_the_suffix(
    path: str, given: str | None, expected: str
) -> None:
    assert format_of(path, given) == expected


@pytest.mark.parametrize(
    ("path", "given", "message"),
    [
        ("a.doc", None, r"'a.doc'.*\.txt, \.jsonl"),
        ("a", None, "name a format"),
        ("a.txt", "jsonn", "'jsonn' is not known. Did you mean 'jsonl'"),
    ],
)
def test_unknown_format_names_the_allowed_ones(path: str, given: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        format_of(path, given)


def test_unusable_inputs_are_told_apart(tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.touch()
    for path, kind, message in [
        (str(tmp_path / "no.txt"), UsageError, "does not exist"),
        (str(tmp_path), UsageError, "is a folder"),
        (str(empty), DataError, "is empty"),
        (str(tmp_path / ("x" * 300)), UsageError, "cannot be read: File name too long"),
    ]:
        with pytest.raises(kind, match=message):
            check_input(path)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs /proc")
def test_input_that_fails_on_reading_is_unreadable() -> None:
    with pytest.raises(UsageError, match="cannot be read: Input/output error"):
        check_input("/proc/self/mem")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_input_without_permission_is_unreadable(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x")
    file.chmod(0)
    with pytest.raises(UsageError, match="cannot be read: Permission denied"):
        check_input(str(file))


def test_checking_a_pipe_takes_nothing_from_it(tmp_path: Path) -> None:
    pipe = tmp_path / "a.txt"
    os.mkfifo(pipe)
    check_input(str(pipe))  # would block if it were opened


def planned(*arguments: Any) -> list[tuple[list[str], str]]:
    """The inputs and the path of every output."""
    return [(output.sources, output.path) for output in plan_outputs(*arguments)]


def test_file_name_takes_all_inputs_in_order(tmp_path: Path) -> None:
    out = str(tmp_path / "out.jsonl")
    assert planned(["b.txt", "a.txt"], out) == [(["b.txt", "a.txt"], out)]
    assert planned(["b.txt", "-"], "-") == [(["b.txt", "-"], "-")]


@pytest.mark.parametrize("folder", ["out", "out.v2/", "new.txt/"])
def test_folder_gets_one_file_per_input(tmp_path: Path, folder: str) -> None:
    plan = planned(["x/a.txt", "y/b.jsonl"], f"{tmp_path}/{folder}")
    assert plan == [
        (["x/a.txt"], str(tmp_path / folder / "a.txt")),
        (["y/b.jsonl"], str(tmp_path / folder / "b.jsonl")),
    ]


def test_existing_folder_with_a_known_suffix_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "out.txt").mkdir()
    plan = planned(["a.txt"], str(tmp_path / "out.txt"))
    assert plan == [(["a.txt"], str(tmp_path / "out.txt" / "a.txt"))]


def test_files_in_a_folder_take_the_suffix_of_the_format_asked_for() -> None:
    plan = planned(["a.txt", "b.ndjson", "c.jsonl"], "out", "jsonl")
    assert [target for _, target in plan] == ["out/a.jsonl", "out/b.ndjson", "out/c.jsonl"]


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        (["x/a.txt", "y/a.txt"], "out", "several inputs would be written to 'out/a.txt'"),
        (["a.txt", "a.txt"], "out", "several inputs"),
        (["a.jsonl", "a.jsonl.rejects.jsonl"], "out", "several inputs"),
        (["-"], "out", "standard input needs an output file"),
        (["a.txt"], "out.doc", "cannot tell the format of 'out.doc'"),
    ],
)
def test_plan_refuses(inputs: list[str], output: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan_outputs(inputs, output)


def test_converted_names_that_collide_are_refused() -> None:
    with pytest.raises(UsageError, match=r"several inputs would be written to 'out/a.parquet'"):
        plan_outputs(["a.txt", "a.jsonl"], "out", "parquet")


def test_output_that_is_an_input_is_refused_under_any_name(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x")
    (tmp_path / "link.txt").symlink_to(file)
    for output in (file, tmp_path / "link.txt", tmp_path, tmp_path / "." / "a.txt"):
        with pytest.raises(UsageError, match="is also an input"):
            plan_outputs([str(file)], str(output))


def test_rejects_file_that_is_an_input_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl.rejects.jsonl"
    file.write_text("{}")
    with pytest.raises(UsageError, match=r"rows set aside.*is also an input"):
        plan_outputs([str(file)], str(tmp_path / "out.jsonl"))


def test_plain_file_of_unknown_format_is_not_taken_for_a_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("precious")
    with pytest.raises(UsageError, match="is a file whose format"):
        plan_outputs(["a.txt"], str(tmp_path / "out"))


def test_rejects_lie_beside_a_file_and_here_for_streams() -> None:
    assert plan_outputs(["a.txt"], "x/b.txt")[0].side_path("rejects") == "x/b.txt.rejects.jsonl"
    for device in ("-", "/dev/null"):
        assert plan_outputs(["a.txt"], device)[0].side_path("rejects") == "rejects.jsonl"
    assert side_path("x/a.txt", "rejects", to_device=False) == "x/a.txt.rejects.jsonl"
    assert side_path("-", "rejects", to_device=True) == "rejects.jsonl"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `data` in the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "b.jsonl", "a.txt", "c.jsonl.zst", "x/d.jsonl", "x/y/e.parquet", "x/y/f.TXT.gz",
        "README.md", "x/Makefile", ".hidden.txt", ".git/g.txt", "x/.h.jsonl",
        "a.txt.rejects.jsonl", "x/d.jsonl.dropped.jsonl", "a.txt.manifest.json",
        ".a.txt.77.partial", "b.jsonl.partial",
    ):  # fmt: skip
        file = tmp_path / "data" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    return tmp_path


def found(*inputs: str, given_format: str | None = None) -> list[str]:
    return [file.path for file in expand_inputs(inputs, given_format).files]


ALL = ["data/a.txt", "data/b.jsonl", "data/c.jsonl.zst", "data/x/d.jsonl", "data/x/y/e.parquet",
       "data/x/y/f.TXT.gz"]  # fmt: skip


@pytest.mark.parametrize("name", ["data", "data/", "./data", "x/../data"])
def test_folder_stands_for_all_data_in_it_in_order(tree: Path, name: str) -> None:
    (tree / "x").mkdir()
    inputs = expand_inputs([name])
    assert [os.path.normpath(file.path) for file in inputs.files] == ALL
    assert [file.relative for file in inputs.files] == [path[5:] for path in ALL]
    assert inputs.notes == [
        f"{Path(name)}: files of unknown format were left out (1 x .md, 1 x no suffix)"
    ]


def test_given_format_takes_files_of_any_suffix(tree: Path) -> None:
    assert set(found("data", given_format="txt")) == {*ALL, "data/README.md", "data/x/Makefile"}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("data/*.jsonl", ["data/b.jsonl"]),
        ("data/*", ALL[:3]),
        ("data/**/*.jsonl*", ["data/b.jsonl", "data/c.jsonl.zst", "data/x/d.jsonl"]),
        ("data/**/x/**", ALL[3:]),
        ("data/**", ALL),
        ("data/?.txt", ["data/a.txt"]),
        ("data/[bc].*", ["data/b.jsonl", "data/c.jsonl.zst"]),
        ("*/x/*.jsonl", ["data/x/d.jsonl"]),
        ("**/*.parquet", ["data/x/y/e.parquet"]),
    ],
)
def test_pattern_stands_for_the_data_it_matches(
    tree: Path, pattern: str, expected: list[str]
) -> None:
    assert found(pattern) == expected
    assert found(str(tree / pattern)) == [str(tree / path) for path in expected]


def test_place_in_the_output_begins_behind_the_fixed_part_of_a_pattern(tree: Path) -> None:
    (file,) = expand_inputs(["data/x/*/*.parquet"]).files
    assert file == InputFile("data/x/y/e.parquet", "y/e.parquet")


def test_existing_file_is_no_pattern(tree: Path) -> None:
    (tree / "a[1].txt").write_text("x")
    (tree / "a1.txt").write_text("x")
    assert found("a[1].txt") == ["a[1].txt"]
    assert found("a[!x].txt") == ["a1.txt"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("data/*.csv", r"nothing matches 'data/\*.csv'"),
        ("gone/**", "nothing matches 'gone/"),
        ("void", r"folder 'void' holds no file.*1 x .md.*--input-format"),
    ],
)
def test_folder_or_pattern_of_nothing_is_refused(tree: Path, name: str, message: str) -> None:
    (tree / "void").mkdir()
    (tree / "void" / "a.md").write_text("x")
    with pytest.raises(UsageError, match=message):
        expand_inputs([name])


def test_links_to_folders_are_told_and_not_followed(tree: Path) -> None:
    (tree / "data" / "x" / "loop").symlink_to(tree / "data")
    (tree / "data" / "self").symlink_to("self")
    (tree / "data" / "z.txt").symlink_to(tree / "data" / "a.txt")
    for name in ("data", "data/**"):
        inputs = expand_inputs([name])
        assert [file.path for file in inputs.files] == [*ALL, "data/z.txt"]
        assert any("not followed (data/x/loop)" in note for note in inputs.notes)
    (tree / "link").symlink_to(tree / "data")
    assert found("link/*.txt") == ["link/a.txt", "link/z.txt"]


def test_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    for name, target in (("gone.txt", "nowhere"), ("loop.txt", "loop.txt")):
        (tmp_path / name).symlink_to(target)
        with pytest.raises(UsageError, match="is a link that leads nowhere"):
            check_input(str(tmp_path / name))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_folder_that_cannot_be_searched_is_named(tree: Path) -> None:
    (tree / "data" / "x").chmod(0)
    with pytest.raises(UsageError, match="folder 'data/x' cannot be read"):
        expand_inputs(["data"])


def test_sizes_of_inputs_are_known_but_not_of_streams(tree: Path) -> None:
    assert InputFile("data/a.txt", "a.txt").bytes_on_disk() == 1
    assert InputFile("-", "-").bytes_on_disk() is None
    os.mkfifo("pipe.txt")
    assert InputFile("pipe.txt", "pipe.txt").bytes_on_disk() is None


# -- outputs of folders


def test_folder_of_outputs_mirrors_the_folder_of_inputs(tree: Path) -> None:
    plan = planned(expand_inputs(["data"]).files, "out")
    assert [target for _, target in plan] == [f"out/{path[5:]}" for path in ALL]
    plan = planned(expand_inputs(["data/**/*.jsonl*"]).files, "out", "txt.gz")
    assert [target for _, target in plan] == ["out/b.txt.gz", "out/c.txt.gz", "out/x/d.txt.gz"]


def test_same_place_in_two_folders_collides_before_any_work(tree: Path) -> None:
    (tree / "more" / "x").mkdir(parents=True)
    (tree / "more" / "x" / "d.jsonl").write_text("x")
    with pytest.raises(UsageError, match=r"several inputs would be written to 'out/x/d.jsonl'"):
        plan_outputs(expand_inputs(["data", "more"]).files, "out")


def test_compressed_and_plain_name_collide_where_a_format_is_asked_for(tree: Path) -> None:
    (tree / "data" / "b.jsonl.gz").write_text("x")
    assert len(plan_outputs(expand_inputs(["data"]).files, "out")) == len(ALL) + 1
    with pytest.raises(UsageError, match=r"several inputs would be written to 'out/b\.jsonl'"):
        plan_outputs(expand_inputs(["data"]).files, "out", "jsonl")


@pytest.mark.parametrize("relative", ["../a.txt", "x/../../a.txt", "/etc/a.txt"])
def test_name_that_climbs_out_of_the_output_is_refused(tree: Path, relative: str) -> None:
    with pytest.raises(UnsafeInputError, match="outside of the folder 'out'"):
        plan_outputs([InputFile("data/a.txt", relative)], "out")


def test_link_that_leads_out_of_the_output_is_refused(tree: Path) -> None:
    (tree / "out").mkdir()
    (tree / "elsewhere").mkdir()
    (tree / "out" / "x").symlink_to(tree / "elsewhere")
    with pytest.raises(UnsafeInputError, match=r"'out/x/d.jsonl' would be written outside"):
        plan_outputs(expand_inputs(["data"]).files, "out")


@pytest.mark.parametrize("output", ["data", "data/clean", "data/x/all.jsonl", "./x/../data/o"])
def test_output_in_a_folder_of_inputs_is_refused(tree: Path, output: str) -> None:
    with pytest.raises(UsageError, match="lies in the input folder 'data'"):
        refuse_output_inside(["data"], output)


@pytest.mark.parametrize("output", ["-", "/dev/null", "out", "data2/x", "datax"])
def test_output_beside_a_folder_of_inputs_is_fine(tree: Path, output: str) -> None:
    refuse_output_inside(["data"], output)
