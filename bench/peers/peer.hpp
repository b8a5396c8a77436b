// SPDX-License-Identifier: Apache-2.0
// Shared code of the peers in C++: sizes, timing, and the protocol of compare.py (see peer.py).
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <regex>
#include <string>
#include <vector>

namespace peer {

/// C [m, n] = A B, A [m, k]; `transposed`: A is stored [k, m]. Row-major, as in heed.
struct Product {
  int m, n, k;
  bool transposed;
  std::string name() const {
    return std::string(transposed ? "gemm_tn_" : "gemm_") + std::to_string(m) + 'x' + std::to_string(n) + 'x' +
           std::to_string(k);
  }
};

inline const Product products[] = {{6400, 64, 64, false}, {6400, 256, 64, false}, {128, 512, 128, false},
                                   {200, 200, 64, false}, {128, 3417, 64, false}, {1, 3417, 64, false},
                                   {64, 64, 6400, true}};

/// Returns the milliseconds of the fastest run after a warm-up run.
template <class Work>
double fastest(Work&& work, double seconds) {
  using Clock = std::chrono::steady_clock;
  work();
  double best = 1e300, total = 0;
  for (int runs = 0; runs < 3 || total < seconds; ++runs) {
    const auto start = Clock::now();
    work();
    const double took = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::min(best, took);
    total += took;
  }
  return best * 1e3;
}

/// `multiply(product, a, b, c)` returns the work to time. Prints `title`, then runs the products named on standard
/// input with --serve, and every product otherwise; --only REGEX, --seconds S.
template <class Multiply>
int main(int argc, char** argv, const std::string& title, Multiply&& multiply) {
  bool serve = false;
  double seconds = 1;
  std::regex only(".*");
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--serve") {
      serve = true;
    } else if (option == "--seconds" && i + 1 < argc) {
      seconds = std::stod(argv[++i]);
    } else if (option == "--only" && i + 1 < argc) {
      only = argv[++i];
    } else {
      std::cerr << "usage: " << argv[0] << " [--serve] [--only REGEX] [--seconds S]\n";
      return 2;
    }
  }
  const auto run = [&](const Product& p) {
    const auto size = [](int rows, int cols) {
      return static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols);
    };
    std::vector<float> a(size(p.m, p.k)), b(size(p.k, p.n)), c(size(p.m, p.n));
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i % 17) - 8;
    for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i % 13) - 6;
    auto work = multiply(p, a.data(), b.data(), c.data());
    const double milliseconds = fastest(work, seconds);
    double expected = 0;  // the last element, which must be the same in all peers
    for (int k = 0; k < p.k; ++k) {
      const float x = p.transposed ? a[size(k, p.m) + size(1, p.m) - 1] : a[size(p.m - 1, p.k) + size(1, k)];
      expected += static_cast<double>(x) * static_cast<double>(b[size(k, p.n) + size(1, p.n) - 1]);
    }
    if (std::abs(expected - static_cast<double>(c.back())) > 1e-3 * (1 + std::abs(expected))) {
      std::cerr << title << ": " << p.name() << " is wrong\n";
      return;
    }
    std::cout << p.name() << ' ' << milliseconds << std::endl;
  };
  std::cout << "# " << title << std::endl;
  if (!serve) {
    for (const Product& p : products) {
      if (std::regex_search(p.name(), only)) run(p);
    }
    return 0;
  }
  for (std::string name; std::getline(std::cin, name);) {
    for (const Product& p : products) {
      if (p.name() == name) run(p);
    }
    std::cout << std::endl;
  }
  return 0;
}

}  // namespace peer
