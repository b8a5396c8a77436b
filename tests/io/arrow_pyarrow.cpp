// SPDX-License-Identifier: Apache-2.0
// A shared library that arrow_pyarrow.py loads: it reads a stream and returns the log as text.
#include <heed/io/arrow.hpp>
#include <string>

/// Returns the first line of the report (rows, rows without a user), then one line "user item time rating kind" per
/// event, with tabs; or "error: " and the message. Valid until the next call.
extern "C" const char* heed_read_arrow(ArrowArrayStream* stream, const char* user, const char* item, const char* time,
                                       const char* rating, const char* kind, bool skip_rows_without_user) {
  static std::string text;
  try {
    heed::data::ReadReport report;
    const heed::data::Interactions log = heed::io::read_arrow(
        *stream,
        {.user = user,
         .item = item,
         .time = time,
         .rating = rating,
         .kind = kind,
         .missing_user = skip_rows_without_user ? heed::data::MissingUser::skip : heed::data::MissingUser::error},
        &report);
    text = heed::message(report.lines, "\t", report.skipped_lines);
    for (heed::data::Id u = 0; u < log.num_users(); ++u) {
      const auto begin = static_cast<std::size_t>(log.offsets[static_cast<std::size_t>(u)]);
      for (std::size_t e = begin; e < begin + static_cast<std::size_t>(log.length(u)); ++e) {
        text += heed::message("\n", log.users.text(u), "\t", log.catalogue.items.text(log.items[e]), "\t",
                              log.times.empty() ? 0 : log.times[e], "\t", log.ratings.empty() ? 0 : log.ratings[e],
                              "\t", log.kinds.empty() ? "" : log.catalogue.kinds.text(log.kinds[e]));
      }
    }
  } catch (const heed::Error& error) {
    text = heed::message("error: ", error.what());
  }
  return text.c_str();
}
