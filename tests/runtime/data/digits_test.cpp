#include "runtime/data/digits.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/hash.hpp"
#include "runtime/data/digit_skeletons.hpp"
#include "runtime/data/statistics.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

using namespace eightfold;
using namespace eightfold::runtime;
using namespace eightfold::runtime::data;
using eightfold::test::Scratch;

namespace {

using Image = std::vector<std::uint8_t>;

Image digit(std::uint64_t seed, DigitPart part, std::int64_t index, std::int32_t* label = nullptr) {
  Image image(static_cast<std::size_t>(kDigitShape.bytes()));
  const std::int32_t drawn = draw_digit(seed, part, index, image);
  if (label != nullptr) *label = drawn;
  return image;
}

std::vector<std::int32_t> labels_of(const Source& source) {
  std::vector<std::int32_t> labels;
  Image image(static_cast<std::size_t>(kDigitShape.bytes()));
  for (std::int64_t i = 0; i < source.size(); ++i) source.read(i, image, labels.emplace_back());
  return labels;
}

// The fraction of the second source that lies nearest to the mean image of its own class in the first.
double nearest_mean_accuracy(const Source& train, const Source& test) {
  std::array<std::vector<double>, 10> mean;
  mean.fill(std::vector<double>(static_cast<std::size_t>(kDigitShape.bytes())));
  const auto histogram = class_histogram(train);
  Image image(mean[0].size());
  std::int32_t label = 0;
  for (std::int64_t i = 0; i < train.size(); ++i) {
    train.read(i, image, label);
    const auto of = static_cast<std::size_t>(label);
    for (std::size_t pixel = 0; pixel < image.size(); ++pixel)
      mean[of][pixel] += image[pixel] / static_cast<double>(histogram[of]);
  }
  int right = 0;
  for (std::int64_t i = 0; i < test.size(); ++i) {
    test.read(i, image, label);
    std::array<double, 10> distance{};
    for (std::size_t of = 0; of < 10; ++of)
      for (std::size_t pixel = 0; pixel < image.size(); ++pixel)
        distance[of] += (image[pixel] - mean[of][pixel]) * (image[pixel] - mean[of][pixel]);
    right += std::ranges::min_element(distance) - distance.begin() == label ? 1 : 0;
  }
  return right / static_cast<double>(test.size());
}

}  // namespace

TEST_CASE("the generated digits are the same bytes on every machine") {
  std::vector<std::uint8_t> drawn;
  for (std::int64_t i = 0; i < 100; ++i) {
    const Image image = digit(1, DigitPart::train, i);
    drawn.insert(drawn.end(), image.begin(), image.end());
  }
  CHECK(base::hash64<std::uint8_t>(drawn) == 0xd6bd8bc12b85cc95u);
}

TEST_CASE("a digit depends on seed, part and index, and on nothing else") {
  const Image image = digit(1, DigitPart::train, 5);
  CHECK(digit(1, DigitPart::train, 5) == image);
  CHECK(digit(2, DigitPart::train, 5) != image);
  CHECK(digit(1, DigitPart::test, 5) != image);
  CHECK(digit(1, DigitPart::train, 6) != image);
  const auto source = make_digits(1, DigitPart::train, 6);
  Image read(image.size());
  std::int32_t label = -1, drawn_label = -2;
  source->read(5, read, label);
  CHECK(digit(1, DigitPart::train, 5, &drawn_label) == read);
  CHECK(label == drawn_label);
}

TEST_CASE("no digit occurs twice, neither within a part nor in both") {
  std::set<std::uint64_t> seen;
  for (std::int64_t i = 0; i < 500; ++i)
    for (const DigitPart part : {DigitPart::train, DigitPart::test})
      seen.insert(base::hash64<std::uint8_t>(digit(1, part, i)));
  CHECK(seen.size() == 1000);
}

TEST_CASE("classes are balanced and come in no order") {
  const auto source = make_digits(1, DigitPart::train, 2000);
  CHECK(class_histogram(*source) == std::vector<std::int64_t>(10, 200));
  const auto labels = labels_of(*source);
  CHECK(labels_of(*make_digits(1, DigitPart::test, 2000)) != labels);
  // Each class about equally often at each place within ten; 81 degrees of freedom, 0.1 %.
  std::vector<int> seen(100);
  for (std::size_t i = 0; i < labels.size(); ++i) ++seen[i % 10 * 10 + static_cast<std::size_t>(labels[i])];
  double chi_squared = 0;
  for (const int count : seen) chi_squared += (count - 20.0) * (count - 20.0) / 20.0;
  CHECK(chi_squared < 126.1);
}

TEST_CASE("digits are ink in the middle of a dark, noisy page") {
  const auto source = make_digits(3, DigitPart::train, 500);
  std::vector<double> sum(static_cast<std::size_t>(kDigitShape.bytes()));
  Image image(sum.size());
  std::int32_t label = 0;
  int strongest = 255;
  for (std::int64_t i = 0; i < source->size(); ++i) {
    source->read(i, image, label);
    strongest = std::min<int>(strongest, *std::ranges::max_element(image));
    for (std::size_t pixel = 0; pixel < image.size(); ++pixel) sum[pixel] += image[pixel];
  }
  CHECK(strongest > 100);
  double inner = 0, border = 0;
  for (std::size_t y = 0; y < 28; ++y)
    for (std::size_t x = 0; x < 28; ++x) {
      if (y >= 4 && y < 24 && x >= 6 && x < 22) inner += sum[y * 28 + x] / (20 * 16);
      if (y < 2 || y >= 26 || x < 2 || x >= 26) border += sum[y * 28 + x] / (28 * 28 - 24 * 24);
    }
  CHECK(border > 0);
  CHECK(inner > 8 * border);
}

TEST_CASE("digits are not separable by their mean images, yet far from random") {
  const double accuracy =
      nearest_mean_accuracy(*make_digits(1, DigitPart::train, 3000), *make_digits(1, DigitPart::test, 1000));
  CHECK(accuracy > 0.5);
  CHECK(accuracy < 0.75);
}

TEST_CASE("skeletons name only points that they have") {
  for (int value = 0; value < 10; ++value) {
    CHECK_FALSE(skeletons_of(value).empty());
    for (const Skeleton& skeleton : skeletons_of(value)) {
      CAPTURE(value, skeleton.strokes);
      std::set<char> named;
      for (const char letter : skeleton.strokes)
        if (letter != ' ') named.insert(letter);
      CHECK(static_cast<int>(named.size()) == skeleton.points);
      CHECK(*named.begin() == 'a');
      CHECK(*named.rbegin() == 'a' + skeleton.points - 1);
    }
  }
  CHECK_THROWS_AS(skeletons_of(10), base::InternalError);
}

TEST_CASE("written digits are the digits that a job draws itself") {
  const Scratch scratch;
  const auto directory = scratch.path() / "some" / "digits";
  write_digits(directory, 7, 30, 20);
  write_digits(directory, 7, 25, 15);  // replaces
  config::Data config;
  config.kind = "idx";
  config.values["dir"] = directory.string();
  const Split read = open(config, 0);
  config.kind = "digits";
  config.train = 25;
  config.test = 15;
  const Split drawn = open(config, 7);
  for (const auto part : {&Split::train, &Split::test}) {
    REQUIRE((read.*part)->size() == (drawn.*part)->size());
    CHECK((read.*part)->sample_shape() == kDigitShape);
    CHECK((read.*part)->classes() == 10);
    Image a(784), b(784);
    std::int32_t label_a = 0, label_b = 0;
    for (std::int64_t i = 0; i < (read.*part)->size(); ++i) {
      (read.*part)->read(i, a, label_a);
      (drawn.*part)->read(i, b, label_b);
      CHECK(a == b);
      CHECK(label_a == label_b);
    }
  }
}

TEST_CASE("the generated set has 20,000 and 4,000 digits unless told otherwise") {
  const Split split = open(config::Data{}, 1);
  CHECK(split.train->size() == 20'000);
  CHECK(split.test->size() == 4'000);
}
