"""Tokenizers of language models: what they cost Arabic text, and training one.

`report` sets tokenizers side by side: tokens per word and for the same meaning, per variety,
bytes instead of characters, what diacritics cost, words that fit in a context. `train` makes
an ordinary Hugging Face tokenizer from text, on request with clitics as its units.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from arabench.cli.tokenizer_options import add_report, add_train

if TYPE_CHECKING:
    from arabench.audit.reading import Unread
    from arabench.subwords.texts import LabelledTexts

EXAMPLES = """\
examples:
  arabench tokenizer report Qwen/Qwen2-1.5B my-tokenizer/
  arabench tokenizer report base/ --data tweets.jsonl --variety-field dialect -o report/
  arabench tokenizer report base/ --data egy=masri.txt msa=news.txt --context 4096
  arabench tokenizer train corpus.jsonl -o my-tokenizer/ --vocab-size 32000
  arabench tokenizer train corpus.txt -o my-tokenizer/ --vocab-size 16000 \\
      --model unigram --pre-segment d3 --normalize llm
"""

REPORT_EXAMPLES = """\
Without --data the packaged parallel items are measured, one meaning in MSA, Egyptian, Gulf,
Levantine and Maghrebi; the premium always is. Every ratio comes with a 95 % bootstrap interval.

examples:
  arabench tokenizer report Qwen/Qwen2-1.5B my-tokenizer/ other/tokenizer.json
  arabench tokenizer report base/ --data tweets.jsonl --variety-field dialect -o report/
  arabench tokenizer report base/ --data egy=masri.txt msa=news.txt --context 4096
  arabench tokenizer report base/ --parallel flores200/ --json - > report.json
"""

TRAIN_EXAMPLES = """\
The folder loads with AutoTokenizer.from_pretrained and needs no code of ours. Training draws no
random numbers: the same text and settings give the same bytes.

examples:
  arabench tokenizer train corpus.jsonl -o my-tokenizer/ --vocab-size 32000
  arabench tokenizer train corpus/*.parquet -o qwen-like/ --vocab-size 48000 --normalize llm \\
      --special-token "<|im_start|>" --special-token "<|im_end|>"
  arabench tokenizer train corpus.txt -o clitics/ --vocab-size 16000 --model unigram \\
      --pre-segment d3
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two actions with their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_report(
        actions.add_parser(
            "report",
            help="set tokenizers side by side on Arabic text",
            description="Set tokenizers side by side on Arabic text.",
            epilog=REPORT_EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
    )
    add_train(
        actions.add_parser(
            "train",
            help="train a tokenizer on Arabic text",
            description="Train a tokenizer and save it for transformers.",
            epilog=TRAIN_EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
    )


def run(options: argparse.Namespace) -> int:
    """Report or train."""
    return _train(options) if options.action == "train" else _report(options)


def _train(options: argparse.Namespace) -> int:
    from arabench.audit.reading import plan_reading
    from arabench.cli.console import byte_progress, say
    from arabench.cli.quiet import quiet_libraries
    from arabench.errors import UsageError, require_extra
    from arabench.subwords.folders import check_output, new_folder
    from arabench.subwords.options import TrainOptions

    if options.max_rejects < 0:
        raise UsageError(f"--max-rejects {options.max_rejects} is negative. Use 0 or more.")
    train_options = TrainOptions(
        vocab_size=options.vocab_size,
        model=options.model,
        alphabet=options.alphabet,
        normalize=options.normalize,
        pre_segment=options.pre_segment,
        segments=options.segments,
        mark=options.mark,
        backend=options.backend,
        database=options.database,
        coverage=options.coverage,
        min_frequency=options.min_frequency,
        special_tokens=tuple(options.special_token),
        context=options.context,
    )
    check_output(options.output, force=options.force)
    require_extra("eval", "tokenizers", "transformers")
    quiet_libraries()
    plan = plan_reading(options.inputs, options.input_format)
    for note in plan.notes:
        say(note)

    from arabench.subwords.corpus import TrainingText
    from arabench.subwords.saving import save_tokenizer
    from arabench.subwords.train import train_tokenizer

    text = TrainingText(plan, train_options, options.field)
    with new_folder(options.output) as folder:
        with byte_progress("train", plan.total_bytes) as advance:
            trained = train_tokenizer(text, advance, say)
        save_tokenizer(trained, folder)
    say(
        f"{trained.pieces} pieces from {text.texts} texts in {options.output} "
        f"[{train_options.signature}|data:{text.digest}]"
    )
    if trained.pieces < options.vocab_size:
        say(
            f"the data holds no more than {trained.pieces} pieces of the {options.vocab_size} "
            "asked for: give it more text, or ask for fewer"
        )
    if text.unaligned:
        say(f"{text.unaligned} texts were taken unsegmented: their segments spell another text")
    return _count_rejects(text.unread, options.max_rejects)


def _report(options: argparse.Namespace) -> int:
    import sys

    from arabench.cli.console import byte_progress, say
    from arabench.cli.quiet import quiet_libraries
    from arabench.errors import require_extra
    from arabench.files.atomic import atomic_writer

    _check_report(options)
    require_extra("eval", "transformers", "tokenizers", *(["matplotlib"] * bool(options.output)))
    texts = _labelled_texts(options)
    _refuse_inputs(options, texts)
    quiet_libraries()

    from arabench.subwords.loading import load_tokenizers
    from arabench.subwords.report import ReportOptions, report_tokenizers

    report_options = ReportOptions(
        context=options.context,
        presets=tuple(name.strip() for name in options.presets.split(",") if name.strip()),
        parallel=options.parallel,
        segmented=tuple(_segmented(options)),
    )
    tokenizers = load_tokenizers(options.tokenizers)
    for tokenizer in tokenizers:
        if tokenizer.note:
            say(f"{tokenizer.name}: {tokenizer.note}")
    sizes = [source.plan.total_bytes for source in texts.sources] if texts else []
    total = None if None in sizes else sum(size or 0 for size in sizes)
    with byte_progress("tokenize", total) as advance:
        report = report_tokenizers(tokenizers, texts, report_options, advance)
    if options.json != "-":
        from arabench.subwords.tables import print_tables

        print_tables(report.data, sys.stdout)
    if options.json:
        with atomic_writer(options.json) as stream:
            stream.write(report.to_json())
    if options.output:
        from arabench.subwords.plot import plot_report

        folder = Path(options.output)
        with atomic_writer(str(folder / "report.json")) as stream:
            stream.write(report.to_json())
        plot_report(report.data, [folder / "report.png", folder / "report.svg"])
        say(f"report.json, report.png and report.svg are in {options.output}")
    return _finish(texts, options.max_rejects)


def _check_report(options: argparse.Namespace) -> None:
    from arabench.errors import UsageError

    if options.limit is not None and options.limit < 1:
        raise UsageError(f"--limit {options.limit} is not allowed. Use 1 or more.")
    if options.max_rejects < 0:
        raise UsageError(f"--max-rejects {options.max_rejects} is negative. Use 0 or more.")
    if options.output and Path(options.output).exists() and not Path(options.output).is_dir():
        raise UsageError(f"output {options.output!r} is a file. Name a folder.")
    if options.variety_field and not options.data:
        raise UsageError("--variety-field says nothing without --data. Name files with --data.")


def _labelled_texts(options: argparse.Namespace) -> LabelledTexts | None:
    """The files of --data, checked before anything slow is loaded."""
    if not options.data:
        return None
    from arabench.cli.console import say
    from arabench.subwords.texts import LabelledTexts, plan_data

    sources = plan_data(options.data, options.input_format)
    for source in sources:
        for note in source.plan.notes:
            say(note)
    return LabelledTexts(sources, options.field, options.variety_field, options.limit)


def _refuse_inputs(options: argparse.Namespace, texts: LabelledTexts | None) -> None:
    """No output may replace a text that is measured."""
    from arabench.errors import UsageError

    targets = [Path(options.json)] if options.json and options.json != "-" else []
    if options.output:
        targets += [Path(options.output, f"report.{kind}") for kind in ("json", "png", "svg")]
    paths = [path for source in (texts.sources if texts else []) for path in source.plan.paths]
    read = {Path(path).resolve() for path in paths if path != "-"}
    for target in targets:
        if target.resolve() in read:
            raise UsageError(f"output {str(target)!r} is also an input. Choose another output.")


def _segmented(options: argparse.Namespace) -> list[str]:
    if not options.segmented:
        return []
    from arabench.subwords.boundaries import check_marked
    from arabench.subwords.texts import LabelledTexts, plan_data

    texts = LabelledTexts(plan_data(options.segmented, options.input_format), options.field)
    found = [text for _, batch in texts.batches() for text in batch]
    return check_marked(found, ", ".join(options.segmented))


def _finish(texts: LabelledTexts | None, max_rejects: int) -> int:
    from arabench.cli.console import say

    if texts is None:
        return 0
    taken = sum(texts.taken.values())
    left = [
        f"{count} {what}"
        for count, what in (
            (texts.unread.null, "null"),
            (texts.blank, "blank"),
            (texts.passed_over, "beyond --limit"),
        )
        if count
    ]
    say(f"{taken} texts measured" + (f"; left out: {', '.join(left)}" if left else ""))
    return _count_rejects(texts.unread, max_rejects)


def _count_rejects(unread: Unread, max_rejects: int) -> int:
    """Say what could not be read; returns the exit status."""
    from arabench.cli.console import say

    if not unread.rejected:
        return 0
    reasons = ", ".join(f"{n} x {reason}" for reason, n in unread.reasons.most_common())
    say(f"{unread.rejected} rows could not be read ({reasons}) and were left out")
    return 0 if unread.rejected <= max_rejects else 1
