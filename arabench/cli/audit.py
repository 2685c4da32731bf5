"""Audit a corpus: one page (and JSON) about what is in it and what may be wrong with it.

Scripts, languages and Arabizi, the dialect mix, diacritics, letter variants, length, broken
text, exact duplicates, personal data (masked in all samples) and sensitive terms. One
pass; files are never changed. Rows that cannot be read are counted in the report; the
command then ends with status 1 unless --max-rejects allows them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from arabench.audit.dialects import DialectMix
    from arabench.audit.run import AuditReport
    from arabench.audit.sensitive_terms import Group

EXAMPLES = """\
examples:
  arabench audit corpus.jsonl -o audit/             # audit/audit.html and audit/audit.json
  arabench audit a.parquet b.parquet -o report.html --field body
  arabench audit tweets.txt --json -                # numbers on standard output
  zcat dump.txt.gz | arabench audit - -o dump.html --sample 10
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Paths, field, samples."""
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="files, folders, or - for stdin")
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="a page FILE.html, or a folder for page and JSON"
    )
    parser.add_argument("--json", metavar="FILE", help="write the numbers as JSON; - for stdout")
    parser.add_argument("--field", default="text", help="field or column of the text [text]")
    parser.add_argument(
        "--input-format", help="txt, jsonl, csv, parquet ... [by suffix; txt for -]"
    )
    parser.add_argument(
        "--sample", type=int, default=5, metavar="N", help="samples per finding, 0 to 25 [5]"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the samples [0]")
    parser.add_argument(
        "--terms", metavar="FILE.toml", help="another list of sensitive terms [the shipped one]"
    )
    parser.add_argument(
        "--no-dialect", action="store_true", help="leave the dialect mix out of the report"
    )
    parser.add_argument(
        "--dialect-model",
        metavar="FILE",
        help="another model of the dialect mix [the one in the package]",
    )
    parser.add_argument(
        "--max-rejects",
        type=int,
        default=0,
        metavar="N",
        help="end with status 0 although up to N rows could not be read [0]",
    )


def run(options: argparse.Namespace) -> int:
    """Audit the inputs and write the report."""
    from arabench.audit.reading import plan_reading
    from arabench.cli.console import byte_progress, say
    from arabench.cli.files import check_inputs

    check_inputs(options)
    page, numbers = _outputs(options)
    plan = plan_reading(options.inputs, options.input_format)
    _refuse_inputs(plan.paths, page, numbers)
    for note in plan.notes:
        say(note)

    from arabench.audit.run import AuditOptions, audit_files

    audit_options = AuditOptions(
        text_field=options.field,
        input_format=options.input_format,
        sample=options.sample,
        seed=options.seed,
        terms=_terms(options.terms),
    )
    mix = _dialect_mix(options)
    with byte_progress("audit", plan.total_bytes) as advance:
        report = audit_files(plan, audit_options, variety=mix, on_bytes=advance)
    _write(report, page, numbers)
    return _finish(report, options.max_rejects, [name for name in (page, numbers) if name])


def _outputs(options: argparse.Namespace) -> tuple[str | None, str | None]:
    """Paths of page and JSON.

    Raises:
        UsageError: neither is asked for, or a name has a wrong suffix.
    """
    from arabench.errors import UsageError
    from arabench.files.atomic import is_device

    page, numbers = options.output, options.json
    if page is None and numbers is None:
        raise UsageError("no output given. Use -o FILE.html, -o FOLDER or --json FILE.")
    if page is not None and not is_device(page):
        suffix = Path(page).suffix.lower()
        if page.endswith("/") or Path(page).is_dir() or not suffix:
            if Path(page).is_file():
                raise UsageError(f"output {page!r} is a file. Name a folder, or FILE.html.")
            folder = Path(page)
            page, numbers = str(folder / "audit.html"), numbers or str(folder / "audit.json")
        elif suffix not in (".html", ".htm"):
            raise UsageError(
                f"output {page!r} is neither FILE.html nor a folder. "
                "End the name of a folder with '/'."
            )
    if page == "-" and numbers == "-":
        raise UsageError("page and JSON cannot both go to standard output. Name a file for one.")
    return page, numbers


def _refuse_inputs(inputs: Sequence[str], page: str | None, numbers: str | None) -> None:
    from arabench.errors import UsageError
    from arabench.files.atomic import is_device

    targets = [name for name in (page, numbers) if name is not None and not is_device(name)]
    if len(targets) == 2 and Path(targets[0]).absolute() == Path(targets[1]).absolute():
        raise UsageError(f"page and JSON would both be written to {targets[0]!r}.")
    for target in targets:
        for name in inputs:
            if (
                name != "-"
                and Path(target).exists()
                and Path(name).exists()
                and Path(name).samefile(target)
            ):
                raise UsageError(f"output {target!r} is also an input. Choose another output.")


def _dialect_mix(options: argparse.Namespace) -> DialectMix | None:
    from arabench.audit.dialects import DialectMix
    from arabench.cli.console import say
    from arabench.dialect.identification import Identifier
    from arabench.dialect.model import load_model
    from arabench.errors import DataError, UsageError

    if options.no_dialect:
        if options.dialect_model is not None:
            raise UsageError("--dialect-model and --no-dialect exclude each other. Use one.")
        return None
    if options.dialect_model is not None:
        return DialectMix(Identifier(load_model(options.dialect_model)))
    try:
        return DialectMix()
    except DataError as error:  # everything else of the page needs no model
        say(f"the dialect mix is left out: {error}")
        return None


def _terms(path: str | None) -> Sequence[Group] | None:
    import tomllib

    from arabench.audit.sensitive_terms import parse_groups
    from arabench.errors import UsageError

    if path is None:
        return None
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--terms {path!r} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"--terms {path!r} is no TOML file: {error}.") from error
    return parse_groups(tables, path)


def _write(report: AuditReport, page: str | None, numbers: str | None) -> None:
    from arabench.files.atomic import atomic_writer

    # Both are made before either is written, so that no old and new file stand together.
    html = report.to_html().encode("utf-8") if page else b""
    json = report.to_json() if numbers else b""
    for path, content in ((page, html), (numbers, json)):
        if path:
            with atomic_writer(path) as stream:
                stream.write(content)


def _finish(report: AuditReport, max_rejects: int, written: list[str]) -> int:
    from arabench.cli.console import say

    size = report.data["size"]
    files = [name for name in written if name != "-"]
    say(f"{size['documents']} documents audited" + (f"; see {', '.join(files)}" if files else ""))
    if not report.rejected:
        return 0
    reasons = ", ".join(f"{n} x {reason}" for reason, n in size["unreadable_reasons"].items())
    say(
        f"{report.rejected} {'row' if report.rejected == 1 else 'rows'} could not be read "
        f"({reasons}) and {'is' if report.rejected == 1 else 'are'} in no number"
    )
    return 0 if report.rejected <= max_rejects else 1
