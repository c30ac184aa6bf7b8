"""One line for each figure: name, value, target, met or missed. Timing is told, and never fails a run."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class Figures:
    """Figures of one benchmark, printed as they come and kept in `results/`."""

    def __init__(self, name: str) -> None:
        """`name` of the benchmark."""
        self._name = name
        self._kept: dict[str, float] = {}

    def tell(self, what: str, value: float, unit: str, most: float, note: str = "") -> None:
        """Print one figure that should be at most `most`."""
        met = "met" if value <= most else "MISSED"
        print(f"{what:<66} {value:9.2f} {unit:<4} target ≤ {most:g} {unit}: {met}{note and f'  ({note})'}", flush=True)
        self._kept[what] = value

    def keep(self) -> None:
        """Write them all."""
        folder = Path(__file__).parents[2] / "benchmarks" / "results"
        folder.mkdir(exist_ok=True)
        (folder / f"{self._name}.json").write_text(json.dumps(self._kept, indent=2) + "\n", encoding="utf-8")


def share(values: Sequence[float], fraction: float) -> float:
    """The value that `fraction` of all do not pass; the greatest where there are too few to tell."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))] if ordered else float("inf")


@contextmanager
def cores_busy(count: int) -> Iterator[None]:
    """Keep so many cores busy with other work."""
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
