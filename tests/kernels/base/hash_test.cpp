#include "kernels/base/hash.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/test.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

using namespace eightfold::base;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string hex_of(std::string_view text) {
  Hash128 hash;
  hash.update(bytes_of(text));
  return hash.hex();
}

}  // namespace

// Known answers of XXH3 for the empty input, as its specification prints them.
TEST_CASE("hashes are XXH3") {
  CHECK(hash64(bytes_of("")) == 0x2d06800538d394c2ULL);
  CHECK(hex_of("") == "99aa06d3014798d86001c324468d497f");
}

TEST_CASE("every byte and its place matter to a hash") {
  std::string text(1000, 'a');
  const std::uint64_t before = hash64(bytes_of(text));
  for (const std::size_t at : {0, 1, 240, 999}) {
    text[at] = 'b';
    CHECK(hash64(bytes_of(text)) != before);
    text[at] = 'a';
  }
  CHECK(hash64(bytes_of(text)) == before);
  CHECK(hash64(bytes_of(std::string(999, 'a'))) != before);
}

TEST_CASE("a stream hashes the same in any pieces, and a file like its contents") {
  std::string text;
  for (int i = 0; i < 3'000'000; ++i) text.push_back(static_cast<char>(i % 251));
  const std::string whole = hex_of(text);
  for (const std::size_t cut : {0, 1, 1024, 2999999}) {
    Hash128 hash;
    hash.update(bytes_of(text).first(cut));
    hash.update(bytes_of(text).subspan(cut));
    CHECK(hash.hex() == whole);
  }
  const auto path =
      std::filesystem::temp_directory_path() / ("eightfold_hash_test_" + std::to_string(::getpid()));
  std::ofstream(path, std::ios::binary) << text;
  CHECK(hash_file(path) == whole);
  std::ofstream(path, std::ios::binary) << "";
  CHECK(hash_file(path) == hex_of(""));
  std::filesystem::remove(path);
  CHECK_THROWS_AS(hash_file(path), EnvironmentError);
}
