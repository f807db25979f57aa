#include "runtime/health/monitor.hpp"

#include "kernels/base/log.hpp"

#include <utility>

namespace eightfold::runtime::health {
namespace {

std::vector<std::string> names_of_all(comm::engine::Engine& engine, const std::string& gpu_address) {
  std::vector<std::string> names;
  engine.run([&](comm::mpi::Communicator& communicator) { names = gather_names(communicator, gpu_address); });
  return names;
}

}  // namespace

Monitor::Monitor(comm::engine::Engine& engine, kernels::Device device)
    : engine_(engine),
      sensor_(device),
      watch_(names_of_all(engine, sensor_.address())),
      stragglers_(std::make_shared<Stragglers>(watch_.names())) {}

GpuHealth Monitor::read_gpu() {
  return gpu_ = sensor_.read();
}

std::vector<RankReport> Monitor::gather(const RankReport& mine) {
  std::vector<RankReport> all;
  engine_.run([&](comm::mpi::Communicator& communicator) { all = health::gather(communicator, mine); });
  for (const std::string& line : watch_.look_at(all)) base::log_warn("{}", line);
  return all;
}

void Monitor::compare(double busy_ms, double data_wait_ms) {
  engine_.submit([stragglers = stragglers_,
                  mine = RankReport{busy_ms, data_wait_ms, gpu_}](comm::mpi::Communicator& communicator) {
    for (const std::string& line : stragglers->look_at(health::gather(communicator, mine)))
      base::log_warn("{}", line);
  });
}

void Monitor::finish() {
  std::vector<std::string> lines = watch_.finish();
  engine_.run([&](comm::mpi::Communicator&) {  // behind the comparisons that are under way
    for (std::string& line : stragglers_->finish()) lines.push_back(std::move(line));
  });
  for (const std::string& line : lines) base::log_warn("{}", line);
}

}  // namespace eightfold::runtime::health
