"""Sections of a recipe: what can be said of base, data, quantization, adapter and optimization.

Defaults are the settings of arXiv 2412.17548 (Qwen2-1.5B on a 4 GB GPU).
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from arabench.errors import UsageError
from arabench.files.settings import Number, Section
from arabench.text.presets import presets

#: In `lora.target_modules`: every linear layer but the output head.
ALL_LINEAR: Final = "all-linear"
#: In `data.prompt_template`: the chat template of the model.
CHAT: Final = "chat"


def _read_names(value: Any) -> Any:
    """`q_proj,v_proj` as two names, `all-linear` by itself."""
    names = value.replace(",", " ").split() if isinstance(value, str) else value
    if not _is_names(names):
        raise ValueError(f"name linear layers, in a list or with commas, or write {ALL_LINEAR}")
    return ALL_LINEAR if list(names) == [ALL_LINEAR] else tuple(names)


def _known_preset(value: Any) -> Any:
    """A preset of the normalizer."""
    known = list(presets())
    if value is not None and value not in known:
        raise ValueError(f"Input should be null or one of {', '.join(known)}")
    return value


class WeightedSource(Section):
    """A source of a mixture."""

    source: str = Field(min_length=1)
    """A file, folder, pattern or data set, as a source by itself."""
    weight: Number = Field(gt=0)
    """Its share of the rows, beside the weights of the others."""


def _read_sources(value: Any) -> Any:
    """A list of sources as YAML has it; a single one stays text."""
    if isinstance(value, list | tuple) and any(isinstance(one, dict) for one in value):
        if not all(isinstance(one, dict) for one in value):
            raise ValueError(
                "give all sources a weight, as in {source: a.jsonl, weight: 0.7}, or none"
            )
        return tuple(WeightedSource.model_validate(one) for one in value)
    if isinstance(value, tuple) and all(isinstance(one, WeightedSource) for one in value):
        return value
    if not _is_names([value] if isinstance(value, str) else value):
        raise ValueError("name a file, folder, pattern or hub data set, or a list of these")
    return value if isinstance(value, str) else tuple(value)


def _is_names(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) > 0
        and all(isinstance(name, str) and name for name in value)
    )


class BaseSection(Section):
    """The model that is adapted."""

    name: str = Field(min_length=1)
    """A local folder or a hub name."""
    revision: str | None = None
    """Hub revision (branch, tag or commit)."""
    allow_pickle: bool = False
    """Load pickled weights when there are no safetensors; they can run code on load."""
    trust_remote_code: bool = False
    """Run Python code that comes with the model. Never needed for Qwen, Llama, Gemma."""


class QuantizationSection(Section):
    """How the frozen base weights are stored (Dettmers et al. 2023)."""

    bits: Literal[4, 8, 16] = 4
    """4: NF4, 8: LLM.int8(), 16: not quantized."""
    double_quantization: bool = True
    """Quantize the quantization constants too (4 bits only)."""
    compute_dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """Type of matrix products and of autocast. `auto`: bfloat16 where the machine multiplies it in
    hardware (GPUs of capability 8.0 and above, CPUs with AVX512-BF16 or AMX), float16 on older
    GPUs, else float32."""


class LoraSection(Section):
    """Low-rank adaptation (Hu et al. 2021)."""

    r: int = Field(default=8, ge=1, le=1024)
    """Rank of the update of a weight matrix."""
    alpha: Number = Field(default=32, gt=0)
    """The update is multiplied by alpha / r."""
    dropout: Number = Field(default=0.05, ge=0, lt=1)
    """Share of the adapter's inputs that are dropped in training."""
    target_modules: Annotated[
        Literal["all-linear"] | tuple[str, ...], BeforeValidator(_read_names)
    ] = ("q_proj", "k_proj", "v_proj", "o_proj")
    """Names of linear layers (GPT-2's Conv1D too), as a list or with commas; `all-linear` for all
    but the output head."""


class DataSection(Section):
    """The training rows: texts, prompts with responses, or conversations.

    Where no field is named, the shape is told from the columns (`arabench.trainers.data.shapes`).
    """

    source: Annotated[
        str | tuple[str, ...] | tuple[WeightedSource, ...], BeforeValidator(_read_sources)
    ]
    """A file (.txt, .jsonl, .csv, .parquet, ... also .jsonl.zst), a folder of such files as the
    commands write it, a pattern ('clean/*.jsonl.zst'), an array of objects in a .json file, a
    `datasets` folder, `hub:OWNER/NAME`, `known:NAME` (Arabic sets), or a list of these, read in
    order, or mixed where each is written as `{source: a.jsonl, weight: 0.7}`."""
    config: str | None = None
    """Configuration of a hub data set."""
    split: str = "train"
    """Of a hub data set or a `datasets` folder with splits."""
    text_field: str | None = None
    """Field of whole texts; the loss is on every token."""
    prompt_field: str | None = None
    """Field of prompts, which are read but not learned; goes with response_field."""
    input_field: str | None = None
    """Field of what a prompt is about (Alpaca's `input`): put below the prompt, with an empty line
    between, where it holds text."""
    response_field: str | None = None
    """Field of responses, which are learned."""
    chosen_field: str | None = None
    """Field of preferred answers, texts or lists of turns that end in one; goes with prompt_field
    and rejected_field (methods dpo, ipo, cpo, simpo, orpo)."""
    rejected_field: str | None = None
    """Field of the answers that others are preferred to."""
    label_field: str | None = None
    """Field that says whether a response is good: true or false, 1 or 0; goes with prompt_field and
    response_field (method kto)."""
    messages_field: str | None = None
    """Field of conversations: a list of {role, content}, or of {from, value} (ShareGPT). They are
    written by the model's own chat template; answers are learned, with their end of turn."""
    prompt_template: str = "### التعليمات:\n{prompt}\n\n### الإجابة:\n"
    """Wraps the prompt; must hold `{prompt}`, or be `chat`: the model's own chat template. Loss is
    computed on the response only."""
    max_samples: int | None = Field(default=None, ge=1)
    """Rows that are read, from the first on; null for all."""
    normalize: Annotated[str | None, BeforeValidator(_known_preset)] = None
    """Preset of `arabench normalize` that every text is put through first; null for none."""
    validation: Number = Field(default=0.0, ge=0, lt=1)
    """Share of rows that are held out of training, to measure the loss on. Chosen by what a row
    holds and training.seed, so that equal rows are on one side."""

    @property
    def sources(self) -> tuple[str, ...]:
        """`source` as a list."""
        if isinstance(self.source, str):
            return (self.source,)
        return tuple(one if isinstance(one, str) else one.source for one in self.source)

    @property
    def weights(self) -> tuple[float, ...]:
        """Weights of the sources; empty where they are read in order."""
        if isinstance(self.source, str):
            return ()
        return tuple(one.weight for one in self.source if isinstance(one, WeightedSource))

    @property
    def names_fields(self) -> bool:
        """Whether the recipe says what a row is; else the columns do."""
        return any((self.text_field, self.prompt_field, self.messages_field))

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields that are read; the one every row must have comes last."""
        if self.prompt_field and self.chosen_field and self.rejected_field:
            return self.prompt_field, self.rejected_field, self.chosen_field
        if self.prompt_field and self.response_field and self.label_field:
            about = (self.input_field,) if self.input_field else ()
            return self.prompt_field, self.label_field, *about, self.response_field
        if self.prompt_field and self.response_field:
            between = (self.input_field,) if self.input_field else ()
            return self.prompt_field, *between, self.response_field
        return (self.messages_field or self.text_field or "text",)

    @model_validator(mode="after")
    def _one_shape(self) -> DataSection:
        preferred = (self.chosen_field, self.rejected_field)
        if any(preferred) and not (all(preferred) and self.prompt_field):
            raise ValueError("prompt_field, chosen_field and rejected_field go together: name all")
        others = (self.response_field, self.input_field, self.label_field)
        if any(preferred) and any(others):
            raise ValueError(
                "chosen_field and rejected_field exclude response_field, input_field and "
                "label_field: set those that are not meant to null"
            )
        pair = (self.prompt_field, self.chosen_field or self.response_field)
        if any(pair) and not all(pair):
            raise ValueError("prompt_field and response_field go together: name both or neither")
        if self.input_field and not any(pair):
            raise ValueError(
                "input_field goes with prompt_field and response_field: name all three"
            )
        if self.label_field and not all(pair):
            raise ValueError(
                "label_field goes with prompt_field and response_field: name all three"
            )
        shapes = {
            "text_field": self.text_field,
            "prompt_field": self.prompt_field,
            "messages_field": self.messages_field,
        }
        named = [f"{key} ({field!r})" for key, field in shapes.items() if field]
        if len(named) > 1:
            raise ValueError(
                f"{' and '.join(named)} exclude each other: set those that are not meant to null"
            )
        if "{prompt}" not in self.prompt_template and self.prompt_template != CHAT:
            raise ValueError(f"prompt_template must hold {{prompt}}, or be {CHAT}")
        return self


class TrainingSection(Section):
    """Optimization. Steps are optimizer steps."""

    max_steps: int | None = Field(default=10_000, ge=1)
    """Where the run ends; data is read again from its start as often as that takes."""
    epochs: Number | None = Field(default=None, gt=0)
    """Where the run ends, in passes over the data, which may be 0.5; max_steps is null then."""
    batch_size: int = Field(default=1, ge=1)
    """Rows in one forward pass."""
    gradient_accumulation: int = Field(default=16, ge=1)
    """Forward passes in one step."""
    learning_rate: Number = Field(default=5e-5, gt=0)
    """Its highest value."""
    warmup_steps: int = Field(default=100, ge=0)
    """Steps over which the rate rises from 0; fewer than max_steps."""
    scheduler: Literal["cosine", "linear", "constant"] = "cosine"
    """Linear warm-up, then this."""
    max_grad_norm: Number = Field(default=0.3, gt=0)
    """Longer gradients are scaled down to it."""
    weight_decay: Number = Field(default=0.0, ge=0)
    """Of AdamW."""
    max_length: int = Field(default=512, ge=8)
    """Tokens of a row. A longer text becomes several rows, the last of which ends it; a longer
    response is cut."""
    packing: bool = False
    """Put whole rows together up to max_length, where they do not see each other: faster where rows
    are short."""
    gradient_checkpointing: bool = True
    """Compute activations again in the backward pass: less memory, more time."""
    optimizer: Literal["paged_adamw_8bit", "adamw_8bit", "paged_adamw_32bit", "adamw_torch"] = (
        "paged_adamw_8bit"
    )
    """AdamW with states of 8 or 32 bits; paged ones move to the CPU when GPU memory runs out."""
    save_every: int = Field(default=100, ge=1)
    """Steps between checkpoints, from which a killed run resumes."""
    keep_checkpoints: int = Field(default=2, ge=1)
    """Newest checkpoints that stay on disk until the run ends."""
    evaluate_every: int = Field(default=100, ge=1)
    """Steps between measurements of the loss on the rows that data.validation holds out."""
    patience: int | None = Field(default=None, ge=1)
    """Measurements in a row without a new lowest loss, after which the run ends, with the adapter
    of the lowest; null to go on to the end. Goes with data.validation."""
    seed: int = Field(default=42, ge=0, lt=2**32)
    """Of the adapter's first values, dropout and the order of rows."""

    @model_validator(mode="before")
    @classmethod
    def _steps_yield_to_epochs(cls, content: Any) -> Any:
        if isinstance(content, dict) and content.get("epochs") is not None:
            return {"max_steps": None, **content}
        return content

    @model_validator(mode="after")
    def _ends_after_the_warmup(self) -> TrainingSection:
        if self.epochs is not None and self.max_steps is not None:
            raise ValueError(
                f"epochs ({self.epochs:g}) and max_steps ({self.max_steps}) exclude each other: "
                "set the one that is not meant to null"
            )
        if self.epochs is None and self.max_steps is None:
            raise ValueError("name epochs or max_steps: where the run ends")
        if self.max_steps is not None and self.warmup_steps >= self.max_steps:
            raise ValueError(
                f"warmup_steps ({self.warmup_steps}) must be less than max_steps "
                f"({self.max_steps}), else the learning rate never reaches its value: set both"
            )
        return self

    def steps(self, rows: int) -> int:
        """Optimizer steps of a run on so many rows.

        Raises:
            UsageError: epochs of them end within the warm-up.
        """
        if self.max_steps is not None:
            return self.max_steps
        an_epoch = math.ceil(math.ceil(rows / self.batch_size) / self.gradient_accumulation)
        steps = math.ceil(an_epoch * float(self.epochs or 0))
        if self.warmup_steps >= steps:
            raise UsageError(
                f"training.epochs ({self.epochs:g}) of {rows:,} rows are {steps:,} steps, which "
                f"end within training.warmup_steps ({self.warmup_steps}): the learning rate never "
                f"reaches its value. Set warmup_steps to less than {steps:,}, or raise epochs."
            )
        return steps
