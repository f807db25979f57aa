#include "kernels/random.hpp"

#include "tests/support/test.hpp"

#include <set>
#include <vector>

using namespace eightfold::kernels;

namespace {

std::vector<std::uint32_t> words(const RandomKey& key, std::uint64_t block) {
  const RandomWords random = philox(key, block);
  return {std::begin(random.word), std::end(random.word)};
}

}  // namespace

// The known answers of Random123 for philox4x32-10: counters of zeros, of ones, and digits of pi.
TEST_CASE("Philox gives its published known answers") {
  CHECK(words(RandomKey{0, 0, 0}, 0) ==
        std::vector<std::uint32_t>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(words(RandomKey{0xffffffffffffffff, 0xffffffff, 0xffffffff}, 0xffffffffffffffff) ==
        std::vector<std::uint32_t>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(words(RandomKey{0x299f31d0a4093822, 0x13198a2e, 0x03707344}, 0x85a308d3243f6a88) ==
        std::vector<std::uint32_t>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("every part of the key matters") {
  std::set<std::uint32_t> seen;
  for (const RandomKey& key : {RandomKey{0, 0, 0}, RandomKey{1, 0, 0}, RandomKey{1ULL << 32, 0, 0},
                               RandomKey{0, 1, 0}, RandomKey{0, 0, 1}})
    seen.insert(random_word(key, 0));
  seen.insert(random_word({}, 4));
  seen.insert(random_word({}, 1ULL << 40));
  CHECK(seen.size() == 7);
}

TEST_CASE("uniform numbers are at least 0 and below 1") {
  CHECK(uniform_from(0) == 0.0F);
  CHECK(uniform_from(0xffffffff) == 1 - 0x1p-24F);
  CHECK(uniform_from(0x80000000) == 0.5F);
}
