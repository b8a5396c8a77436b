// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/attention.hpp"

#include "heed/kernels/reference/attention.hpp"
#include "ops/attention_reference.hpp"
#include "ops/joined.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

/// Items of 6 queries and 9 keys: some that no query requests, some that no key or several keys have.
constexpr Index six_items[] = {3, 0, 8, 3, -1, 2}, nine_items[] = {3, 3, 0, 2, 3, 8, 8, -1, 3};

/// Returns context, weights and masses of all sequences, joined. `x` is {q, k, v}, {q, k = v} or {q = k = v}.
Tensor<double> reference(std::span<const Tensor<double>> x, const Segments& qs, const Segments& ks, const MaskOf& mask,
                         const AttentionOptions& options, bool drops) {
  const Tensor<double>&q = x[0], &k = x[std::min<std::size_t>(1, x.size() - 1)], &v = x.back();
  const Index heads = options.num_heads, d = q.cols() / heads, e = v.cols() / heads;
  const double scale = options.scale != 0 ? options.scale : 1 / std::sqrt(static_cast<double>(d));
  Tensor<double> context({qs.tokens(), v.cols()});
  std::vector<double> weights;
  const bool masses = !options.query_items.empty();
  Tensor<double> mass({masses ? qs.tokens() : 0, heads});
  for (Index b = 0; b < qs.count(); ++b) {
    const Index queries = qs.length(b), keys = ks.length(b);
    for (Index h = 0; h < heads; ++h) {
      Tensor<double> drop = Tensor<double>::ones({queries, keys}), w({queries, keys}), y({queries, e});
      // Keys of the random number: the tape's first stream of its first step, then sequence and head, then the pair.
      const Random random = Random(99).fork(0).fork(0).fork(static_cast<std::uint64_t>(b * heads + h));
      if (drops) {
        MaskView<double> ends;
        ends.causal = mask.mask.is_causal();
        if (const auto* lengths = mask.mask.key_lengths()) ends.lengths = lengths->data();
        kernels::reference::attention_dropout(
            random, 1 - options.dropout, [&](Index i) { return ends.key_end(b, i, queries, keys); }, drop.view());
      }
      kernels::reference::attention(block(q, qs.begin(b), qs.end(b), h * d, (h + 1) * d).view(),
                                    block(k, ks.begin(b), ks.end(b), h * d, (h + 1) * d).view(),
                                    block(v, ks.begin(b), ks.end(b), h * e, (h + 1) * e).view(), scale,
                                    mask.numbers(b, queries, keys).view(), drop.view(), w.view(), y.view());
      for (Index i = 0; i < queries; ++i) std::copy_n(y.view().row(i), e, context.view().row(qs.begin(b) + i) + h * e);
      weights.insert(weights.end(), w.data(), w.data() + w.size());
      const auto part = [](std::span<const Index> items, Index begin, Index size) {
        return items.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size));
      };
      std::vector<double> on_item(static_cast<std::size_t>(queries));
      if (masses) {
        kernels::reference::attention_mass(w.view(), part(options.key_items, ks.begin(b), keys),
                                           part(options.query_items, qs.begin(b), queries), on_item.data());
      }
      for (Index i = 0; masses && i < queries; ++i) mass(qs.begin(b) + i, h) = on_item[static_cast<std::size_t>(i)];
    }
  }
  Tensor<double> all_weights({options.weights ? static_cast<Index>(weights.size()) : 0});
  if (options.weights) std::copy(weights.begin(), weights.end(), all_weights.data());
  return joined({context, all_weights, mass});
}

Sample attention_sample(std::string label, std::vector<Tensor<double>> inputs, const Segments& qs, const Segments& ks,
                        const MaskOf& mask, AttentionOptions options, const TapeOptions& tape_options = {}) {
  options.mask = mask.mask;
  return sample(
      std::move(label), std::move(inputs),
      [=](auto&, auto x) {
        const auto k = x[std::min<std::size_t>(1, x.size() - 1)];
        const auto result = attention(x[0], qs, k, x.back(), ks, options);
        if (result.mass && result.weights) return joined(result.context, result.weights, result.mass);
        if (result.mass) return joined(result.context, result.mass);
        return options.weights ? joined(result.context, result.weights) : result.context;
      },
      [=](std::span<const Tensor<double>> x) {
        const Tensor<double> all = reference(x, qs, ks, mask, options, tape_options.training && options.dropout > 0);
        const bool alone = !options.weights && options.query_items.empty();
        return alone ? all.reshaped({qs.tokens(), x.back().cols()}) : all;
      },
      1e-5, tape_options);
}

}  // namespace

const SamplesOf attention_op("attention", []() -> OpSamples {
  OpSamples out;
  const Segments qs({3, 0, 2, 1, 0}), ks({4, 3, 2, 0, 0});
  const auto qkv = [&](Index width, Index depth) {
    return std::vector<Tensor<double>>{normal({qs.tokens(), width}, "q"), normal({ks.tokens(), width}, "k"),
                                       normal({ks.tokens(), depth}, "v")};
  };
  const auto masks = every_mask(qs.count());
  for (const MaskOf& mask : masks) {
    out.good.push_back(attention_sample("two sets of segments, " + mask.label, qkv(4, 6), qs, ks, mask,
                                        {.num_heads = 2, .weights = true}));
    const Segments same({3, 0, 2, 4});
    out.good.push_back(attention_sample("q = k = v, " + mask.label, {normal({same.tokens(), 6})}, same, same,
                                        every_mask(same.count())[static_cast<std::size_t>(&mask - masks.data())],
                                        {.num_heads = 3}));
  }
  out.good.push_back(attention_sample("one head, no weights", qkv(3, 2), qs, ks, masks[0], {}));
  out.good.push_back(attention_sample("a scale of its own", qkv(3, 2), qs, ks, masks[1], {.scale = -0.3}));
  out.good.push_back(attention_sample("k = v", {normal({qs.tokens(), 4}, "q"), normal({ks.tokens(), 4}, "k")}, qs, ks,
                                      masks[1], {.num_heads = 2, .weights = true}));
  // One array with different segments for queries and keys: rows 2 and 3 are queries of the first sequence and keys
  // of the second, and get a gradient from both.
  out.good.push_back(attention_sample("q = k = v, cut in two ways", {normal({9, 4})}, Segments({4, 2, 3, 0}),
                                      Segments({2, 4, 1, 2}), every_mask(4)[0], {.num_heads = 2, .weights = true}));
  for (const MaskOf& mask : masks) {
    out.good.push_back(attention_sample("mass on items, " + mask.label, qkv(4, 6), qs, ks, mask,
                                        {.num_heads = 2, .key_items = nine_items, .query_items = six_items}));
  }
  out.good.push_back(attention_sample(
      "mass on items and weights, q = k = v", {normal({9, 4})}, Segments({3, 0, 2, 4}), Segments({3, 0, 2, 4}),
      every_mask(4)[1], {.num_heads = 2, .weights = true, .key_items = nine_items, .query_items = nine_items}));
  out.good.push_back(sample(
      "the mass alone", qkv(4, 2),
      [=](auto&, auto x) {
        return attention(x[0], qs, x[1], x[2], ks, {.key_items = nine_items, .query_items = six_items}).mass;
      },
      [=](std::span<const Tensor<double>> x) {
        const auto all =
            reference(x, qs, ks, every_mask(5)[0], {.key_items = nine_items, .query_items = six_items}, false);
        Tensor<double> mass({qs.tokens(), 1});
        std::copy_n(all.data() + all.size() - mass.size(), mass.size(), mass.data());
        return mass;
      }));
  const TapeOptions training{.training = true, .random = Random(99)};
  // Masks that leave most queries more than one key: with a single key, the gradient is 0 up to rounding.
  for (const std::size_t at : {0u, 1u, 4u, 5u}) {
    out.good.push_back(attention_sample("dropout, " + masks[at].label, qkv(4, 6), qs, ks, masks[at],
                                        {.num_heads = 2, .dropout = 0.25, .weights = true}, training));
    out.good.push_back(attention_sample(
        "dropout and the mass on items, " + masks[at].label, qkv(4, 6), qs, ks, masks[at],
        {.num_heads = 2, .dropout = 0.25, .key_items = nine_items, .query_items = six_items}, training));
  }
  out.good.push_back(attention_sample("no dropout while not training", qkv(4, 6), qs, ks, masks[0],
                                      {.num_heads = 2, .dropout = 0.25, .weights = true}));
  out.good.push_back(attention_sample("no sequences", {normal({0, 4}), normal({0, 4}), normal({0, 2})}, Segments(),
                                      Segments(), every_mask(0)[0], {.num_heads = 2, .weights = true}));
  // More queries than a strip has, more keys than a register has lanes.
  const Segments longer({37, 20});
  out.good.push_back(attention_sample("long sequences",
                                      {normal({57, 3}, "q"), normal({57, 3}, "k"), normal({57, 2}, "v")}, longer,
                                      longer, masks[1], {}));

  const auto call = [](std::string label, std::vector<Shape> shapes, const Segments& q_segments,
                       const Segments& k_segments, const Mask& mask, AttentionOptions options, std::string expected) {
    options.mask = mask;
    return bad_call(
        std::move(label), std::move(shapes),
        [=](auto x) { attention(x[0], q_segments, x[1], x[2], k_segments, options); }, std::move(expected));
  };
  static constexpr Index three_items[] = {1, 2, 3}, far[] = {1, Index{1} << 31, 3};
  const Segments two({2, 1}), three({1, 1, 1});
  const Tensor<float> small({2, 1}), three_deep({3, 2, 2});
  out.bad = {
      call("segments", {{3, 4}, {3, 4}, {3, 4}}, two, three, {}, {},
           "attention: 2 query sequences for 3 key sequences"),
      call("query rows", {{4, 4}, {3, 4}, {3, 4}}, two, two, {}, {},
           "attention: query is [4, 4], wanted [3 tokens, features]"),
      call("key rank", {{3, 4}, {3, 2, 2}, {3, 4}}, two, two, {}, {}, "attention: key is [3, 2, 2], wanted [3 tokens"),
      call("value rows", {{3, 4}, {3, 4}, {2, 4}}, two, two, {}, {}, "attention: value is [2, 4], wanted [3 tokens"),
      call("widths", {{3, 4}, {3, 5}, {3, 4}}, two, two, {}, {}, "attention: queries of 4 features for keys of 5"),
      call("heads", {{3, 4}, {3, 4}, {3, 6}}, two, two, {}, {.num_heads = 4},
           "attention: 4 heads do not divide 4 key and 6 value features"),
      call("no heads", {{3, 4}, {3, 4}, {3, 6}}, two, two, {}, {.num_heads = 0}, "attention: 0 heads do not divide"),
      call("dropout", {{3, 4}, {3, 4}, {3, 4}}, two, two, {}, {.dropout = 1}, "attention: dropout 1.000000 is not in"),
      call("dropout that is no number", {{3, 4}, {3, 4}, {3, 4}}, two, two, {},
           {.dropout = std::numeric_limits<double>::quiet_NaN()}, "attention: dropout"),
      call("key items alone", {{3, 4}, {3, 4}, {3, 4}}, two, two, {}, {.key_items = three_items},
           "attention: 3 key items and 0 query items for 3 keys and 3 queries"),
      call("query items alone", {{3, 4}, {3, 4}, {3, 4}}, two, two, {}, {.query_items = three_items},
           "attention: 0 key items and 3 query items for 3 keys and 3 queries"),
      call("items of other keys", {{3, 4}, {3, 4}, {3, 4}}, two, two, {},
           {.key_items = nine_items, .query_items = three_items},
           "attention: 9 key items and 3 query items for 3 keys and 3 queries"),
      call("items of other queries", {{3, 4}, {3, 4}, {3, 4}}, two, two, {},
           {.key_items = three_items, .query_items = six_items},
           "attention: 3 key items and 6 query items for 3 keys and 3 queries"),
      call("an item of more bits than float's", {{3, 4}, {3, 4}, {3, 4}}, two, two, {},
           {.key_items = three_items, .query_items = far},
           "attention: item 2147483648 at position 1 does not fit 32 bits"),
      call("mask lengths", {{3, 4}, {3, 4}, {3, 4}}, two, two, Mask::lengths(std::vector<Index>{1}), {},
           "attention: mask has 1 lengths for 2 sequences"),
      call("mask too small", {{3, 4}, {3, 4}, {3, 4}}, two, two, Mask::visible(small.view()), {},
           "attention: mask [2, 1] does not cover 2 sequences of up to 2 queries and 2 keys"),
      call("mask of other sequences", {{3, 4}, {3, 4}, {3, 4}}, two, two, Mask::visible(three_deep.view()), {},
           "attention: mask [3, 2, 2] does not cover 2 sequences"),
      {"two tapes",
       [=] {
         Tape<float> one, other;
         const auto x = one.constant(Tensor<float>({3, 4}));
         attention(x, two, x, other.constant(Tensor<float>({3, 4})), two);
       },
       "attention: inputs on different tapes"}};
  return out;
});

}  // namespace heed::test

TEST_CASE("attention returns weights only if requested") {
  using namespace heed;
  Tape<float> tape;
  const Segments segments({2, 3});
  const auto x = tape.constant(Tensor<float>({5, 4}));
  CHECK(!attention(x, segments, x, x, segments).weights);
  const auto weights = attention(x, segments, x, x, segments, {.num_heads = 2, .weights = true}).weights;
  CHECK(weights.shape() == Shape{2 * (2 * 2 + 3 * 3)});
  // The scores are equal, so the weights are 1/2 in the first sequence and 1/3 in the second.
  for (Index i = 0; i < 26; ++i) CHECK(weights.value()[i] == Approx(i < 8 ? 1.0 / 2 : 1.0 / 3));
}

TEST_CASE("the mass on items is present for a batch without tokens") {
  using namespace heed;
  Tape<float> tape;
  const Segments segments({0, 0});
  const std::vector<Index> no_items;
  const auto x = tape.constant(Tensor<float>({0, 4}));
  const AttentionOptions options{.num_heads = 2, .key_items = no_items, .query_items = no_items};
  CHECK(attention(x, segments, x, x, segments, options).mass.shape() == Shape{0, 2});
}

TEST_CASE("attention dropout is the same for padded and ragged sequences") {
  using namespace heed;
  const Segments ragged({3, 20}), padded({20, 20});
  const auto x = Tensor<float>::normal({40, 4}, Random(1));
  Tensor<float> rows({23, 4});
  std::copy_n(x.data(), 3 * 4, rows.data());
  std::copy_n(x.data() + 20 * 4, 20 * 4, rows.data() + 3 * 4);
  const auto context = [&](const Tensor<float>& in, const Segments& segments, const Mask& mask) {
    Tape<float> tape({.training = true, .random = Random(5)});
    const auto v = tape.constant(in);
    return Tensor<float>(
        attention(v, segments, v, v, segments, {.mask = mask, .num_heads = 2, .dropout = 0.5}).context.value());
  };
  for (const bool causal : {false, true}) {
    const Mask base = causal ? Mask::causal() : Mask();
    const auto wanted = context(rows, ragged, base);
    const auto got = context(x, padded, base & Mask::lengths(std::vector<Index>{3, 20}));
    CHECK(std::equal(wanted.data(), wanted.data() + 3 * 4, got.data()));
    CHECK(std::equal(wanted.data() + 3 * 4, wanted.data() + 23 * 4, got.data() + 20 * 4));
  }
}
