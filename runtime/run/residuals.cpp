#include "runtime/run/residuals.hpp"

#include "kernels/base/counted.hpp"
#include "kernels/base/log.hpp"
#include "kernels/buffer.hpp"

#include <algorithm>
#include <functional>
#include <span>

namespace eightfold::runtime::run {
namespace {

using HostCopy = kernels::PinnedBuffer<float>;

HostCopy host_copy_for(kernels::Tensor residual) {
  return {residual.device(), static_cast<std::size_t>(residual.elements())};
}

std::span<std::byte> bytes_of(const HostCopy& copy) {
  return std::as_writable_bytes(copy.span());
}

}  // namespace

// One residual at a time passes through rank 0, so that it needs memory for one more and not for those of all
// ranks. After each the ranks agree whether it was written: none goes on to a transfer that rank 0 has given
// up.
void save_residuals(comm::mpi::Communicator& communicator, kernels::StreamView stream,
                    kernels::Tensor residual, std::span<float> passing, checkpoint::Draft* draft) {
  if (residual.is_absent()) return;
  const kernels::Tensor host = kernels::host_tensor(passing, residual.shape());
  kernels::copy(stream, residual, host);
  stream.synchronize();
  for (int rank = 0; rank < communicator.size(); ++rank) {
    communicator.transfer(std::as_writable_bytes(passing), rank, 0);
    comm::mpi::run_agreed(communicator, [&] {
      if (draft != nullptr) draft->add_residual(rank, host);
    });
  }
}

void restore_residuals(comm::mpi::Communicator& communicator, kernels::StreamView stream,
                       kernels::Tensor residual, const checkpoint::Found& found) {
  int saved = checkpoint::residuals(found.manifest);
  communicator.broadcast(std::as_writable_bytes(std::span(&saved, 1)), 0);
  if (saved == 0) return;
  if (residual.is_absent()) {
    base::log_warn("the residuals of {} (error feedback) are dropped: nothing is encoded now",
                   base::counted(saved, "rank"));
    return;
  }
  const HostCopy passing = host_copy_for(residual), mine = host_copy_for(residual);
  for (int rank = 0; rank < saved; ++rank) {
    comm::mpi::run_agreed(communicator, [&] {
      if (communicator.rank() != 0) return;
      open_file(found, checkpoint::residual_file(rank))
          .read(checkpoint::residual_name(rank), passing.tensor(residual.shape()));
    });
    // Ranks that are no longer there hand their residuals to others, so that the total stays. What was lost
    // of the gradients is still delivered.
    const int new_owner = rank % communicator.size();
    communicator.transfer(bytes_of(passing), 0, new_owner);
    if (new_owner != communicator.rank()) continue;
    if (rank < communicator.size()) {  // not added to zeros: that would lose the sign of a zero
      std::ranges::copy(passing.span(), mine.span().begin());
    } else {
      std::ranges::transform(passing.span(), mine.span(), mine.span().begin(), std::plus<>());
    }
  }
  kernels::copy(stream, mine.tensor(residual.shape()), residual);
  stream.synchronize();
}

}  // namespace eightfold::runtime::run
