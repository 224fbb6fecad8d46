# SPDX-License-Identifier: BSD-2-Clause
"""A table of what several programs needed."""

import statistics


def print_table(figures, titles, rounds):
    """
    Prints medians of rounds, and those of the ratios of the first program to each other one.
    `figures` has a format for each figure, in the order of a round's figures. `titles` names
    each program of a round.
    """
    first, *others = titles
    print("| figure | " + " | ".join(titles.values()) + "".join(f" | ratio to {titles[name]}" for name in others) + " |")
    print("| --- |" + " ---: |" * (len(titles) + len(others)))
    for i, (figure, form) in enumerate(figures.items()):
        medians = [form.format(statistics.median(one[name][i] for one in rounds)) for name in titles]
        ratios = [f"{statistics.median(one[first][i] / one[name][i] for one in rounds):.2f}" for name in others]
        print(f"| {figure} | " + " | ".join(medians + ratios) + " |")
