// SPDX-License-Identifier: Apache-2.0
// Ctrl-C ends a training after the current step; what was learned is kept.
#pragma once

#include <csignal>

inline volatile std::sig_atomic_t interrupt_count = 0;
inline bool interrupted() { return interrupt_count > 0; }

/// From now on, the first Ctrl-C makes `interrupted` true; a second one ends the program.
inline void catch_interrupts() {
  std::signal(SIGINT, [](int) {
    interrupt_count = 1;
    std::signal(SIGINT, SIG_DFL);
  });
}
