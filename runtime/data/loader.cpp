#include "runtime/data/loader.hpp"

#include "kernels/base/error.hpp"
#include "runtime/telemetry/spans.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

namespace eightfold::runtime::data {

Loader::Loader(LoaderJob job, kernels::Device device, base::Observer* observer)
    : job_(std::move(job)),
      device_(device),
      observer_(observer),
      slots_{make_slot(device), make_slot(device), make_slot(device)} {
  base::require(job_.plan.size == job_.source->size(), "a plan for {} samples of {}", job_.plan.size,
                job_.source->size());
  base::require(!job_.order || job_.order->size() == job_.plan.size, "an order of {} samples for {}",
                job_.order ? job_.order->size() : 0, job_.plan.size);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Loader::Slot Loader::make_slot(kernels::Device device) const {
  const std::int64_t rows = job_.plan.pass_rows();
  const SampleShape shape = job_.source->sample_shape();
  Slot slot{{device, static_cast<std::size_t>(rows * shape.bytes())},
            {device, static_cast<std::size_t>(rows)},
            kernels::Event(device, kernels::EventKind::slept_on),
            {}};
  slot.pass.images = slot.images.tensor({rows, shape.height, shape.width, shape.channels});
  slot.pass.labels = slot.labels.tensor({rows});
  return slot;
}

// The slots form a ring of kSlots. Three counters only grow, released_ <= taken_ <= loaded_ <= released_ +
// kSlots, and pass number n lies in slot n modulo kSlots. The loader's thread changes loaded_, the caller's
// the other two. A released slot may still be read by the device; its event tells when not.
const MicroBatch& Loader::next() {
  std::unique_lock lock(mutex_);
  base::require(taken_ - released_ < kSlots, "all {} passes are held", kSlots);
  const auto is_settled = [&] { return loaded_ > taken_ || finished_; };
  changed_.wait(lock, is_settled);
  // Passes loaded before a failure are handed out first: the rank fails at the pass that it could not read.
  if (loaded_ > taken_) return slot(taken_++).pass;
  if (failure_) std::rethrow_exception(failure_);
  base::raise<base::InternalError>("no pass is left after {}", taken_);
}

void Loader::release(const MicroBatch& pass, kernels::StreamView stream) {
  // Only this thread changes taken_ and released_, so that reading them here needs no lock.
  base::require(released_ < taken_ && &pass == &slot(released_).pass,
                "pass {} of step {} released out of order", pass.pass, pass.step);
  slot(released_).consumed.record(stream);
  {
    const std::scoped_lock lock(mutex_);
    ++released_;
  }
  changed_.notify_all();
}

void Loader::run(const std::stop_token& stop) {
  std::exception_ptr failure;
  try {
    kernels::select_device(device_);
    for (std::int64_t step = job_.first_step; step < job_.end_step && !stop.stop_requested(); ++step)
      load_step(step, stop);
  } catch (...) {
    failure = std::current_exception();
  }
  {
    const std::scoped_lock lock(mutex_);
    failure_ = failure;
    finished_ = true;
  }
  changed_.notify_all();
}

void Loader::load_step(std::int64_t step, const std::stop_token& stop) {
  const Batch batch = job_.plan.batch(step);
  const Rows local_batch = job_.plan.local_batch(batch, job_.rank);
  for (std::int64_t index = 0; index < job_.plan.passes(batch); ++index) {
    Slot* const slot = wait_for_free_slot(stop);
    if (slot == nullptr) return;
    const Rows rows = job_.plan.pass(local_batch, index);
    slot->pass.step = step;
    slot->pass.epoch = batch.epoch;
    slot->pass.pass = index;
    slot->pass.first = rows.first;
    slot->pass.samples = rows.samples;
    fill(*slot, batch.first + rows.first, stop);
    {
      const std::scoped_lock lock(mutex_);
      ++loaded_;
    }
    changed_.notify_all();
  }
}

// Null when the loader is being destroyed.
Loader::Slot* Loader::wait_for_free_slot(const std::stop_token& stop) {
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return loaded_ - released_ < kSlots; })) return nullptr;
  }
  Slot& next = slot(loaded_);  // only this thread changes loaded_
  // Outside of the lock: next() and release() need not wait for the device.
  next.consumed.synchronize();
  return &next;
}

void Loader::fill(Slot& slot, std::int64_t position, const std::stop_token& stop) {
  const base::ScopedSpan span(observer_, base::Track::loader, telemetry::kLoadSpan, loaded_);
  const auto image_bytes = static_cast<std::size_t>(job_.source->sample_shape().bytes());
  const auto samples = static_cast<std::size_t>(slot.pass.samples);
  const std::span images = slot.images.span();
  const std::span labels = slot.labels.span();
  // A large pass takes long to read; a loader that is destroyed does not finish it.
  for (std::size_t row = 0; row < samples && !stop.stop_requested(); ++row, ++position) {
    const std::int64_t sample = job_.order ? job_.order->at(slot.pass.epoch, position) : position;
    job_.source->read(sample, images.subspan(row * image_bytes, image_bytes), labels[row]);
  }
  // The rows behind the samples go through the network too. Zeros keep what the slot held before out of it.
  std::ranges::fill(images.subspan(samples * image_bytes), std::uint8_t{0});
  std::ranges::fill(labels.subspan(samples), 0);
}

}  // namespace eightfold::runtime::data
