"""`arabench normalize` as a person or a script meets it: statuses, messages, interruptions."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arabench.cli.main import main
from arabench.text.presets import presets
from arabench.text.rules.rule import Edit, replay
from tests.corpus.support import (
    CLEAN,
    RAW,
    command,
    invalid_utf8_parquet,
    names,
    read_rows,
    start,
    write_rows,
)

HEAVY = ["torch", "lm_eval", "numba", "camel_tools", "numpy", "pyarrow", "transformers", "pandas"]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def give_stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def assert_single_message(err: str) -> None:
    assert err.count("arabench: error:") == 1, err
    assert "Traceback" not in err
    assert "ignored" not in err


def test_run_writes_and_reports_on_standard_error(here: Path, capsys: Captured) -> None:
    write_rows(here / "in.jsonl", [{"text": RAW}, {"text": None}])
    assert main(["normalize", "in.jsonl", "-o", "out.jsonl"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "2 rows read, 2 written, 1 changed, 1 null [normalize:2|" in err
    assert read_rows(here / "out.jsonl") == [{"text": CLEAN}, {"text": None}]


def test_options_override_the_preset(here: Path) -> None:
    write_rows(here / "in.txt", [{"text": "كتابٌ ١"}])
    arguments = ["--preset", "none", "--diacritics", "strip", "--digits", "latin"]
    assert main(["normalize", "in.txt", "-o", "out.txt", *arguments]) == 0
    assert read_rows(here / "out.txt") == [{"text": "كتاب 1"}]


@pytest.mark.parametrize(
    ("arguments", "data", "expected"),
    [
        ([], f"{RAW}\n".encode(), f"{CLEAN}\n"),
        ([], b"", ""),
        (["--input-format", "jsonl"], b'{"text":"a  b"}\r\n', '{"text":"a b"}\n'),
        (["--output-format", "jsonl"], b"\xef\xbb\xbfa  b", '{"text":"a b"}\n'),
        (
            ["--output-format", "jsonl", "--input-format", "jsonl", "--field", "b"],
            b'{"a":1,"b":"x  y"}',
            '{"a":1,"b":"x y"}\n',
        ),
    ],
)
def test_dash_reads_and_writes_the_standard_streams(
    here: Path, arguments: list[str], data: bytes, expected: str
) -> None:
    status, out, err = command("normalize", "-", "-o", "-", *arguments, stdin=data, cwd=here)
    assert (status, out.decode("utf-8")) == (0, expected)
    assert "rows read" in err
    assert names(here) == set()


def test_output_to_dash_has_the_format_of_the_input(here: Path, capsys: Captured) -> None:
    write_rows(here / "in.jsonl", [{"text": RAW, "n": 1}])
    assert main(["normalize", "in.jsonl", "-o", "-"]) == 0
    assert json.loads(capsys.readouterr().out) == {"text": CLEAN, "n": 1}


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["in.txt"], 2, "no output given. Use -o FILE"),
        (["-o", "x.txt"], 2, "no input given"),
        (["no.txt", "-o", "x.txt"], 2, "'no.txt' does not exist"),
        (["void", "-o", "x.txt"], 2, "folder 'void' holds no file"),
        (["in.doc", "-o", "x.txt"], 2, "cannot tell the format of 'in.doc'"),
        (["in.txt", "-o", "x.doc"], 2, "cannot tell the format of 'x.doc'"),
        (["empty.txt", "-o", "x.txt"], 1, "'empty.txt' is empty"),
        (["in.txt", "-o", "in.txt"], 2, "'in.txt' is also an input"),
        (["in.txt", "-o", "."], 2, "is also an input"),
        (["in.txt", "folder/in.txt", "-o", "out"], 2, "several inputs would be written"),
        (["-", "-o", "out"], 2, "standard input needs an output file"),
        (["in.txt", "-o", "in.doc/"], 2, "is a file whose format"),
        (["in.txt", "-o", "in.txt/x.txt"], 1, "cannot write 'in.txt/x.txt'"),
        (["in.jsonl", "-o", "x.jsonl", "--field", "boddy"], 2, "Did you mean 'body'"),
        (["in.parquet", "-o", "x.jsonl", "--field", "boddy"], 2, "Did you mean 'body'"),
        (["in.parquet", "-o", "x.parquet", "--field", "n"], 2, "is int64, not text"),
        (["in.parquet", "-o", "-"], 2, "Parquet cannot be written to '-'"),
        (["-", "-o", "x.jsonl", "--input-format", "parquet"], 2, "from standard input"),
        (["bad.parquet", "-o", "x.parquet"], 1, "'bad.parquet' is not a readable Parquet"),
        (["utf16.txt", "-o", "x.txt"], 1, "is UTF-16"),
        (["bad.jsonl", "-o", "x.jsonl", "--on-error", "stop"], 1, "bad.jsonl:2: invalid JSON"),
        (["bad.jsonl", "--explain", "--on-error", "stop"], 1, "bad.jsonl:2: invalid JSON"),
        (["in.txt", "-o", "x.txt", "--preset", "serch"], 2, "Did you mean 'search'"),
        (
            ["in.txt", "-o", "x.txt", "--digits", "roman"],
            2,
            "Allowed: arabic, extended, keep, latin",
        ),
        (["in.txt", "-o", "x.txt", "--input-format", "jsn"], 2, "'jsn' is not known"),
        (["in.txt", "-o", "x.txt", "--output-format", "jsn"], 2, "'jsn' is not known"),
        (["in.txt", "-o", "x.txt", "--explain"], 2, "--explain writes no output"),
        (["in.txt", "-o", "x.txt", "--json"], 2, "--json belongs to --explain"),
        (["in.txt", "-o", "x.txt", "--max-rejects", "-1"], 2, "is negative. Use 0 or more"),
    ],
)
def test_bad_use_and_bad_data_end_with_one_message(
    here: Path, capsys: Captured, arguments: list[str], status: int, message: str
) -> None:
    (here / "folder").mkdir()
    (here / "void").mkdir()
    for name in ("in.txt", "in.doc", "folder/in.txt"):
        (here / name).write_text("a\n")
    (here / "empty.txt").touch()
    (here / "bad.parquet").write_bytes(b"PAR1 no PAR1")
    (here / "bad.jsonl").write_text('{"text":"a"}\n{\n')
    (here / "utf16.txt").write_bytes("نص".encode("utf-16"))
    write_rows(here / "in.jsonl", [{"body": "a"}])
    write_rows(here / "in.parquet", [{"body": "a", "text": "a", "n": 1}])
    before = names(here)
    assert main(["normalize", *arguments]) == status
    err = capsys.readouterr().err
    assert_single_message(err)
    assert message in err
    assert names(here) == before
    assert (here / "in.txt").read_text() == "a\n"


@pytest.mark.parametrize(
    "arguments",
    [["--tatwel", "strip"], ["--max-rejects", "many"], ["--on-error", "ignore"], ["--preset"]],
)
def test_wrong_option_ends_with_status_2(
    here: Path, capsys: Captured, arguments: list[str]
) -> None:
    write_rows(here / "in.txt", [{"text": "a"}])
    assert main(["normalize", "in.txt", "-o", "x.txt", *arguments]) == 2
    err = capsys.readouterr().err
    assert "error:" in err
    assert arguments[0] in err
    assert names(here) == {"in.txt"}


@pytest.mark.parametrize(("allowed", "status"), [(0, 1), (1, 1), (2, 0), (9, 0)])
def test_status_says_whether_more_rows_were_set_aside_than_allowed(
    here: Path, capsys: Captured, allowed: int, status: int
) -> None:
    (here / "in.jsonl").write_bytes(b'{"text":"a"}\n{\n{"text":"\xff"}\n')
    arguments = ["in.jsonl", "-o", "out.jsonl", "--max-rejects", str(allowed)]
    assert main(["normalize", *arguments]) == status
    err = capsys.readouterr().err
    assert "2 rows could not be read (1 x invalid JSON, 1 x invalid UTF-8)" in err
    assert "set aside in out.jsonl.rejects.jsonl" in err
    assert read_rows(here / "out.jsonl") == [{"text": "a"}]


def test_rejects_of_a_stream_lie_in_the_working_folder(here: Path) -> None:
    status, out, err = command("normalize", "-", "-o", "-", stdin=b"a\n\xff\n", cwd=here)
    assert (status, out) == (1, b"a\n")
    assert "set aside in rejects.jsonl" in err
    assert [row["file"] for row in read_rows(here / "rejects.jsonl")] == ["<stdin>"]


def test_parquet_rejects_keep_the_bytes(here: Path) -> None:
    invalid_utf8_parquet(here / "in.parquet")
    assert main(["normalize", "in.parquet", "-o", "out.parquet"]) == 1
    (reject,) = read_rows(here / "out.parquet.rejects.jsonl")
    assert (reject["line"], reject["base64"]) == (2, "//4=")


def test_file_name_that_is_not_utf8_works(here: Path) -> None:
    name = os.fsdecode(b"\xff.txt")
    (here / name).write_bytes(b"a\n\xff\n")
    status, _, err = command("normalize", name, "-o", "out.txt", cwd=here)
    assert status == 1
    assert "Traceback" not in err
    assert (here / "out.txt").read_text() == "a\n"


def test_list_presets_names_every_preset_and_what_it_does(capsys: Captured) -> None:
    assert main(["normalize", "--list-presets"]) == 0
    out = capsys.readouterr().out
    for name, values in presets().items():
        assert f"{name}: {values['description']}" in out
    assert "(keeps everything)" in out
    assert "tatweel=strip" in out


def test_explain_shows_rules_places_and_code_points(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    give_stdin(monkeypatch, f"{RAW}\n".encode())
    assert main(["normalize", "-", "--explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"before  {RAW}"
    assert lines[1] == f"after   {CLEAN}"
    edits = "\n".join(lines[2:])
    assert "3-4" in edits
    assert "U+0640 'ـ' -> (nothing)" in edits
    assert "U+0020 U+0020 '  ' -> U+0020 ' '" in edits


@pytest.mark.parametrize("preset", sorted(presets()))
@pytest.mark.parametrize("suffix", ["txt", "jsonl", "parquet"])
def test_explained_json_replays_to_the_result(
    here: Path, capsys: Captured, preset: str, suffix: str
) -> None:
    texts = [RAW, "إلى ٱلمدرسةِ ﷲ ؟!", "plain", ""]
    file = write_rows(here / f"in.{suffix}", [{"text": text} for text in texts])
    assert main(["normalize", file.name, "--explain", "--json", "--preset", preset]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.split("\n")[:-1]]
    assert main(["normalize", file.name, "-o", "out.jsonl", "--preset", preset]) == 0
    results = [row["text"] for row in read_rows(here / "out.jsonl")]
    assert [record["before"] for record in records] == texts
    assert [record["after"] for record in records] == results
    for record in records:
        edits = [Edit(**edit) for edit in record["edits"]]
        assert replay(record["before"], record["rules"], edits) == record["after"]


@pytest.mark.parametrize(("allowed", "status"), [(0, 1), (1, 0)])
def test_explain_names_rows_it_could_not_read(
    here: Path, capsys: Captured, allowed: int, status: int
) -> None:
    (here / "in.txt").write_bytes(b"a\n\xff\nb\n")
    arguments = ["in.txt", "--explain", "--max-rejects", str(allowed)]
    assert main(["normalize", *arguments]) == status
    out, err = capsys.readouterr()
    assert out.count("before") == 2
    assert "not explained: in.txt:2: invalid UTF-8 at byte 0" in err


def test_explain_writes_utf8_whatever_the_locale_says(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    status, out, err = command("normalize", "-", "--explain", stdin=RAW.encode(), cwd=here)
    assert (status, err) == (0, "")
    assert f"after   {CLEAN}" in out.decode("utf-8")


def wait_for_partial(folder: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not any(name.endswith(".partial") for name in names(folder)):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
@pytest.mark.parametrize("target", ["out.txt", "out.parquet"])
@pytest.mark.parametrize("existing", [False, True])
def test_interrupted_run_leaves_only_what_was_there(
    here: Path, number: signal.Signals, target: str, existing: bool
) -> None:
    if existing:
        (here / target).write_text("before")
    arguments = ["normalize", "-", "-o", target, "--preset", "none"]
    with start(*arguments, cwd=here, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"\xff\n" + (b"a" * 999 + b"\n") * 5000)  # a slow pipe:
        process.stdin.flush()  # more than one batch is there, the end is not
        wait_for_partial(here, process)
        process.send_signal(number)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert_single_message(err.decode())
    assert "interrupted" in err.decode()
    assert names(here) == ({target} if existing else set())
    assert not existing or (here / target).read_text() == "before"


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.parametrize("target", ["out.txt", "out.jsonl", "out.parquet"])
def test_full_disk_is_reported_and_the_previous_output_stays(here: Path, target: str) -> None:
    (here / target).write_text("before")
    lines = "".join(f"{os.urandom(50).hex()}\n" for _ in range(5000))
    (here / "in.txt").write_text(lines)
    status, _, err = command("normalize", "in.txt", "-o", target, cwd=here, before=limit_file_size)
    assert status == 1
    assert_single_message(err)
    assert f"cannot write '{target}': File too large" in err
    assert (here / target).read_text() == "before"
    assert names(here) == {"in.txt", target}


def test_full_disk_under_the_rejects_keeps_the_previous_output(here: Path) -> None:
    (here / "out.txt").write_text("before")
    (here / "in.txt").write_bytes(b"a\n" + b"\xff\n" * 5000)
    status, _, err = command(
        "normalize", "in.txt", "-o", "out.txt", cwd=here, before=limit_file_size
    )
    assert status == 1
    assert_single_message(err)
    assert "cannot write 'out.txt.rejects.jsonl'" in err
    assert (here / "out.txt").read_text() == "before"
    assert names(here) == {"in.txt", "out.txt"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["-o", "-"], ["--explain"], ["--list-presets"]])
def test_full_standard_output_is_one_message(here: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        status, _, err = command("normalize", "-", *arguments, stdin=b"a\n", cwd=here, stdout=full)
    assert status == 1
    assert_single_message(err)
    assert "cannot write standard output: No space left on device" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_device_named_as_output_is_one_message(here: Path) -> None:
    write_rows(here / "in.txt", [{"text": "a"}])
    status, _, err = command("normalize", "in.txt", "-o", "/dev/full", cwd=here)
    assert status == 1
    assert_single_message(err)
    assert "cannot write '/dev/full': No space left on device" in err
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_slow_reader_gets_everything(
    here: Path, monkeypatch: pytest.MonkeyPatch, unbuffered: str
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    (here / "in.txt").write_bytes((b"a" * 999 + b"\n") * 2000)
    with start("normalize", "in.txt", "-o", "-", "--preset", "none", cwd=here) as process:
        assert process.stdout is not None
        assert process.stdin is None
        out = process.stdout.read()
    assert process.returncode == 0
    assert out == (here / "in.txt").read_bytes()


def close_early(stream: IO[bytes] | None) -> None:
    assert stream is not None
    stream.read(10)
    stream.close()


@pytest.mark.parametrize("arguments", [["-o", "-"], ["--explain"]])
def test_reader_that_leaves_early_is_no_error_message(here: Path, arguments: list[str]) -> None:
    (here / "in.txt").write_bytes((b"a" * 999 + b"\n") * 2000 + b"\xff\n")
    with start("normalize", "in.txt", "--preset", "none", *arguments, cwd=here) as process:
        close_early(process.stdout)
        assert process.stderr is not None
        err = process.stderr.read().decode()
    assert process.returncode == 1
    assert err == ""
    assert names(here) == {"in.txt"}


# Not ru_maxrss: a child starts with the peak of the process it was forked from.
PEAK = """\
import re, sys
from arabench.cli.main import main
status = main(sys.argv[1:])
print(status, int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    ("target", "preset", "limit_mib"),
    [
        ("out.jsonl", "none", 250),
        ("out.parquet", "none", 250),
        ("out.jsonl", "llm", 400),  # numba and its tables take about 100 MiB
    ],
)
def test_memory_does_not_grow_with_the_file(
    here: Path, target: str, preset: str, limit_mib: int
) -> None:
    row = {"id": 123, "text": "word " * 60, "tags": ["a", "b"], "source": {"url": "x" * 60}}
    line = json.dumps(row) + "\n"
    arguments = ["normalize", "in.jsonl", "-o", target, "--preset", preset]
    peaks_mib = []
    for megabytes in (15, 60):
        with (here / "in.jsonl").open("w") as stream:
            for _ in range(megabytes):
                stream.write(line * (1_000_000 // len(line)))
        done = subprocess.run(
            [sys.executable, "-c", PEAK, *arguments], cwd=here, capture_output=True, check=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        )  # fmt: skip
        status, peak_mib = map(int, done.stdout.split())
        assert status == 0
        peaks_mib.append(peak_mib)
    # A writer of Parquet holds row groups of 32 MiB, which the smaller file does not fill.
    assert peaks_mib[1] - peaks_mib[0] < 100
    assert peaks_mib[1] < limit_mib


@pytest.mark.parametrize(
    "code",
    [
        "import arabench",
        "from arabench.cli.main import main; main(['--help'])",
        "from arabench.cli.main import main; main(['normalize', '--help'])",
        "from arabench.cli.main import main; main(['normalize', '--list-presets'])",
    ],
)
def test_help_and_import_load_nothing_heavy(code: str) -> None:
    check = f"{code}\nimport sys\nsys.stderr.write(' '.join(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", check],
        capture_output=True,
        check=True,
        cwd=Path(__file__).parent.parent.parent,
    )
    loaded = done.stderr.decode().split()
    assert "arabench" in loaded
    assert not set(HEAVY) & set(loaded)


def test_text_is_normalized_without_loading_arrow(here: Path) -> None:
    write_rows(here / "in.txt", [{"text": "a"}])
    code = (
        "import sys; from arabench.cli.main import main\n"
        "main(['normalize', 'in.txt', '-o', 'out.jsonl']); sys.exit('pyarrow' in sys.modules)"
    )
    root = str(Path(__file__).parent.parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}
    assert subprocess.run([sys.executable, "-c", code], cwd=here, env=environment).returncode == 0


def test_help_shows_every_option_and_examples(capsys: Captured) -> None:
    assert main(["normalize", "--help"]) == 0
    out = capsys.readouterr().out
    for word in ("--field", "--max-rejects", "--explain", "--alif-maqsura", "examples:"):
        assert word in out


def test_int_column_beside_the_text_is_untouched(here: Path) -> None:
    pq.write_table(pa.table({"text": [RAW], "n": pa.array([2**63], pa.uint64())}), "in.parquet")
    assert main(["normalize", "in.parquet", "-o", "out.jsonl"]) == 0
    assert read_rows(here / "out.jsonl") == [{"text": CLEAN, "n": 2**63}]


def test_every_option_is_documented() -> None:
    from arabench.text.options import option_docs, option_hints

    assert option_docs().keys() >= option_hints().keys()


@pytest.mark.parametrize("suffix", ["html", "json"])
def test_a_corpus_is_explained(here: Path, suffix: str) -> None:
    (here / "in.txt").write_text("كتـــاب\nنص\n", encoding="utf-8")
    assert main(["normalize", "in.txt", "--explain-report", f"out.{suffix}"]) == 0
    report = (here / f"out.{suffix}").read_text(encoding="utf-8")
    assert "tatweel" in report
    assert names(here) == {"in.txt", f"out.{suffix}"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--explain-report", "out.txt"],
        ["--explain-report", "out.html", "-o", "x.txt"],
        ["--explain-report", "out.html", "--engine", "ray"],
        ["-o", "x/", "--ray-address", "auto"],
        ["--explain", "--engine", "ray"],
    ],
)
def test_reports_and_engines_that_contradict_are_refused(here: Path, arguments: list[str]) -> None:
    (here / "in.txt").write_text("نص\n", encoding="utf-8")
    assert main(["normalize", "in.txt", *arguments]) == 2
    assert names(here) == {"in.txt"}
