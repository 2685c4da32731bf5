"""`arabench audit` as a person or a script meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arabench.cli.main import main
from tests.corpus.support import command, names, write_rows

Captured = pytest.CaptureFixture[str]
_TEXTS = [{"text": "ذهبت إلى السوق صباحا"}, {"text": "يا كلب"}, {"text": "اتصل 0501234567"}]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys: Captured, *arguments: str) -> str:
    assert main(["audit", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("arabench: error: ")
    assert "Traceback" not in err
    return err


def test_a_folder_gets_page_and_json(here: Path, capsys: Captured) -> None:
    write_rows(here / "c.jsonl", _TEXTS)
    assert main(["audit", "c.jsonl", "-o", "report/"]) == 0
    assert names(here / "report") == {"audit.html", "audit.json"}
    data = json.loads((here / "report" / "audit.json").read_text(encoding="utf-8"))
    assert data["size"]["documents"] == 3
    assert data["inputs"] == ["c.jsonl"]
    page = (here / "report" / "audit.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "0501234567" not in page
    out, err = capsys.readouterr()
    assert out == ""
    assert "3 documents audited; see report/audit.html, report/audit.json" in err


def test_a_file_gets_the_page_alone_and_json_where_it_is_asked_for(here: Path) -> None:
    write_rows(here / "c.txt", _TEXTS)
    assert main(["audit", "c.txt", "-o", "a.html"]) == 0
    assert names(here) == {"c.txt", "a.html"}
    assert main(["audit", "c.txt", "-o", "b.html", "--json", "b.json"]) == 0
    assert names(here) == {"c.txt", "a.html", "b.html", "b.json"}


def test_json_goes_to_standard_output(here: Path) -> None:
    write_rows(here / "c.parquet", [{"body": row["text"]} for row in _TEXTS])
    status, out, err = command("audit", "c.parquet", "--json", "-", "--field", "body", cwd=here)
    assert status == 0, err
    assert json.loads(out)["options"]["field"] == "body"


def test_standard_input_is_read(here: Path) -> None:
    text = "سطر أول\nسطر ثان\n".encode()
    status, out, err = command("audit", "-", "--json", "-", stdin=text, cwd=here)
    assert status == 0, err
    assert json.loads(out)["size"]["documents"] == 2


def test_folders_and_patterns_are_read(here: Path) -> None:
    (here / "corpus").mkdir()
    for name in ("a.txt", "b.jsonl"):
        write_rows(here / "corpus" / name, _TEXTS)
    for given in ("corpus", "corpus/*"):
        assert main(["audit", given, "--json", "n.json"]) == 0
        data = json.loads((here / "n.json").read_text(encoding="utf-8"))
        assert data["size"]["documents"] == 6


def test_unreadable_rows_end_with_status_one_unless_allowed(here: Path, capsys: Captured) -> None:
    (here / "c.jsonl").write_bytes('{"text": "نص"}\n{"text\n'.encode())
    assert main(["audit", "c.jsonl", "-o", "a.html"]) == 1
    assert "1 row could not be read" in capsys.readouterr().err
    assert (here / "a.html").exists()
    assert main(["audit", "c.jsonl", "-o", "a.html", "--max-rejects", "1"]) == 0


def test_another_list_of_terms(here: Path, capsys: Captured) -> None:
    write_rows(here / "c.txt", [{"text": "أكلت تفاحة وموزتين"}])
    (here / "fruit.toml").write_text(
        '[fruit]\ntitle = "Fruit"\nslurs = ["تفاحة", "موزتين"]\n', encoding="utf-8"
    )
    assert main(["audit", "c.txt", "--json", "n.json", "--terms", "fruit.toml"]) == 0
    (group,) = json.loads((here / "n.json").read_text())["sensitive_terms"]["groups"]
    assert group["slurs"]["hits"] == 2
    capsys.readouterr()
    (here / "bad.toml").write_text("fruit = ", encoding="utf-8")
    assert "no TOML file" in refused(capsys, "c.txt", "-o", "a.html", "--terms", "bad.toml")
    assert "cannot be read" in refused(capsys, "c.txt", "-o", "a.html", "--terms", "none.toml")


def test_wrong_usage_is_one_message_and_leaves_nothing(here: Path, capsys: Captured) -> None:
    write_rows(here / "c.txt", _TEXTS)
    write_rows(here / "page.html", [{"text": "x"}])
    before = names(here)
    assert "no output given" in refused(capsys, "c.txt")
    assert "no input given" in refused(capsys, "-o", "a.html")
    assert "neither FILE.html nor a folder" in refused(capsys, "c.txt", "-o", "a.pdf")
    assert "does not exist" in refused(capsys, "nothing.txt", "-o", "a.html")
    assert "0 to 25" in refused(capsys, "c.txt", "-o", "a.html", "--sample", "26")
    assert "both" in refused(capsys, "c.txt", "-o", "-", "--json", "-")
    assert "both" in refused(capsys, "c.txt", "-o", "a.html", "--json", "./a.html")
    assert "negative" in refused(capsys, "c.txt", "-o", "a.html", "--max-rejects", "-1")
    assert "also an input" in refused(
        capsys, "page.html", "--input-format", "txt", "-o", "page.html"
    )
    assert "also an input" in refused(capsys, "c.txt", "--json", "c.txt")
    assert names(here) == before


def test_an_empty_input_is_an_error_and_leaves_an_older_report(
    here: Path, capsys: Captured
) -> None:
    (here / "c.txt").touch()
    (here / "a.html").write_text("older", encoding="utf-8")
    assert main(["audit", "c.txt", "-o", "a.html"]) == 1
    assert "empty" in capsys.readouterr().err
    assert (here / "a.html").read_text(encoding="utf-8") == "older"


def test_help_shows_examples_and_loads_nothing_heavy(here: Path) -> None:
    code = (
        "import sys; from arabench.cli.main import main; status = main(['audit', '--help']); "
        "heavy = {'numpy', 'pyarrow', 'numba', 'jinja2', 'torch'} & set(sys.modules); "
        "sys.exit(f'loaded {heavy}' if heavy else status)"
    )
    import subprocess
    import sys

    root = str(Path(__file__).parent.parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "arabench audit corpus.jsonl -o audit/" in done.stdout


@pytest.mark.parametrize("command", ["audit", "contamination"])
def test_a_name_without_a_file_is_told_as_such(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, str(tmp_path / "nothing"), "-o", str(tmp_path / "out")]) == 2
    assert "does not exist" in capsys.readouterr().err
