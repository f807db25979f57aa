#include "runtime/telemetry/trace.hpp"

#include "comm/engine/spans.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/log.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <new>
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

// On the row of its thread.
std::string Trace::as_event(const base::Span& span, int rank) const {
  return fmt::format(
      R"({{"ph": "X", "pid": {}, "tid": {}, "name": "{}", "ts": {:.3f}, "dur": {:.3f}, "args": {{"index": {}}}}},)"
      "\n",
      rank, static_cast<int>(span.track), span.name, microseconds(span.begin - start_),
      microseconds(span.end - span.begin), span.index);
}

// A span that may overlap others of its name: a begin and an end, tied by a number.
std::string Trace::as_events(const base::Span& span, std::size_t number, int rank) const {
  std::string events;
  for (const auto& [phase, time] : {std::pair{'b', span.begin}, std::pair{'e', span.end}})
    events += fmt::format(
        R"({{"ph": "{}", "cat": "{}", "id": {}, "pid": {}, "tid": {}, "name": "{}", "ts": {:.3f}, "args": {{"index": {}}}}},)"
        "\n",
        phase, span.name, number, rank, static_cast<int>(span.track), span.name, microseconds(time - start_),
        span.index);
  return events;
}

void Trace::add(const base::Span& span) noexcept {
  const std::lock_guard lock(mutex_);
  try {
    if (spans_.size() < limit_) return spans_.push_back(span);
  } catch (const std::bad_alloc&) {  // the run matters more than its trace
  }
  ++dropped_;
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
  for (std::size_t i = 0; i < spans_.size(); ++i)
    file << (spans_[i].name == comm::engine::kExchangeSpan ? as_events(spans_[i], i, rank)
                                                           : as_event(spans_[i], rank));
  file << fmt::format(R"({{"ph": "M", "pid": {}, "name": "process_name", "args": {{"name": "rank {}"}}}}]}})",
                      rank, rank)
       << '\n'
       << std::flush;
  if (!file) base::raise<base::EnvironmentError>("cannot write {}: {}", path.string(), std::strerror(errno));
  if (dropped_ > 0)
    base::log_warn("the trace keeps its first {} spans; {} more were not kept", limit_, dropped_);
}

}  // namespace eightfold::runtime::telemetry
