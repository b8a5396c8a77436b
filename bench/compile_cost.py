#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cost of compiling programs that include heed: seconds of processor time and size of the object file, compared with
Eigen/Core with one product. The programs alternate; the minimum over rounds counts, because noise only adds time."""
import argparse
import os
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNIT = "Eigen/Core, one product"
PROGRAMS = {
    UNIT: "bench/compile/eigen_product.cpp",
    "README's program (examples/minimal.cpp)": "examples/minimal.cpp",
    "<heed/heed.hpp>, nothing used": "bench/compile/umbrella.cpp",
    "SASRec: fit and Session": "bench/compile/fit_session.cpp",
}


def cost(command, source, folder):
    """Returns (seconds of processor time, bytes of object file)."""
    target = Path(folder) / "compiled.o"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*command, "-c", str(ROOT / source), "-o", str(target)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, target.stat().st_size


def table(compiler="", eigen="/usr/include/eigen3", rounds=3):
    """Returns Markdown with the compiler command."""
    compiler = compiler or os.environ.get("CXX") or shutil.which("g++") or "c++"
    command = [compiler, "-std=c++20", "-O2", f"-I{ROOT / 'include'}", "-isystem", eigen]
    best = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name, source in PROGRAMS.items():
                seconds, size = cost(command, source, folder)
                best[name] = min(seconds, best.get(name, (seconds, 0))[0]), size
    version = subprocess.run([compiler, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[0]
    lines = [f"{version}, `-std=c++20 -O2`:", "", "| program | seconds | times Eigen's | object file, kB |",
             "| --- | ---: | ---: | ---: |"]
    for name, (seconds, size) in best.items():
        lines.append(f"| {name} | {seconds:.2f} | {seconds / best[UNIT][0]:.2f} | {size / 1e3:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compiler", default="", help="default: $CXX, else g++")
    parser.add_argument("--eigen", default="/usr/include/eigen3", help="include folder of Eigen")
    parser.add_argument("--rounds", type=int, default=3)
    print(table(**vars(parser.parse_args())))
