// SPDX-License-Identifier: Apache-2.0
// Text that several subcommands print: the banner, item names, dates, descriptions of tasks.
#pragma once

#include <chrono>
#include <cstdio>
#include <heed/core/error.hpp>
#include <heed/core/executor.hpp>
#include <heed/core/printable.hpp>
#include <heed/data/interactions.hpp>
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

/// `2011-11-20`.
inline std::string date_of(std::int64_t unix_time) {
  const std::chrono::sys_seconds time{std::chrono::seconds(unix_time)};
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(time)};
  char text[64];
  std::snprintf(text, sizeof(text), "%04d-%02u-%02u", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                static_cast<unsigned>(day.day()));
  return text;
}

/// Describes what the task predicts, and from which events.
inline std::string description_of(const heed::recsys::TaskOptions& task) {
  if (task.by_time()) {
    return "the events from " + date_of(task.test_time) + " on from the earlier ones; validation from " +
           date_of(task.validation_time) + " on";
  }
  return task.next_basket ? "the last basket from the earlier ones" : "the last event from the earlier ones";
}
