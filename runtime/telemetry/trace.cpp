#include "runtime/telemetry/trace.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/log.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

namespace eightfold::runtime::telemetry {
namespace {

constexpr std::array kTracks = {std::pair{base::Track::worker, "worker"},
                                std::pair{base::Track::engine, "engine"},
                                std::pair{base::Track::loader, "loader"}};

double microseconds(base::Duration duration) {
  return 1e6 * base::seconds(duration);
}

}  // namespace

void Trace::add(const base::Span& span) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    if (spans_.size() < limit_) {
      spans_.push_back(span);
    } else {
      ++dropped_;
    }
  } catch (...) {
    ++dropped_;  // out of memory: the run matters more than its trace
  }
}

// Line by line: a million spans in one JSON tree would take a gigabyte.
void Trace::write(const std::filesystem::path& path, int rank) const {
  const std::lock_guard lock(mutex_);
  std::ofstream file(path);
  file << "{\"traceEvents\": [\n";
  for (const auto& [track, name] : kTracks)
    file << fmt::format(
                R"({{"ph": "M", "pid": {}, "tid": {}, "name": "thread_name", "args": {{"name": "{}"}}}},)",
                rank, static_cast<int>(track), name)
         << '\n';
  for (const base::Span& span : spans_)
    file
        << fmt::format(
               R"({{"ph": "X", "pid": {}, "tid": {}, "name": "{}", "ts": {:.3f}, "dur": {:.3f}, "args": {{"index": {}}}}},)",
               rank, static_cast<int>(span.track), span.name, microseconds(span.begin - start_),
               microseconds(span.end - span.begin), span.index)
        << '\n';
  file << fmt::format(R"({{"ph": "M", "pid": {}, "name": "process_name", "args": {{"name": "rank {}"}}}}]}})",
                      rank, rank)
       << '\n'
       << std::flush;
  if (!file) base::raise<base::EnvironmentError>("cannot write {}: {}", path.string(), std::strerror(errno));
  if (dropped_ > 0)
    base::log_warn("the trace keeps its first {} spans; {} more were not kept", limit_, dropped_);
}

}  // namespace eightfold::runtime::telemetry
