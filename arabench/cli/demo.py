"""Run all four jobs on a toy model: normalize, train in 4 bits, lm_eval, gate.

Needs no network and no GPU. Steps that were done before with the same settings are
skipped, so a second run is quick and a killed run continues.
"""

from __future__ import annotations

import argparse
import sys

EXAMPLES = """\
examples:
  arabench demo
  arabench demo --data ../shared/data -o demo-real
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, on what data, how large."""
    parser.add_argument("-o", "--output", default="demo-out", metavar="DIR", help="[demo-out]")
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="real text: folder with wiki/ and flores200/ [packaged]",
    )
    parser.add_argument(
        "--scale", choices=["full", "small"], default="full", help="small: reduced, for CI [full]"
    )


def run(options: argparse.Namespace) -> int:
    """Run the demo and print the table."""
    from arabench.cli.console import say
    from arabench.errors import require_extra

    require_extra("eval", "torch", "transformers", "lm_eval", "peft", "sacrebleu", "jinja2")
    require_extra("train", "trl", "bitsandbytes", "psutil", "matplotlib")
    from arabench.cli.quiet import quiet_libraries

    quiet_libraries()
    from arabench.demo.run import run_demo

    report = run_demo(options.output, options.data, options.scale, say)
    sys.stdout.write((report.parent / "table.md").read_text(encoding="utf-8"))
    say("the model is a toy: these numbers show that the pipeline works, not what a model can do")
    say("gate: the adapter passes on EGY, the damaged copy is stopped")
    say(f"report: {report.resolve()}")
    return 0
