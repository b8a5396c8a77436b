// SPDX-License-Identifier: Apache-2.0
// Serving: a visitor's events one by one, and after each of them what to recommend now.
//
//     session MODEL ITEM..
//
// MODEL is a file that the program train has written; the items are those of the visitor, oldest first, by the names
// that they have in the log.
#include <cstdio>
#include <exception>
#include <heed/core/printable.hpp>
#include <heed/io/recommender.hpp>
#include <heed/recsys/session.hpp>
#include <span>
#include <string>

namespace {

void serve(const std::string& path, std::span<char*> events) {
  // The file holds the model, the task that it was trained for, and the catalogue: the items' ids, texts and names.
  const auto [model, catalogue, task, checksum, time_unit] = heed::io::load_recommender<float>(path);

  // One session per visitor. It keeps as many events as the model sees, and allocates nothing once it is warm. The
  // model is never changed, so sessions on several threads may share it.
  heed::recsys::Session session(model, {.max_length = task.max_length, .exclude_seen = !task.keeps_history()});

  std::int64_t time = 0;
  for (const char* event : events) {
    // Inside the library an item is a dense id. One that came to the shop after the training has none.
    const heed::data::Id item = catalogue.items.find(event);
    if (item == heed::data::Vocabulary::unknown) {
      std::printf("%s: not in the catalogue, skipped\n", heed::printable(event).c_str());
      continue;
    }
    // Events of equal time form one basket; here each event is a basket of its own. In a server, this is the event's
    // time in seconds, or in SessionOptions::time_unit.
    session.push(item, time++);
    std::printf("after %s:", heed::printable(event).c_str());
    for (const auto& [best, score] : session.top_k(5)) {
      const std::string name = heed::printable(catalogue.items.name(best));  // a file may hold any text
      std::printf("  %s %.3f", name.c_str(), static_cast<double>(score));
    }
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: session MODEL ITEM..\n");
    return 2;
  }
  try {
    serve(argv[1], std::span(argv, static_cast<std::size_t>(argc)).subspan(2));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "session: %s\n", error.what());
    return 1;
  }
  return 0;
}
