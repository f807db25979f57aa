#include "launch/step_timer.hpp"

#include "comm/spans.hpp"
#include "runtime/spans.hpp"

#include <algorithm>
#include <utility>

namespace eightfold::launch {
namespace {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

void StepTimer::on_span(const base::Span& span) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    spans_.push_back(span);
  } catch (...) {  // out of memory: the medians are over fewer spans
  }
}

void StepTimer::reset() {
  const std::lock_guard lock(mutex_);
  spans_.clear();
}

StepTimer::Medians StepTimer::medians() const {
  using namespace runtime;
  const std::lock_guard lock(mutex_);
  std::vector<double> steps, exposed, data, update;
  std::map<std::int64_t, std::vector<double>> ready;
  std::vector<const base::Span*> submits;
  double data_wait_s = 0;
  for (const base::Span& span : spans_) {  // a step's own span ends behind those within it
    const double length_s = base::seconds(span.end - span.begin);
    if (span.name == kExposedSpan) exposed.push_back(length_s);
    if (span.name == kUpdateSpan) update.push_back(length_s);
    if (span.name == kDataWaitSpan) data_wait_s += length_s;
    if (span.name == kSubmitSpan) submits.push_back(&span);
    if (span.name != kStepSpan) continue;
    steps.push_back(length_s);
    data.push_back(std::exchange(data_wait_s, 0));
    for (const base::Span* submit : submits)
      ready[submit->index].push_back(base::seconds(submit->begin - span.begin));
    submits.clear();
  }
  Medians medians{median(steps), median(exposed), median(data), median(update), {}};
  for (auto& [bucket, times] : ready) medians.ready_s.push_back(median(std::move(times)));
  return medians;
}

std::vector<double> StepTimer::wire_s(std::size_t buckets) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::vector<double>> times(buckets);
  for (const base::Span& span : spans_)
    if (span.name == comm::kExchangeSpan)
      times.at(static_cast<std::size_t>(span.index)).push_back(base::seconds(span.end - span.begin));
  std::vector<double> medians;
  for (std::vector<double>& bucket : times) medians.push_back(median(std::move(bucket)));
  return medians;
}

double StepTimer::Medians::bound_s(const std::vector<double>& wire_s) const {
  double to_go_s = 0, bound_s = compute_s();
  for (std::size_t bucket = wire_s.size(); bucket-- > 0;) {
    to_go_s += wire_s[bucket];
    bound_s = std::max(bound_s, ready_s[bucket] + to_go_s + update_s);
  }
  return bound_s;
}

}  // namespace eightfold::launch
