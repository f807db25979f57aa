#include "runtime/telemetry/phases.hpp"

#include "comm/engine/spans.hpp"
#include "runtime/telemetry/spans.hpp"

#include <utility>

namespace eightfold::runtime::telemetry {

Phases& Phases::operator+=(const Phases& more) {
  steps += more.steps;
  step_s += more.step_s;
  data_wait_s += more.data_wait_s;
  exposed_s += more.exposed_s;
  exchange_s += more.exchange_s;
  encode_s += more.encode_s;
  decode_s += more.decode_s;
  return *this;
}

void CoveredTime::add(base::TimePoint begin, base::TimePoint end) {
  while (!parts_.empty() && parts_.back().end >= begin) {
    begin = std::min(begin, parts_.back().begin);
    total_ -= parts_.back().end - parts_.back().begin;
    parts_.pop_back();
  }
  parts_.push_back({begin, end});
  total_ += end - begin;
}

void PhaseClock::add(const base::Span& span) noexcept {
  const double length_s = base::seconds(span.end - span.begin);
  const std::lock_guard lock(mutex_);
  if (span.name == kStepSpan) {
    sums_.step_s += length_s;
    ++sums_.steps;
  } else if (span.name == kDataWaitSpan) {
    sums_.data_wait_s += length_s;
  } else if (span.name == kExposedSpan) {
    sums_.exposed_s += length_s;
  } else if (span.name == comm::engine::kEncodeSpan) {
    sums_.encode_s += length_s;
  } else if (span.name == comm::engine::kDecodeSpan) {
    sums_.decode_s += length_s;
  } else if (span.name == comm::engine::kExchangeSpan) {
    try {
      exchange_.add(span.begin, span.end);
    } catch (...) {  // out of memory: the run matters more than its times
    }
  }
}

Phases PhaseClock::take() noexcept {
  const std::lock_guard lock(mutex_);
  sums_.exchange_s = std::exchange(exchange_, {}).seconds();
  return std::exchange(sums_, {});
}

}  // namespace eightfold::runtime::telemetry
