"""Check outputs against the manifest of the run that wrote them.

Every file that the manifest names is looked for in the manifest's own folder, so that outputs
and manifest may be moved together. What is missing or changed is listed on standard output;
the command then ends with status 1.
"""

from __future__ import annotations

import argparse

EXAMPLES = """\
examples:
  arabench verify clean.jsonl.manifest.json
  arabench verify clean/
  arabench verify clean/ --inputs --rows
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The manifest and how deep to look."""
    parser.add_argument(
        "manifest", metavar="MANIFEST", help="OUT.manifest.json, or the folder of the outputs"
    )
    parser.add_argument(
        "--inputs",
        action="store_true",
        help="check the inputs too; relative names start from the working folder",
    )
    parser.add_argument(
        "--rows", action="store_true", help="read the outputs through and count their rows"
    )


def run(options: argparse.Namespace) -> int:
    """Verify, list findings, and say the result."""
    from arabench.cli.console import say
    from arabench.corpus.runs.verification import verify
    from arabench.files.standard_output import standard_output

    manifest, findings = verify(options.manifest, inputs=options.inputs, count_rows=options.rows)
    with standard_output() as stream:
        for finding in findings:
            line = f"{finding.fault}\t{finding.path}\t{finding.detail}\n"
            stream.write(line.encode("utf-8", errors="backslashreplace"))
    checked = len(manifest.outputs) + len(manifest.side_files)
    unread = 0
    if options.inputs:
        unread = sum(record.digest is None for record in manifest.inputs)
        checked += len(manifest.inputs) - unread
    wrong = len({finding.path for finding in findings})
    files = "1 file" if checked == 1 else f"{checked} files"
    if not findings:
        say(f"{files} as the manifest says, {manifest.counts.written} rows [{manifest.step}]")
    else:
        say(f"{wrong} of {files} {'is' if wrong == 1 else 'are'} not as the manifest says")
    if unread:
        say(f"{unread} x input not checked: standard input or a pipe has no digest")
    return 1 if findings else 0
