// SPDX-License-Identifier: Apache-2.0
// Ctrl-C ends a training after the current step; the best weights so far are kept.
#pragma once

#include <csignal>

inline volatile std::sig_atomic_t interrupt_count = 0;
inline bool interrupted() { return interrupt_count > 0; }

/// After this call the first Ctrl-C makes `interrupted` return true; a second one ends the program.
inline void catch_interrupts() {
  std::signal(SIGINT, [](int) {
    interrupt_count = 1;
    std::signal(SIGINT, SIG_DFL);
  });
}
