#pragma once

// Makes the exchange (comm/exchange.hpp) that sums the session's gradients as the job's [exchange] says.

#include "comm/engine/engine.hpp"
#include "comm/gradient_exchange.hpp"
#include "kernels/base/observer.hpp"
#include "runtime/run/session.hpp"

#include <memory>
#include <span>
#include <vector>

namespace eightfold::runtime::run {

// Bucket by bucket.
std::vector<kernels::Tensor> parts_of(kernels::Tensor arena, std::span<const model::ArenaSpan> buckets);

// The exchange of the session's buckets. `session`, `engine` and `observer` outlive it. Every rank calls it;
// not while the engine has other work.
std::unique_ptr<comm::GradientExchange> make_exchange(Session& session, comm::engine::Engine& engine,
                                                      base::Observer& observer);

// Logs the algorithm, the codec, the number of buckets, and the bytes a step sends.
void log_exchange(const Session& session, const comm::GradientExchange& exchange);

}  // namespace eightfold::runtime::run
