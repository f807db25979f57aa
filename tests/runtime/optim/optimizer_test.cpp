#include "runtime/optim/optimizer.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <cmath>

using namespace eightfold;
using namespace eightfold::runtime;

namespace {

using Names = std::vector<std::string>;

// An optimizer over arenas of three elements (the updates themselves are the kernels', tested there).
struct Fixture {
  kernels::Buffer<float> weights{kernels::Device{}, 3}, gradients{kernels::Device{}, 3};
  kernels::Stream stream{kernels::Device{}};
  optim::Optimizer optimizer;

  explicit Fixture(const config::Optimizer& config)
      : optimizer(config, weights.tensor(), gradients.tensor()) {}
  void set_gradients(float a, float b, float c) {
    gradients.data()[0] = a;
    gradients.data()[1] = b;
    gradients.data()[2] = c;
  }
  Names names() const {
    Names names;
    for (const optim::Optimizer::State& state : optimizer.state()) names.push_back(state.name);
    return names;
  }
};

config::Optimizer of_kind(const std::string& kind, double momentum = 0) {
  config::Optimizer config;
  config.kind = kind;
  if (momentum > 0) config.values["momentum"] = momentum;
  return config;
}

}  // namespace

TEST_CASE("each optimizer keeps the state its updates need, by name") {
  CHECK(Fixture(of_kind("sgd")).names() == Names{});
  CHECK(Fixture(of_kind("sgd", 0.9)).names() == Names{"momentum"});
  CHECK(Fixture(of_kind("rmsprop")).names() == Names{"mean_square"});
  CHECK(Fixture(of_kind("rmsprop", 0.9)).names() == Names{"mean_square", "momentum"});
  CHECK(Fixture(of_kind("adamw")).names() == Names{"first_moment", "second_moment"});
  CHECK(Fixture(of_kind("lion")).names() == Names{"momentum"});
}

TEST_CASE("state starts as zeros in arenas of the weights' size, and an update changes all of it") {
  for (const auto& config :
       {of_kind("sgd", 0.9), of_kind("rmsprop", 0.9), of_kind("adamw"), of_kind("lion")}) {
    Fixture fixture(config);
    fixture.set_gradients(1, -2, 3);
    for (const optim::Optimizer::State& state : fixture.optimizer.state()) {
      REQUIRE(state.arena.size() == 3);
      CHECK(std::all_of(state.arena.data(), state.arena.data() + 3, [](float value) { return value == 0; }));
    }
    fixture.optimizer.step(fixture.stream, 0.1, 1);
    for (const optim::Optimizer::State& state : fixture.optimizer.state())
      CHECK(std::none_of(state.arena.data(), state.arena.data() + 3, [](float value) { return value == 0; }));
  }
}

TEST_CASE("plain descent goes against the gradient by the learning rate") {
  Fixture fixture(of_kind("sgd"));
  fixture.set_gradients(1, -2, 0);
  fixture.optimizer.step(fixture.stream, 0.5, 1);
  CHECK(fixture.weights.data()[0] == -0.5F);
  CHECK(fixture.weights.data()[1] == 1.0F);
  CHECK(fixture.weights.data()[2] == 0.0F);
}

TEST_CASE("the first update of adamw is the learning rate in every direction, whatever the scale") {
  Fixture fixture(of_kind("adamw"));
  fixture.set_gradients(1e-3F, -50, 7);
  fixture.optimizer.step(fixture.stream, 0.5, 1);
  CHECK(fixture.weights.data()[0] == Approx(-0.5).epsilon(1e-4));
  CHECK(fixture.weights.data()[1] == Approx(0.5).epsilon(1e-4));
  CHECK(fixture.weights.data()[2] == Approx(-0.5).epsilon(1e-4));
}

TEST_CASE("a gradient longer than clip_norm is scaled to it, a shorter one is left alone") {
  config::Optimizer config = of_kind("sgd");
  config.clip_norm = 1;
  Fixture clipped(config);
  clipped.set_gradients(3, 0, 4);
  clipped.optimizer.step(clipped.stream, 1.0, 1);
  CHECK(clipped.weights.data()[0] == Approx(-0.6));
  CHECK(clipped.weights.data()[2] == Approx(-0.8));
  Fixture left(config);
  left.set_gradients(0.3F, 0, 0.4F);
  left.optimizer.step(left.stream, 1.0, 1);
  CHECK(left.weights.data()[0] == -0.3F);
  CHECK(left.weights.data()[2] == -0.4F);
}

TEST_CASE("a gradient that is not a number is not clipped into one") {
  config::Optimizer config = of_kind("sgd");
  config.clip_norm = 1;
  Fixture fixture(config);
  fixture.set_gradients(1, std::nanf(""), 1);
  fixture.optimizer.step(fixture.stream, 1.0, 1);
  CHECK(std::isnan(fixture.weights.data()[0]));
  CHECK(std::isnan(fixture.weights.data()[1]));
}

TEST_CASE("updates span by span have the bits of one over everything") {
  for (const auto& config :
       {of_kind("sgd", 0.9), of_kind("rmsprop", 0.9), of_kind("adamw"), of_kind("lion")}) {
    Fixture whole(config), spans(config);
    for (int update = 1; update <= 3; ++update) {
      for (Fixture* each : {&whole, &spans}) each->set_gradients(0.1F, -0.7F * static_cast<float>(update), 3);
      whole.optimizer.step(whole.stream, 0.1, update);
      spans.optimizer.step(spans.stream, 0.1, update, {2, 3});
      spans.optimizer.step(spans.stream, 0.1, update, {1, 1});
      spans.optimizer.step(spans.stream, 0.1, update, {0, 2});
    }
    CHECK(std::equal(whole.weights.data(), whole.weights.data() + 3, spans.weights.data()));
    for (std::size_t i = 0; i < whole.optimizer.state().size(); ++i) {
      const float* const expected = whole.optimizer.state()[i].arena.data();
      CHECK(std::equal(expected, expected + 3, spans.optimizer.state()[i].arena.data()));
    }
  }
}

TEST_CASE("a clipped update needs all gradients, and is refused to a span") {
  config::Optimizer config = of_kind("sgd");
  CHECK_FALSE(Fixture(config).optimizer.needs_all_gradients());
  config.clip_norm = 1;
  Fixture fixture(config);
  CHECK(fixture.optimizer.needs_all_gradients());
  CHECK_THROWS_AS(fixture.optimizer.step(fixture.stream, 0.1, 1, {0, 1}), base::InternalError);
}
