#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs heed_bench and its peers alternately and prints one table. `./quickstart bench` builds all of it first.

For each case and round, heed runs first, then each peer. The minimum over the rounds counts for all of them, because
the speed of a shared machine drifts and noise only adds time. The peers are started once and read the names of cases
(see peers/peer.py). A run of all cases (without --only) writes docs/benchmarks.md and docs/kernels.md.
"""
import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
import compile_cost  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


class Peer:
    """A program that reads names of cases and answers with `NAME MILLISECONDS [CONFIGURATION]` lines."""

    # PyTorch allocates its arrays with malloc. With glibc's defaults each large one is mapped and zeroed again; with
    # these settings freed memory is kept, and a training step takes as little as 0.8 of the time.
    MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 34), "MALLOC_TOP_PAD_": str(1 << 26)}

    def __init__(self, command, seconds):
        self.process = subprocess.Popen(
            [*map(str, command), "--serve", "--seconds", str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **self.MALLOC},
            text=True,
        )
        self.title = self.process.stdout.readline().removeprefix("# ").strip()

    def run(self, case):
        """Returns [(milliseconds, "title, configuration")], empty if the peer lacks the case or has exited."""
        results = []
        try:
            self.process.stdin.write(case + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return results
        while (line := self.process.stdout.readline().strip()) != "":
            _, milliseconds, *configuration = line.split(" ", 2)
            results.append((float(milliseconds), ", ".join([self.title, *configuration])))
        return results

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def start_peers(options, threads):
    commands = [[program] for program in sorted((options.build / "peers").glob("heed_peer_*"))] if threads == 1 else []
    if options.python:
        scripts = ["torch_peer.py"] + (["onnxruntime_peer.py"] if threads == 1 else [])
        commands += [[options.python, ROOT / "bench/peers" / s, "--threads", threads] for s in scripts]
    peers = [Peer(command, options.seconds) for command in commands]
    return [peer for peer in peers if peer.title]  # a peer that cannot start has printed the reason


class Ours:
    """heed_bench, one case per run."""

    def __init__(self, options, threads):
        self.program, self.seconds, self.threads = options.build / "heed_bench", options.seconds, threads
        self.context = {}

    def call(self, *arguments):
        command = [self.program, f"--threads={self.threads}", *arguments]
        return subprocess.run([*map(str, command)], stdout=subprocess.PIPE, text=True).stdout

    def cases(self):
        listed = self.call("--benchmark_list_tests=true").split()
        return [name.removesuffix("/manual_time") for name in listed]

    def run(self, case):
        report = json.loads(
            self.call(
                f"--benchmark_filter=^{case}(/manual_time)?$",
                f"--benchmark_min_time={self.seconds}",
                "--benchmark_format=json",
            )
        )
        self.context = report["context"]
        result = report["benchmarks"][0]
        in_ms = {"ns": 1e-6, "us": 1e-3, "ms": 1, "s": 1e3}[result["time_unit"]]
        result.setdefault("best_ms", result["real_time"] * in_ms)
        return result


def share(result):
    """Returns as text `share_of_limit` if the case reports it, otherwise the share of every limit that it reports."""
    shares = {name.removeprefix("share_of_"): value for name, value in result.items() if name.startswith("share_of_")}
    if "limit" in shares:
        shares = {"limit": shares["limit"]}
    said = {"peak": "FMA", "bandwidth": "stream", "limit": "its limit"}
    return ", ".join(f"{value:.0%} of {said.get(name, name)}" for name, value in shares.items())


def rate(result):
    for unit in "GFLOP/s", "GB/s", "MB/s":
        if unit in result:
            return f"{result[unit]:.1f} {unit}"
    return ""


def table(columns, rows):
    """Returns a Markdown table with right-aligned columns of numbers."""
    rule = ["---" if name in ("case", "which", "counted as") else "---:" for name in columns]
    return "\n".join(f"| {' | '.join(row)} |" for row in [columns, rule, *rows])


def compare(options, threads):
    """Returns {case: (best result of heed, best time of each configuration of each peer [(ms, which)])}, and titles."""
    ours, results = Ours(options, threads), {}
    cases = [case for case in ours.cases() if re.search(options.only, case)]
    if not cases:
        return results, {}, []
    peers = start_peers(options, threads)
    for case in cases:
        best, theirs = None, {}
        for _ in range(options.rounds):
            result = ours.run(case)
            best = min(best or result, result, key=lambda r: r["best_ms"])
            for peer in peers:
                for milliseconds, which in peer.run(case):
                    theirs[which] = min(milliseconds, theirs.get(which, milliseconds))
        results[case] = best, sorted((milliseconds, which) for which, milliseconds in theirs.items())
        others = "".join(f"; {which} {milliseconds:.4g} ms" for milliseconds, which in results[case][1])
        print(f"{case}, {threads} thread{'s' * (threads > 1)}: {best['best_ms']:.4g} ms{others}", file=sys.stderr)
    for peer in peers:
        peer.close()
    return results, ours.context, [peer.title for peer in peers]


def comparison(results):
    rows = []
    for case, (ours, theirs) in results.items():
        row = [f"`{case}`", f"{ours['best_ms']:.4g}"]
        if theirs:
            milliseconds, which = theirs[0]
            row += [f"{milliseconds:.4g}", which, f"{milliseconds / ours['best_ms']:.2f}"]
        else:
            row += ["", "", ""]
        rows.append([*row, share(ours)])
    return table(["case", "heed, ms", "fastest peer, ms", "which", "ratio", "share of peak"], rows)


def accounts(results):
    rows = [
        [f"`{case}`", rate(ours), ours.get("label", ""), f"{ours.get('allocations', 0):.4g}"]
        for case, (ours, _) in results.items()
    ]
    return table(["case", "rate", "counted as", "heap allocations"], rows)


def scaling(one, two):
    rows = []
    for case, (ours, _) in two.items():
        if case in one:
            rows.append([f"`{case}`", f"{one[case][0]['best_ms']:.4g}", f"{ours['best_ms']:.4g}"])
            rows[-1].append(f"{one[case][0]['best_ms'] / ours['best_ms']:.2f}")
    return table(["case", "1 thread, ms", "2 threads, ms", "speedup"], rows)


def machine(context, titles):
    with open("/proc/cpuinfo") as cpuinfo:
        told = dict(re.findall(r"^([^\t]+)\t*: (.*)$", cpuinfo.read(), re.M))
    model = f"{told.get('model name', platform.machine())} (family {told.get('cpu family')}, model {told.get('model')})"
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return "\n".join(
        [
            f"- {datetime.date.today().isoformat()}; {model}, {os.cpu_count()} cores; {system}",
            f"- heed {context['heed']}, {context['heed isa']}; {context['compiler']}, `{context['flags'].strip()}`",
            f"- peak of one core in the same process: {float(context['FMA peak, GFLOP/s, one core']):.1f} GFLOP/s, "
            f"stream {float(context['stream bandwidth, GB/s, one core']):.1f} GB/s",
            f"- peers: {'; '.join(titles)}",
        ]
    )


def replace_between(path, name, text):
    """Replaces the text between <!-- NAME --> and <!-- /NAME -->, which are appended to the page if it lacks them."""
    page = path.read_text()
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    if begin not in page:
        page += f"\n{begin}{end}\n"
    head, rest = page.split(begin)
    path.write_text(head + begin + "\n" + text + "\n\n" + end + rest.split(end)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], prog="./quickstart bench")
    parser.add_argument("--only", default="", metavar="REGEX", help="run these cases only; docs/ is not changed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.4, help="per case and round (default %(default)s)")
    parser.add_argument("--build", type=Path, default=ROOT / "build/bench/bench", help="folder of heed_bench")
    parser.add_argument("--python", help="an interpreter with torch and onnxruntime; without it only C++ peers run")
    options = parser.parse_args()
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(ROOT / "build/peers/inductor"))
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")

    one, context, titles = compare(options, 1)
    two = compare(options, 2)[0] if os.cpu_count() > 1 else {}
    if not one and not two:
        sys.exit(f"compare.py: no case matches {options.only}")
    parts = ["One thread:", comparison(one)]
    if two:
        parts += ["Two threads:", comparison(two), "heed on one thread and on two:", scaling(one, two)]
    parts += ["How heed's work is counted:", accounts(one)]
    if not options.only:
        parts += ["Cost of compiling, in processor time:", compile_cost.table(rounds=options.rounds)]
    if context:
        parts.insert(0, machine(context, titles))
    text = "\n\n".join(parts)
    print(text)
    if options.only or not context:
        return
    isa = context["heed isa"]  # figures of other instruction sets are kept
    replace_between(ROOT / "docs/benchmarks.md", isa, f"## {isa}\n\n{text}")
    ladder = subprocess.run([str(options.build / "heed_ladder")], stdout=subprocess.PIPE, text=True, check=True).stdout
    for name, rungs in re.findall(r"## (\w+)\n(.*?)(?=## |\Z)", ladder, re.S):
        replace_between(ROOT / "docs/kernels.md", name, rungs.strip())


if __name__ == "__main__":
    main()
