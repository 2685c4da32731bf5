"""Documents with two answers each."""

from __future__ import annotations

from arabench.evaluation.rating.answers import Answered


def answered(task: str, variety: str, count: int, same: int = 0) -> list[Answered]:
    """`count` documents, two of each item, the first `same` of them with equal answers."""
    return [
        Answered(
            task,
            variety,
            place,
            f"{task}-{place // 2}",
            (("الجملة", f"جملة {place}"),),
            (f"=جواب أ {place}", f"=جواب أ  {place}" if place < same else f"جواب ب {place}"),
        )
        for place in range(count)
    ]
