#include "launch/bench/step_timer.hpp"

#include "comm/engine/spans.hpp"
#include "kernels/base/median.hpp"
#include "runtime/telemetry/spans.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace eightfold::launch::bench {
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

namespace {

bool is_codec(const base::Span& span) {
  return span.name == comm::engine::kEncodeSpan || span.name == comm::engine::kDecodeSpan;
}

// The spans of one step, added up by kind.
struct StepSums {
  double exposed_s = 0, data_wait_s = 0, codec_s = 0, update_s = 0, last_update_s = 0;
  std::map<std::int64_t, double> forward_s, backward_s;
  std::vector<const base::Span*> submits;

  void add(const base::Span& span, double length_s) {
    using namespace runtime;
    if (span.name == runtime::telemetry::kExposedSpan) exposed_s += length_s;
    if (span.name == runtime::telemetry::kUpdateSpan) update_s += last_update_s = length_s;
    if (span.name == runtime::telemetry::kDataWaitSpan) data_wait_s += length_s;
    if (is_codec(span)) codec_s += length_s;
    if (span.name == runtime::telemetry::kForwardSpan) forward_s[span.index] += length_s;
    if (span.name == runtime::telemetry::kBackwardSpan) backward_s[span.index] += length_s;
    if (span.name == runtime::telemetry::kSubmitSpan) submits.push_back(&span);
  }
};

using Samples = std::map<std::int64_t, std::vector<double>>;  // keys are layers or buckets

void append(Samples& samples, const std::map<std::int64_t, double>& sums) {
  for (const auto& [index, sum] : sums) samples[index].push_back(sum);
}
std::map<std::int64_t, double> medians_of(const Samples& samples) {
  std::map<std::int64_t, double> medians;
  for (const auto& [index, values] : samples) medians[index] = base::median(values);
  return medians;
}

}  // namespace

StepTimer::Medians StepTimer::medians() const {
  const std::lock_guard lock(mutex_);
  std::vector<double> steps, exposed, data, last_update, codec, update;
  Samples ready, forward, backward;
  StepSums sums;
  for (const base::Span& span : spans_) {  // the span of a step comes after all spans within the step
    const double length_s = base::seconds(span.end - span.begin);
    sums.add(span, length_s);
    if (span.name != runtime::telemetry::kStepSpan) continue;
    steps.push_back(length_s);
    exposed.push_back(sums.exposed_s);
    data.push_back(sums.data_wait_s);
    last_update.push_back(sums.last_update_s);
    codec.push_back(sums.codec_s);
    update.push_back(sums.update_s);
    append(forward, sums.forward_s);
    append(backward, sums.backward_s);
    for (const base::Span* submit : sums.submits)
      ready[submit->index].push_back(base::seconds(submit->begin - span.begin));
    sums = {};
  }
  Medians medians;
  medians.step_s = median_or_zero(steps);
  medians.exposed_s = median_or_zero(exposed);
  medians.data_wait_s = median_or_zero(data);
  medians.last_update_s = median_or_zero(last_update);
  medians.codec_s = median_or_zero(codec);
  medians.update_s = median_or_zero(update);
  for (const auto& [bucket, time_s] : medians_of(ready)) medians.ready_s.push_back(time_s);
  medians.forward_s = medians_of(forward);
  medians.backward_s = medians_of(backward);
  return medians;
}

double StepTimer::exchange_s(std::size_t buckets) const {
  const std::lock_guard lock(mutex_);
  std::vector<double> rounds;
  base::TimePoint begin;
  std::size_t count = 0;
  for (const base::Span& span : spans_) {  // in the order of their ends
    if (span.name != comm::engine::kExchangeSpan) continue;
    begin = count == 0 ? span.begin : std::min(begin, span.begin);
    if (++count < buckets) continue;
    rounds.push_back(base::seconds(span.end - begin));
    count = 0;
  }
  return median_or_zero(rounds);
}

double StepTimer::codec_s() const {
  const std::lock_guard lock(mutex_);
  double codec_s = 0;
  for (const base::Span& span : spans_)
    if (is_codec(span)) codec_s += base::seconds(span.end - span.begin);
  return codec_s;
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

}  // namespace eightfold::launch::bench
