"""Options of `arabench tokenizer report` and `arabench tokenizer train`."""

from __future__ import annotations

import argparse


def add_train(parser: argparse.ArgumentParser) -> None:
    """Options of `tokenizer train`."""
    from arabench.text.presets import presets

    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="files, folders, or - for stdin")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="a new folder")
    parser.add_argument(
        "--vocab-size", type=int, required=True, metavar="N", help="pieces, special tokens included"
    )
    parser.add_argument("--model", choices=["bpe", "unigram"], default="bpe", help="[bpe]")
    alphabet = parser.add_mutually_exclusive_group()
    for name, said in (
        ("byte-level", "256 bytes below all pieces, as GPT-2 and Qwen [with bpe]"),
        ("byte-fallback", "characters, and <0xNN> for others, as Llama [with unigram]"),
        ("characters", "characters alone; others become the unknown token"),
    ):
        alphabet.add_argument(
            f"--{name}", dest="alphabet", action="store_const", const=name, help=said
        )
    parser.add_argument(
        "--normalize",
        metavar="PRESET",
        help=f"normalize the text first: {', '.join(presets())} [as it is]",
    )
    parser.add_argument(
        "--pre-segment",
        metavar="SCHEME",
        help="segment the words first, by a scheme of `arabench tokenize`: d3, atb, seg ...",
    )
    parser.add_argument(
        "--segments",
        choices=["guide", "input"],
        default="guide",
        help="guide: pieces are learnt inside of segments, the tokenizer takes plain text; input: "
        "it takes segmented text [guide]",
    )
    parser.add_argument(
        "--mark", default="marked", help="with --segments input: marked or split [marked]"
    )
    parser.add_argument("--backend", default="builtin", help="what segments the words [builtin]")
    parser.add_argument("--database", metavar="PATH", help="database or model of a camel backend")
    parser.add_argument(
        "--special-token",
        action="append",
        default=[],
        metavar="TOKEN",
        help="a token that is never split, or ROLE=TOKEN (bos, eos, unk, pad, sep, cls, mask); "
        "repeatable",
    )
    parser.add_argument(
        "--coverage",
        type=float,
        default=0.9999,
        metavar="SHARE",
        help="share of characters that the alphabet covers, unless byte-level [0.9999]",
    )
    parser.add_argument(
        "--min-frequency",
        type=int,
        default=2,
        metavar="N",
        help="with bpe: least occurrences of a merged pair [2]",
    )
    parser.add_argument("--context", type=int, metavar="TOKENS", help="written as model_max_length")
    parser.add_argument("--field", default="text", help="field or column of the text [text]")
    parser.add_argument(
        "--input-format", metavar="FORMAT", help="txt, jsonl, csv, parquet ... [by suffix]"
    )
    parser.add_argument("--force", action="store_true", help="replace a tokenizer made before")
    parser.add_argument(
        "--max-rejects",
        type=int,
        default=0,
        metavar="N",
        help="end with status 0 although up to N rows could not be read [0]",
    )


def add_report(parser: argparse.ArgumentParser) -> None:
    """Options of `tokenizer report`."""
    parser.add_argument(
        "tokenizers",
        nargs="+",
        metavar="MODEL_OR_DIR",
        help="a folder, a tokenizer.json, or a name of the Hugging Face hub",
    )
    parser.add_argument(
        "--data",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="files or folders to measure on, or LABEL=FILE such as egy=tweets.txt "
        "[the packaged parallel items]",
    )
    parser.add_argument("--field", default="text", help="field or column of the text [text]")
    parser.add_argument(
        "--variety-field", metavar="NAME", help="field that names the variety of a row"
    )
    parser.add_argument(
        "--input-format", metavar="FORMAT", help="txt, jsonl, csv, parquet ... [by suffix]"
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="texts per variety, the first ones [all]"
    )
    parser.add_argument(
        "--parallel",
        metavar="DIR",
        help="folder of parallel text for the premium: CODE.txt or parallel.jsonl, as in "
        "tasks/README.md [the packaged items]",
    )
    parser.add_argument(
        "--segmented",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="text with + between the segments of words, as `arabench tokenize --scheme seg "
        "--mark plus` writes it: are words cut where morphemes end?",
    )
    parser.add_argument(
        "--context", type=int, metavar="TOKENS", help="context of the model [as it states]"
    )
    parser.add_argument(
        "--presets",
        default="llm,paper,search",
        help="normalization presets whose effect is measured, with commas; '' for none "
        "[llm,paper,search]",
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="write report.json, report.png and report.svg"
    )
    parser.add_argument("--json", metavar="FILE", help="write the numbers; - for stdout")
    parser.add_argument(
        "--max-rejects",
        type=int,
        default=0,
        metavar="N",
        help="end with status 0 although up to N rows could not be read [0]",
    )
