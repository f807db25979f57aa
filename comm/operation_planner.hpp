#pragma once

// Chooses what carries a request out: the schedule of an algorithm, or MPI's own collective.

#include "comm/exchange.hpp"
#include "comm/executor/shard_part.hpp"
#include "comm/schedules/topology.hpp"

#include <memory>
#include <set>
#include <string>

namespace eightfold::comm {

// Throws ConfigError if there is no such algorithm, or if it cannot go with the format.
void check_algorithm(const ExchangeOptions& options);
// Throws InternalError if the tensors do not fit each other or are not of `device`.
void check_request(const Request& request, kernels::Device device, int ranks);

class OperationPlanner {
 public:
  // `context` is that of an operation which does nothing yet.
  OperationPlanner(const ExchangeOptions& options, schedules::Topology topology,
                   const executor::BucketContext& context);

  // For this request and all that differ from it in step and memory alone. Allocates what they need.
  std::unique_ptr<engine::BucketOperation> operation(const Request& request);

 private:
  std::string algorithm_for(const Request& request);

  ExchangeOptions options_;
  schedules::Topology topology_;
  executor::BucketContext context_;
  std::set<std::string> logged_;
};

}  // namespace eightfold::comm
