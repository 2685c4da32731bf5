"""The record of a training and the card made of it: the same bytes for the same training."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from arabench import __version__
from arabench.audit.reading import printable
from arabench.subwords.preparation import RECORD_KIND, tokenize_command
from arabench.subwords.train import Trained


def record(trained: Trained) -> dict[str, Any]:
    """What the tokenizer is and was made of, as plain values; no date and no folder names."""
    import hashlib

    import tokenizers

    text = trained.text
    options = text.options
    vocabulary = trained.tokenizer.to_str().encode("utf-8")
    segmenter = text.segmenter_signature
    made_by = options.signature + (f"|{segmenter}" if segmenter else "")
    return {
        "kind": RECORD_KIND,
        "signature": f"{made_by}|data:{text.digest}",
        "arabench": __version__,
        "tokenizers": tokenizers.__version__,
        "sha256_of_content": hashlib.sha256(vocabulary).hexdigest(),
        "vocabulary": {
            "asked_for": options.vocab_size,
            "pieces": trained.pieces,
            "special": options.all_special,
        },
        "settings": {
            "model": options.model,
            "alphabet": options.chosen_alphabet,
            "coverage": None if options.chosen_alphabet == "byte-level" else options.coverage,
            "min_frequency": options.min_frequency if options.model == "bpe" else None,
            "normalize": options.normalize,
            "pre_segment": options.pre_segment,
            "segments": options.segments if options.pre_segment else None,
            "mark": options.mark if options.segments == "input" else None,
            "backend": options.backend if options.pre_segment else None,
            "database": options.database if options.pre_segment else None,
            "segmenter": segmenter,
            "context": options.context,
        },
        "expects": expects(trained),
        "data": {
            "files": [PurePath(printable(path)).name for path in text.plan.paths],
            "field": text.text_field,
            "texts": text.texts,
            "chars": text.chars,
            "words": trained.words,
            "null": text.unread.null,
            "blank": text.blank,
            "unreadable": text.unread.rejected,
            "not_segmented": text.unaligned,
            "xxh128": text.digest,
        },
    }


def expects(trained: Trained) -> list[str]:
    """The commands that text goes through before this tokenizer, in order; often none."""
    options = trained.text.options
    steps: list[str] = []
    if options.normalize:
        steps.append(f"arabench normalize --preset {options.normalize}")
    if options.pre_segment and options.segments == "input":
        steps.append(
            tokenize_command(options.pre_segment, options.mark, options.backend, options.database)
        )
    return steps


def card(found: dict[str, Any], command: str | None = None) -> str:
    """The record as a page of Markdown.

    Args:
        found: from `record`.
        command: the command line of the training, if it is to be told.
    """
    settings, data, vocabulary = found["settings"], found["data"], found["vocabulary"]
    kind = {"bpe": "BPE", "unigram": "Unigram"}[settings["model"]]
    lines = [
        "---",
        "language: ar",
        "library_name: transformers",
        "tags: [tokenizer, arabic, arabench]",
        "---",
        "",
        f"# Arabic tokenizer: {kind}, {vocabulary['pieces']:,} pieces",
        "",
        "```python",
        "from transformers import AutoTokenizer",
        "",
        'tokenizer = AutoTokenizer.from_pretrained("PATH/TO/THIS/FOLDER")',
        "```",
        "",
        "No code travels with it. It adds no special tokens to a text and has no chat template.",
        "",
        "## What text it takes",
        "",
        _taken(found["expects"], settings),
        "",
        "## Settings",
        "",
        "| setting | value |",
        "|---|---|",
        *(
            f"| {name.replace('_', ' ')} | {str(value).replace('|', '&#124;')} |"
            for name, value in settings.items()
            if value is not None
        ),
        f"| vocabulary asked for | {vocabulary['asked_for']:,} |",
        "",
        f"Special tokens: {', '.join(f'`{token}`' for token in vocabulary['special']) or 'none'}.",
        "",
        "## Data",
        "",
        *(f"- {name}" for name in data["files"]),
        "",
        f"{data['texts']:,} texts, {data['chars']:,} characters"
        + (f", {data['words']:,} different words" if data["words"] is not None else "")
        + f" (field `{data['field']}`). Left out: {data['null']} null, {data['blank']} blank, "
        f"{data['unreadable']} unreadable rows."
        + (
            f" {data['not_segmented']} texts were taken unsegmented."
            if data["not_segmented"]
            else ""
        ),
        "",
        "## Reproduce",
        "",
        *([f"`{command}`", ""] if command else []),
        "The same files and settings give the same bytes, with the same version of `tokenizers` "
        f"({found['tokenizers']}) for BPE. Signature:",
        "",
        f"`{found['signature']}`",
        "",
        "What it costs text of each variety: `arabench tokenizer report` on this folder.",
    ]
    return "\n".join(lines) + "\n"


def _taken(steps: list[str], settings: dict[str, Any]) -> str:
    if steps:
        listed = "\n".join(f"    {step}" for step in steps)
        return (
            "Text as these commands write it, in training and in use. Other text is tokenized "
            f"without an error, but not into the pieces that were learnt:\n\n{listed}"
        )
    if settings["pre_segment"]:
        return (
            "Plain text. Segmentation guided the training alone: no piece was learnt across the "
            "border of two segments, but in use a piece may lie across one where letters agree."
        )
    return "Plain text."
