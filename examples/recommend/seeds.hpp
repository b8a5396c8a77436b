// SPDX-License-Identifier: Apache-2.0
// The command-line options for seeds.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

constexpr int most_seeds_of_a_run = 1000;

inline void add_seed_option(CLI::App& app, std::uint64_t& seed, const std::string& description) {
  // CLI11 reads "-1" as the largest number.
  const CLI::Validator digits(
      [](const std::string& text) { return text.find('-') == std::string::npos ? "" : text + " is negative"; }, "");
  app.add_option("--seed", seed, description)->check(digits)->capture_default_str();
}
inline void add_seeds_option(CLI::App& app, int& seeds, const std::string& description) {
  app.add_option("--seeds", seeds, description)->check(CLI::Range(1, most_seeds_of_a_run))->capture_default_str();
}
