#!/usr/bin/env python3
"""Adds up what cargo's test runs printed. usage: test_summary.py LOG [FAILED_STEP…]

Counts come from the closing line of every test program. A program that started and printed no such line (it was killed, or
it aborted) counts as one failure. An ignored test and a test that says `skipped: why` are skipped, not passed. Steps of the
gate that failed without any test failing (formatting, say) count as one failure each. Exit 1 when anything failed or no test
ran."""

import re
import sys

RESULT = re.compile(r"^test result: (?:ok|FAILED)\. (\d+) passed; (\d+) failed; (\d+) ignored;")
STARTED = re.compile(r"^\s*(?:Running .* \((.*)\)|Doc-tests (\S+))\s*$")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
TEST_STEPS = ("tests", "fuzz bodies over their corpus")


def add_up(lines):
    """(passed, failed, reasons for skipping, programs without a closing line)"""
    passed = failed = 0
    skipped, cut, open_program = [], [], None
    for line in lines:
        line = COLOUR.sub("", line.rstrip("\n"))
        if started := STARTED.match(line):
            if open_program:
                cut.append(open_program)
            open_program = started[1] or started[2]
        elif result := RESULT.match(line):
            passed += int(result[1])
            failed += int(result[2])
            skipped += [f"ignored, in {open_program}"] * int(result[3])
            open_program = None
        elif line.startswith("skipped: "):
            passed -= 1
            skipped.append(line.removeprefix("skipped: "))
    if open_program:
        cut.append(open_program)
    return passed, failed + len(cut), skipped, cut


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        passed, failed, skipped, cut = add_up(log)
    steps = sys.argv[2:]
    ran = passed + failed + len(skipped)
    for program in cut:
        print(f"ended without a result: {program}")
    for step in steps:
        print(f"failed: {step}")
    # A test step that failed with no failing test did not build: that is a failure of its own.
    failed += sum(1 for step in steps if step not in TEST_STEPS)
    if failed == 0 and steps:
        failed = len(steps)
    for why in skipped:
        print(f"skipped: {why}")
    if ran == 0:
        print("no test ran")
    print(f"{passed} passed, {failed} failed, {len(skipped)} skipped")
    return 1 if failed or ran == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
