#include "comm/operation_planner.hpp"

#include "comm/engine/mpi_operation.hpp"
#include "comm/executor/executor.hpp"
#include "comm/schedules/generators.hpp"
#include "comm/selection.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"

#include <utility>

namespace eightfold::comm {

void check_algorithm(const ExchangeOptions& options) {
  const quant8::Format format = options.encoding.format;
  if (options.algorithm == "auto") return;
  if (options.algorithm != "mpi") {
    allreduce_generator(options.algorithm, format);  // throws
  } else if (format != quant8::Format::fp32) {
    base::raise<base::ConfigError>("MPI_Allreduce adds fp32 numbers, not {}; use another algorithm",
                                   to_string(format));
  }
}

void check_request(const Request& request, kernels::Device device, int ranks) {
  base::require(request.input.elements() == request.output.elements() &&
                    (request.residual.is_absent() || request.residual.elements() == request.input.elements()),
                "a request of {} elements for {}", request.input.elements(), request.output.elements());
  base::require(request.input.device() == device && request.output.device() == device,
                "a request from {} to {} in an exchange of {}", to_string(request.input.device()),
                to_string(request.output.device()), to_string(device));
  base::require(request.root >= 0 && request.root < ranks, "root {} of {} ranks", request.root, ranks);
}

OperationPlanner::OperationPlanner(const ExchangeOptions& options, schedules::Topology topology,
                                   const executor::BucketContext& context)
    : options_(options), topology_(std::move(topology)), context_(context) {}

std::unique_ptr<engine::BucketOperation> OperationPlanner::operation(const Request& request) {
  const std::int64_t elements = request.input.elements();
  const quant8::Format format = options_.encoding.format;
  const std::string algorithm = algorithm_for(request);
  if (algorithm == "mpi") {
    return std::make_unique<engine::MpiOperation>(elements, context_.stream, topology_.ranks());
  }
  const schedules::Generator& generator = request.collective == schedules::Collective::all_reduce
                                              ? allreduce_generator(algorithm, format)
                                              : *schedules::find_generator(algorithm);
  executor::BucketContext context = context_;
  context.rounding.bucket = static_cast<std::uint32_t>(request.bucket);
  return std::make_unique<executor::Executor>(
      generator.schedule({topology_, context_.rank, elements, request.root}), context);
}

// Apart from all_reduce a collective has one generator, of its own name.
std::string OperationPlanner::algorithm_for(const Request& request) {
  if (request.collective != schedules::Collective::all_reduce)
    return std::string(to_string(request.collective));
  if (options_.algorithm != "auto") return options_.algorithm;
  const std::size_t bytes = request.input.bytes();
  Selection selection =
      select_algorithm(options_.encoding.format, bytes, topology_, options_.calibration.get());
  if (context_.rank == 0 && logged_.insert(selection.algorithm + selection.reason).second)
    base::log_info("exchange: auto is {} for buckets of {}: {}", selection.algorithm,
                   base::format_bytes(bytes), selection.reason);
  return std::move(selection.algorithm);
}

}  // namespace eightfold::comm
