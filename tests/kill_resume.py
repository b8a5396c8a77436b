#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills trainings at random moments, resumes them, and compares model and figures with a training left alone.

    tests/kill_resume.py --recommend build/train/examples/recommend --kills 100

Every case (an encoder or a loss, with one or two threads) is trained once without interruption; then it is started and
killed with SIGKILL at a random moment, resumed and killed again, until it has been killed its share of times; the last
run is left to end. The model files must have the same hash; the figures of each epoch and of the test must be the same.
Not part of the tests that run by default, as what it does depends on time.
"""

import argparse
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ENCODERS = ["attention", "gru4rec", "hstu", "ligr", "lstm4rec", "narm", "sasrec"]
LOSSES = {
    "softmax": [],
    "sampled_softmax": ["recommender.loss.kind=sampled_softmax", "recommender.loss.negatives=8"],
    "in_batch": ["recommender.loss.kind=sampled_softmax", "recommender.loss.in_batch=true"],
    "bce": ["recommender.loss.kind=bce"],
    "gbce": ["recommender.loss.kind=gbce", "recommender.loss.negatives=4"],
}


def write_log(path, rng):
    """Single events of 60 users, who go around a circle of 40 items with some noise."""
    with open(path, "w", encoding="ascii") as file:
        file.write("user,item,time\n")
        for user in range(60):
            item = rng.randrange(40)
            for when in range(12):
                file.write(f"u{user},i{item},{when}\n")
                item = (item + rng.choice([1, 1, 1, 2, 7])) % 40


def cases():
    for threads in (1, 2):
        for encoder in ENCODERS:
            yield f"{encoder}, {threads} thread(s)", encoder, [], threads
        for loss, options in LOSSES.items():
            if options:
                yield f"sasrec, {loss}, {threads} thread(s)", "sasrec", options, threads


def figures(text):
    """The losses and figures of the epochs, by epoch, and the lines of the test without times."""
    epochs = {}
    for epoch, loss, rest in re.findall(r"epoch +(\d+) +loss (\S+) +(.*)", text):
        if "tokens/s" in rest and "left in this epoch" not in rest:
            epochs[int(epoch)] = (loss, re.split(r"  +", rest)[0])
    test = text[text.find("\nTest, "):] if "\nTest, " in text else ""
    return epochs, [line for line in test.splitlines() if not re.search(r"\bWrote\b|\bs\b", line)]


class Case:
    def __init__(self, args, folder, encoder, options, threads):
        self.model = os.path.join(folder, "model.safetensors")
        self.checkpoints = os.path.join(folder, "checkpoints")
        self.command = [args.recommend, "train", "--data", args.log, "--format", "csv", "--user-column", "user",
                        "--item-column", "item", "--time-column", "time", "--encoder", encoder, "--threads",
                        str(threads), "--seed", "3", "--report", os.path.join(folder, "report.html"), "--model",
                        self.model]
        for setting in ["training.max_epochs=4", "training.batch_size=8", "recommender.embed_dim=16", *options]:
            self.command += ["--set", setting]

    def run(self, *more, seconds=None):
        """Returns the output and the hash of the model; None for the hash of one that was killed after `seconds`."""
        if os.path.exists(self.model):
            os.remove(self.model)
        command = [*self.command, *more]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            text = process.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            return process.communicate()[0], None
        if process.returncode != 0:
            sys.exit(f"exit {process.returncode}: {' '.join(command)}\n{text}")
        with open(self.model, "rb") as file:
            return text, hashlib.sha256(file.read()).hexdigest()

    def differences(self, kills, rng):
        """Kills the training so many times, and returns what differs from one that was left alone."""
        begin = time.monotonic()
        text, expected = self.run()
        duration = time.monotonic() - begin
        epochs, test = figures(text)
        wrong, done = set(), 0
        saves = ["--checkpoint", self.checkpoints, "--checkpoint-every", "0", "--resume"]
        while True:
            text, digest = self.run(*saves, seconds=rng.uniform(0, duration) if done < kills else None)
            wrong |= {f"epoch {epoch}" for epoch, values in figures(text)[0].items() if epochs.get(epoch) != values}
            if digest is None:
                done += 1
                continue
            if digest != expected:
                wrong.add("hash of the model")
            if figures(text)[1] != test:
                wrong.add("figures of the test")
            shutil.rmtree(self.checkpoints)
            if done == kills:
                return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recommend", required=True, help="the program")
    parser.add_argument("--kills", type=int, default=100, help="in all")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    all_cases = list(cases())
    good = 0
    print(f"{'case':36} {'kills':>5}  result")
    with tempfile.TemporaryDirectory() as folder:
        args.log = os.path.join(folder, "log.csv")
        write_log(args.log, rng)
        for i, (name, encoder, options, threads) in enumerate(all_cases):
            kills = args.kills * (i + 1) // len(all_cases) - args.kills * i // len(all_cases)
            if kills == 0:
                continue
            wrong = Case(args, folder, encoder, options, threads).differences(kills, rng)
            good += 0 if wrong else kills
            print(f"{name:36} {kills:5}  {'different: ' + ', '.join(sorted(wrong)) if wrong else 'same'}", flush=True)
    print(f"{good} of {args.kills}")
    sys.exit(good != args.kills)


if __name__ == "__main__":
    main()
