// SPDX-License-Identifier: Apache-2.0
// Session-based recommendations with recurrent neural networks (Hidasi et al. 2016), with a tied output layer.
#pragma once

#include "heed/nn/gru.hpp"
#include "heed/recsys/next_item.hpp"
#include "heed/recsys/recurrent_encoder.hpp"

namespace heed::inline HEED_ABI::recsys {

/// items -> GRU.
template <class Scalar>
using GruEncoder = RecurrentEncoder<nn::GRU, Scalar>;

template <class Scalar = float>
using GRU4Rec = NextItem<GruEncoder<Scalar>>;

}  // namespace heed::inline HEED_ABI::recsys
