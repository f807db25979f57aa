#include "launch/step_timer.hpp"

#include "comm/spans.hpp"
#include "kernels/base/median.hpp"
#include "runtime/spans.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace eightfold::launch {
namespace {

double median_or_zero(const std::vector<double>& values) {
  return values.empty() ? 0 : base::median(values);
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
  std::vector<double> steps, exposed, data, last_update, codec;
  std::map<std::int64_t, std::vector<double>> ready;
  std::vector<const base::Span*> submits;
  double exposed_s = 0, data_wait_s = 0, last_update_s = 0, codec_s = 0;
  for (const base::Span& span : spans_) {  // a step's own span ends behind those within it
    const double length_s = base::seconds(span.end - span.begin);
    if (span.name == kExposedSpan) exposed_s += length_s;
    if (span.name == kUpdateSpan) last_update_s = length_s;
    if (span.name == kDataWaitSpan) data_wait_s += length_s;
    if (span.name == comm::kEncodeSpan || span.name == comm::kDecodeSpan) codec_s += length_s;
    if (span.name == kSubmitSpan) submits.push_back(&span);
    if (span.name != kStepSpan) continue;
    steps.push_back(length_s);
    exposed.push_back(std::exchange(exposed_s, 0));
    data.push_back(std::exchange(data_wait_s, 0));
    last_update.push_back(last_update_s);
    codec.push_back(std::exchange(codec_s, 0));
    for (const base::Span* submit : submits)
      ready[submit->index].push_back(base::seconds(submit->begin - span.begin));
    submits.clear();
  }
  Medians medians{median_or_zero(steps),       median_or_zero(exposed), median_or_zero(data),
                  median_or_zero(last_update), median_or_zero(codec),   {}};
  for (auto& [bucket, times] : ready) medians.ready_s.push_back(median_or_zero(times));
  return medians;
}

double StepTimer::exchange_s(std::size_t buckets) const {
  const std::lock_guard lock(mutex_);
  std::vector<double> rounds;
  base::TimePoint begin;
  std::size_t count = 0;
  for (const base::Span& span : spans_) {  // by their ends
    if (span.name != comm::kExchangeSpan) continue;
    begin = count == 0 ? span.begin : std::min(begin, span.begin);
    if (++count < buckets) continue;
    rounds.push_back(base::seconds(span.end - begin));
    count = 0;
  }
  return median_or_zero(rounds);
}

double StepTimer::Medians::bound_s(double exchange_s, std::span<const std::int64_t> elements) const {
  const auto all = static_cast<double>(std::accumulate(elements.begin(), elements.end(), std::int64_t{0}));
  double bound_s = compute_s(), to_go = 0;
  for (std::size_t bucket = std::min(elements.size(), ready_s.size()); bucket-- > 0;) {
    to_go += static_cast<double>(elements[bucket]);
    bound_s = std::max(bound_s, ready_s[bucket] + exchange_s * to_go / all + last_update_s);
  }
  return bound_s;
}

}  // namespace eightfold::launch
