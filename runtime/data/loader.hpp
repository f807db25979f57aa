#pragma once

// Loads samples ahead of their use. A thread fills pinned memory with the passes of one rank while the device
// still computes earlier ones.
//
// The passes come in the order of the plan, step by step. Each lies in one of kSlots slots of memory. The
// thread fills slot after slot. It waits until the device has consumed the contents of the next one (the
// event of release()), and fills it again. So at most kSlots passes are loaded and not yet consumed.

#include "kernels/base/observer.hpp"
#include "kernels/buffer.hpp"
#include "kernels/device.hpp"
#include "kernels/pipeline_depth.hpp"
#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"
#include "runtime/data/batch_plan.hpp"
#include "runtime/data/order.hpp"
#include "runtime/data/source.hpp"

#include <array>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

namespace eightfold::runtime::data {

// What to load. Requires: the plan is for as many samples as the source has.
struct LoaderJob {
  std::shared_ptr<const Source> source;
  BatchPlan plan;
  std::optional<SampleOrder> order;  // none: the source's own order, as evaluation wants it
  std::int64_t rank = 0;
  std::int64_t first_step = 0;
  std::int64_t end_step = 0;  // one past the last
};

// Loaded samples, valid until their release.
struct MicroBatch {
  std::int64_t step = 0;
  std::int64_t epoch = 0;
  std::int64_t pass = 0;        // of this step
  std::int64_t first = 0;       // row of the global batch that the first sample is
  std::int64_t samples = 0;     // rows that count, from the front; the others are zero
  kernels::ConstTensor images;  // u8 [pass_rows, height, width, channels]
  kernels::ConstTensor labels;  // i32 [pass_rows]
};

// next() and release() belong to one thread.
class Loader {
 public:
  static constexpr std::int64_t kSlots = kernels::PipelineDepth::kLoaded;

  // Starts loading. `observer` may be null; it gets a span "load" on the loader's track for every pass
  // filled. Their index counts passes from 0.
  Loader(LoaderJob job, kernels::Device device, base::Observer* observer);
  // Does not wait for passes that are still to be loaded.
  ~Loader() = default;
  Loader(const Loader&) = delete;  // its thread refers to it
  Loader& operator=(const Loader&) = delete;

  // The next pass, once it is loaded. An exception of the source is thrown here, after the passes before it.
  // Requires: there is one, and fewer than kSlots passes are held.
  const MicroBatch& next();
  // Gives back the oldest pass held: all that reads it is on `stream` by now. Does not wait for it.
  void release(const MicroBatch& pass, kernels::StreamView stream);

 private:
  struct Slot {
    kernels::PinnedBuffer<std::uint8_t> images;
    kernels::PinnedBuffer<std::int32_t> labels;
    kernels::Event consumed;
    MicroBatch pass;
  };

  Slot& slot(std::int64_t number) { return slots_[static_cast<std::size_t>(number % kSlots)]; }
  Slot make_slot(kernels::Device device) const;
  // The thread's main function, and its parts.
  void run(const std::stop_token& stop);
  void load_step(std::int64_t step, const std::stop_token& stop);
  Slot* wait_for_free_slot(const std::stop_token& stop);
  void fill(Slot& slot, std::int64_t position, const std::stop_token& stop);

  const LoaderJob job_;
  const kernels::Device device_;
  base::Observer* const observer_;
  std::array<Slot, kSlots> slots_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  // Passes counted since the start: loaded_ >= taken_ >= released_ >= loaded_ - kSlots.
  std::int64_t loaded_ = 0;
  std::int64_t taken_ = 0;
  std::int64_t released_ = 0;
  bool finished_ = false;
  std::exception_ptr failure_;

  std::jthread thread_;  // last: it stops before anything it uses goes
};

}  // namespace eightfold::runtime::data
