"""Start-up costs: the lm-eval hook, `import arabench`, `arabench --help`.

    python tests/bench/bench_startup.py

Each time is the median of alternating fresh interpreters; the peer is the same
interpreter doing nothing.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

ROUNDS = 15


def run(*arguments: str, **environment: str) -> float:
    """Seconds of one fresh interpreter."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    return time.perf_counter() - started


def main() -> None:
    """Print a table."""
    import _arabench_lm_eval as hook

    cases = {
        "python -c pass": ("-c", "pass"),
        "import arabench": ("-c", "import arabench"),
        "arabench --help": ("-m", "arabench.cli", "--help"),
        "arabench normalize --help": ("-m", "arabench.cli", "normalize", "--help"),
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, arguments in cases.items():
            times[name].append(run(*arguments))
    floor = statistics.median(times["python -c pass"])
    print(f"{'case':<28}{'median ms':>10}{'over python -c pass':>22}")
    for name, values in times.items():
        middle = statistics.median(values)
        print(f"{name:<28}{middle * 1e3:>10.1f}{(middle - floor) * 1e3:>20.1f}ms")
    spent = []
    for _ in range(200):
        sys.meta_path[:] = [f for f in sys.meta_path if not isinstance(f, hook.TaskFolderFinder)]
        sys.modules.pop("_arabench_lm_eval", None)
        started = time.perf_counter()
        __import__("_arabench_lm_eval").install()
        spent.append(time.perf_counter() - started)
    print(f"lm-eval hook, import and install: {statistics.median(spent) * 1e6:.0f} microseconds")


if __name__ == "__main__":
    main()
