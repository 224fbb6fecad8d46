#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
untested_blocks.py FOLDER

Prints the indented blocks in the pages of the folder of which nobody knows whether a test runs them. A block may have one
of these lines before it:

	<!-- tested -->			docs.bats runs it, and names the page
	<!-- tested by FILE -->		FILE, in tests/, runs it, and names the page
	<!-- configuration -->		it has no commands

Otherwise the paragraph before it has to say that it was not tested, or the page that nothing on it was.
"""

import pathlib
import re
import sys

TESTS = pathlib.Path(__file__).parents[1]
UNTESTED_PAGE = re.compile(r"\*\*([Nn]othing on this page was|was not run in a test)")
UNTESTED = re.compile(r"not\s+tested")
MARK = re.compile(r"<!-- (tested|configuration|tested by (\S+)) -->")
COMMAND = re.compile(r"    (jobfence|docker|podman|ctr|buildah|runsc|systemd-run|systemctl|srun|sbatch|salloc|kubectl|jq)\b")


def names(test, page):
    path = TESTS / test
    return path.exists() and page.name in path.read_text(encoding="utf-8")


def fault(page, block, before):
    """What is wrong with a block, or None."""
    mark = MARK.fullmatch(before)
    if not mark:
        return None if UNTESTED.search(before) else "is neither tested nor said not to be"
    if mark[1] == "configuration":
        return "has commands" if COMMAND.search("\n" + block) else None
    test = mark[2] or "docs.bats"
    return None if names(test, page) else f"is not run by {test}"


def main():
    for page in sorted(pathlib.Path(sys.argv[1]).glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if UNTESTED_PAGE.search(text.replace("\n", " ")):
            text = "\n\n".join(part for part in re.split(r"\n\n+", text) if part.startswith("<!--"))
        paragraphs = re.split(r"\n\n+", text.rstrip())
        mark = ""
        for before, block in zip(paragraphs, paragraphs[1:]):
            mark = mark if before.startswith("    ") else before
            if block.startswith("    ") and (what := fault(page, block, mark)):
                print(f"{page.name}: this block {what}:\n{block}")


if __name__ == "__main__":
    main()
