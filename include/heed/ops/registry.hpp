// SPDX-License-Identifier: Apache-2.0
// The list of all operations: what the tests go through, so that none goes untested. One line an operation.
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

template <class... Ops>
struct OpList {};

using Registry = OpList<       //
    op::activation,            //
    op::add,                   //
    op::additive_attention,    //
    op::attention,             //
    op::bce_with_logits,       //
    op::concat,                //
    op::cross_entropy,         //
    op::divide,                //
    op::dropout,               //
    op::exp,                   //
    op::expand,                //
    op::gated_product,         //
    op::gather,                //
    op::gru,                   //
    op::layer_norm,            //
    op::linear,                //
    op::linear_cross_entropy,  //
    op::linear_dropout,        //
    op::log,                   //
    op::log_softmax,           //
    op::lstm,                  //
    op::matmul,                //
    op::max,                   //
    op::mean,                  //
    op::mse_loss,              //
    op::multiply,              //
    op::normalize,             //
    op::pointer_mass,          //
    op::pointwise_attention,   //
    op::reshape,               //
    op::sampled_loss,          //
    op::scale,                 //
    op::slice,                 //
    op::softmax,               //
    op::subtract,              //
    op::sum,                   //
    op::target_attention,      //
    op::transpose              //
    >;

/// Calls `visitor(Op{})` for every operation of the list.
template <class... Ops, class Visitor>
void for_each_op(OpList<Ops...>, const Visitor& visitor) {
  (visitor(Ops{}), ...);
}

}  // namespace heed::inline HEED_ABI
