"""Draw docs/images/digits.png from the table of docs/digits.md, without training anything.

    python scripts/tables/digits_figure.py

``kerasnets reproduce digits`` trains the nets, and writes the table and this figure. Use this
script after a change of the style.
"""

from __future__ import annotations

import re
from pathlib import Path

from kerasnets._style import save_figure_as
from kerasnets.studies.digits import DigitNetResult, digit_figure

DOCS = Path(__file__).resolve().parents[2] / "docs"


def read_results(page: str) -> list[DigitNetResult]:
    """The results in the table of the page.

    Args:
        page: the Markdown text.
    """
    results = []
    for line in page.splitlines():
        if not line.startswith("| `"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        net, parameters, flops, epochs, _, accuracies, stated, seconds = cells
        results.append(
            DigitNetResult(
                net=net.strip("`"),
                source=stated.split("(")[1].rstrip(")"),
                stated=float(stated.split()[0]),
                epochs=int(epochs),
                parameters=int(parameters.replace(",", "")),
                flops=int(flops.replace(",", "")),
                accuracies=[float(value) for value in accuracies.split(",")],
                seconds=float(seconds),
            )
        )
    return results


def main() -> None:
    """Draw the figure."""
    page = (DOCS / "digits.md").read_text(encoding="utf-8")
    (subtitle,) = re.findall(r"^- (mnist: .*? seeds)\.", page, flags=re.MULTILINE)
    save_figure_as(
        digit_figure(read_results(page), subtitle), DOCS / "images" / "digits.png", "digits"
    )


if __name__ == "__main__":
    main()
