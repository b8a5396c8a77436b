# SPDX-License-Identifier: Apache-2.0
"""Makes run.txt, qrels.txt and expected.tsv: pip install ir_measures ranx; python3 make.py

The lists and targets are random; the figures are those of ir_measures (pytrec_eval) and ranx, which must agree.
"""

import importlib.metadata
import random

import ir_measures
import ranx

draw = random.Random(4)
items = [f"item-{i}" for i in range(60)]
run, qrels = {}, {}
for u in range(25):
    user = f"user-{u}"
    length = 0 if u == 7 else draw.choice([3, 12, 20, 20, 20])  # user-7 was recommended nothing
    run[user] = draw.sample(items, length)
    qrels[user] = draw.sample(items, draw.choice([1, 1, 2, 4, 9, 27]))
qrels["user-3"] = [run["user-3"][0]]
run["user-5"] = [item for item in items if item not in qrels["user-5"]][:20]

with open("run.txt", "w") as file:
    for user, ranked in run.items():
        for i, item in enumerate(ranked):
            file.write(f"{user} Q0 {item} {i + 1} {len(ranked) - i} heed\n")
with open("qrels.txt", "w") as file:
    for user, targets in qrels.items():
        for item in targets:
            file.write(f"{user} 0 {item} 1\n")

scores = {user: {item: float(len(ranked) - i) for i, item in enumerate(ranked)} for user, ranked in run.items()}
truth = {user: {item: 1 for item in targets} for user, targets in qrels.items()}
names = {"Success": "hit_rate", "R": "recall", "P": "precision", "nDCG": "ndcg", "RR": "mrr", "AP": "map"}
with open("expected.tsv", "w") as file:
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("ir_measures", "pytrec_eval-terrier", "ranx")]
    file.write("# mean over 25 users: metric, cut-off, value; " + ", ".join(versions) + "\n")
    for k in (1, 5, 10, 20):
        for theirs, ours in names.items():
            measure = ir_measures.parse_measure(f"{theirs}@{k}")
            values = {m.query_id: m.value for m in ir_measures.iter_calc([measure], truth, scores)}
            mean = sum(values.values()) / len(qrels)
            other = ranx.evaluate(ranx.Qrels(truth), ranx.Run({u: s for u, s in scores.items() if s}), f"{ours}@{k}",
                                  make_comparable=True)
            assert abs(mean - other) < 1e-6, (theirs, k, mean, other)
            file.write(f"{ours}\t{k}\t{mean:.12f}\n")
