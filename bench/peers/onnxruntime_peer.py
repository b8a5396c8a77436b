# SPDX-License-Identifier: Apache-2.0
"""The inference cases of heed_bench in ONNX Runtime, with modules exported from PyTorch."""
import io
import logging
import warnings

import onnxruntime
import torch
import torch.nn as nn

import peer
from torch_peer import SASRec, random_items

CASES, OPTIONS = {}, onnxruntime.SessionOptions()


class Recommend(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = SASRec()

    def forward(self, items):
        return self.model.recommend(items)


def exported(name, module, make_input):
    def ways():
        x, file = make_input(), io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(module().eval(), (x,), file, input_names=["x"], opset_version=17, dynamo=False)
        session = onnxruntime.InferenceSession(file.getvalue(), OPTIONS, providers=["CPUExecutionProvider"])
        feed = {"x": x.numpy()}
        yield "", lambda: session.run(None, feed)

    CASES[name] = ways


for batch in 64, 1:
    exported(
        f"lstm_forward_b{batch}_t50_d128_h128",
        lambda: nn.LSTM(128, 128, batch_first=True),
        lambda batch=batch: torch.randn(batch, 50, 128),
    )
exported("recommend_sasrec_b1_t200_d64_l2_top10", Recommend, lambda: random_items(1))


def set_threads(threads):
    logging.disable(logging.WARNING)
    OPTIONS.intra_op_num_threads, OPTIONS.inter_op_num_threads = threads, 1


if __name__ == "__main__":
    peer.main(lambda: f"ONNX Runtime {onnxruntime.__version__}", CASES, set_threads)
