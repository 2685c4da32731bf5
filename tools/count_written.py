"""Count the written dialect sentences, and fill the table of their data card.

python tools/count_written.py            # rewrite the card's table
python tools/count_written.py --check    # exit 1 if it is stale
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "arabench" / "dialect" / "written"
CARD = FOLDER / "README.md"
START, END = "<!-- counts -->", "<!-- /counts -->"
REGISTERS = ("news", "tweet", "travel", "chat", "wiki", "story")
VARIETIES = ("msa", "egy", "glf", "lev", "mgr")


def rows(name: str) -> list[list[str]]:
    """Fields of every row of a file, without its header."""
    lines = (FOLDER / f"{name}.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [line.split("\t") for line in lines]


def line(label: str, where: str, counts: Counter[str]) -> str:
    """A row of the table."""
    cells = [label, where, *(str(counts[register]) for register in REGISTERS)]
    return f"| {' | '.join(cells)} | {counts.total()} |"


def table() -> str:
    """Rows by variety, country and register, and of the parallel sentences by country."""
    head = ["variety", "country", *REGISTERS, "rows"]
    out = [f"| {' | '.join(head)} |", f"|---|---|{'---:|' * (len(head) - 2)}"]
    everything: Counter[str] = Counter()
    for variety in VARIETIES:
        by_country: dict[str, Counter[str]] = {}
        for _, country, register, _ in rows(variety):
            by_country.setdefault(country, Counter())[register] += 1
        if len(by_country) > 1:
            for country, counts in sorted(by_country.items(), key=lambda item: -item[1].total()):
                out.append(line(variety, country, counts))
        total = sum(by_country.values(), Counter())
        out.append(line(f"**{variety}**", "all", total))
        everything += total
    out.append(line("**all**", "", everything))
    parallel = rows("parallel")
    countries = Counter(row[1] or "MSA" for row in parallel)
    meanings = len({row[4] for row in parallel})
    out += [
        "",
        f"`parallel.tsv`: {len(parallel)} rows, {meanings} meanings; "
        + ", ".join(f"{country} {count}" for country, count in countries.most_common())
        + ".",
    ]
    return "\n".join(out)


def main() -> int:
    """Write or check the card."""
    text = CARD.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    made = f"{before}{START}\n\n{table()}\n\n{END}{after}"
    if "--check" in sys.argv[1:]:
        if made != text:
            print(f"{CARD.name} is stale: run tools/count_written.py")
        return int(made != text)
    CARD.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
