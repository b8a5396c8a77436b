// SPDX-License-Identifier: Apache-2.0
// Forward declarations of heed's classes, for headers that only use references and pointers.
#pragma once

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI {

class Arena;
class Executor;
class Mask;
class Random;
class Segments;
class Shape;
template <class Scalar>
class Gradients;
template <class Scalar>
class Parameter;
template <class Scalar>
class Tape;
template <class Scalar>
class Tensor;
template <class Scalar>
class TensorView;
template <class Scalar>
class Var;

namespace nn {
template <class Scalar>
class AdditiveAttention;
template <class Scalar>
class AttentionPooling;
template <class Scalar>
class Embedding;
template <class Scalar>
class GRU;
template <class Scalar>
class HSTULayer;
template <class Scalar>
class LayerNorm;
template <class Scalar>
class LiGRLayer;
template <class Scalar>
class Linear;
template <class Scalar>
class LSTM;
template <class Scalar>
class Mlp;
template <class Scalar>
class MultiHeadAttention;
template <class Scalar>
class TargetAttention;
template <class Scalar>
class TransformerEncoderLayer;
}  // namespace nn

namespace optim {
template <class Scalar>
class Adam;
template <class Scalar>
class AdamW;
template <class Scalar>
class LazyAdam;
template <class Scalar>
class Sgd;
}  // namespace optim

namespace data {
class Vocabulary;
struct Batch;
struct Catalogue;
struct History;
struct Interactions;
struct Split;
}  // namespace data

namespace recsys {
class Markov;
class PersonalFrequency;
class Popularity;
class Task;
class TifuKnn;
struct Evaluation;
struct SampledEvaluation;
template <class Model>
class BatchRanker;
template <class Scalar>
class HiddenMarkov;
template <class Element>
class ItemIndex;
template <class Scalar>
class Seq2Seq;
template <class Model>
class Session;
}  // namespace recsys

}  // namespace heed::inline HEED_ABI
