// SPDX-License-Identifier: Apache-2.0
// GRU4Rec with an LSTM in the GRU's place.
#pragma once

#include "heed/nn/lstm.hpp"
#include "heed/recsys/next_item.hpp"
#include "heed/recsys/recurrent_encoder.hpp"

namespace heed::inline HEED_ABI::recsys {

/// items -> LSTM.
template <class Scalar>
using LstmEncoder = RecurrentEncoder<nn::LSTM, Scalar>;

template <class Scalar = float>
using LSTM4Rec = NextItem<LstmEncoder<Scalar>>;

}  // namespace heed::inline HEED_ABI::recsys
