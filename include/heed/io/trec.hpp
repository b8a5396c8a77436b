// SPDX-License-Identifier: Apache-2.0
// Writes an evaluation as the two files that trec_eval, ir_measures and ranx read, so that figures can be verified.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/printable.hpp"
#include "heed/data/interactions.hpp"
#include "heed/io/atomic_file.hpp"
#include "heed/recsys/evaluate.hpp"

namespace heed::inline HEED_ABI::io {

namespace detail {

/// Fields of these files are separated by white space.
inline std::string_view trec_word(std::string_view operation, std::string_view word) {
  if (word.empty() || word.find_first_of(" \t\r\n\v\f") != std::string_view::npos) {
    fail<IoError>(operation, "\"", printable(word),
                  "\" cannot be written: an id must be non-empty without white space");
  }
  return word;
}

inline void write_whole(std::string operation, const std::string& path, std::string_view text) {
  AtomicFile file(std::move(operation), path);
  file.write(text);
  file.commit();
}

}  // namespace detail

/// Writes the lists of `evaluation` on `log`: a line `user Q0 item rank score tag` per item. trec_eval ignores the rank
/// and sorts by score, then by id, so the scores are integers that decrease to 1 at the end of a list. A user with an
/// empty list has no line, and some tools exclude such users from means. Throws IoError, also on an id that is empty or
/// contains white space; the file is then unchanged.
inline void write_trec_run(const std::string& path, const data::Interactions& log, const recsys::Evaluation& evaluation,
                           std::string_view tag = "heed") {
  constexpr std::string_view operation = "write_trec_run";
  detail::trec_word(operation, tag);
  std::string text;
  for (std::size_t row = 0; row < evaluation.users.size(); ++row) {
    const auto user = detail::trec_word(operation, log.users.text(evaluation.users[row]));
    const auto& list = evaluation.lists[row];
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto item = detail::trec_word(operation, log.catalogue.items.text(list[i]));
      text += message(user, " Q0 ", item, " ", i + 1, " ", list.size() - i, " ", tag, "\n");
    }
  }
  detail::write_whole(std::string(operation), path, text);
}

/// Writes the targets of `evaluation` on `log`: a line `user 0 item 1` per item. Throws as write_trec_run.
inline void write_trec_qrels(const std::string& path, const data::Interactions& log,
                             const recsys::Evaluation& evaluation) {
  constexpr std::string_view operation = "write_trec_qrels";
  std::string text;
  for (std::size_t row = 0; row < evaluation.users.size(); ++row) {
    const auto user = detail::trec_word(operation, log.users.text(evaluation.users[row]));
    for (const data::Id item : evaluation.targets[row]) {
      text += message(user, " 0 ", detail::trec_word(operation, log.catalogue.items.text(item)), " 1\n");
    }
  }
  detail::write_whole(std::string(operation), path, text);
}

}  // namespace heed::inline HEED_ABI::io
