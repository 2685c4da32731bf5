"""Clean and normalize the text of files: lines, JSON lines, CSV, Parquet, Arrow, compressed.

Rows that cannot be read (invalid UTF-8, broken JSON) are counted and set aside in
OUT.rejects.jsonl (rejects.jsonl for -o -); the command then ends with status 1 unless
--max-rejects allows them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arabench.corpus.io_options import IoOptions
    from arabench.text.normalizer import Normalizer
    from arabench.text.rules.rule import Edit

EXAMPLES = """\
examples:
  arabench normalize tweets.txt -o clean.txt --preset llm
  arabench normalize a.jsonl b.jsonl -o clean/ --field body --preset paper
  arabench normalize corpus.parquet -o corpus.jsonl --preset llm --diacritics shadda
  arabench normalize 'crawl/**/*.jsonl.zst' -o clean/ --markup strip --workers 4
  arabench normalize tweets.csv -o tweets.parquet --mentions tag --urls tag --hashtags split
  arabench normalize posts.jsonl -o tagged.jsonl --tag-dialect
  zcat dump.txt.gz | arabench normalize - -o - --preset search > keys.txt
  arabench normalize corpus.jsonl --explain-report what-changes.html
  echo 'كتـــابٌ' | arabench normalize - --explain --preset paper
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Paths, preset and one option per normalization field."""
    from arabench.cli.files import add_file_arguments
    from arabench.text.options import option_docs, option_hints
    from arabench.text.presets import presets

    add_file_arguments(parser)
    parser.add_argument("--preset", default="llm", help=f"one of {', '.join(presets())} [llm]")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="write no output; show for each text which rule changed what",
    )
    parser.add_argument("--json", action="store_true", help="with --explain: JSON lines")
    parser.add_argument(
        "--explain-report",
        metavar="FILE",
        help="write no output; write what each rule does to the corpus as FILE.html or FILE.json",
    )
    parser.add_argument(
        "--engine",
        choices=["local", "ray"],
        default="local",
        help="ray: one Ray task per input file, OUT is a folder [local]",
    )
    parser.add_argument(
        "--ray-address",
        metavar="ADDR",
        help="with --engine ray: host:port of a running Ray, or auto [a Ray started here]",
    )
    parser.add_argument("--list-presets", action="store_true", help="show the presets and end")
    parser.add_argument(
        "--tag-dialect",
        action="store_true",
        help="add a field `variety`: what `arabench dialect` says of the text that came in",
    )
    parser.add_argument(
        "--variety-field", metavar="NAME", help="with --tag-dialect: name of the field [variety]"
    )
    parser.add_argument(
        "--dialect-model",
        metavar="FILE",
        help="with --tag-dialect: a model file [the one in the package]",
    )
    group = parser.add_argument_group("options that override the preset")
    docs = option_docs()
    for name, hint in option_hints().items():
        flag = f"--{name.replace('_', '-')}"
        group.add_argument(
            flag, dest=f"option_{name}", metavar=hint, help=docs[name].replace("%", "%%")
        )


def run(options: argparse.Namespace) -> int:
    """Normalize, explain, or list presets."""
    from arabench.text.normalizer import Normalizer
    from arabench.text.options import option_hints
    from arabench.text.presets import options_from

    if options.list_presets:
        return _list_presets()
    from arabench.cli.files import check_inputs
    from arabench.errors import UsageError

    check_inputs(options)
    overrides = {
        name: value
        for name in option_hints()
        if (value := getattr(options, f"option_{name}")) is not None
    }
    normalizer = Normalizer(options_from(options.preset, overrides))
    if options.explain and options.output:
        raise UsageError("--explain writes no output. Leave out -o, or leave out --explain.")
    if options.json and not options.explain:
        raise UsageError("--json belongs to --explain. Add --explain, or leave out --json.")
    if options.ray_address and options.engine != "ray":
        raise UsageError("--ray-address belongs to --engine ray. Add it, or leave out the address.")
    _check_tag_dialect(options)
    if options.explain_report:
        _check_explain_report(options)
        return _explain_corpus(options, normalizer)
    if options.explain:
        if options.engine != "local":
            raise UsageError("--explain runs here. Leave out --engine, or leave out --explain.")
        return _explain(options, normalizer)
    return _normalize(options, normalizer)


def _check_tag_dialect(options: argparse.Namespace) -> None:
    from arabench.errors import UsageError

    if not options.tag_dialect:
        for flag in ("--variety-field", "--dialect-model"):
            if getattr(options, flag[2:].replace("-", "_")) is not None:
                raise UsageError(f"{flag} belongs to --tag-dialect. Add it, or leave out {flag}.")
    elif options.explain or options.explain_report or options.engine != "local":
        raise UsageError(
            "--tag-dialect writes rows here. Leave out --explain, --explain-report and --engine."
        )


def _check_explain_report(options: argparse.Namespace) -> None:
    from arabench.errors import UsageError

    if options.output or options.explain or options.engine != "local":
        raise UsageError(
            "--explain-report reads and reports here and writes no other output. "
            "Leave out -o, --explain and --engine."
        )
    if not options.explain_report.endswith((".html", ".json")):
        raise UsageError(
            f"--explain-report {options.explain_report!r} is of no known kind. "
            "Use FILE.html or FILE.json."
        )


def _list_presets() -> int:
    from arabench.files.standard_output import standard_output
    from arabench.text.presets import presets

    lines = []
    for name, values in presets().items():
        chosen = " ".join(f"{key}={value}" for key, value in values.items() if key != "description")
        lines.append(f"{name}: {values['description']}\n    {chosen or '(keeps everything)'}\n")
    with standard_output() as stream:
        stream.write("".join(lines).encode("utf-8"))
    return 0


def _normalize(options: argparse.Namespace, normalizer: Normalizer) -> int:
    from arabench.cli.files import find_inputs, input_progress, io_options, report

    io = io_options(options)
    if options.tag_dialect:
        return _normalize_and_tag(options, normalizer, io)
    inputs = find_inputs(options)
    with input_progress("normalize", inputs) as advance:
        if options.engine == "ray":
            from arabench.engines.ray_data import run_with_ray

            summary = run_with_ray(
                inputs, options.output, normalizer, io, advance, address=options.ray_address
            )
        else:
            from arabench.corpus.steps.normalize import normalize_files

            summary = normalize_files(inputs, options.output, normalizer, io, advance)
    return report(summary, normalizer.signature, options.max_rejects)


def _normalize_and_tag(options: argparse.Namespace, normalizer: Normalizer, io: IoOptions) -> int:
    """Normalize, with the variety of each text in one more field."""
    from arabench.cli.files import find_inputs, input_progress, report
    from arabench.corpus.steps.dialect.fields import VARIETY_FIELD
    from arabench.corpus.steps.dialect.tags import tag_files
    from arabench.corpus.steps.normalize import NormalizeStep
    from arabench.dialect.identification import Identifier
    from arabench.dialect.model import load_model

    model = None if options.dialect_model is None else load_model(options.dialect_model)
    identifier = Identifier(model)
    step = NormalizeStep(normalizer, io.text_field)
    name = options.variety_field or VARIETY_FIELD
    inputs = find_inputs(options)
    with input_progress("normalize", inputs) as advance:
        summary, signature = tag_files(inputs, options.output, step, io, identifier, name, advance)
    return report(summary, signature, options.max_rejects)


def _explain_corpus(options: argparse.Namespace, normalizer: Normalizer) -> int:
    """Write which rules change what in a whole corpus, as a page or as JSON."""
    from arabench.audit.explain import explain_files
    from arabench.audit.reading import plan_reading
    from arabench.cli.console import byte_progress, say
    from arabench.cli.files import check_inputs
    from arabench.files.atomic import write_text_atomically

    check_inputs(options)
    target = options.explain_report
    plan = plan_reading(options.inputs, options.input_format)
    with byte_progress("explain", plan.total_bytes) as advance:
        found = explain_files(
            plan,
            normalizer,
            text_field=options.field,
            input_format=options.input_format,
            on_bytes=advance,
        )
    text = found.to_json() if target.endswith(".json") else found.to_html()
    write_text_atomically(target, text if isinstance(text, str) else text.decode("utf-8"))
    say(f"wrote {target}")
    return 0


def _explain(options: argparse.Namespace, normalizer: Normalizer) -> int:
    from arabench.audit.reading import plan_reading
    from arabench.cli.console import say
    from arabench.corpus.formats.readers import read_batches
    from arabench.errors import DataError
    from arabench.files.standard_output import standard_output

    plan = plan_reading(options.inputs, options.input_format)
    rejected = 0
    with standard_output() as stream:
        for file, file_format, codec in plan.sources:
            for batch in read_batches(file.path, file_format, options.field, codec=codec):
                texts = [row[options.field] for row in batch.rows]
                stream.write(
                    b"".join(
                        _explanation(text, normalizer, options.json)
                        for text in texts
                        if text is not None
                    )
                )
                rejected += len(batch.rejects)
                for reject in batch.rejects:
                    if options.on_error == "stop":
                        raise DataError(f"{reject.file}:{reject.line}: {reject.reason}.")
                    say(f"not explained: {reject.file}:{reject.line}: {reject.reason}")
    return 0 if rejected <= options.max_rejects else 1


def _explanation(before: str, normalizer: Normalizer, as_json: bool) -> bytes:
    import orjson

    after, edits = normalizer.explain(before)
    if not as_json:
        return _table(before, after, edits).encode("utf-8", errors="backslashreplace")
    record = {
        "before": before,
        "after": after,
        "rules": [rule.name for rule in normalizer.rules],
        "edits": [edit._asdict() for edit in edits],
    }
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _table(before: str, after: str, edits: Sequence[Edit]) -> str:
    lines = [f"before  {before}", f"after   {after}"]
    for rule, start, end, old, new in edits:
        lines.append(f"  {rule:<22} {start:>5}-{end:<5} {_codes(old)} -> {_codes(new)}")
    return "\n".join([*lines, "", ""])


def _codes(text: str) -> str:
    if not text:
        return "(nothing)"
    shown = " ".join(f"U+{ord(char):04X}" for char in text[:6])
    return f"{shown}{' ...' if len(text) > 6 else ''} {text!r}"
