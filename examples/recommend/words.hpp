// SPDX-License-Identifier: Apache-2.0
// Text that several subcommands print: the banner, item names, dates, descriptions of tasks.
#pragma once

#include <cstdio>
#include <heed/core/error.hpp>
#include <heed/core/executor.hpp>
#include <heed/core/printable.hpp>
#include <heed/data/interactions.hpp>
#include <heed/data/time.hpp>
#include <heed/recsys/task.hpp>
#include <string>

inline void print_banner(const heed::Executor& executor) {
  std::printf("heed %s, instruction set %s, %d thread%s\n", heed::version(), heed::isa(), executor.threads(),
              executor.threads() == 1 ? "" : "s");
}

/// The name of an item as text; `shown_name` for a terminal.
inline std::string name_of(const heed::data::Interactions& log, heed::data::Id item) {
  return std::string(log.catalogue.items.name(item));
}
inline std::string shown_name(const heed::data::Interactions& log, heed::data::Id item) {
  return heed::printable(log.catalogue.items.name(item));
}

/// Throws heed::OptionError when a regular expression is so long that std::regex might overflow the stack.
inline void check_expression(const char* option, const std::string& text) {
  if (text.size() > 1000) heed::fail<heed::OptionError>(option, "an expression of more than 1000 characters");
}

/// `2011-11-20`; the number of a time that is no date.
inline std::string date_of(std::int64_t time, heed::data::TimeUnit unit) {
  const std::string text = heed::data::time_text(time, unit);
  return text.substr(0, text.find(' '));
}

/// Describes what the task predicts, and from which events.
inline std::string description_of(const heed::recsys::TaskOptions& task) {
  const char* const kept = task.next_basket || !task.keep_history ? "" : "; items of the history count too";
  if (task.cuts) {
    const auto [validation_time, test_time, unit] = *task.cuts;
    return "the events from " + date_of(test_time, unit) + " on from the earlier ones; validation from " +
           date_of(validation_time, unit) + " on" + kept;
  }
  if (task.next_basket) return "the last basket from the earlier ones";
  return std::string("the last event from the earlier ones") + kept;
}
