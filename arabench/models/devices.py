"""Where, in what precision and on how many threads models run: shared by trainer and runner."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from arabench.errors import UsageError

if TYPE_CHECKING:
    import torch
    from bitsandbytes import MatmulLtState
    from bitsandbytes.nn import Linear4bit
    from transformers import BitsAndBytesConfig

DtypeName = Literal["float32", "bfloat16", "float16"]
#: CUDA devices of this capability (Ampere) and later multiply bfloat16 in hardware.
NATIVE_BFLOAT16_CAPABILITY: Final = (8, 0)
#: CPU features with which a bfloat16 product is as fast as a float32 one. Without them torch
#: emulates it: 20 to 180 times slower, silently (torch 2.13).
_NATIVE_BFLOAT16_FLAGS: Final = ("avx512_bf16", "amx_bf16")
#: Caps on instruction sets that a user may put on oneDNN, below AVX512-BF16.
_ONEDNN_WITHOUT_BFLOAT16: Final = frozenset(
    {"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI"}
)
#: Attribute of a 4-bit layer of bitsandbytes that repacks itself on a CPU.
_REPACKS: Final = "support_avx512bf16_for_cpu"
#: Seconds over which other programs' use of the CPUs is watched.
_WATCH_S: Final = 0.2


@dataclass(frozen=True)
class Precision:
    """A number type and why it was taken."""

    dtype: DtypeName
    reason: str


@dataclass(frozen=True)
class Threads:
    """A number of threads and why it was taken."""

    count: int
    reason: str


def pick_device(wanted: str) -> str:
    """`cpu` or `cuda` for `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: CUDA is asked for and there is none.
    """
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise UsageError("device is 'cuda' but torch sees no CUDA device. Use 'auto' or 'cpu'.")
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def pick_precision(wanted: str, device: str) -> Precision:
    """The number type of matrix products for `auto`, or the one named.

    `auto` is bfloat16 on GPUs of capability 8.0 and above and on CPUs with AVX512-BF16 or AMX,
    float16 on older CUDA GPUs (T4, V100), float32 on other CPUs and wherever nothing is known:
    on Apple's MPS too, where nothing was measured.

    Args:
        wanted: `auto`, `float32`, `bfloat16` or `float16`.
        device: a torch device such as `cpu`, `cuda`, `cuda:1` or `mps`.
    """
    if wanted != "auto":
        return Precision(_dtype_name(wanted), "as asked")
    kind = device.partition(":")[0]
    if kind == "cuda":
        import torch

        capability = torch.cuda.get_device_capability(device)
        shown = ".".join(map(str, capability))
        if capability >= NATIVE_BFLOAT16_CAPABILITY:
            return Precision("bfloat16", f"GPU of capability {shown}")
        return Precision("float16", f"GPU of capability {shown} has no bfloat16")
    if kind == "cpu":
        found = native_bfloat16()
        if found:
            return Precision("bfloat16", f"CPU with {found}")
        return Precision("float32", "this CPU has no bfloat16 in hardware")
    return Precision("float32", f"nothing is known of bfloat16 on {kind}")


def _dtype_name(name: str) -> DtypeName:
    for known in ("float32", "bfloat16", "float16"):
        if name == known:
            return known
    raise UsageError(f"number type {name!r} is not auto, float32, bfloat16 or float16.")


def native_bfloat16() -> str:
    """The CPU feature that multiplies bfloat16 in hardware, empty where there is none."""
    cap = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or ""
    if cap.upper() in _ONEDNN_WITHOUT_BFLOAT16:
        return ""
    return next((flag for flag in _NATIVE_BFLOAT16_FLAGS if flag in _cpu_flags()), "")


def _cpu_flags() -> frozenset[str]:
    """Features of an x86-64 CPU as Linux or torch names them; empty where neither tells."""
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return frozenset()
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    for line in text.splitlines():
        if line.startswith("flags"):
            return frozenset(line.partition(":")[2].split())
    import torch

    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return frozenset(name for name, there in capabilities.items() if there is True)


def pick_threads(wanted: int | None = None) -> Threads:
    """How many threads torch may use: the number asked for, or the CPUs that are free now.

    The default looks at the CPUs this process may run on, at a cgroup's quota, and at how busy
    other programs keep those CPUs: on two busy cores two threads wait for each other so long
    that one alone is many times faster. OMP_NUM_THREADS, where set, is followed.

    Raises:
        UsageError: `wanted` is below 1.
    """
    if wanted is not None:
        if wanted < 1:
            raise UsageError(f"threads is {wanted}; allowed is 1 or more.")
        return Threads(wanted, "as asked")
    named = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if named.isdigit() and int(named) > 0:
        return Threads(int(named), "OMP_NUM_THREADS")
    cpus = _allowed_cpus()
    quota = _cgroup_quota()
    limit = min(len(cpus), max(1, int(quota))) if quota else len(cpus)
    idle = _idle_cpus(cpus)
    free = limit if idle is None else max(1, min(limit, round(idle)))
    reason = f"{limit} of {os.cpu_count()} CPUs allowed"
    return Threads(free, reason if free == limit else f"{reason}, {limit - free} busy")


def use_threads(wanted: int | None = None) -> Threads:
    """`pick_threads`, and torch is told."""
    import torch

    threads = pick_threads(wanted)
    torch.set_num_threads(threads.count)
    return threads


def _allowed_cpus() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _cgroup_quota() -> float | None:
    """CPUs that a cgroup allows this process, None without a limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    try:
        folder = Path("/sys/fs/cgroup/cpu")
        quota_us = int((folder / "cpu.cfs_quota_us").read_text(encoding="ascii"))
        period_us = int((folder / "cpu.cfs_period_us").read_text(encoding="ascii"))
        return quota_us / period_us if quota_us > 0 else None
    except (OSError, ValueError):
        return None


def _idle_cpus(cpus: list[int]) -> float | None:
    """How many of `cpus` were idle over a moment, None where the system does not tell."""
    before = _ticks()
    if before is None:
        return None
    time.sleep(_WATCH_S)
    after = _ticks()
    if after is None:
        return None
    idle = 0.0
    for cpu in cpus:
        if cpu not in before or cpu not in after:
            return None
        total = after[cpu][0] - before[cpu][0]
        idle += (after[cpu][1] - before[cpu][1]) / total if total > 0 else 1.0
    return idle


def _ticks() -> dict[int, tuple[int, int]] | None:
    """CPU -> (all ticks, idle ticks) since boot; time stolen by other guests counts as busy."""
    try:
        lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return None
    ticks = {}
    for line in lines:
        name, *fields = line.split()
        if name.startswith("cpu") and name[3:].isdigit():
            counts = [int(field) for field in fields[:8]]  # guest time is already in user time
            ticks[int(name[3:])] = (sum(counts), counts[3] + counts[4])
    return ticks


def nf4(compute_dtype: str, double_quantization: bool = True) -> BitsAndBytesConfig:
    """The bitsandbytes configuration of NF4 weights (Dettmers et al. 2023)."""
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=double_quantization,
        bnb_4bit_compute_dtype=getattr(torch, compute_dtype),
    )


def compute_in(model: torch.nn.Module, dtype: DtypeName) -> None:
    """Let a loaded model multiply in `dtype`, also one that was stored in 4 bits.

    Such a folder names the type it was made for, and its embeddings, norms and head are loaded
    in the type they are stored in, whatever is asked for (transformers 5.23); on this machine
    another may be many times faster. float32 parameters stay as they are.
    """
    import torch

    wanted = getattr(torch, dtype)
    for layer in layers_in_4_bits(model):
        layer.compute_dtype = wanted
        layer.compute_type_is_set = True
    for parameter in model.parameters():
        quantized = type(parameter).__name__ in {"Params4bit", "Int8Params"}  # of any dtype
        if parameter.dtype in {torch.bfloat16, torch.float16} - {wanted} and not quantized:
            parameter.data = parameter.data.to(wanted)


def layers_in_4_bits(model: torch.nn.Module) -> Iterator[Linear4bit]:
    """Layers that bitsandbytes multiplies; those that PEFT puts around them are named alike."""
    for module in model.modules():
        if type(module).__name__ == "Linear4bit" and hasattr(module, "compute_dtype"):
            yield module


def disable_cpu_repacking(model: torch.nn.Module) -> None:
    """Keep bitsandbytes from repacking 4-bit weights on CPUs with AVX512-BF16.

    A forward without gradients repacks them there, after which training fails loudly on
    Qwen2 and silently on Qwen3 (bitsandbytes 0.50).
    """
    for module in model.modules():
        if hasattr(module, _REPACKS):
            setattr(module, _REPACKS, False)


@contextlib.contextmanager
def tokens_apart(model: torch.nn.Module) -> Iterator[None]:
    """Compute a token's logits from itself and what it attends to, also in 8 bits.

    LLM.int8 multiplies columns in 16 bits in which any token of the batch is an outlier, so that
    a later token changes how an earlier one is rounded (Dettmers et al. 2022, section 3.2).
    """
    layers = [
        module
        for module in model.modules()
        if type(module).__name__ == "Linear8bitLt" and hasattr(module, "state")
    ]
    states: list[MatmulLtState] = [layer.state for layer in layers]
    before = [state.threshold for state in states]
    try:
        for state in states:
            state.threshold = 0.0
        yield
    finally:
        for state, threshold in zip(states, before, strict=True):
            state.threshold = threshold
