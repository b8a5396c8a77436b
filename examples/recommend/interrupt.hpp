// SPDX-License-Identifier: Apache-2.0
// Ctrl-C, SIGTERM and SIGHUP end a training after the current step; the best weights so far are kept.
#pragma once

#include <csignal>

inline volatile std::sig_atomic_t interrupt_caught = 0;
inline bool interrupted() { return interrupt_caught != 0; }

/// After this call the first signal makes `interrupted` return true; then a Ctrl-C or a SIGTERM ends the program. A
/// SIGHUP never does, as the shell and the kernel both send one when a terminal is closed.
inline void catch_interrupts() {
  constexpr auto handler = [](int) {
    interrupt_caught = 1;
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
  };
  std::signal(SIGINT, handler);
  std::signal(SIGTERM, handler);
  if (std::signal(SIGHUP, handler) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);  // started by nohup
}
