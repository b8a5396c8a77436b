// SPDX-License-Identifier: Apache-2.0
// How training shows itself: a bar while an epoch runs (on a terminal only), a line when it is done.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <heed/recsys/trainer.hpp>
#include <string>

class Progress {
 public:
  void step(const heed::recsys::TrainProgress& at) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || now - shown_ < std::chrono::milliseconds(100)) return;
    shown_ = now;
    const double share = static_cast<double>(at.examples) / static_cast<double>(at.examples_in_epoch);
    const auto filled = static_cast<std::size_t>(share * 24);
    std::printf("\r\033[Kepoch %2td  [%s%s] %3.0f %%  loss %.4f  %.0f tokens/s  %.0f s left in this epoch", at.epoch,
                std::string(filled, '#').c_str(), std::string(24 - filled, '.').c_str(), 100 * share, at.loss,
                at.tokens_per_second, at.seconds * (1 / share - 1));
    std::fflush(stdout);
  }
  void epoch(const heed::recsys::EpochReport& done, const char* figure) {
    if (terminal_) std::printf("\r\033[K");
    std::printf("epoch %2td  loss %.4f  %s %.4f%s  %.0f tokens/s  %.1f s + %.1f s validation\n", done.epoch, done.loss,
                figure, done.validation, done.best ? " (best)" : "", done.tokens_per_second, done.seconds,
                done.validation_seconds);
    std::fflush(stdout);
  }

 private:
  bool terminal_ = ::isatty(STDOUT_FILENO) == 1;
  std::chrono::steady_clock::time_point shown_{};
};
