// Reports of several ranks.
#include "runtime/health/monitor.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>

using namespace eightfold;
using namespace eightfold::runtime;
using test::world;

TEST_CASE("rank 0 gets every rank's report and name") {
  health::RankReport mine{1.5 * world().rank(), 0.25, {}};
  if (world().rank() == world().size() - 1) mine.gpu.temperature_c = 70;
  const std::vector<health::RankReport> reports = gather(world(), mine);
  const std::vector<std::string> names =
      health::gather_names(world(), world().rank() == 0 ? "" : "0000:1a:00.0");
  bool right = true;
  if (world().rank() != 0) {
    right = reports.empty() && names.empty();
  } else {
    right = std::ssize(reports) == world().size() && std::ssize(names) == world().size();
    for (std::size_t rank = 0; right && rank < reports.size(); ++rank) {
      const bool is_last = rank + 1 == reports.size();
      right = reports[rank].busy_ms == 1.5 * static_cast<double>(rank) &&
              reports[rank].data_wait_ms == 0.25 &&
              reports[rank].gpu.temperature_c == (is_last ? std::optional(70U) : std::nullopt) &&
              names[rank] ==
                  fmt::format("rank {} ({}{})", rank, world().host(), rank == 0 ? "" : ", GPU 0000:1a:00.0");
    }
  }
  CHECK_ALL_RANKS(right);
}

TEST_CASE("a monitor on the host reports times") {
  std::vector<health::RankReport> reports;
  {
    comm::engine::Engine engine(world());
    health::Monitor monitor(engine, kernels::Device{});
    reports = monitor.gather({10, 1, monitor.read_gpu()});
  }
  const std::size_t expected = world().rank() == 0 ? static_cast<std::size_t>(world().size()) : 0;
  CHECK_ALL_RANKS(reports.size() == expected);
  CHECK_ALL_RANKS(reports.empty() || reports.back().busy_ms == 10);
}
