// SPDX-License-Identifier: Apache-2.0
// The learning rate as a function of the step.
#pragma once

#include <cmath>
#include <cstdint>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/options.hpp"

namespace heed::inline HEED_ABI::optim {

/// The form of the decay after the warm-up.
enum class Decay : std::uint8_t { constant, cosine, step };
constexpr auto names(Decay) { return enum_names("constant", "cosine", "step"); }

struct ScheduleOptions {
  double learning_rate = 1e-3;  ///< the maximum, reached at the end of the warm-up
  Index warm_up = 0;            ///< number of steps of linear increase, from learning_rate / warm_up
  Decay decay = Decay::constant;
  Index total_steps = 0;   ///< cosine: including the warm-up; then the rate is constant
  double final_scale = 0;  ///< cosine: the final rate is final_scale * learning_rate
  Index every = 0;         ///< step: number of steps between decays
  double factor = 0.1;     ///< step: the rate is multiplied by it at each decay

  void fields(auto&& visitor) {
    visitor("learning_rate", learning_rate, "warm_up", warm_up, "decay", decay, "total_steps", total_steps,
            "final_scale", final_scale, "every", every, "factor", factor);
  }
};

/// A pure function of the step: call `optimizer.set_learning_rate(schedule(optimizer.steps()))` before each step. After
/// the warm-up the rate is constant, or decays by a half cosine (Loshchilov and Hutter 2017, no restarts) or in steps.
class Schedule {
 public:
  /// Throws OptionError for values out of range.
  explicit Schedule(const ScheduleOptions& options) : options_(options) {
    const auto check = [](bool good, const char* option, double value) {
      if (!good) fail<OptionError>("schedule", option, " ", value, " is out of range");
    };
    check(options.learning_rate >= 0 && std::isfinite(options.learning_rate), "learning_rate", options.learning_rate);
    check(options.warm_up >= 0, "warm_up", static_cast<double>(options.warm_up));
    if (options.decay == Decay::cosine) {
      check(options.total_steps > options.warm_up, "total_steps", static_cast<double>(options.total_steps));
      check(options.final_scale >= 0 && options.final_scale <= 1, "final_scale", options.final_scale);
    }
    if (options.decay == Decay::step) {
      check(options.every > 0, "every", static_cast<double>(options.every));
      check(options.factor > 0 && options.factor <= 1, "factor", options.factor);
    }
  }

  /// Returns the learning rate of `step` (0, 1, ..).
  double operator()(Index step) const {
    const ScheduleOptions& o = options_;
    if (step < o.warm_up) return o.learning_rate * static_cast<double>(step + 1) / static_cast<double>(o.warm_up);
    const Index after = step - o.warm_up;
    if (o.decay == Decay::step) return o.learning_rate * std::pow(o.factor, static_cast<double>(after / o.every));
    if (o.decay == Decay::cosine) {
      const double length = static_cast<double>(o.total_steps - o.warm_up);
      const double progress = std::fmin(static_cast<double>(after) / length, 1.0);
      const double wave = 0.5 * (1 + std::cos(3.14159265358979323846 * progress));
      return o.learning_rate * (o.final_scale + (1 - o.final_scale) * wave);
    }
    return o.learning_rate;
  }

 private:
  ScheduleOptions options_;
};

}  // namespace heed::inline HEED_ABI::optim
