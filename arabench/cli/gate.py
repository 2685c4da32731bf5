"""Let a better adapter through and stop a worse one.

BASELINE and CANDIDATE are folders written by `lm_eval --output_path DIR --log_samples`
or `arabench eval -o DIR`. Exit status: 0 the candidate passes, 1 it is stopped, 2 the
two cannot be compared, 3 undecided: too little was measured.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys

#: Exit status of each decision.
STATUSES = {"pass": 0, "stop": 1, "undecided": 3}

EXAMPLES = """\
examples:
  arabench gate results/base results/adapter
  arabench gate results/base results/adapter --improve egy --margin msa=0.05
  arabench gate results/base results/adapter --policy gate.yaml --markdown gate.md --junit gate.xml
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two evaluations, a policy and where reports go."""
    parser.add_argument("baseline", help="evaluation of the model in use")
    parser.add_argument("candidate", help="evaluation of the model that wants to replace it")
    parser.add_argument("--policy", metavar="FILE", help="YAML policy [defaults]")
    parser.add_argument(
        "--improve", action="append", metavar="VARIETY",
        help="demand fewer bits per character on this variety (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--margin", action="append", default=[], metavar="VARIETY=SHARE",
        help="allowed relative rise of bits per character, e.g. msa=0.05 (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--varieties", metavar="A,B", help="varieties that decide; others are reported only [all]"
    )
    parser.add_argument("--markdown", metavar="FILE", help="write the report as Markdown")
    parser.add_argument("--junit", metavar="FILE", help="write the report as JUnit XML")
    parser.add_argument("--quiet", action="store_true", help="print the decision only")


def run(options: argparse.Namespace) -> int:
    """Compare and decide. Statuses 1 and 3 are decisions, so whatever else goes wrong is 2."""
    from arabench.errors import ArabenchError, UsageError

    try:
        return _decide(options)
    except (ArabenchError, OSError) as error:
        _report_no_decision(options, str(error))
        raise UsageError(f"no decision: {error}") from error


def _report_no_decision(options: argparse.Namespace, reason: str) -> None:
    """Replace reports of an earlier run: an old PASS must not stand beside a refusal."""
    from arabench.errors import ArabenchError
    from arabench.files.atomic import write_text_atomically
    from arabench.gate.report import junit_error, markdown_error

    for path, write in ((options.markdown, markdown_error), (options.junit, junit_error)):
        if path:
            with contextlib.suppress(ArabenchError, OSError):
                write_text_atomically(path, write(reason))


def _decide(options: argparse.Namespace) -> int:
    from arabench.cli.console import say
    from arabench.errors import UsageError
    from arabench.evaluation.runner.results import load_evaluation
    from arabench.files.atomic import write_text_atomically
    from arabench.gate.compare import compare
    from arabench.gate.policy import load_policy
    from arabench.gate.report import junit, markdown, summary

    reports = [os.path.realpath(path) for path in (options.markdown, options.junit) if path]
    if len(reports) > len(set(reports)):
        raise UsageError(f"--markdown and --junit both name {options.junit!r}. Name two files.")
    policy = load_policy(options.policy, _overrides(options))
    comparison = compare(
        load_evaluation(options.baseline), load_evaluation(options.candidate), policy
    )
    report = markdown(comparison)
    if options.markdown:
        write_text_atomically(options.markdown, report)
    if options.junit:
        write_text_atomically(options.junit, junit(comparison))
    if not options.quiet:
        _print(report)
    say(f"gate: {summary(comparison)}")
    return STATUSES[comparison.decision]


def _print(report: str) -> None:
    """The report on standard output; the decision stands also when nobody reads it."""
    from arabench.files.standard_output import standard_output

    try:
        with standard_output() as stream:
            stream.write(report.encode("utf-8"))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _overrides(options: argparse.Namespace) -> dict[str, object]:
    from arabench.errors import UsageError

    overrides: dict[str, object] = {}
    if options.improve:
        overrides["improve"] = tuple(options.improve)
    if options.varieties is not None:
        overrides["varieties"] = tuple(part.strip() for part in options.varieties.split(","))
    margins: dict[str, float] = {}
    for pair in options.margin:
        name, _, value = pair.partition("=")
        if name in margins:
            raise UsageError(
                f"--margin names {name!r} twice, with {margins[name]:g} and with {value}. "
                "Give it once."
            )
        try:
            margins[name] = float(value)
        except ValueError:
            raise UsageError(f"--margin {pair!r} is not VARIETY=SHARE, e.g. msa=0.05.") from None
    if margins:
        overrides["margins"] = margins
    return overrides
