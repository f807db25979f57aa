#include "runtime/run/step_plan.hpp"

#include "quant8/format.hpp"
#include "runtime/optim/schedule.hpp"

namespace eightfold::runtime::run {
namespace {

// Clipping and the guard look at the norm of all gradients; padding is cleared in all of them at once; and
// one rank alone waits for nothing.
Update choose_update(Session& session, bool clears_padding) {
  const bool needs_all = session.optimizer().needs_all_gradients() || session.guard().is_on();
  const bool is_alone = session.place().ranks == 1;
  return is_alone || clears_padding || needs_all ? Update::at_once : Update::by_bucket;
}

}  // namespace

StepPlan plan_steps(Session& session, std::int64_t first_step, std::int64_t end_step) {
  const config::JobConfig& config = session.config();
  const std::shared_ptr<const data::Source>& train = session.data().train;
  // A format without a zero makes numbers of the zeros behind each tensor.
  const bool clears_padding = !quant8::preserves_zero(config.exchange.codec);
  return {.stream = session.stream(),
          .model = session.model(),
          .input_stage = session.input_stage(),
          .optimizer = session.optimizer(),
          .guard = session.guard(),
          .buckets = session.buckets(),
          .samples = {.source = train,
                      .plan = session.plan(),
                      .order = data::SampleOrder(config.job.seed, train->size()),
                      .rank = session.place().rank,
                      .first_step = first_step,
                      .end_step = end_step},
          .seed = static_cast<std::uint64_t>(config.job.seed),
          .overlaps = config.exchange.overlap,
          .clears_padding = clears_padding,
          .update = choose_update(session, clears_padding),
          .learning_rate = [schedule = config.schedule, base = config.optimizer.learning_rate,
                            length = session.length()](std::int64_t step) {
            return optim::learning_rate(schedule, base, length, step);
          }};
}

}  // namespace eightfold::runtime::run
