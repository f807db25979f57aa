#pragma once

// The state of a training run between two steps, on the host, for checkpoints and for the broadcast at start.
// Arenas of a device are copied. Arenas of the host are copied only where training changes them while the
// snapshot is still read.

#include "comm/mpi/communicator.hpp"
#include "kernels/buffer.hpp"
#include "kernels/stream.hpp"
#include "runtime/checkpoint/store.hpp"
#include "runtime/data/training_facts.hpp"
#include "runtime/model/model.hpp"
#include "runtime/optim/optimizer.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace eightfold::runtime::run {

// All of a model's training state in host memory, allocated once. load_from_device() and store_to_device()
// copy it. They copy nothing if a tensor of the snapshot is the arena itself.
class Snapshot {
 public:
  enum class Copies { of_device_arenas, of_all };

  // `model` and `optimizer` outlive this.
  Snapshot(const model::Model& model, const optim::Optimizer& optimizer,
           Copies copies = Copies::of_device_arenas);

  // A tensor of the host that is saved with the optimizer's state under this name, as it is. It outlives
  // this.
  void include(std::string name, kernels::Tensor tensor);

  void load_from_device(kernels::StreamView stream);
  void load_weights_from_device(kernels::StreamView stream);
  void store_to_device(kernels::StreamView stream);

  // The hash of all weights, padding included.
  std::uint64_t weight_hash() const;
  // True if no weight is infinite or not a number.
  bool weights_are_finite() const;
  // Views of this snapshot's tensors, named as checkpoints name them.
  std::vector<checkpoint::NamedTensor> weights() const;
  std::vector<checkpoint::NamedTensor> optimizer_state() const;
  // Fills the snapshot from a checkpoint's files, which it compares with the manifest once more as it opens
  // them. Throws DataError if they are not of this model and optimizer.
  void read(const checkpoint::Found& found);
  // The same for the weights alone: evaluation needs no optimizer.
  void read_weights(const checkpoint::Found& found);
  // Every rank gets root's state. Collective.
  void broadcast(comm::mpi::Communicator& communicator, int root);

 private:
  struct Arena {
    std::string prefix;  // of the tensors' names
    kernels::Tensor device;
    kernels::PinnedBuffer<float> copy;  // empty where `host` is the arena itself
    kernels::Tensor host;
  };
  static void load(kernels::StreamView stream, const Arena& arena);
  Arena mirror(std::string prefix, kernels::Tensor device) const;
  std::vector<kernels::Tensor> split(const Arena& arena) const;
  std::vector<checkpoint::NamedTensor> named(const Arena& arena) const;

  const std::vector<model::Parameter>& parameters_;
  std::vector<Arena> arenas_;    // weights first, then the optimizer's
  std::vector<Arena> included_;  // the name is the prefix
  Copies copies_;
};

// A hash as checkpoints and results have it: sixteen hexadecimal digits.
std::string hash_text(std::uint64_t hash);

// The facts about the training data in a checkpoint that rank 0 has found, on every rank. Nothing if an
// earlier version wrote the checkpoint without them. Collective; a damaged file is an AgreedError.
std::optional<data::TrainingFacts> share_training_facts(comm::mpi::Communicator& communicator,
                                                        const checkpoint::Found& found);

}  // namespace eightfold::runtime::run
