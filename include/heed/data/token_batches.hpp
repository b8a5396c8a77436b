// SPDX-License-Identifier: Apache-2.0
// Batches of similar cost: as many examples of similar length as fit a number of tokens.
#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/random.hpp"
#include "heed/data/batch.hpp"

namespace heed::inline HEED_ABI::data {

struct TokenBatchOptions {
  Index max_tokens = 4096;  ///< maximum total length of the histories; an empty history counts as one
  Index bucket = 16;        ///< bucket width: the buckets are lengths 1 .. bucket, bucket + 1 .. 2 bucket, and so on

  void fields(auto&& visitor) { visitor("max_tokens", max_tokens, "bucket", bucket); }
};

/// A batch: the examples [begin, end).
struct BatchRange {
  Index begin = 0, end = 0;
  friend bool operator==(const BatchRange&, const BatchRange&) = default;
};

/// Sorts `examples` in place by length bucket, shuffled inside each bucket, and cuts them into batches of at most
/// `max_tokens`; a longer example is a batch by itself. Returns the batches in random order; together they cover every
/// example once. Reproducible for the same order of examples and the same `random`. Throws OptionError unless both
/// options are positive.
inline std::vector<BatchRange> batches_by_tokens(std::span<Example> examples, const TokenBatchOptions& options,
                                                 Random random) {
  if (options.max_tokens <= 0 || options.bucket <= 0) {
    fail<OptionError>("batches_by_tokens", "max_tokens ", options.max_tokens, " and bucket ", options.bucket,
                      " must be positive");
  }
  const auto tokens = [](const Example& example) { return std::max<Index>(1, example.end - example.begin); };
  const auto bucket = [&](const Example& example) {
    return static_cast<std::size_t>((tokens(example) - 1) / options.bucket);
  };
  // A counting sort that swaps each example into its bucket, without a copy of the examples.
  std::vector<std::size_t> ends;
  for (const Example& example : examples) {
    if (ends.size() <= bucket(example)) ends.resize(bucket(example) + 1);
    ++ends[bucket(example)];
  }
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<std::size_t> next(ends.size());
  for (std::size_t b = 1; b < ends.size(); ++b) next[b] = ends[b - 1];
  for (std::size_t b = 0; b < ends.size(); ++b) {
    const std::size_t begin = b == 0 ? 0 : ends[b - 1];
    while (next[b] < ends[b]) {
      const std::size_t home = bucket(examples[next[b]]);
      if (home == b) {
        ++next[b];
      } else {
        std::swap(examples[next[b]], examples[next[home]++]);
      }
    }
    random.fork("bucket").fork(b).shuffle(examples.subspan(begin, ends[b] - begin));
  }

  std::vector<BatchRange> batches;
  Index sum = 0;
  for (Index i = 0; i < static_cast<Index>(examples.size()); ++i) {
    const Index n = tokens(examples[static_cast<std::size_t>(i)]);
    if (batches.empty() || sum + n > options.max_tokens) {
      batches.push_back({i, i});
      sum = 0;
    }
    sum += n;
    batches.back().end = i + 1;
  }
  random.fork("batches").shuffle(std::span(batches));
  return batches;
}

}  // namespace heed::inline HEED_ABI::data
