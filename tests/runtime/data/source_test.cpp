#include "runtime/data/source.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/test.hpp"

#include <array>

using namespace eightfold;
using namespace eightfold::runtime::data;

namespace {

std::shared_ptr<const Source> three_samples() {
  return std::make_shared<InMemorySource>(SampleShape{1, 2, 1}, 4,
                                          std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6},
                                          std::vector<std::uint8_t>{3, 0, 2});
}

}  // namespace

TEST_CASE("a source in memory gives back what it was made of") {
  const auto source = three_samples();
  CHECK(source->size() == 3);
  CHECK(source->classes() == 4);
  CHECK(source->sample_shape() == SampleShape{1, 2, 1});
  std::array<std::uint8_t, 2> image{};
  std::int32_t label = -1;
  source->read(2, image, label);
  CHECK(image == std::array<std::uint8_t, 2>{5, 6});
  CHECK(label == 2);
}

TEST_CASE("a slice counts from its own front and ends at its own end") {
  const SliceSource slice(three_samples(), 1, 2);
  CHECK(slice.size() == 2);
  CHECK(slice.classes() == 4);
  std::array<std::uint8_t, 2> image{};
  std::int32_t label = -1;
  slice.read(0, image, label);
  CHECK(image == std::array<std::uint8_t, 2>{3, 4});
  CHECK(label == 0);
  CHECK_THROWS_AS(slice.read(2, image, label), base::InternalError);
  CHECK_THROWS_AS(slice.read(-1, image, label), base::InternalError);
  CHECK_THROWS_AS(SliceSource(three_samples(), 2, 2), base::InternalError);
}

TEST_CASE("a source in memory refuses what does not fit") {
  const auto make = [](std::vector<std::uint8_t> images, std::vector<std::uint8_t> labels) {
    return InMemorySource(SampleShape{1, 2, 1}, 2, std::move(images), std::move(labels));
  };
  CHECK_NOTHROW(make({}, {}));
  CHECK_THROWS_AS(make({1, 2, 3}, {0}), base::InternalError);
  CHECK_THROWS_AS(make({1, 2}, {2}), base::InternalError);
  const auto source = three_samples();
  std::array<std::uint8_t, 1> small{};
  std::array<std::uint8_t, 2> image{};
  std::int32_t label = 0;
  CHECK_THROWS_AS(source->read(0, small, label), base::InternalError);
  CHECK_THROWS_AS(source->read(3, image, label), base::InternalError);
}

TEST_CASE("a label beyond the network's outputs is refused with its place, wherever a slice begins") {
  const auto of_file =
      std::make_shared<InMemorySource>(SampleShape{1, 1, 1}, 256, std::vector<std::uint8_t>{0, 0, 0, 0},
                                       std::vector<std::uint8_t>{2, 255, 3, 9}, "dir/labels");
  const auto complaint = [](const Source& source, std::int64_t outputs) -> std::string {
    try {
      require_labels_below(source, outputs);
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "accepted";
  };
  CHECK(complaint(*of_file, 256) == "accepted");
  CHECK(complaint(*of_file, 255) ==
        "dir/labels: record 1 has label 255, but the network ends in 255 values per sample: labels 0 to 254 "
        "were expected");
  CHECK(complaint(SliceSource(of_file, 2, 2), 10) == "accepted");
  CHECK(complaint(SliceSource(of_file, 2, 2), 9).starts_with("dir/labels: record 3 has label 9, "));
  CHECK(complaint(*three_samples(), 4) == "accepted");
  CHECK(complaint(*three_samples(), 3).starts_with("sample 0 has label 3, "));
}
