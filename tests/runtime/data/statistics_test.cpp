#include "runtime/data/statistics.hpp"

#include "kernels/base/hash.hpp"
#include "tests/support/test.hpp"

#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <vector>

using namespace eightfold::runtime::data;

namespace {

std::shared_ptr<const Source> source_of(SampleShape shape, std::vector<std::uint8_t> images,
                                        std::vector<std::uint8_t> labels) {
  return std::make_shared<InMemorySource>(shape, 3, std::move(images), std::move(labels));
}

}  // namespace

TEST_CASE("byte statistics are those of each channel") {
  // Two samples of two pixels: channel 0 is 0 2 4 6, channel 1 always 200.
  const auto source = source_of({1, 2, 2}, {0, 200, 2, 200, 4, 200, 6, 200}, {0, 1});
  const ByteStatistics bytes = byte_statistics(*source);
  CHECK(bytes.mean == std::vector<double>{3, 200});
  CHECK(bytes.deviation[0] == Approx(std::sqrt(5.0)));
  CHECK(bytes.deviation[1] == 0);
}

TEST_CASE("normalised training bytes have mean 0 and deviation 1, constant channels are 0") {
  const auto source = source_of({1, 2, 2}, {0, 200, 2, 200, 4, 200, 6, 200}, {0, 1});
  const Normalization to = normalization(byte_statistics(*source));
  double sum = 0, squares = 0;
  for (const float byte : {0.f, 2.f, 4.f, 6.f}) {
    const double value = to.scale[0] * byte + to.shift[0];
    sum += value;
    squares += value * value;
  }
  CHECK(sum == Approx(0).margin(1e-6));
  CHECK(squares / 4 == Approx(1));
  CHECK(to.scale[1] * 200 + to.shift[1] == 0);
}

TEST_CASE("a large source is sampled evenly") {
  // 25,000 samples: the value grows with the index, so that the mean tells where the samples came from.
  std::vector<std::uint8_t> images(25'000), labels(25'000);
  for (std::size_t i = 0; i < images.size(); ++i) images[i] = static_cast<std::uint8_t>(i / 100);
  CHECK(byte_statistics(*source_of({1, 1, 1}, images, labels)).mean[0] == Approx(124.5).epsilon(1e-3));
}

TEST_CASE("the histogram counts every class, also absent ones") {
  CHECK(class_histogram(*source_of({1, 1, 1}, {1, 2, 3, 4}, {2, 0, 2, 2})) ==
        std::vector<std::int64_t>{1, 0, 3});
}

TEST_CASE("a data set is described in words and numbers") {
  const Split split{source_of({1, 1, 1}, {0, 10}, {0, 2}), source_of({1, 1, 1}, {7}, {1})};
  CHECK(describe(split) ==
        "train 2 samples, 1 x 1 x 1 bytes each, 3 classes\n"
        "      bytes: mean 5.00, standard deviation 5.00\n"
        "      fingerprint " +
            fingerprint(*split.train) +
            "\n"
            "      samples of class   0 to   2: 1 0 1\n"
            "test  1 sample, 1 x 1 x 1 bytes each, 3 classes\n"
            "      bytes: mean 7.00, standard deviation 0.00\n"
            "      fingerprint " +
            fingerprint(*split.test) +
            "\n"
            "      samples of class   0 to   2: 0 1 0\n");
}

TEST_CASE("a fingerprint is the hash of the shape, then of every image and its label") {
  std::vector<std::uint8_t> bytes;
  const auto append = [&](unsigned value, std::size_t count) {
    bytes.push_back(static_cast<std::uint8_t>(value));
    bytes.resize(bytes.size() + count - 1);
  };
  for (const unsigned extent : {1U, 2U, 1U}) append(extent, 8);
  bytes.insert(bytes.end(), {7, 8});
  append(2, 4);
  bytes.insert(bytes.end(), {9, 200});
  append(0, 4);
  eightfold::base::Hash128 hash;
  hash.update(std::as_bytes(std::span(bytes)));
  CHECK(fingerprint(*source_of({1, 2, 1}, {7, 8, 9, 200}, {2, 0})) == hash.hex());
}

TEST_CASE("a fingerprint tells samples, labels, order and shape apart, and not what holds them") {
  const std::string one = fingerprint(*source_of({1, 2, 1}, {7, 8, 9, 200}, {2, 0}));
  for (const auto& other : {source_of({1, 2, 1}, {7, 8, 9, 201}, {2, 0}),  // a value
                            source_of({1, 2, 1}, {7, 8, 9, 200}, {2, 1}),  // a label
                            source_of({1, 2, 1}, {9, 200, 7, 8}, {0, 2}),  // the order
                            source_of({2, 1, 1}, {7, 8, 9, 200}, {2, 0}),  // the shape
                            source_of({1, 2, 1}, {7, 8}, {2})})            // their number
    CHECK(fingerprint(*other) != one);
  const auto longer = source_of({1, 2, 1}, {0, 0, 7, 8, 9, 200, 1, 1}, {1, 2, 0, 1});
  CHECK(fingerprint(SliceSource(longer, 1, 2)) == one);
}
