"""A run of lm-eval in one process of several, for tests: the first writes results.

python -m torch.distributed.run --standalone --nproc_per_node 2 THIS MODEL OUTPUT LIMIT TASK...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lm_eval.models.huggingface import HFLM

from tests.evaluation.under_lm_eval import under_lm_eval


def main(model: str, output: str, limit: str, *tasks: str) -> None:
    """Evaluate; lm-eval divides documents between GPUs alone, here between CPU processes."""
    lm = HFLM(pretrained=model, device="cpu", batch_size=4, dtype="float32", max_length=1024)
    lm._rank = lm.accelerator.local_process_index
    lm._world_size = lm.accelerator.num_processes
    results = under_lm_eval(
        lm, list(tasks), limit=int(limit), gen_kwargs={"max_gen_toks": 319}, log_samples=False
    )
    if lm.rank == 0:
        kept = {"processes": lm.world_size, "results": results["results"]}
        kept["runs"] = {
            task: config["metadata"]["arabench_run"] for task, config in results["configs"].items()
        }
        Path(output).write_text(json.dumps(kept), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
