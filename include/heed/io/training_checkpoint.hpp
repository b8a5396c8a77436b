// SPDX-License-Identifier: Apache-2.0
// Saves and loads the state of a training between two steps, so that it continues with the same bits. Requires
// nlohmann-json.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/io/checkpoint.hpp"
#include "heed/io/options_json.hpp"
#include "heed/recsys/trainer.hpp"

namespace heed::inline HEED_ABI::io {

namespace detail {

inline constexpr std::string_view loop_format = "heed.loop.1", training_format = "heed.training.1";
inline constexpr std::size_t max_entry = 1 << 24;  ///< bytes of JSON, which takes many times the memory of its text

/// The numbers beside the tensors of a model and its optimiser.
struct StepState {
  Index steps = 0;
  double learning_rate = 0;
  std::uint64_t tape_step = 0;

  void fields(auto&& visitor) { visitor("steps", steps, "learning_rate", learning_rate, "tape_step", tape_step); }
};

[[noreturn]] inline void bad_checkpoint(const SafetensorsFile& file, std::string_view what) {
  fail<IoError>("load_checkpoint", file.path(), ": ", what);
}

/// All tensors of a checkpoint. Rows of the parameters are brought up to date.
template <class Scalar>
std::vector<optim::NamedState<Scalar>> checkpoint_tensors(const ParameterList<Scalar>& parameters,
                                                          optim::Optimizer<Scalar>& optimizer,
                                                          std::span<Tensor<Scalar>> best = {}) {
  std::vector<optim::NamedState<Scalar>> out;
  for (auto& [name, value] : optimizer.state()) out.push_back({"optimizer." + name, value});
  for (const auto& [name, parameter] : parameters) {
    // A cast, because the parameter's mutable access would mark it as initialised.
    out.push_back({"model." + name, const_cast<Tensor<Scalar>*>(&std::as_const(*parameter).value())});
  }
  for (std::size_t i = 0; i < best.size(); ++i) out.push_back({"best." + parameters[i].name, &best[i]});
  return out;
}

/// What a checkpoint and the program that continues from it have in common, as other builds may have other bits.
inline nlohmann::json build() { return {{"heed", version()}, {"isa", isa()}}; }

/// The same for a training: executor and lazy_rows do not change its bits.
inline nlohmann::json identity(const recsys::TrainOptions& options, const nlohmann::json& run) {
  nlohmann::json out = build();
  out.update({{"training", to_json(options)}, {"random", options.random.key()}, {"run", run}});
  return out;
}

/// Returns the text of an entry of the metadata. Throws IoError for one that `entry` would refuse or read as another.
inline std::string entry_text(const std::string& path, const char* key, const nlohmann::json& json) {
  const std::string what = message(path, ": metadata '", key, "'");
  std::string text;
  try {
    text = json.dump();
  } catch (const nlohmann::json::exception& error) {  // text that is not UTF-8
    fail<IoError>("save_checkpoint", what, " is not JSON: ", printable(error.what(), 1000));
  }
  if (text.size() > max_entry) fail<IoError>("save_checkpoint", what, " is above 16 MB");
  if (parse_json(text, what) != json) fail<IoError>("save_checkpoint", what, " has NaN, infinity or binary data");
  return text;
}

template <class Scalar>
void write_checkpoint(const std::string& path, const ParameterList<Scalar>& parameters,
                      const std::vector<optim::NamedState<Scalar>>& tensors, std::string_view format,
                      const StepState& state, const nlohmann::json& run, std::map<std::string, std::string> metadata) {
  for (const auto& [name, parameter] : parameters) {
    if (!parameter->initialized()) fail<StateError>("save_checkpoint", name, " was never initialised");
  }
  std::vector<TensorSource> sources;
  for (const auto& [name, tensor] : tensors) {
    const std::span<const Scalar> values(tensor->data(), static_cast<std::size_t>(tensor->size()));
    sources.push_back(tensor_source(name, sizes(tensor->shape()), values));
  }
  metadata.insert({{"format", std::string(format)},
                   {"run", entry_text(path, "run", run)},
                   {"state", entry_text(path, "state", to_json(state))}});
  write_safetensors(path, std::move(sources), metadata);
}

/// Returns an entry of the metadata.
inline nlohmann::json entry(const SafetensorsFile& file, const char* key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) bad_checkpoint(file, message("metadata lacks '", key, "'"));
  if (found->second.size() > max_entry) bad_checkpoint(file, message("metadata '", key, "' is above 16 MB"));
  return parse_json(found->second, message(file.path(), ": metadata '", key, "'"));
}

/// Converts `json`, which must have all fields.
template <OptionStruct T>
T read_fields(const SafetensorsFile& file, const nlohmann::json& json) {
  T out;
  try {
    from_json(json, out);
  } catch (const OptionError& error) {
    bad_checkpoint(file, error.what());
  }
  if (to_json(out) != json) bad_checkpoint(file, "metadata lacks fields");
  return out;
}

inline StepState read_steps(const SafetensorsFile& file) {
  const auto state = read_fields<StepState>(file, entry(file, "state"));
  if (state.steps < 0 || state.learning_rate < 0) bad_checkpoint(file, "steps or learning_rate are negative");
  return state;
}

/// Throws OptionError with the differences unless the file has exactly these tensors.
template <class Scalar>
void check_tensors(const SafetensorsFile& file, const std::vector<optim::NamedState<Scalar>>& wanted) {
  std::string wrong;
  std::set<std::string_view> names;
  for (const auto& [name, tensor] : wanted) {
    names.insert(name);
    const std::string here = message(name_of(dtype_of<Scalar>()), " ", to_string(tensor->shape()));
    if (!file.contains(name)) {
      wrong += message("\n  missing: ", name, " ", here);
      continue;
    }
    const TensorInfo& found = file.info(name);
    if (found.dtype == dtype_of<Scalar>() && found.shape == sizes(tensor->shape())) continue;
    wrong +=
        message("\n  ", name, ": ", name_of(found.dtype), " ", text(found.shape), " in the checkpoint, ", here, " now");
  }
  for (const TensorInfo& tensor : file.tensors()) {
    if (!names.contains(tensor.name)) wrong += message("\n  unexpected: ", printable(tensor.name));
  }
  if (!wrong.empty()) {
    fail<OptionError>("load_checkpoint", file.path(), " is of another model or optimiser:", wrong);
  }
}

template <class Scalar>
void read_tensors(const SafetensorsFile& file, const std::vector<optim::NamedState<Scalar>>& checked) {
  for (const auto& [name, tensor] : checked) {
    file.read(name, std::span(tensor->data(), static_cast<std::size_t>(tensor->size())));
  }
}

/// Appends a line for each value that differs.
inline void list_differences(const std::string& path, const nlohmann::json& saved, const nlohmann::json& now,
                             std::string& out) {
  if (saved == now) return;
  if (!saved.is_object() || !now.is_object()) {
    out += message("\n  ", printable(path), ": ", shown(saved), " in the checkpoint, ", shown(now), " now");
    return;
  }
  nlohmann::json both = saved;
  both.update(now);
  for (const auto& one : both.items()) {
    const auto of = [&](const nlohmann::json& from) { return from.value(one.key(), nlohmann::json()); };
    list_differences(path.empty() ? one.key() : path + "." + one.key(), of(saved), of(now), out);
  }
}

/// Throws IoError unless the file has this format, OptionError with the differences unless it is of this run.
inline void check_run(const SafetensorsFile& file, std::string_view format, const nlohmann::json& run) {
  check_format("load_checkpoint", file, format);
  std::string differences;
  list_differences("", entry(file, "run"), run, differences);
  if (!differences.empty()) fail<OptionError>("load_checkpoint", file.path(), " is of another run:", differences);
}

inline std::pair<recsys::TrainPosition, recsys::TrainReport> read_position(const SafetensorsFile& file,
                                                                           Index max_epochs) {
  const nlohmann::json place = entry(file, "training");
  if (!place.is_object() || !place.contains("position") || !place.contains("report")) {
    bad_checkpoint(file, "metadata 'training' lacks position or report");
  }
  const nlohmann::json& report = place["report"];
  // Before memory is taken for them.
  if (report.contains("epochs") && std::cmp_greater(report["epochs"].size(), max_epochs)) {
    bad_checkpoint(file, "more epochs than max_epochs");
  }
  return {read_fields<recsys::TrainPosition>(file, place["position"]), read_fields<recsys::TrainReport>(file, report)};
}

}  // namespace detail

/// Writes the state of a training loop of your own between two steps: the module's parameters, the optimiser's state,
/// learning rate and steps, the tape's step, and `notes`, for example the position in the data. A loop that continues
/// from it, with the same options, has the same bits. The file is replaced atomically. Throws IoError, also on notes
/// that are not UTF-8; StateError for a parameter that was never initialised.
template <nn::Module M, class Scalar = typename M::scalar_type>
void save_checkpoint(const M& module, optim::Optimizer<Scalar>& optimizer, const Tape<Scalar>& tape,
                     const std::string& path, const std::map<std::string, std::string>& notes = {}) {
  const auto parameters = nn::parameters(const_cast<M&>(module));  // which are only read
  const detail::StepState state{optimizer.steps(), optimizer.learning_rate(), tape.step()};
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : notes) metadata.emplace("note." + key, value);
  detail::write_checkpoint(path, parameters, detail::checkpoint_tensors(parameters, optimizer), detail::loop_format,
                           state, detail::build(), std::move(metadata));
}

/// Restores what `save_checkpoint` wrote, into objects made with the same options, and returns the notes. Throws
/// DamageError for a damaged file, IoError for one that cannot be read, is no such checkpoint or of a newer format;
/// OptionError with the differences for another model, precision or tensors of the optimiser, another version of heed
/// or instruction set. After any exception, std::bad_alloc included, nothing is changed. The optimiser's options are
/// not in the file: Adam's state also fits AdamW.
template <class M, class Scalar = typename std::remove_reference_t<M>::scalar_type>
  requires nn::Module<std::remove_reference_t<M>>
std::map<std::string, std::string> load_checkpoint(M&& module, optim::Optimizer<Scalar>& optimizer, Tape<Scalar>& tape,
                                                   const std::string& path) {
  const SafetensorsFile file(path);
  detail::check_run(file, detail::loop_format, detail::build());
  const detail::StepState state = detail::read_steps(file);
  std::map<std::string, std::string> notes;
  for (const auto& [key, value] : file.metadata()) {
    if (key.starts_with("note.")) notes.emplace(key.substr(5), value);
  }
  const auto parameters = nn::parameters(module);
  const auto tensors = detail::checkpoint_tensors(parameters, optimizer);
  detail::check_tensors(file, tensors);
  for (const auto& named : parameters) named.parameter->value();  // marks it as initialised
  detail::read_tensors(file, tensors);
  optimizer.set_steps(state.steps);
  optimizer.set_learning_rate(state.learning_rate);
  tape.set_step(state.tape_step);
  return notes;
}

/// Writes the state of a training between two steps, as in a hook of `Training::run` or after its end. `run` is what a
/// training must have in common with this one to continue it, besides its options: the fingerprint of the log
/// (data/fingerprint.hpp), the options of the model. Errors as above, IoError also when `run` is not UTF-8, above 16 MB
/// or has NaN; StateError after an interruption or an exception.
template <nn::Module Model>
void save_checkpoint(recsys::Training<Model>& training, const std::string& path, const nlohmann::json& run = {}) {
  auto& optimizer = training.optimizer();
  const Index steps = optimizer.steps();
  const nlohmann::json position{{"position", to_json(training.position())}, {"report", to_json(training.report())}};
  detail::write_checkpoint(
      path, training.parameters(),
      detail::checkpoint_tensors(training.parameters(), optimizer, training.best_weights()), detail::training_format,
      {steps, optimizer.learning_rate(), static_cast<std::uint64_t>(steps)}, detail::identity(training.options(), run),
      {{"training", detail::entry_text(path, "training", position)}});
}

/// Sets a new training to what `save_checkpoint` wrote. Errors as above; OptionError with the differences also when the
/// training's options or `run` differ; StateError unless the training is new. After any exception, std::bad_alloc
/// included, nothing is changed.
template <nn::Module Model>
void load_checkpoint(recsys::Training<Model>& training, const std::string& path, const nlohmann::json& run = {}) {
  using Scalar = typename Model::scalar_type;
  const SafetensorsFile file(path);
  detail::check_run(file, detail::training_format, detail::identity(training.options(), run));
  const detail::StepState state = detail::read_steps(file);
  auto [position, report] = detail::read_position(file, training.options().max_epochs);
  auto tensors = detail::checkpoint_tensors(training.parameters(), training.optimizer());
  const std::size_t current = tensors.size();
  for (std::size_t i = 0; i < current && report.best_epoch > 0; ++i) {  // of the same shapes
    const auto& [name, value] = tensors[i];
    if (name.starts_with("model.")) tensors.push_back({"best." + name.substr(6), value});
  }
  detail::check_tensors<Scalar>(file, tensors);
  try {
    training.restore(std::move(report), position, state.steps);
  } catch (const OptionError& error) {
    detail::bad_checkpoint(file, error.what());
  }
  // Nothing below throws or allocates.
  training.optimizer().set_learning_rate(state.learning_rate);
  for (std::size_t i = current; i < tensors.size(); ++i) tensors[i].value = &training.best_weights()[i - current];
  detail::read_tensors(file, tensors);
}

}  // namespace heed::inline HEED_ABI::io
