#include "runtime/data/cifar.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <zlib.h>

#include <string>
#include <vector>

using namespace eightfold;
using namespace eightfold::runtime::data;
using eightfold::test::Scratch;

namespace {

// A record whose byte for (channel, pixel) is channel * 64 + pixel % 61.
std::string record(std::vector<int> labels) {
  std::string bytes(labels.begin(), labels.end());
  for (int channel = 0; channel < 3; ++channel)
    for (int pixel = 0; pixel < 1024; ++pixel) bytes.push_back(static_cast<char>(channel * 64 + pixel % 61));
  return bytes;
}

}  // namespace

TEST_CASE("CIFAR records of several files become one channels-last source") {
  const Scratch scratch;
  const std::vector<std::filesystem::path> files = {scratch.file("a", record({7}) + record({0})),
                                                    scratch.file("b", record({9}))};
  const auto source = read_cifar(files, kCifar10Labels);
  CHECK(source->size() == 3);
  CHECK(source->classes() == 10);
  CHECK(source->sample_shape() == SampleShape{32, 32, 3});
  std::vector<std::uint8_t> image(3072);
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < 3; ++i) source->read(i, image, labels.emplace_back());
  CHECK(labels == std::vector<std::int32_t>{7, 0, 9});
  bool right = true;
  for (std::size_t i = 0; i < image.size(); ++i) right = right && image[i] == i % 3 * 64 + i / 3 % 61;
  CHECK(right);
}

TEST_CASE("the class of a CIFAR-100 record is its fine label") {
  const Scratch scratch;
  const std::filesystem::path file = scratch.file("train.bin", record({19, 99}) + record({3, 0}));
  const auto source = read_cifar({&file, 1}, kCifar100Labels);
  CHECK(source->classes() == 100);
  std::vector<std::uint8_t> image(3072);
  std::int32_t label = 0;
  source->read(0, image, label);
  CHECK(label == 99);
  CHECK(image[1] == 64);
}

TEST_CASE("damaged CIFAR files are refused with file, record and numbers") {
  const Scratch scratch;
  const auto complaint = [&](const std::string& contents,
                             std::span<const std::uint8_t> label_limits) -> std::string {
    const std::filesystem::path file = scratch.file("batch.bin", contents);
    try {
      read_cifar({&file, 1}, label_limits);
    } catch (const base::DataError& error) {
      const std::string message = error.what();
      REQUIRE(message.find(file.string()) == 0);
      return message.substr(file.string().size());
    }
    return "nothing";
  };
  CHECK(complaint("", kCifar10Labels) == ": empty; CIFAR records of 3073 bytes were expected");
  CHECK(complaint(record({1}) + "abc", kCifar10Labels) == ": record 1 has 3 bytes; a record takes 3073");
  CHECK(complaint(record({1}) + record({10}), kCifar10Labels) ==
        ": record 1 has label 10 in byte 0; 0 to 9 were expected");
  CHECK(complaint(record({20, 1}), kCifar100Labels) ==
        ": record 0 has label 20 in byte 0; 0 to 19 were expected");
  CHECK(complaint(record({1, 100}), kCifar100Labels) ==
        ": record 0 has label 100 in byte 1; 0 to 99 were expected");
}

TEST_CASE("a compressed CIFAR file may hold no more records than any CIFAR file") {
  const Scratch scratch;
  const std::filesystem::path path = scratch.path() / "batch.bin.gz";
  const gzFile file = gzopen(path.c_str(), "wb1");
  REQUIRE(file != nullptr);
  const std::string zeros(3073, '\0');
  int written = 0;
  for (int i = 0; i < 50'001; ++i) written += gzwrite(file, zeros.data(), 3073);
  REQUIRE(gzclose(file) == Z_OK);
  REQUIRE(written == 50'001 * 3073);
  CHECK_THROWS_WITH(read_cifar({&path, 1}, kCifar10Labels),
                    path.string() + ": more than 50000 records, the most that a CIFAR file has");
}
