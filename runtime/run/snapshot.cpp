#include "runtime/run/snapshot.hpp"

#include "kernels/base/hash.hpp"
#include "runtime/checkpoint/data_file.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace eightfold::runtime::run {

using kernels::Tensor;

Snapshot::Snapshot(const model::Model& model, const optim::Optimizer& optimizer, Copies copies)
    : parameters_(model.parameters()), copies_(copies) {
  arenas_.push_back(mirror("", model.weights()));
  for (const optim::Optimizer::State& state : optimizer.state())
    arenas_.push_back(mirror(state.name + ".", state.arena.tensor()));
}

void Snapshot::include(std::string name, Tensor tensor) {
  included_.push_back(mirror(std::move(name), tensor));
}

Snapshot::Arena Snapshot::mirror(std::string prefix, Tensor device) const {
  Arena arena{std::move(prefix), device, {}, device};
  // Arenas on the host can be read where they are, between two steps. A copy is needed where training goes on
  // meanwhile.
  if (copies_ == Copies::of_all || device.device().kind != kernels::DeviceKind::host) {
    arena.copy = {device.device(), static_cast<std::size_t>(device.elements())};
    arena.host = arena.copy.tensor(device.shape());
  }
  return arena;
}

void Snapshot::load(kernels::StreamView stream, const Arena& arena) {
  if (arena.copy.size() > 0) kernels::copy(stream, arena.device, arena.host);
}

void Snapshot::load_from_device(kernels::StreamView stream) {
  for (const Arena& arena : arenas_) load(stream, arena);
  stream.synchronize();
  for (const Arena& each : included_)
    // Included tensors are on the host, so no stream is asked for them.
    if (each.copy.size() > 0) std::ranges::copy(each.device.span<float>(), each.host.span<float>().begin());
}

void Snapshot::load_weights_from_device(kernels::StreamView stream) {
  load(stream, arenas_[0]);
  stream.synchronize();
}

void Snapshot::store_to_device(kernels::StreamView stream) {
  for (const Arena& arena : arenas_)
    if (arena.copy.size() > 0) kernels::copy(stream, arena.host, arena.device);
  stream.synchronize();
}

std::uint64_t Snapshot::weight_hash() const {
  return base::hash64(std::span<const float>(arenas_[0].host.span<float>()));
}

bool Snapshot::weights_are_finite() const {
  return std::ranges::all_of(arenas_[0].host.span<float>(),
                             [](float weight) { return std::isfinite(weight); });
}

std::vector<Tensor> Snapshot::split(const Arena& arena) const {
  std::vector<Tensor> tensors;
  for (const model::Parameter& parameter : parameters_)
    // Without the padding: a file holds each parameter in its own shape.
    tensors.push_back(arena.host.rows(parameter.span.begin, parameter.spec.shape.elements())
                          .reshaped(parameter.spec.shape));
  return tensors;
}

std::vector<checkpoint::NamedTensor> Snapshot::named(const Arena& arena) const {
  const std::vector<Tensor> tensors = split(arena);
  std::vector<checkpoint::NamedTensor> result;
  for (std::size_t i = 0; i < tensors.size(); ++i)
    result.push_back({arena.prefix + parameters_[i].name, tensors[i]});
  return result;
}

std::vector<checkpoint::NamedTensor> Snapshot::weights() const {
  return named(arenas_[0]);
}

std::vector<checkpoint::NamedTensor> Snapshot::optimizer_state() const {
  std::vector<checkpoint::NamedTensor> all;
  for (std::size_t i = 1; i < arenas_.size(); ++i)
    for (checkpoint::NamedTensor& tensor : named(arenas_[i])) all.push_back(std::move(tensor));
  for (const Arena& each : included_) all.push_back({each.prefix, each.host});
  return all;
}

void Snapshot::read_weights(const checkpoint::Found& found) {
  const checkpoint::SafetensorsFile file = open_file(found, checkpoint::kWeightsFile);
  const std::vector<Tensor> tensors = split(arenas_[0]);
  for (std::size_t i = 0; i < tensors.size(); ++i) file.read(parameters_[i].name, tensors[i]);
}

void Snapshot::read(const checkpoint::Found& found) {
  read_weights(found);
  const checkpoint::SafetensorsFile file = open_file(found, checkpoint::kOptimizerFile);
  for (std::size_t arena = 1; arena < arenas_.size(); ++arena) {
    const std::vector<Tensor> tensors = split(arenas_[arena]);
    for (std::size_t i = 0; i < tensors.size(); ++i)
      file.read(arenas_[arena].prefix + parameters_[i].name, tensors[i]);
  }
  for (const Arena& each : included_) file.read(each.prefix, each.host);
}

void Snapshot::broadcast(comm::mpi::Communicator& communicator, int root) {
  for (const Arena& arena : arenas_)
    communicator.broadcast(std::as_writable_bytes(arena.host.span<float>()), root);
  for (const Arena& each : included_)
    communicator.broadcast(std::as_writable_bytes(each.host.span<float>()), root);
}

std::string hash_text(std::uint64_t hash) {
  return fmt::format("{:016x}", hash);
}

std::optional<data::TrainingFacts> share_training_facts(comm::mpi::Communicator& communicator,
                                                        const checkpoint::Found& found) {
  std::string text;
  comm::mpi::run_agreed(communicator, [&] {
    if (communicator.rank() != 0) return;
    if (const auto facts = checkpoint::read_data(found)) text = checkpoint::data_text(*facts);
  });
  communicator.broadcast_text(text, 0);
  if (text.empty()) return std::nullopt;
  return checkpoint::parse_data(checkpoint::kDataFile, text);
}

}  // namespace eightfold::runtime::run
