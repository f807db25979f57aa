#pragma once

// What a job's [exchange] comes to on one rank: the exchange (comm/exchange.hpp) that adds up the session's
// gradients.

#include "comm/engine/engine.hpp"
#include "comm/exchange.hpp"
#include "kernels/base/observer.hpp"
#include "runtime/run/session.hpp"

#include <memory>
#include <span>
#include <vector>

namespace eightfold::runtime::run {

// Bucket by bucket.
std::vector<kernels::Tensor> parts_of(kernels::Tensor arena, std::span<const model::ArenaSpan> buckets);

// Of the session's buckets. `session`, `engine` and `observer` outlive it. Every rank calls it; not while the
// engine has other work.
std::unique_ptr<comm::Exchange> make_exchange(Session& session, comm::engine::Engine& engine,
                                              base::Observer& observer);

// Tells the log what is exchanged, how, and what that saves.
void log_exchange(const Session& session, const comm::Exchange& exchange);

}  // namespace eightfold::runtime::run
