# SPDX-License-Identifier: Apache-2.0
"""Shared code of the peers in Python: timing, and the protocol of bench/compare.py.

A peer prints a line that begins with # (name and version), then `NAME MILLISECONDS [WAY]` for each implementation (way)
of a case. With --serve it reads one name of a case per line and prints such lines followed by an empty one. It stays
running between cases, so that nothing is compiled twice.
"""
import argparse
import re
import sys
import time


def fastest(work, seconds, least=3):
    """Returns the milliseconds of the fastest run after a warm-up run, because noise only adds time."""
    work()
    low, total, runs = float("inf"), 0.0, 0
    while runs < least or total < seconds:
        start = time.perf_counter()
        work()
        took = time.perf_counter() - start
        low, total, runs = min(low, took), total + took, runs + 1
    return low * 1e3


class Peer:
    def __init__(self, cases, seconds):
        """cases: {name: function that yields (way, work)}"""
        self.cases, self.seconds = cases, seconds
        self.name, self.ways = None, []

    def prepare(self, name):
        """Keeps only the ways of the last case, because their arrays are large."""
        if name == self.name:
            return
        self.name, self.ways = name, []
        for way, work in self.cases[name]():
            try:
                work()
                self.ways.append((way, work))
            except Exception as error:  # torch.compile requires a compiler; an old runtime may lack an operator
                print(f"{name} {way}: {error}", file=sys.stderr)

    def run(self, name):
        self.prepare(name)
        for way, work in self.ways:
            print(f"{name} {fastest(work, self.seconds):.5f} {way}".rstrip(), flush=True)


def main(title, cases, set_threads):
    """`title()` returns name and version; `set_threads(n)` is called before any case is built."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", metavar="REGEX")
    parser.add_argument("--seconds", type=float, default=1.0, help="time per way and case")
    parser.add_argument("--serve", action="store_true", help="read names of cases from standard input")
    options = parser.parse_args()
    set_threads(options.threads)
    print(f"# {title()}", flush=True)
    peer = Peer(cases, options.seconds)
    if options.serve:
        for line in sys.stdin:
            if line.strip() in cases:
                peer.run(line.strip())
            print(flush=True)
    else:
        for name in cases:
            if re.search(options.only, name):
                peer.run(name)
