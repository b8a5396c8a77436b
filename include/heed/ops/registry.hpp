// SPDX-License-Identifier: Apache-2.0
// The list of all operations. The tests iterate over it, so that every operation is tested.
#pragma once

#include "heed/ops/activation.hpp"
#include "heed/ops/add.hpp"
#include "heed/ops/additive_attention.hpp"
#include "heed/ops/attention.hpp"
#include "heed/ops/bce_with_logits.hpp"
#include "heed/ops/concat.hpp"
#include "heed/ops/cross_entropy.hpp"
#include "heed/ops/divide.hpp"
#include "heed/ops/dropout.hpp"
#include "heed/ops/exp.hpp"
#include "heed/ops/expand.hpp"
#include "heed/ops/gated_product.hpp"
#include "heed/ops/gather.hpp"
#include "heed/ops/gru.hpp"
#include "heed/ops/layer_norm.hpp"
#include "heed/ops/linear.hpp"
#include "heed/ops/linear_cross_entropy.hpp"
#include "heed/ops/linear_dropout.hpp"
#include "heed/ops/log.hpp"
#include "heed/ops/log_softmax.hpp"
#include "heed/ops/lstm.hpp"
#include "heed/ops/matmul.hpp"
#include "heed/ops/max.hpp"
#include "heed/ops/mean.hpp"
#include "heed/ops/mse_loss.hpp"
#include "heed/ops/multiply.hpp"
#include "heed/ops/normalize.hpp"
#include "heed/ops/pointer_mass.hpp"
#include "heed/ops/pointwise_attention.hpp"
#include "heed/ops/reshape.hpp"
#include "heed/ops/sampled_loss.hpp"
#include "heed/ops/scale.hpp"
#include "heed/ops/slice.hpp"
#include "heed/ops/softmax.hpp"
#include "heed/ops/subtract.hpp"
#include "heed/ops/sum.hpp"
#include "heed/ops/target_attention.hpp"
#include "heed/ops/transpose.hpp"

namespace heed::inline HEED_ABI {

/// The name of each operation, which is also the name of its function and of its header.
inline constexpr const char* operations[] = {
    "activation",
    "add",
    "additive_attention",
    "attention",
    "bce_with_logits",
    "concat",
    "cross_entropy",
    "divide",
    "dropout",
    "exp",
    "expand",
    "gated_product",
    "gather",
    "gru",
    "layer_norm",
    "linear",
    "linear_cross_entropy",
    "linear_dropout",
    "log",
    "log_softmax",
    "lstm",
    "matmul",
    "max",
    "mean",
    "mse_loss",
    "multiply",
    "normalize",
    "pointer_mass",
    "pointwise_attention",
    "reshape",
    "sampled_loss",
    "scale",
    "slice",
    "softmax",
    "subtract",
    "sum",
    "target_attention",
    "transpose",
};

}  // namespace heed::inline HEED_ABI
