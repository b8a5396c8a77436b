// SPDX-License-Identifier: Apache-2.0
// safetensors: round trips, every rejection that the format requires, and files after a failed write.
#include "heed/io/safetensors.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>

#include "support/allocations.hpp"
#include "support/error_of.hpp"
#include "temporary.hpp"

namespace HEED_TEST_UNIT {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using heed::Index;
using heed::IoError;
using heed::io::Checksum;
using heed::io::Dtype;
using heed::io::SafetensorsFile;
using heed::io::tensor_source;
using temporary::Folder;
using temporary::read_bytes;

std::string little_endian(std::uint64_t value) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

std::string assemble(const std::string& header, std::size_t data_bytes) {
  return little_endian(header.size()) + header + std::string(data_bytes, '\0');
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}";
}

std::string error_of(const std::string& bytes) {
  const Folder folder;
  const std::string path = folder.file("bad.safetensors");
  temporary::write_bytes(path, bytes);
  const std::string error = heed::test::error_of<IoError>([&] { SafetensorsFile file(path); });
  CHECK((error == "" || error.find(path) != std::string::npos));
  return error;
}

std::string error_of_header(const std::string& header, std::size_t data_bytes = 0) {
  return error_of(assemble(header, data_bytes));
}

TEST_CASE("safetensors: written tensors are read back with the same bits", "[io]") {
  const Folder folder;
  const std::string path = folder.file("a.safetensors");
  const std::vector<float> floats = {1.5f, -0.0f, std::numeric_limits<float>::infinity(), 3e-42f, 5, 6};
  const std::vector<double> doubles = {0.1, -1e300};
  const std::vector<std::int64_t> longs = {std::numeric_limits<std::int64_t>::min(), 7};
  const std::vector<std::int32_t> ints = {-3};
  heed::io::write_safetensors(
      path,
      {tensor_source<float>("w \"quoted\" \u00e9", {2, 3}, floats), tensor_source<std::int32_t>("scalar", {}, ints),
       tensor_source<double>("d", {2}, doubles), tensor_source<std::int64_t>("l", {2}, longs),
       tensor_source<double>("empty", {0, 3}, std::span<const double>())},
      {{"version", "1"}, {"note", "line\nbreak \u2603"}});
  const SafetensorsFile file(path);
  CHECK(file.values<float>("w \"quoted\" \u00e9") == floats);
  CHECK(std::signbit(file.values<float>("w \"quoted\" \u00e9")[1]));
  CHECK(file.info("w \"quoted\" \u00e9").shape == std::vector<Index>{2, 3});
  CHECK(file.values<std::int32_t>("scalar") == ints);
  CHECK(file.info("scalar").shape.empty());
  CHECK(file.info("scalar").dtype == heed::io::Dtype::i32);
  CHECK(file.values<double>("d") == doubles);
  CHECK(file.values<std::int64_t>("l") == longs);
  CHECK(file.values<double>("empty").empty());
  CHECK(file.metadata().size() == 2);
  CHECK(file.metadata().at("note") == "line\nbreak \u2603");
  CHECK(file.tensors().size() == 5);
  CHECK(folder.entries() == 1);  // no temporary file is left
}

TEST_CASE("safetensors: conversions are exact unless narrowing is allowed", "[io]") {
  const Folder folder;
  const std::string path = folder.file("a.safetensors");
  const std::vector<float> floats = {0.1f};
  const std::vector<double> doubles = {0.1};
  const std::vector<std::int32_t> ints = {-3};
  heed::io::write_safetensors(path, {tensor_source<float>("f", {1}, floats), tensor_source<double>("d", {1}, doubles),
                                     tensor_source<std::int32_t>("i", {1}, ints)});
  const SafetensorsFile file(path);
  CHECK(file.values<double>("f")[0] == static_cast<double>(0.1f));
  CHECK(file.values<std::int64_t>("i")[0] == -3);
  CHECK(file.values<float>("d", heed::io::Narrowing::allow)[0] == 0.1f);
  CHECK_THROWS_WITH(file.values<float>("d"), Contains("'d' is F64") && Contains("narrowing"));
  CHECK_THROWS_WITH(file.values<double>("i"), Contains("'i' is I32"));
  CHECK_THROWS_WITH(file.values<float>("none"), Contains("no tensor 'none'"));
  std::vector<float> two(2);
  CHECK_THROWS_WITH(file.read<float>("f", two), Contains("has 1 elements, wanted 2"));
}

TEMPLATE_TEST_CASE("safetensors: every float16 and bfloat16 is read exactly", "[io]", float, double) {
  const Folder folder;
  const std::string path = folder.file("a.safetensors");
  std::vector<std::uint16_t> all(0x10000);
  std::iota(all.begin(), all.end(), std::uint16_t{0});
  const auto bytes = std::as_bytes(std::span(all));
  heed::io::write_safetensors(path, {{"h", Dtype::f16, {0x10000}, bytes}, {"b", Dtype::bf16, {0x100, 0x100}, bytes}});
  const SafetensorsFile file(path);
  const auto half = file.values<TestType>("h"), brain = file.values<TestType>("b");
  bool exact = half.size() == all.size() && brain.size() == all.size();
  for (std::size_t i = 0; exact && i < all.size(); ++i) {
    const auto same = [](TestType read, float wanted) {
      if (std::isnan(wanted)) return std::isnan(read);
      return read == static_cast<TestType>(wanted) && std::signbit(read) == std::signbit(wanted);
    };
    exact = same(half[i], static_cast<float>(heed::io::detail::Float16{all[i]})) &&
            same(brain[i], std::bit_cast<float>(static_cast<std::uint32_t>(all[i]) << 16));
  }
  CHECK(exact);
  CHECK_THROWS_WITH(file.values<std::int32_t>("h"), Contains("'h' is F16, which cannot be read as I32"));
}

TEST_CASE("safetensors: a tensor is returned with its shape", "[io]") {
  const Folder folder;
  const std::string path = folder.file("a.safetensors");
  const std::vector<double> numbers = {0, 1, 2, 3, 4, 5};
  const std::vector<std::int64_t> integers = {7};
  const auto source = [&](const char* name, std::vector<Index> shape) {
    const std::span<const double> values(numbers);
    return tensor_source<double>(name, shape, shape.back() == 0 ? values.first(0) : values.first(6));
  };
  constexpr Index large = Index{1} << 31;
  heed::io::write_safetensors(
      path, {source("m", {1, 2, 3}), source("none", {3, 0}), source("seven", {1, 1, 1, 1, 1, 2, 3}),
             source("too long", {large, large, 2, 0}), tensor_source<std::int64_t>("scalar", {}, integers)});
  const SafetensorsFile file(path);
  const heed::Tensor<double> m = file.tensor<double>("m");
  CHECK(m.shape() == heed::Shape{1, 2, 3});
  CHECK(m(0, 1, 2) == 5);
  CHECK(file.tensor<float>("m", heed::io::Narrowing::allow)(0, 1, 2) == 5);
  CHECK(file.tensor<double>("none").shape() == heed::Shape{3, 0});
  CHECK(file.tensor<std::int64_t>("scalar").item() == 7);
  CHECK_THROWS_WITH(file.tensor<float>("m"), Contains("'m' is F64") && Contains("narrowing"));
  CHECK_THROWS_WITH(file.tensor<float>("x"), Contains("no tensor 'x'"));
  CHECK_THROWS_WITH(file.tensor<double>("seven"), Contains(path) && Contains("'seven': shape: more than 6 dimensions"));
  CHECK_THROWS_WITH(file.tensor<double>("too long"), Contains(path) && Contains("'too long': shape: more elements"));
  CHECK_THROWS_AS(file.tensor<double>("seven"), IoError);
}

TEST_CASE("safetensors: the bytes are those of the reference implementation", "[io]") {
  const Folder folder;
  const std::string path = folder.file("a.safetensors");
  const std::vector<float> f = {1};
  const std::vector<double> d = {2};
  const std::vector<std::int64_t> l = {3};
  heed::io::write_safetensors(path,
                              {tensor_source<float>("z", {1}, f), tensor_source<float>("a", {1}, f),
                               tensor_source<double>("m", {1}, d), tensor_source<std::int64_t>("n", {1}, l)},
                              {{"k", "v"}}, Checksum::none);
  std::string header = R"({"__metadata__":{"k":"v"},)" + entry("n", "I64", "1", "0,8") + "," +
                       entry("m", "F64", "1", "8,16") + "," + entry("a", "F32", "1", "16,20") + "," +
                       entry("z", "F32", "1", "20,24") + "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  const std::string bytes = read_bytes(path);
  CHECK(bytes.substr(0, 8 + header.size()) == little_endian(header.size()) + header);
  CHECK(bytes.size() == 8 + header.size() + 24);
  heed::io::write_safetensors(path, {}, {}, Checksum::none);
  CHECK(read_bytes(path) == little_endian(8) + "{}      ");

  // A file of the reference implementation (from the generator of the parity tests), read and written again.
  const std::string theirs = HEED_SOURCE_DIR "/tests/parity/fixtures/attention_hidden.safetensors";
  const SafetensorsFile file(theirs);
  std::vector<heed::io::TensorSource> tensors;
  for (const auto& tensor : file.tensors()) {
    tensors.push_back({tensor.name, tensor.dtype, tensor.shape, file.bytes(tensor.name)});
  }
  std::reverse(tensors.begin(), tensors.end());
  heed::io::write_safetensors(path, tensors, file.metadata(), Checksum::none);
  CHECK(read_bytes(path) == read_bytes(theirs));
}

TEST_CASE("safetensors: the checksum is the XXH64 of the file with its digits as zeros", "[io]") {
  const Folder folder;
  const std::string path = folder.file("a.safetensors");
  const std::vector<float> f = {1, 2, 3};
  heed::io::write_safetensors(path, {tensor_source<float>("w", {3}, f)}, {{"a", "1"}, {"z", "\"heed.xxh64:0\""}});
  std::string bytes = read_bytes(path);
  const std::string entry = R"("heed.checksum":"heed.xxh64:)";
  const std::size_t digits = bytes.find(entry) + entry.size();
  std::string zeros = bytes;
  zeros.replace(digits, 16, 16, '0');
  heed::io::detail::Xxh64 content;
  content.update(std::as_bytes(std::span(zeros)));
  CHECK(bytes.substr(digits, 16) == heed::io::detail::hexadecimal(content.digest()));
  const SafetensorsFile file(path);
  CHECK(file.checksum() == Checksum::present);
  CHECK(file.metadata() == std::map<std::string, std::string>{{"a", "1"}, {"z", "\"heed.xxh64:0\""}});

  // Written again it is the same file; without the entry it loads, and says so.
  heed::io::write_safetensors(folder.file("b"), {tensor_source<float>("w", {3}, f)}, file.metadata());
  CHECK(read_bytes(folder.file("b")) == bytes);
  heed::io::write_safetensors(path, {tensor_source<float>("w", {3}, f)}, file.metadata(), Checksum::none);
  CHECK(SafetensorsFile(path).checksum() == Checksum::none);

  const auto write = [&](std::map<std::string, std::string> metadata) {
    heed::io::write_safetensors(path, {}, std::move(metadata));
  };
  CHECK_THROWS_WITH(write({{"heed.checksum", "1"}}), Contains("heed.checksum is reserved"));
  CHECK_THROWS_WITH(write({{"a", "heed.xxh64:0123456789abcdef"}}), Contains("the form of a checksum"));
}

TEST_CASE("safetensors: a flipped bit anywhere in a file with a checksum is an error, and so is any truncation",
          "[io]") {
  const Folder folder;
  const std::string path = folder.file("a.safetensors");
  const std::vector<float> f = {1, 2, 3};
  const std::vector<std::int64_t> l = {-1};
  heed::io::write_safetensors(path, {tensor_source<float>("w", {3}, f), tensor_source<std::int64_t>("l", {}, l)},
                              {{"key", "value \u00e9 \"quoted\" \n"}});
  const std::string bytes = read_bytes(path);
  REQUIRE(error_of(bytes) == "");
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    INFO("bit " << bit % 8 << " of byte " << bit / 8);
    REQUIRE(error_of(damaged) != "");
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) REQUIRE(error_of(bytes.substr(0, size)) != "");
  std::string damaged = bytes;
  damaged.back() = '\x7f';
  CHECK_THAT(error_of(damaged), Contains("is damaged or was changed: the checksum of its content is "));
}

TEST_CASE("safetensors: texts of a file are escaped in errors", "[io]") {
  const std::string escape = "{" + entry(R"(\u001b[31m\n)", "F9", "1", "0,4") + "}";
  CHECK_THAT(error_of_header(escape, 4), Contains(R"('\x1b[31m\n': unknown dtype 'F9')"));
  CHECK_THAT(error_of_header("{" + entry("a", R"(\u202e)", "1", "0,4") + "}", 4), Contains(R"(dtype '\u202e')"));
  CHECK_THAT(error_of_header("{" + entry(R"(\u0007)", "F32", "2", "0,4") + "}", 4), Contains(R"(entry '\x07')"));
  const Folder folder;
  heed::io::write_safetensors(folder.file("a"), {});
  CHECK_THROWS_WITH(SafetensorsFile(folder.file("a")).info("\x1b"), Contains(R"(no tensor '\x1b')"));
}

TEST_CASE("safetensors: reading takes at most 4 times the file and 16 MB", "[io]") {
  if (!heed::test::allocations_counted) return;
  const auto memory = [](const std::string& bytes) {
    const Folder folder;
    temporary::write_bytes(folder.file("a"), bytes);
    heed::test::restart_peak();
    const std::size_t before = heed::test::held_bytes();
    const std::string error = heed::test::error_of<IoError>([&] { SafetensorsFile file(folder.file("a")); });
    CHECK(heed::test::peak_bytes() - before < 4 * bytes.size() + 16'000'000);
    return error;
  };
  const auto header_of = [](int tensors, const std::string& shape = "0") {
    std::string header = "{";
    for (int i = 0; i < tensors; ++i) header += entry(std::to_string(i), "F4", shape, "0,0") + ",";
    header.back() = '}';
    return assemble(header, 0);
  };
  CHECK(memory(header_of(65'536)) == "");
  CHECK_THAT(memory(header_of(100'000)), Contains("more than 65536 tensors"));
  std::string ones = "1";
  for (int i = 0; i < 5'000'000; ++i) ones += ",1";
  CHECK_THAT(memory(assemble("{" + entry("a", "U8", ones, "0,1") + "}", 1)), Contains("more than 64 dimensions"));
  std::string zeros = "0";
  for (int i = 1; i < 64; ++i) zeros += ",0";
  CHECK(memory(header_of(65'536, zeros)) == "");
  const auto keys = [](int number) {
    std::string header = "{\"__metadata__\":{\"\":\"\"";
    for (int i = 1; i < number; ++i) header += ",\"" + std::to_string(i) + "\":\"\"";
    return assemble(header + "}}", 0);
  };
  CHECK(memory(keys(65'536)) == "");
  CHECK_THAT(memory(keys(300'000)), Contains("entry '__metadata__': more than 65536 keys"));
  // A little more than a power of two: a text that grows by doubling is then copied to twice the memory.
  const std::string text((1 << 24) + 1, 'a');
  CHECK(memory(assemble("{\"__metadata__\":{\"a\":\"" + text + "\"}}", 0)) == "");
  CHECK(memory(assemble("{\"__metadata__\":{\"" + text + "\":\"\"}}", 0)) == "");
  CHECK(memory(assemble("{" + entry(text, "U8", "1", "0,1") + "}", 1)) == "");
  CHECK_THAT(memory(assemble("{" + std::string(text.size(), '\n') + "x", 0)), Contains("got 'x'"));
  CHECK_THAT(memory(assemble("{\"" + text, 0)), Contains("wanted a text that ends"));
}

TEST_CASE("safetensors: unusual but valid files are accepted", "[io]") {
  CHECK(error_of_header("{}") == "");
  CHECK(error_of_header(" \n\t{}   ") == "");
  CHECK(error_of_header("{" + entry("a", "F32", "", "0,4") + "}", 4) == "");
  CHECK(error_of_header("{" + entry("a", "F32", "0", "0,0") + "," + entry("b", "F32", "1", "0,4") + "}", 4) == "");
  CHECK(error_of_header("{" + entry("a", "F4", "2", "0,1") + "}", 1) == "");
  CHECK(error_of_header("{" + entry("a\\u0041", "BF16", "1,1,1,1,1,1,1,1", "0,2") + "}", 2) == "");
}

TEST_CASE("safetensors: lengths are checked first", "[io]") {
  CHECK_THAT(error_of(""), Contains("8 bytes"));
  CHECK_THAT(error_of("1234567"), Contains("the file has 7"));
  CHECK_THAT(error_of(little_endian(100'000'001) + "{}"), Contains("above 100000000"));
  CHECK_THAT(error_of(little_endian(~std::uint64_t{0}) + "{}"), Contains("above 100000000"));
  CHECK_THAT(error_of(little_endian(3) + "{}"), Contains("requires 3 bytes, the file has 2"));
  CHECK_THAT(error_of(little_endian(99'999'999) + "{}"), Contains("requires 99999999"));
  CHECK_THROWS_WITH(SafetensorsFile("/nonexistent/x"), Contains("cannot open") && Contains("/nonexistent/x"));
  CHECK_THROWS_WITH(SafetensorsFile(fs::temp_directory_path().string()), Contains("not a regular file"));
  const Folder folder;
  REQUIRE(::mkfifo(folder.file("pipe").c_str(), 0600) == 0);
  CHECK_THROWS_WITH(SafetensorsFile(folder.file("pipe")),
                    Contains("not a regular file"));  // does not wait for a writer
}

TEST_CASE("safetensors: the header must be UTF-8, then JSON of the format", "[io]") {
  const std::string integer = "entry 'a': wanted an integer from 0 to 281474976710656";
  CHECK_THAT(error_of_header("{\"\xff\":"), Contains("invalid UTF-8 at header byte 2"));
  CHECK_THAT(error_of_header("{\"\xc0\x80\""), Contains("invalid UTF-8"));
  CHECK_THAT(error_of_header("{\"\xed\xa0\x80\""), Contains("invalid UTF-8"));
  CHECK_THAT(error_of_header("\xef\xbb\xbf{}"), Contains("wanted { at byte 0, got '\\ufeff{}'"));  // byte-order mark
  CHECK_THAT(error_of_header(""), Contains("header: wanted { at byte 0, got the end"));
  CHECK_THAT(error_of_header("[]"), Contains("wanted {"));
  CHECK_THAT(error_of_header(std::string("{}\0junk", 7)),
             Contains("header: wanted the end at byte 2, got '\\x00junk'"));
  CHECK_THAT(error_of_header("{}x"), Contains("wanted the end"));
  CHECK_THAT(error_of_header("{\"a\":"), Contains("entry 'a': wanted { at byte 5, got the end"));
  CHECK_THAT(error_of_header("{\"a\":1}"), Contains("entry 'a': wanted {"));
  CHECK_THAT(error_of_header("{\"a\":[]}"), Contains("entry 'a'"));
  CHECK_THAT(error_of_header("{\"a\":{}}"), Contains("needs dtype, shape and data_offsets"));
  CHECK_THAT(error_of_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}"), Contains("needs dtype"));
  CHECK_THAT(error_of_header("{" + entry("a", "F33", "1", "0,4") + "}", 4), Contains("unknown dtype 'F33'"));
  CHECK_THAT(error_of_header("{\"a\":{\"dtype\":4}}"), Contains("entry 'a': wanted a text at byte 14, got '4}}'"));
  CHECK_THAT(error_of_header("{\"a\":{\"extra\":4}}"), Contains("unknown field 'extra'"));
  CHECK_THAT(error_of_header("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}"), Contains("'dtype' appears twice"));
  CHECK_THAT(error_of_header("{" + entry("a", "F32", "-1", "0,4") + "}", 4), Contains(integer));
  CHECK_THAT(error_of_header("{" + entry("a", "F32", "1.0", "0,4") + "}", 4), Contains(integer));
  CHECK_THAT(error_of_header("{" + entry("a", "F32", "1e0", "0,4") + "}", 4), Contains(integer));
  CHECK_THAT(error_of_header("{" + entry("a", "F32", "99999999999999999999", "0,4") + "}", 4), Contains(integer));
  CHECK_THAT(error_of_header("{" + entry("a", "F32", "281474976710657", "0,4") + "}", 4), Contains(integer));
  CHECK_THAT(error_of_header("{" + entry("a", "F32", "[1]", "0,4") + "}", 4), Contains(integer));
  CHECK_THAT(error_of_header("{" + entry("a", "F32", "null", "0,4") + "}", 4), Contains(integer));
  CHECK_THAT(error_of_header("{" + entry("a", "F32", "1", "0") + "}", 4), Contains("[begin, end]"));
  CHECK_THAT(error_of_header("{" + entry("a", "F32", "1", "0,4,4") + "}", 4), Contains("more than two"));
  CHECK_THAT(error_of_header("{\"__metadata__\":{\"a\":1}}"), Contains("entry '__metadata__'"));
  CHECK_THAT(error_of_header("{\"__metadata__\":\"a\"}"), Contains("entry '__metadata__': wanted {"));
  CHECK_THAT(error_of_header("{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}"), Contains("wanted a text"));
  CHECK_THAT(error_of_header("{\"__metadata__\":{\"a\":\"1\",\"a\":\"1\"}}"), Contains("'a' appears twice"));
  CHECK_THAT(error_of_header("{\"__metadata__\":{},\"__metadata__\":{}}"), Contains("appears twice"));
  const std::string twice = entry("a", "F32", "0", "0,0");
  CHECK_THAT(error_of_header("{" + twice + "," + twice + "}"), Contains("entry 'a': the name appears twice"));
  // Keys are compared after unescaping, so two spellings are the same name.
  CHECK_THAT(error_of_header("{" + twice + "," + entry("\\u0061", "F32", "0", "0,0") + "}"), Contains("appears twice"));
  CHECK_THAT(error_of_header(std::string(100'000, '[')), Contains("wanted {"));
  CHECK_THAT(error_of_header("{\"a\":" + std::string(1'000'000, '[')), Contains("entry 'a'"));
}

TEST_CASE("safetensors: offsets, sizes and the end of the file must agree", "[io]") {
  const auto one = [](const std::string& dtype, const std::string& shape, const std::string& offsets,
                      std::size_t bytes) {
    return error_of_header("{" + entry("a", dtype, shape, offsets) + "}", bytes);
  };
  CHECK_THAT(one("F32", "1", "4,8", 8), Contains("'a': data_offsets [4, 8] must begin at 0"));
  CHECK_THAT(one("F32", "1", "4,0", 4), Contains("must begin at 0"));
  const std::string a = entry("a", "F32", "1", "0,4");
  CHECK_THAT(error_of_header("{" + a + "," + entry("b", "F32", "1", "5,9") + "}", 9),
             Contains("must begin at 4"));  // hole
  CHECK_THAT(error_of_header("{" + a + "," + entry("b", "F32", "1", "0,4") + "}", 4), Contains("must begin at 4"));
  CHECK_THAT(error_of_header("{" + a + "," + entry("b", "F32", "1", "2,6") + "}", 6), Contains("must begin at 4"));
  CHECK_THAT(error_of_header("{" + a + "," + entry("b", "F32", "1", "4,3") + "}", 4), Contains("not end before"));
  CHECK_THAT(one("F32", "281474976710656,281474976710656", "0,4", 4), Contains("product of shape overflows"));
  CHECK_THAT(one("F64", "281474976710656,65535", "0,4", 4), Contains("size in bits overflows"));
  CHECK_THAT(one("F4", "3", "0,1", 1), Contains("12 bits, not whole bytes"));
  CHECK_THAT(one("F32", "2", "0,4", 4), Contains("span 4 bytes, but shape and dtype F32 need 8"));
  CHECK_THAT(one("F32", "1", "0,4", 3), Contains("end at data byte 4, but the file has 3"));
  CHECK_THAT(one("F32", "1", "0,4", 5), Contains("but the file has 5"));
  CHECK_THAT(one("F32", "70368744177664", "0,281474976710656", 4), Contains("but the file has 4"));
  CHECK_THAT(error_of_header("{}", 1), Contains("the file has 1"));
}

TEST_CASE("safetensors: a failed write leaves an existing file unchanged and no temporary file", "[io]") {
  const Folder folder;
  const std::string path = folder.file("model.safetensors");
  const std::vector<float> one = {1};
  heed::io::write_safetensors(path, {tensor_source<float>("a", {1}, one)});
  const std::string before = read_bytes(path);
  const auto write = [&](std::vector<heed::io::TensorSource> tensors,
                         std::map<std::string, std::string> metadata = {}) {
    heed::io::write_safetensors(path, std::move(tensors), metadata);
  };
  const auto source = [&](const std::string& name, std::vector<Index> shape) {
    return tensor_source<float>(name, std::move(shape), one);
  };
  CHECK_THROWS_WITH(write({source("a", {2})}), Contains(path) && Contains("tensor 'a': 4 bytes do not fill"));
  CHECK_THROWS_WITH(write({source("a", {1}), source("a", {1})}), Contains("the name is taken"));
  CHECK_THROWS_WITH(write({source("__metadata__", {1})}), Contains("the name is taken"));
  CHECK_THROWS_WITH(write({source("a", {-1})}), Contains("negative shape"));
  CHECK_THROWS_WITH(write({source("\xff", {1})}), Contains("not UTF-8"));
  CHECK_THROWS_WITH(write({}, {{"k", "\xff"}}), Contains("not UTF-8"));
  CHECK(read_bytes(path) == before);
  CHECK(folder.entries() == 1);
  CHECK_THROWS_WITH(heed::io::write_safetensors(folder.file("no/such"), {}), Contains("cannot create"));
}

}  // namespace HEED_TEST_UNIT
