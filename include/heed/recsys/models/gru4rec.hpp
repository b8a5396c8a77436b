// SPDX-License-Identifier: Apache-2.0
// Session-based recommendations with recurrent neural networks (Hidasi et al. 2016), with a tied output layer: GRU4Rec,
// and its variant with an LSTM.
#pragma once

#include "heed/nn/gru.hpp"
#include "heed/nn/lstm.hpp"
#include "heed/recsys/next_item.hpp"
#include "heed/recsys/recurrent_encoder.hpp"

namespace heed::inline HEED_ABI::recsys {

/// items -> GRU.
template <class Scalar>
using GruEncoder = RecurrentEncoder<nn::GRU, Scalar>;
/// items -> LSTM.
template <class Scalar>
using LstmEncoder = RecurrentEncoder<nn::LSTM, Scalar>;

template <class Scalar = float>
using GRU4Rec = NextItem<GruEncoder<Scalar>>;
template <class Scalar = float>
using LSTM4Rec = NextItem<LstmEncoder<Scalar>>;

}  // namespace heed::inline HEED_ABI::recsys
