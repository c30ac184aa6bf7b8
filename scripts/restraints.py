"""The table of docs/hazards.md that says what restrains what, made from `coach.session.restraints`.

python -m scripts.restraints            print it
python -m scripts.restraints --update   write it into docs/hazards.md
"""

import sys
from pathlib import Path

from coach.session.restraints import TABLE

HAZARDS = Path(__file__).resolve().parents[1] / "docs" / "hazards.md"
BEGINS, ENDS = "<!-- restraints: made by python -m scripts.restraints --update -->\n", "<!-- end of restraints -->\n"
COLUMNS = ("cause", "kind", "urging advice", "urging speech", "next interval", "ordinary speech", "therapist")
HEAD = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n"


def table() -> str:
    """Return the table as Markdown."""
    rows = []
    for row in TABLE:
        urging = "no" if row.urging else "as usual"
        interval, speech = "held back" if row.interval else "as usual", "no" if row.speech else "as usual"
        told = "is told" if row.therapist else "–"
        rows.append(f"| `{row.cause}` | {row.what} | {urging} | {urging} | {interval} | {speech} | {told} |\n")
    return HEAD + "".join(rows)


def updated(text: str) -> str:
    """Return the hazard file with the table of today."""
    before, rest = text.split(BEGINS)
    return before + BEGINS + table() + ENDS + rest.split(ENDS)[1]


def main() -> int:
    """Print or write the table."""
    if "--update" in sys.argv[1:]:
        HAZARDS.write_text(updated(HAZARDS.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(table(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
