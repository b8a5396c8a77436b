# SPDX-License-Identifier: Apache-2.0
"""Epochs of SASRec with full cross-entropy in PyTorch, for comparison with

    recommend train --encoder sasrec --dropout 0.2 --batch-size 128 --format user-item --data FILE --epochs 2 --threads 1

Model, batches and protocol are the same: 2 pre-norm blocks of width 64, the item embeddings are also the output layer,
Adam on batches of 128 users. The last item of a user is the test target, the one before it the validation target; the
last 200 of the others are for training at every position. FILE has a line "user item" per event, ordered by time.

The fastest settings of PyTorch are used: fused attention and fused Adam; a batch is sorted by length and encoded in
groups, each padded to its longest history; the loss uses valid positions only, in chunks if supported (2.13).
--compile, --loss plain and other --groups were slower in tests. --attention-dropout 0 is faster but another model: the
fused attention has no dropout on a CPU.
"""
import argparse
import gzip
import math
import os
import sys
import time

# Malloc settings that keep freed memory instead of mapping and zeroing each large array; read when Python starts.
MALLOC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 34), "MALLOC_TOP_PAD_": str(1 << 26)}
if __name__ == "__main__" and not MALLOC.keys() <= os.environ.keys():
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **MALLOC})
from torch_peer import CausalAttention  # before torch, because it sets PyTorch's instruction set
import torch
import torch.nn as nn
import torch.nn.functional as F


# ---- data


def read(path):
    """Returns [items of a user, oldest first] and the number of items."""
    users, items = {}, {}
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as file:
        for line in file:
            user, item = line.split()[:2]
            users.setdefault(user, []).append(items.setdefault(item, len(items)))
    return [torch.tensor(events) for events in users.values()], len(items)


class Group:
    """Histories padded on the right to the longest, and the indices of their valid and last positions."""

    def __init__(self, histories):
        lengths = torch.tensor([len(history) for history in histories])
        self.items = nn.utils.rnn.pad_sequence(histories, batch_first=True)
        self.valid = (torch.arange(self.items.shape[1]) < lengths[:, None]).flatten().nonzero().squeeze(1)
        self.last = torch.arange(len(histories)) * self.items.shape[1] + lengths - 1


def training_batches(users, options):
    """Yields (groups, targets of their valid positions) for an epoch."""
    users = [events[:-2][-options.max_length - 1 :] for events in users if len(events) >= 4]
    order = torch.randperm(len(users)).tolist()
    for start in range(0, len(users), options.batch_size)[: options.batches]:
        batch = sorted((users[i] for i in order[start : start + options.batch_size]), key=len)
        size = -(-len(batch) // options.groups)
        groups = [Group([events[:-1] for events in batch[i : i + size]]) for i in range(0, len(batch), size)]
        yield groups, torch.cat([events[1:] for events in batch])


# ---- model


class Attention(CausalAttention):
    def __init__(self, width, heads, dropout):
        super().__init__(width, heads, dropout)
        nn.init.xavier_uniform_(self.qkv.weight)  # as nn.MultiheadAttention
        for layer in self.qkv, self.out:
            nn.init.zeros_(layer.bias)


class Block(nn.Module):
    def __init__(self, options):
        super().__init__()
        d, ff = options.width, options.feedforward
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.attention = Attention(d, options.heads, options.attention_dropout)
        self.up, self.down, self.drop = nn.Linear(d, ff), nn.Linear(ff, d), nn.Dropout(options.dropout)

    def forward(self, x):
        x = x + self.drop(self.attention(self.norm1(x)))
        return x + self.drop(self.down(self.drop(F.relu(self.up(self.norm2(x))))))


class SASRec(nn.Module):
    def __init__(self, items, options):
        super().__init__()
        self.items, self.places = nn.Embedding(items, options.width), nn.Embedding(options.max_length, options.width)
        self.blocks = nn.ModuleList(Block(options) for _ in range(options.blocks))
        self.norm, self.drop = nn.LayerNorm(options.width), nn.Dropout(options.dropout)
        for table in self.items, self.places:
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, items, rows):
        """Returns the states [rows, width] of the positions `rows`, flat indices into [users, time]."""
        x = self.items(items) * math.sqrt(self.items.embedding_dim) + self.places.weight[: items.shape[1]]
        x = self.drop(x)
        for block in self.blocks:
            x = block(x)
        return self.norm(x.flatten(0, 1).index_select(0, rows))


def cross_entropy(states, table, targets):
    return F.cross_entropy(states @ table.T, targets)


def chunked_cross_entropy(states, table, targets):
    return F.linear_cross_entropy(states, table, targets, options=nn.LinearCrossEntropyOptions())


# ---- training and validation


def epoch(model, encode, loss_of, adam, users, options):
    """Returns the mean loss over the users."""
    model.train()
    total = count = 0
    for groups, targets in training_batches(users, options):
        adam.zero_grad(set_to_none=True)
        states = torch.cat([encode(group.items, group.valid) for group in groups])
        loss = loss_of(states, model.items.weight, targets)
        loss.backward()
        adam.step()
        size = sum(len(group.items) for group in groups)
        total, count = total + loss.item() * size, count + size
    return total / count


@torch.inference_mode()
def validation_ndcg(model, users, options):
    """Returns NDCG@10 of the second last item among all items outside the history; ties rank above it."""
    model.eval()
    users = sorted((events for events in users if len(events) >= 3), key=len)
    total = 0.0
    for start in range(0, len(users), options.batch_size):
        batch = users[start : start + options.batch_size]
        group = Group([events[:-2][-options.max_length :] for events in batch])
        scores = model(group.items, group.last) @ model.items.weight.T
        targets = torch.stack([events[-2] for events in batch])
        wanted = scores.gather(1, targets[:, None])
        for row, events in zip(scores, batch):
            row[events[:-2]] = -math.inf
        above = (scores >= wanted).sum(1) - (scores.gather(1, targets[:, None]) >= wanted).squeeze(1).long()
        total += (1 / torch.log2(above[above < 10] + 2.0)).sum().item()
    return total / len(users)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="FILE")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batches", type=int, help="limit of batches per epoch")
    parser.add_argument("--groups", type=int, default=8, help="number of groups by length per batch")
    parser.add_argument("--compile", action="store_true")
    chunks = hasattr(F, "linear_cross_entropy")
    parser.add_argument("--loss", choices=["plain", "chunked"], default="chunked" if chunks else "plain")
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--attention-dropout", type=float, help="default: --dropout")
    for name, value in dict(width=64, blocks=2, heads=1, feedforward=64, max_length=200, batch_size=128).items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.attention_dropout is None:
        options.attention_dropout = options.dropout

    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    users, items = read(options.data)
    model = SASRec(items, options)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    encode, loss_of = model, chunked_cross_entropy if options.loss == "chunked" else cross_entropy
    if options.compile:
        encode, loss_of = (torch.compile(function, dynamic=True) for function in (encode, loss_of))
    print(f"PyTorch {torch.__version__}, {options.threads} threads; {len(users)} users, {items} items", flush=True)
    for number in range(1, options.epochs + 1):
        start = time.perf_counter()
        loss = epoch(model, encode, loss_of, adam, users, options)
        print(f"epoch {number}  loss {loss:.4f}  {time.perf_counter() - start:.2f} s", flush=True)
    start = time.perf_counter()
    ndcg = validation_ndcg(model, users, options)
    print(f"validation NDCG@10 {ndcg:.4f}  {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
