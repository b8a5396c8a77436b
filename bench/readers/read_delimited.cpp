// SPDX-License-Identifier: Apache-2.0
// Reads a CSV log of 10 million lines with 200,000 users and 50,000 items, in random order, from the page cache. Counts
// the bytes of the file; memory is the most that is allocated at once, for the log and all that reading needs.
#include "heed/data/read_delimited.hpp"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "heed/core/random.hpp"
#include "heed/data/time.hpp"
#include "machine.hpp"

namespace {

using namespace heed;

enum class Times { iso, integers };

/// A log on disk, removed at the end.
class LogFile {
 public:
  explicit LogFile(Times times) {
    std::ofstream out(path_, std::ios::binary);
    std::string text = "user,item,time\n";
    for (std::uint64_t line = 0; line < lines; ++line) {
      text += std::to_string(1'000'000 + random_.below(2 * line, 200'000));
      text += ",";
      text += std::to_string(random_.below(2 * line + 1, 50'000));
      text += ",";
      const std::int64_t second = 1'600'000'000 + static_cast<std::int64_t>(line) * 8;
      text += times == Times::iso ? data::time_text(second, {}) : std::to_string(second);
      text += "\n";
      if (text.size() < std::size_t{1} << 20 && line + 1 < lines) continue;
      out << text;
      bytes_ += static_cast<double>(text.size());
      text.clear();
    }
  }
  ~LogFile() { std::filesystem::remove(path_); }

  static constexpr std::uint64_t lines = 10'000'000;
  const std::string& path() const { return path_; }
  double bytes() const { return bytes_; }

 private:
  std::string path_ =
      (std::filesystem::temp_directory_path() / ("heed_bench_" + std::to_string(::getpid()) + ".csv")).string();
  Random random_{1};
  double bytes_ = 0;
};

void read_csv_10m_lines(benchmark::State& state, Times times) {
  const LogFile file(times);
  const std::size_t before = test::held_bytes();
  test::restart_peak();
  double best = 1e300;
  for (auto _ : state) {
    const auto start = bench::Clock::now();
    const auto log = data::read_delimited(file.path(), {.user = "user", .item = "item", .time = "time"});
    const double took = bench::seconds_since(start);
    if (log.size() != static_cast<Index>(LogFile::lines)) state.SkipWithError("not all lines were read");
    state.SetIterationTime(took);
    best = std::min(best, took);
  }
  state.counters["best_ms"] = best * 1e3;
  state.counters["MB/s"] = file.bytes() / best * 1e-6;
  const std::size_t memory = (test::peak_bytes() - before) / 1'000'000;
  state.SetLabel("bytes of the file; memory " + std::to_string(memory) + " MB");
}
BENCHMARK_CAPTURE(read_csv_10m_lines, iso, Times::iso)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(read_csv_10m_lines, integers, Times::integers)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
