# SPDX-License-Identifier: Apache-2.0
"""The cases of heed_bench in PyTorch, each in the ways that may be the fastest: fused attention and optimiser,
torch.compile, packed sequences."""
import os

with open("/proc/cpuinfo") as cpuinfo:
    if "avx512f" in cpuinfo.read():
        os.environ.setdefault("ATEN_CPU_CAPABILITY", "avx512")
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import peer

CASES = {}


def case(name):
    def add(ways):
        CASES[name] = ways

    return add


def inference(work):
    def run():
        with torch.inference_mode():
            return work()

    return run


def forward(name, make):
    """Adds the case of a function without gradients, eager and compiled."""

    @case(name)
    def ways():
        function, inputs = make()
        yield "", inference(lambda: function(*inputs))
        compiled = torch.compile(function, dynamic=False)
        yield "compiled", inference(lambda: compiled(*inputs))


def with_gradients(leaves, loss):
    def run():
        for leaf in leaves:
            leaf.grad = None
        loss().backward()

    return run


def there_and_back(name, make):
    """Adds the case of a loss with its gradients, eager and compiled."""

    @case(name)
    def ways():
        loss, leaves = make()
        yield "", with_gradients(leaves, loss)
        yield "compiled", with_gradients(leaves, torch.compile(loss, dynamic=False))


def normal(*shape):
    return torch.randn(shape, requires_grad=True)


def random_items(batch):
    return torch.randint(1, 3417, (batch, 200))


# ---- products

for m, n, k in (6400, 64, 64), (6400, 256, 64), (128, 512, 128), (200, 200, 64), (128, 3417, 64), (1, 3417, 64):

    @case(f"gemm_{m}x{n}x{k}")
    def product(m=m, n=n, k=k):
        a, b, c = torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)
        yield "", inference(lambda: torch.mm(a, b, out=c))


@case("gemm_tn_64x64x6400")
def weight_gradient():
    a, b, c = torch.randn(6400, 64), torch.randn(6400, 64), torch.empty(64, 64)
    yield "", inference(lambda: torch.mm(a.T, b, out=c))


# ---- layers

for batch in 64, 1:

    @case(f"lstm_forward_b{batch}_t50_d128_h128")
    def lstm(batch=batch):
        net, x = nn.LSTM(128, 128, batch_first=True).eval(), torch.randn(batch, 50, 128)
        yield "", inference(lambda: net(x))


@case("lstm_forward_backward_b64_t50_d128_h128")
def lstm_backward():
    net, x = nn.LSTM(128, 128, batch_first=True), torch.randn(64, 50, 128, requires_grad=True)
    yield "", with_gradients([x, *net.parameters()], lambda: net(x)[0].sum())


def causal(batch, heads, length, d, **options):
    return [torch.randn(batch, heads, length, d, **options) for _ in range(3)]


def attend(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


for shape in (128, 2, 200, 32), (8, 8, 1024, 64):

    @case("attention_causal_forward_b{}_h{}_t{}_d{}".format(*shape))
    def attention(shape=shape):
        qkv = causal(*shape)
        yield "", inference(lambda: attend(*qkv))


@case("attention_causal_forward_backward_b128_h2_t200_d32")
def attention_backward():
    qkv = causal(128, 2, 200, 32, requires_grad=True)
    yield "", with_gradients(qkv, lambda: attend(*qkv).sum())


def additive_attention(queries, keys, causal):
    """Returns the context of q [b, queries, 64], k, v [b, keys, 64], w [64]."""
    hidden = torch.triu(torch.ones(queries, keys, dtype=torch.bool), 1) if causal else None

    def attend(q, k, v, w):
        scores = torch.tanh(q[:, :, None] + k[:, None]) @ w
        if causal:
            scores = scores.masked_fill(hidden, float("-inf"))
        return torch.softmax(scores, -1) @ v

    return attend, [normal(32, queries, 64), normal(32, keys, 64), normal(32, keys, 64), normal(64)]


def additive_attention_loss(*arguments):
    attend, leaves = additive_attention(*arguments)
    return lambda: attend(*leaves).sum(), leaves


for kind, arguments in ("causal_{}_b32_t200_d64", (200, 200, True)), ("one_query_{}_b32_t300_d64", (1, 300, False)):
    name = "additive_attention_" + kind
    forward(name.format("forward"), lambda arguments=arguments: additive_attention(*arguments))
    there_and_back(name.format("forward_backward"), lambda arguments=arguments: additive_attention_loss(*arguments))

forward("softmax_rows_25600x200", lambda: (lambda x: torch.softmax(x, -1), [torch.randn(25600, 200)]))
forward("layer_norm_25600x64", lambda: (lambda x: F.layer_norm(x, (64,)), [torch.randn(25600, 64)]))
forward("gelu_25600x256", lambda: (F.gelu, [torch.randn(25600, 256)]))
forward("linear_25600x64x256", lambda: (F.linear, [torch.randn(25600, 64), torch.randn(256, 64), torch.randn(256)]))
forward("dropout_forward_128mb", lambda: (lambda x: F.dropout(x, 0.1), [torch.ones(1 << 25)]))


forward("embedding_forward_25600x64", lambda: (F.embedding, [random_items(128).flatten(), torch.randn(3417, 64)]))


# ---- losses over a catalogue


def linear_cross_entropy():
    x, weight, target = normal(4096, 64), normal(3417, 64), torch.randint(0, 3417, (4096,))
    return lambda: F.cross_entropy(F.linear(x, weight), target), [x, weight]


forward("linear_cross_entropy_forward_4096x3417_d64", lambda: (linear_cross_entropy()[0], []))
there_and_back("linear_cross_entropy_forward_backward_4096x3417_d64", linear_cross_entropy)


def sampled_bce():
    x, table = normal(25600, 64), normal(3417, 64)
    positives, negatives = (random_items(128).flatten() for _ in range(2))

    def loss():
        positive, negative = ((x * F.embedding(items, table)).sum(-1) for items in (positives, negatives))
        return F.softplus(-positive).mean() + F.softplus(negative).mean()

    return loss, [x, table]


def sampled_softmax():
    x, table = normal(25600, 64), normal(3417, 64)
    positives, negatives = random_items(128).flatten(), torch.randint(1, 3417, (512,))

    def loss():
        positive = (x * F.embedding(positives, table)).sum(-1, keepdim=True)
        logits = torch.cat([positive, x @ F.embedding(negatives, table).T], -1)
        return F.cross_entropy(logits, torch.zeros_like(positives))

    return loss, [x, table]


there_and_back("sampled_loss_bce_of_rows_1", sampled_bce)
there_and_back("sampled_loss_softmax_of_batch_512", sampled_softmax)


@case("adam_step_1m")
def adam():
    for way in "", "fused":
        x = torch.randn(1_000_000, requires_grad=True)
        x.grad = torch.randn(1_000_000)
        yield way, torch.optim.Adam([x], lr=1e-3, fused=way == "fused").step


# ---- models


def train_step(model, loss, compiled=False):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    if compiled:
        loss = torch.compile(loss, dynamic=False)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss(model).backward()
        optimizer.step()

    return step


class Seq2Seq(nn.Module):
    """LSTM encoder -> LSTM decoder -> masked multi-head attention -> sum over time -> linear."""

    def __init__(self, hidden, heads):
        super().__init__()
        self.encoder = nn.LSTM(hidden, hidden, batch_first=True)
        self.decoder = nn.LSTM(hidden, hidden, batch_first=True)
        self.attention = nn.MultiheadAttention(hidden, heads, batch_first=True)
        self.fc = nn.Linear(hidden, 1)

    def head(self, h, padding):
        a, _ = self.attention(h, h, h, key_padding_mask=padding, need_weights=False)
        return self.fc(a.masked_fill(padding[:, :, None], 0.0).sum(1)).squeeze(-1)

    def padded(self, x, padding):
        return self.head(self.decoder(self.encoder(x)[0])[0], padding)

    def packed(self, x, lengths, padding):
        h = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        h, _ = pad_packed_sequence(self.decoder(self.encoder(h)[0])[0], batch_first=True)
        return self.head(h, padding[:, : h.shape[1]])


@case("train_seq2seq_b64_t50_h128_heads8")
def train_seq2seq():
    lengths = torch.tensor([10 + 17 * b % 41 for b in range(64)])  # as in models/seq2seq.cpp
    padding = torch.arange(50)[None] >= lengths[:, None]
    x, y = torch.randn(64, 50, 128), torch.randn(64)
    padded = lambda model: F.mse_loss(model.padded(x, padding), y)
    yield "padded", train_step(Seq2Seq(128, 8), padded)
    yield "packed", train_step(Seq2Seq(128, 8), lambda model: F.mse_loss(model.packed(x, lengths, padding), y))
    yield "padded, compiled", train_step(Seq2Seq(128, 8), padded, compiled=True)


class CausalAttention(nn.Module):
    def __init__(self, d, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        p = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=p, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(b, t, d))


class Block(nn.Module):
    def __init__(self, d, heads, ff, dropout):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.attention = CausalAttention(d, heads, dropout)
        self.up, self.down, self.drop = nn.Linear(d, ff), nn.Linear(ff, d), nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.drop(self.attention(self.n1(x)))
        return x + self.drop(self.down(F.relu(self.up(self.n2(x)))))


class SASRec(nn.Module):
    """Causal self-attention over items, tied item embeddings (Kang and McAuley 2018)."""

    def __init__(self, items=3416, d=64, heads=2, ff=256, layers=2, length=200, dropout=0.2):
        super().__init__()
        self.items = nn.Embedding(items + 1, d, padding_idx=0)
        self.places = nn.Embedding(length, d)
        self.blocks = nn.ModuleList(Block(d, heads, ff, dropout) for _ in range(layers))
        self.norm, self.drop = nn.LayerNorm(d), nn.Dropout(dropout)

    def forward(self, items):
        x = self.drop(self.items(items) + self.places.weight[: items.shape[1]])
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def recommend(self, items):
        return torch.topk(self(items)[:, -1] @ self.items.weight.T, 10)


def train_sasrec(loss):
    yield "", train_step(SASRec(), loss)
    yield "compiled", train_step(SASRec(), loss, compiled=True)


@case("train_sasrec_bce_b128_t200_d64_l2")
def train_sasrec_bce():
    items, positives, negatives = (random_items(128) for _ in range(3))

    def loss(model):
        h = model(items)
        positive, negative = ((h * model.items(x)).sum(-1) for x in (positives, negatives))
        return F.softplus(-positive).mean() + F.softplus(negative).mean()

    return train_sasrec(loss)


@case("train_sasrec_full_softmax_b16_t200_d64_l2")
def train_sasrec_full():
    items, nexts = random_items(16), random_items(16)
    return train_sasrec(lambda m: F.cross_entropy((m(items) @ m.items.weight.T).flatten(0, 1), nexts.flatten()))


@case("recommend_sasrec_b1_t200_d64_l2_top10")
def recommend():
    model, items = SASRec().eval(), random_items(1)
    yield "", inference(lambda: model.recommend(items))
    compiled = torch.compile(model.recommend, dynamic=False)
    yield "compiled", inference(lambda: compiled(items))


def set_threads(threads):
    torch.manual_seed(0)
    torch.set_num_threads(threads)


if __name__ == "__main__":
    peer.main(lambda: f"PyTorch {torch.__version__}", CASES, set_threads)
