#include "runtime/telemetry/trace.hpp"

#include "kernels/base/file.hpp"
#include "kernels/base/log.hpp"

#include <nlohmann/json.hpp>

#include <array>
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

void Trace::write(const std::filesystem::path& path, int rank) const {
  const std::lock_guard lock(mutex_);
  nlohmann::json events = nlohmann::json::array();
  for (const auto& [track, name] : kTracks)
    events.push_back({{"ph", "M"},
                      {"pid", rank},
                      {"tid", static_cast<int>(track)},
                      {"name", "thread_name"},
                      {"args", {{"name", name}}}});
  for (const base::Span& span : spans_) {
    nlohmann::json event = {{"ph", "X"},
                            {"pid", rank},
                            {"tid", static_cast<int>(span.track)},
                            {"name", span.name},
                            {"ts", microseconds(span.begin - start_)},
                            {"dur", microseconds(span.end - span.begin)}};
    if (span.index >= 0) event["args"] = {{"index", span.index}};
    events.push_back(std::move(event));
  }
  if (dropped_ > 0)
    base::log_warn("the trace keeps its first {} spans; {} more were not kept", limit_, dropped_);
  base::write_file_durably(path, nlohmann::json{{"traceEvents", events}}.dump() + "\n");
}

}  // namespace eightfold::runtime::telemetry
