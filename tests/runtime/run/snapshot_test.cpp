#include "runtime/run/snapshot.hpp"

#include "kernels/base/error.hpp"
#include "tests/runtime/model/nets.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <algorithm>

using namespace eightfold;
using namespace eightfold::runtime;
using model::conv2d;
using model::linear;

namespace {

config::Optimizer momentum() {
  config::Optimizer config;
  config.values["momentum"] = 0.9;
  return config;
}

// A model, its optimizer and the snapshot of both, filled with numbers that follow from `seed`.
struct Fixture {
  model::Model model;
  optim::Optimizer optimizer;
  run::Snapshot snapshot;

  Fixture(std::vector<config::Layer> layers, const config::Optimizer& config, unsigned seed)
      : model(model::network(std::move(layers)), kernels::Device{}, {4, 4, 1}, 3, 2),
        optimizer(config, model.weights(), model.gradients()),
        snapshot(model, optimizer) {
    fill(model.weights(), seed);
    for (const optim::Optimizer::State& state : optimizer.state()) fill(state.arena.tensor(), ++seed);
  }
  std::vector<float> weights() const { return copy(model.weights()); }
  std::vector<float> state() const { return copy(optimizer.state().at(0).arena.tensor()); }

 private:
  void fill(kernels::Tensor arena, unsigned seed) const {  // padding stays zero, as in training
    const std::vector<float> values = model::random_floats(static_cast<std::size_t>(arena.elements()), seed);
    for (const model::Parameter& parameter : model.parameters())
      std::copy(values.begin() + parameter.span.begin, values.begin() + parameter.span.end,
                arena.span<float>().begin() + parameter.span.begin);
  }
  static std::vector<float> copy(kernels::Tensor arena) {
    return {arena.span<float>().begin(), arena.span<float>().end()};
  }
};

checkpoint::Found save(const std::filesystem::path& store, const Fixture& fixture) {
  const auto directory = checkpoint::save(store,
                                          {5, 1, run::hash_text(fixture.snapshot.weight_hash()), "",
                                           fixture.snapshot.weights(), fixture.snapshot.optimizer_state(), 0},
                                          2);
  return checkpoint::find(directory);
}

std::string message(Fixture& fixture, const checkpoint::Found& found) {
  try {
    fixture.snapshot.read(found);
  } catch (const base::DataError& error) {
    return error.what();
  }
  return "accepted";
}

bool ends_with(const std::string& text, const std::string& part) {
  return text.ends_with(part);
}

}  // namespace

TEST_CASE("a snapshot comes back from a checkpoint bit for bit") {
  const test::Scratch scratch;
  const Fixture saved({conv2d(2, 3), linear(3)}, momentum(), 1);
  const checkpoint::Found found = save(scratch.path(), saved);
  Fixture other({conv2d(2, 3), linear(3)}, momentum(), 50);
  REQUIRE(other.weights() != saved.weights());
  other.snapshot.read(found);
  CHECK(other.weights() == saved.weights());
  CHECK(other.state() == saved.state());
  CHECK(run::hash_text(other.snapshot.weight_hash()) == found.manifest.weight_hash);
}

TEST_CASE("weights alone come back without touching the optimizer") {
  const test::Scratch scratch;
  const Fixture saved({linear(3)}, momentum(), 1);
  Fixture other({linear(3)}, momentum(), 50);
  const std::vector<float> state = other.state();
  other.snapshot.read_weights(save(scratch.path(), saved));
  CHECK(other.weights() == saved.weights());
  CHECK(other.state() == state);
}

TEST_CASE("tensors are named by parameter, the optimizer's with its state in front") {
  const Fixture fixture({conv2d(2, 3), linear(3)}, momentum(), 1);
  std::vector<std::string> names;
  for (const auto& tensor : fixture.snapshot.weights()) names.push_back(tensor.name);
  for (const auto& tensor : fixture.snapshot.optimizer_state()) names.push_back(tensor.name);
  CHECK(names == std::vector<std::string>{"layer1.linear.weight", "layer1.linear.bias",
                                          "layer0.conv2d.weight", "layer0.conv2d.bias",
                                          "momentum.layer1.linear.weight", "momentum.layer1.linear.bias",
                                          "momentum.layer0.conv2d.weight", "momentum.layer0.conv2d.bias"});
}

TEST_CASE("one changed bit of a weight changes the hash") {
  const Fixture fixture({linear(3)}, momentum(), 1);
  const std::uint64_t before = fixture.snapshot.weight_hash();
  CHECK(run::hash_text(before).size() == 16);
  float& weight = fixture.model.weights().span<float>()[7];
  weight = std::nextafterf(weight, 1.0F);
  CHECK(fixture.snapshot.weight_hash() != before);
}

TEST_CASE("a checkpoint of another network or optimizer is refused with the first tensor that does not fit") {
  const test::Scratch scratch;
  const checkpoint::Found found = save(scratch.path(), Fixture({conv2d(2, 3), linear(3)}, momentum(), 1));
  Fixture wider({conv2d(4, 3), linear(3)}, momentum(), 1);
  CHECK(
      ends_with(message(wider, found),
                "weights.safetensors: tensor layer1.linear.weight is F32 [3, 8], F32 [3, 16] was expected"));
  Fixture deeper({conv2d(2, 3), conv2d(2, 1), linear(3)}, momentum(), 1);
  CHECK(ends_with(message(deeper, found), "weights.safetensors: there is no tensor layer2.linear.weight"));
  config::Optimizer adamw;
  adamw.kind = "adamw";
  Fixture other_optimizer({conv2d(2, 3), linear(3)}, adamw, 1);
  CHECK(ends_with(message(other_optimizer, found),
                  "optimizer.safetensors: there is no tensor first_moment.layer1.linear.weight"));
}
