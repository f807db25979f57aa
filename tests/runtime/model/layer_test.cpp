// What a user reads when layers do not fit together.
#include "runtime/model/layers/layer.hpp"

#include "kernels/base/error.hpp"
#include "tests/runtime/model/nets.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::runtime;
using namespace eightfold::runtime::model;

namespace {

// The complaint about these layers on 6 x 5 images of 2 channels and 3 classes.
std::string complaint(std::vector<config::Layer> layers, std::int64_t rows = 4) {
  try {
    const Model model(network(std::move(layers)), kernels::Device{}, {6, 5, 2}, 3, rows);
  } catch (const base::ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("layers that fit are accepted") {
  CHECK(complaint({linear(3)}) == "accepted");
  CHECK(complaint({conv2d(4, 5), relu(), linear(3)}) == "accepted");
  CHECK(complaint({conv2d(4, 7, 1), linear(3)}) == "accepted");  // 5 + 2 pixels hold a window of 7
  CHECK(complaint({conv2d(3, 6, 1), max_pool(3, 3, 1)}) == "accepted");
}

TEST_CASE("a layer for images refuses plain values") {
  for (const auto& [late, name] : {std::pair{conv2d(4, 1), "conv2d"}, std::pair{max_pool(1), "max_pool"},
                                   std::pair{average_pool(1), "average_pool"}, std::pair{lrn(), "lrn"}})
    CHECK(complaint({linear(7), relu(), late, linear(3)}) ==
          std::string("job.toml:3:1: ") + name +
              " needs images, [height, width, channels], but its input has 7 plain values");
}

TEST_CASE("a window must fit its input at least once") {
  CHECK(complaint({conv2d(4, 6), linear(3)}) ==
        "job.toml:1:1: conv2d: a window of 6 does not fit its input of 6 x 5 with padding 0");
  CHECK(complaint({conv2d(4, 8, 1), linear(3)}) ==
        "job.toml:1:1: conv2d: a window of 8 does not fit its input of 6 x 5 with padding 1");
  CHECK(complaint({max_pool(3), max_pool(2), linear(3)}) ==
        "job.toml:2:1: max_pool: a window of 2 does not fit its input of 2 x 1 with padding 0");
  CHECK(complaint({average_pool(6), linear(3)}) ==
        "job.toml:1:1: average_pool: a window of 6 does not fit its input of 6 x 5 with padding 0");
}

TEST_CASE("pooling needs less padding than its kernel") {
  CHECK(complaint({max_pool(2, 2, 2), linear(3)}) ==
        "job.toml:1:1: max_pool: padding 2 must be less than the kernel 2");
  CHECK(complaint({pool("average_pool", 3, 1, 4), linear(3)}) ==
        "job.toml:1:1: average_pool: padding 4 must be less than the kernel 3");
}

TEST_CASE("groups divide the channels on both sides") {
  CHECK(complaint({conv2d(4, 1, 0, 1, 3), linear(3)}) ==
        "job.toml:1:1: conv2d: groups 3 must divide the 2 channels in and the 4 out");
  CHECK(complaint({conv2d(5, 1, 0, 1, 2), linear(3)}) ==
        "job.toml:1:1: conv2d: groups 2 must divide the 2 channels in and the 5 out");
}

TEST_CASE("a layer beyond any machine is refused before memory is asked for") {
  CHECK(
      complaint({linear(1'000'000'000)}, 2000) ==
      "job.toml:1:1: linear would need a tensor of 2000000000000 values; at most 1099511627776 are allowed");
  CHECK(complaint({conv2d(1'000'000'000, 5, 1000), linear(3)})
            .starts_with("job.toml:1:1: conv2d would need a tensor of "));
}

TEST_CASE("a network must be able to learn") {
  CHECK(complaint({max_pool(2), relu()}) ==
        "job.toml:1:1: the network has no layer that can learn; it needs a linear or a conv2d");
}

TEST_CASE("the last layer has one output per class") {
  CHECK(complaint({linear(7), linear(4)}) ==
        "job.toml:2:1: the network ends in 4 values per sample, but the data has 3 classes");
  CHECK(complaint({linear(2), relu()}) ==
        "job.toml:1:1: the network ends in 2 values per sample, but the data has 3 classes");
  CHECK(complaint({conv2d(3, 3)}) ==
        "job.toml:1:1: the network ends in 36 values per sample, but the data has 3 classes");
}
