#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the tests: changes one place of a header, compiles the header's test, and expects it to fail.

    python3 tests/mutants.py --state build/mutants.jsonl              # 300 mutants; again: continues, shows the result
    python3 tests/mutants.py --state build/mutants.jsonl --survivors  # those that survived, again, after new tests
    python3 tests/mutants.py --list --folder optim                    # the mutants in their order, without testing any
    python3 tests/mutants.py --only include/heed/optim/adam.hpp:42    # all mutants of one line

--seed chooses the mutants, --count is the number of those that compile, --folder restricts them to one folder, --jobs
run at once. A mutant is killed if a test fails, crashes or exceeds its time; one that does not compile is invalid and
replaced by another. The exit status is 1 if a mutant survived. The checkout is never modified: the changed header is in
a temporary include folder in front of the real one.

Requires g++ and the packages of `./quickstart test`. The test of include/heed/X/Y.hpp is tests/X/Y_test.cpp; that of an
operation is linked with tests/ops/registry_test.cpp, which derives most checks. A part, under detail/, is also tested
by the tests of the headers that include it.

Not changed, because no result depends on it or tests do not compare it: comments, texts and arguments of errors,
template parameters, static assertions, prefetching, reserved capacity, sizes of scratch buffers, and constants that are
the sizes of tiles, blocks and grains.
"""
import argparse
import concurrent.futures
import functools
import itertools
import json
import random
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEED = ROOT / "include/heed"
# Headers of each folder, and its share of the mutants.
FOLDERS = {
    "kernels": (["*.hpp", "detail/*.hpp"], 3),
    "ops": (["*.hpp", "detail/*.hpp"], 3),
    "optim": (["*.hpp"], 1),
    "recsys": (["metrics.hpp", "evaluate*.hpp", "bootstrap.hpp", "statistics.hpp"], 1),
    "data": (["split.hpp", "batch.hpp", "token_batches.hpp", "history.hpp", "k_core.hpp", "filter.hpp"], 1),
}
PREFETCH = HEED / "kernels/prefetch.hpp"
# Folders whose headers are precompiled, except for those that include a header of FOLDERS, which may be changed.
PRECOMPILED = ["core", "simd", "autograd", "testing"]

# ---- the places that may be changed

SKIPPED = re.compile(
    r"//[^\n]*|/\*.*?\*/|^[ ]*#[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'"  # comments, directives, literals
    r"|\bconstexpr (?:Index|int|bool|std::size_t) [^;{]*=[^;]*;|\bIndex grain = [^;]*;|^[^\n]*\bIsa::bytes\b[^\n]*"
    r"|^[^\n]*\breserve\([^\n]*;|^[^\n]*\bstatic Index scratch\([^{]*\{[^}]*\}"
    r"|\boperator(?:[^\w\s(]+|\(\))|\b(?:using|enum) [^;]*;", re.M | re.S)
# Skipped up to the matching brackets.
SKIPPED_CALLS = re.compile(
    r"\bfail(?=<)|\bstatic_assert(?=\()|\balignas(?=\()|\b(?:__builtin_)?prefetch(?=\()|\basm(?=\()"
    r"|\bgrain(?=\()|\blayout\.array(?=\()|\bscratch(?:\(\))?\.(?:template )?(?:array|tensor)(?=<)"
    r"|\btemplate(?= ?<)|\[\[(?=gnu)")


def masked(text):
    """Returns the text with blanks in place of everything that is not changed."""
    blank = lambda part: re.sub(r"[^\n]", " ", part)
    text = SKIPPED.sub(lambda match: blank(match[0]), text)
    for match in list(SKIPPED_CALLS.finditer(text)):
        at = match.end()
        for opening, closing in ("<>", "()", "[]"):  # fail<Error>(..), template <..>, [[..]]
            while text[at : at + 1] == " ":
                at += 1
            if text[at : at + 1] != opening:
                continue
            depth = 0
            while at < len(text):
                depth += (text[at] == opening) - (text[at] == closing and text[at - 1] != "-")
                at += 1
                if depth == 0:
                    break
            if match[0].startswith("template"):
                break
        text = text[: match.start()] + blank(text[match.start() : at]) + text[at:]
    return text


# ---- the changes: (kind, pattern, replacement); the group `at` is replaced, or the whole match

TERM = r"[A-Za-z_][\w:]*(?:<\w+>)?(?:\.\w+|->\w+|\([^()]*\)|\[[^\[\]]*\])*"
OPERATORS = [
    ("sign", r" (?P<at>\+) ", "-"), ("sign", r" (?P<at>-) ", "+"), ("sign", r" (?P<at>\+=) ", "-="),
    ("sign", r" (?P<at>-=) ", "+="), ("sign", r"(?:[(,=?:]|return) ?(?P<at>-)(?=[A-Za-z(])", ""),
    ("operator", r" (?P<at>\*) ", "/"), ("operator", r" (?P<at>/) ", "*"), ("operator", r" (?P<at>%) ", "*"),
    ("operator", r" (?P<at>\*=) ", "/="), ("operator", r" (?P<at>/=) ", "*="), ("operator", r" (?P<at>\+=) ", "="),
    ("operator", r" (?P<at>==) ", "!="), ("operator", r" (?P<at>!=) ", "=="), ("operator", r" (?P<at>&&) ", "||"),
    ("operator", r" (?P<at>\|\|) ", "&&"), ("operator", r"(?P<at>!)(?=[\w(])", ""),
    ("operator", r"\bstd::(?P<at>min)\b", "max"), ("operator", r"\bstd::(?P<at>max)\b", "min"),
    ("operator", r"(?<![\w:.])(?P<at>max)\(", "min"), ("operator", r"(?<!> )\b(?P<at>tanh|sigmoid|exp|log)\(", ""),
    ("off by one", r" (?P<at><) ", "<="), ("off by one", r" (?P<at><=) ", "<"), ("off by one", r" (?P<at>>) ", ">="),
    ("off by one", r" (?P<at>>=) ", ">"), ("off by one", r"\bfor \([\w:]+ \w+ = (?P<at>0)\b", "1"),
    ("off by one", r"(?P<at>\b\w+(?:\.rows|\.cols|\.size|\.count)\(\))(?=[;,)])", r"\g<at> - 1"),
    ("constant", r"(?<![\w.'])(?P<at>\d+(?:\.\d+)?)(?![\w.'])", None), ("constant", r"\b(?P<at>true)\b", "false"),
    ("constant", r"\b(?P<at>false)\b", "true"),
    ("dropped term", rf"(?P<at> [+-] (?:{TERM}|\d+))(?=;|,|\)|\])", ""),
    ("dropped term", rf"(?P<at> \* {TERM})(?=;|,|\)|\]| [-+])", ""),
    ("dropped term", rf"(?P<at>{TERM} \* )(?={TERM}(?:;|,|\)|\]| [-+]))", ""),
    ("dropped term", r"[;{}]\s*\n +(?P<at>[\w.:()\[\]>*+-]+(?: [+*/|&-]= |\().*\S)(?=;$)", ""),
    ("dropped term", r" && (?P<at>(?:[^&|;?()]|\((?:[^()]|\([^()]*\))*\))+?)(?=\) | &&|;$)", "true"),
    ("swapped arguments", rf"\b(?!(?:min|max|fma|add|multiply)\b)\w+(?:<[\w, ]+>)?\("
     rf"(?P<at>((?!e\.size){TERM}), ({TERM}))(?=[,)])", None),
    ("swapped arguments", rf"\bfma\([^,()]+, (?P<at>({TERM}), ({TERM}))\)", None),
    ("swapped branches", rf"\? (?P<at>([^?:;,()]+|-?{TERM}) : ([^?:;,()]+|-?{TERM}))(?=[;,)])", None),
    ("wrong axis", r"\.(?P<at>rows)\(\)", "cols"), ("wrong axis", r"\.(?P<at>cols)\(\)", "rows"),
    ("wrong axis", r"\.(?P<at>columns)\(", "rows"), ("wrong axis", r"\.(?P<at>rows)\((?=[^)])", "columns"),
    ("wrong axis", r"\.(?P<at>row_stride)\(\)", "cols"), ("wrong axis", r"\bshape(?:\(\))?\[(?P<at>\d)\]", None),
]
# Names of which the next takes the place of the previous one, in headers whose name contains the key.
NAMES = {"lstm": ["ifgo", ("cells", "gates"), ("h0", "c0"), ("h_n", "c_n")], "gru": ["rzn"],
         "attention": ["qkv", ("dq", "dk", "dv"), ("query", "key", "value"), ("d_query", "d_key", "d_value")],
         "adam": ["pmv", ("first", "second")], "norm": [("mean", "rstd")], "metrics": [("better", "equal")],
         "split": [("train_end", "validation_end", "test_end")]}


def replaced(kind, match, replacement):
    """Returns what takes the place of the group `at`: `replacement`, else the swapped parts or the next number."""
    if replacement is not None:
        return match.expand(replacement)
    if kind.startswith("swapped"):
        return match[3] + (" : " if kind == "swapped branches" else ", ") + match[2]
    return str(float(match["at"]) + 1 if "." in match["at"] else int(match["at"]) + 1)


def mutants_of(header):
    """Returns all mutants of a header, in the order of their places."""
    text, path = header.read_text(), header.relative_to(ROOT).as_posix()
    code = masked(text)
    changes = [(kind, re.compile(pattern, re.M), to) for kind, pattern, to in OPERATORS]
    for part, families in NAMES.items():
        for names in families if part in header.stem else []:
            changes += [("swapped names", re.compile(rf"(?<=[ (!*-])(?<!\w )(?P<at>{a})(?=[ ,;)*.\[](?! = ))"), b)
                        for a, b in zip(names, [*names[1:], names[0]])]
    found = {}
    for kind, pattern, to in changes:
        for match in pattern.finditer(code):
            begin, end = match.span("at")
            new = replaced(kind, match, to)
            if new == text[begin:end]:
                continue
            line_begin, line_end = text.rfind("\n", 0, begin) + 1, text.find("\n", end)
            before = text[line_begin:line_end].strip()
            key = f"{path}|{before}|{begin - line_begin}|{new}"
            found.setdefault(key, {"key": key, "file": path, "line": text.count("\n", 0, begin) + 1, "kind": kind,
                                   "before": before, "at": begin, "end": end, "new": new,
                                   "after": (text[line_begin:begin] + new + text[end:line_end]).strip()})
    return sorted(found.values(), key=lambda mutant: mutant["at"])


def in_turns(lists):
    """Returns the elements of all lists: the first of each, the second of each, .."""
    return [x for row in itertools.zip_longest(*lists) for x in row if x is not None]


def chosen(seed, only_folder):
    """Returns all mutants in the order in which they are tested: folders, headers and kinds of change take turns.
    After one of each header, the shorter its tests, the more turns it gets, as long tests take minutes."""
    queues = []
    for folder, (patterns, share) in FOLDERS.items():
        if only_folder not in (None, folder):
            continue
        source = random.Random(f"{seed} {folder}")
        headers = sorted({path for pattern in patterns for path in (HEED / folder).glob(pattern)} - {PREFETCH})
        source.shuffle(headers)
        turns = []
        for header in headers:
            kinds = {}
            for mutant in mutants_of(header):
                kinds.setdefault(mutant["kind"], []).append(mutant)
            groups = list(kinds.values())
            source.shuffle(groups)
            for group in groups:
                source.shuffle(group)
            cost = 3000 + sum(test.stat().st_size for test in tests_of(header))
            turns += [(i * cost**1.5, mutant) for i, mutant in enumerate(in_turns(groups))]
        queue = [mutant for _, mutant in sorted(turns, key=lambda turn: turn[0])]
        queues.append([queue[i : i + share] for i in range(0, len(queue), share)])
    return [mutant for some in in_turns(queues) for mutant in some]


# ---- tests

@functools.cache
def users_of(include):
    """Returns the headers that include `include`."""
    return [path for path in sorted(HEED.rglob("*.hpp")) if f'#include "{include}"' in path.read_text()]


@functools.cache
def may_change(header):
    """Returns whether a header is of FOLDERS or includes one that is."""
    included = re.findall(r'#include "(heed/[^"]+)"', header.read_text())
    return header.relative_to(HEED).parts[0] in FOLDERS or any(may_change(ROOT / "include" / path) for path in included)


@functools.cache
def tests_of(header):
    """Returns the tests of a header, of a part also those of its users, the shortest first."""
    own = ROOT / "tests" / header.relative_to(HEED).with_name(f"{header.stem}_test.cpp")
    tests = {own} if own.exists() else set()
    if header.parent.name == "detail":
        users = users_of(header.relative_to(ROOT / "include").as_posix())
        tests = tests.union(*(tests_of(user) for user in users))
    return sorted(tests, key=lambda test: (test != own, test.stat().st_size, test))


class Runner:
    """Compiles and runs tests with one header replaced."""

    def __init__(self, folder, options, limits, save):
        self.folder, self.limits, self.save = Path(folder), limits, save
        self.command = [*shlex.split(options.compiler), "-std=c++20", "-march=native", "-O0", "-w", "-Wno-psabi",
                        f'-DHEED_SOURCE_DIR="{ROOT}"']
        self.includes = [f"-I{ROOT / 'include'}", f"-I{ROOT / 'tests'}", "-isystem", options.eigen]
        self.libraries = ["-lrapidcheck"]
        if not Path("/usr/include/catch2/catch.hpp").exists():  # Catch2 3
            self.includes.append(f"-I{ROOT / 'tests/support/catch2_v3'}")
            self.libraries.append("-lCatch2")
        headers = [path for name in PRECOMPILED for path in sorted((HEED / name).glob("*.hpp")) if not may_change(path)]
        lines = [f"#include <{name}>" for name in ("catch2/catch.hpp", "Eigen/Core", "rapidcheck.h")]
        lines += [f'#include "{path.relative_to(ROOT / "include")}"' for path in headers]
        self.precompiled = self.folder / "precompiled.hpp"
        self.precompiled.write_text("\n".join(lines) + "\n")
        self.compile("-x", "c++-header", self.precompiled, "-o", f"{self.precompiled}.gch")
        self.common = [self.object(ROOT / "tests/support" / name) for name in ("main.cpp", "allocations.cpp")]
        self.registry = self.object(ROOT / "tests/ops/registry_test.cpp")

    def compile(self, *arguments, overlay=None, check=True):
        command = [*self.command, *([f"-I{overlay}"] if overlay else []), *self.includes, *map(str, arguments)]
        return subprocess.run(command, check=check, capture_output=not check)

    def object(self, source):
        target = self.folder / f"{source.stem}.o"
        self.compile("-DHEED_TEST_UNIT=common", "-c", source, "-o", target)
        return target

    def run(self, test, overlay, limit):
        """Returns ("passed" or "failed" or "invalid", what failed, seconds of processor time)."""
        with tempfile.TemporaryDirectory(dir=self.folder) as work:
            work = Path(work)
            compiled = self.compile("-DHEED_TEST_UNIT=unit", "-include", self.precompiled, "-c", test, "-o",
                                    work / "unit.o", overlay=overlay, check=False)
            if compiled.returncode != 0:
                return "invalid", compiled.stderr.decode()[-2000:], 0
            objects = [work / "unit.o"]  # first: its inline functions are those of the program
            arguments = ["--abort"]
            if test.parent == ROOT / "tests/ops":
                objects.append(self.registry)
                arguments.append("~every operation has samples*")  # there are those of one operation
            linked = self.compile(*objects, *self.common, "-o", work / "test", *self.libraries, check=False)
            if linked.returncode != 0:
                return "invalid", linked.stderr.decode()[-2000:], 0

            def limits():
                resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit) + 1))
                resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            try:
                done = subprocess.run([work / "test", *arguments], cwd=work, preexec_fn=limits, timeout=20 * limit,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            except subprocess.TimeoutExpired:
                return "failed", "time limit", limit
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if done.returncode == 0:
                return "passed", "", after.ru_utime - before.ru_utime
            name = re.search(rb"-{79}\n(.*)\n", done.stdout)
            what = f"signal {-done.returncode}" if done.returncode < 0 else name[1].decode() if name else "failed"
            return "failed", what, after.ru_utime - before.ru_utime

    def limit_of(self, test):
        """Returns the seconds that a test may take. Exits if it fails without a change, as then any mutant would."""
        name = test.relative_to(ROOT).as_posix()
        if name not in self.limits:
            result, what, seconds = self.run(test, None, 600)
            if result != "passed":
                sys.exit(f"mutants: {name} fails without a change: {what}")
            self.limits[name] = 10 + 10 * seconds
            self.save({"unchanged": name, "limit": self.limits[name]})
        return self.limits[name]

    def result_of(self, mutant):
        """Returns the mutant with its result."""
        text = (ROOT / mutant["file"]).read_text()
        record = {key: mutant[key] for key in ("key", "file", "line", "kind", "before", "after")}
        with tempfile.TemporaryDirectory(dir=self.folder) as overlay:
            changed = Path(overlay) / Path(mutant["file"]).relative_to("include")
            changed.parent.mkdir(parents=True)
            changed.write_text(text[: mutant["at"]] + mutant["new"] + text[mutant["end"] :])
            for test in tests_of(ROOT / mutant["file"]):
                result, what, _ = self.run(test, overlay, self.limit_of(test))
                if result != "passed":
                    outcome = "invalid" if result == "invalid" else "killed"
                    return {**record, "result": outcome, "test": test.relative_to(ROOT).as_posix(), "by": what}
        return {**record, "result": "survived"}


def folder_of(record):
    return record["file"].split("/")[2]


def report(records):
    """Prints a row per folder and the survivors. Returns whether there is none."""
    print("| folder | headers | mutants | killed | survived | invalid, replaced |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for folder in [*FOLDERS, "all"]:
        own = [record for record in records if folder in (folder_of(record), "all")]
        of = {result: [x for x in own if x["result"] == result] for result in ("killed", "survived", "invalid")}
        valid = of["killed"] + of["survived"]
        print(f"| {folder} | {len({x['file'] for x in valid})} | {len(valid)} | {len(of['killed'])} "
              f"| {len(of['survived'])} | {len(of['invalid'])} |")
    survivors = [record for record in records if record["result"] == "survived"]
    for record in sorted(survivors, key=lambda record: (record["file"], record["line"])):
        print(f"\n{record['file']}:{record['line']} ({record['kind']})\n- {record['before']}\n+ {record['after']}")
    return not survivors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, help="file of results, a JSON object a line; continued")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300, help="number of mutants that compile")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--folder", choices=FOLDERS)
    parser.add_argument("--only", metavar="FILE:LINE", help="all mutants of this line")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--survivors", action="store_true", help="test those again that survived")
    parser.add_argument("--compiler", default=shutil.which("g++") or "c++", help="may have options")
    parser.add_argument("--eigen", default="/usr/include/eigen3", help="include folder of Eigen")
    options = parser.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that temporary files are removed
    mutants = chosen(options.seed, options.folder)
    if options.only:
        file, line = options.only.rsplit(":", 1)
        mutants = [mutant for mutant in mutants_of(ROOT / file) if mutant["line"] == int(line)]
    if options.list:
        for mutant in mutants:
            print(f"{mutant['file']}:{mutant['line']} ({mutant['kind']})\n- {mutant['before']}\n+ {mutant['after']}")
        return print(f"{len(mutants)} mutants")

    done, limits = {}, {}
    if options.state and options.state.exists():
        for record in map(json.loads, options.state.read_text().splitlines()):
            if "key" in record:
                done[record["key"]] = record
            else:
                limits[record["unchanged"]] = record["limit"]

    def save(record):
        if options.state:
            options.state.parent.mkdir(parents=True, exist_ok=True)
            with options.state.open("a") as state:
                state.write(json.dumps(record) + "\n")

    if options.survivors:
        mutants = [mutant for mutant in mutants if done.get(mutant["key"], {}).get("result") == "survived"]
        for mutant in mutants:
            del done[mutant["key"]]
    known = {mutant["key"] for mutant in mutants}
    valid = sum(record["result"] != "invalid" for record in done.values() if record["key"] in known)
    wanted = len(mutants) if options.only or options.survivors else options.count
    waiting = (mutant for mutant in mutants if mutant["key"] not in done)
    with tempfile.TemporaryDirectory(prefix="heed_mutants_") as folder, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runner, running = None, set()
        while True:
            while len(running) < options.jobs and valid + len(running) < wanted:
                mutant = next(waiting, None)
                if mutant is None:
                    break
                runner = runner or Runner(folder, options, limits, save)
                running.add(pool.submit(runner.result_of, mutant))
            if not running:
                break
            finished, running = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in finished:
                record = future.result()
                done[record["key"]] = record
                valid += record["result"] != "invalid"
                print(f"{valid}: {record['result']} {record['file']}:{record['line']} {record['after']}", flush=True)
                save(record)
    sys.exit(0 if report([done[mutant["key"]] for mutant in mutants if mutant["key"] in done]) else 1)


if __name__ == "__main__":
    main()
