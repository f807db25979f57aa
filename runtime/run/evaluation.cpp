#include "runtime/run/evaluation.hpp"

#include "runtime/data/loader.hpp"

#include <algorithm>
#include <array>

namespace eightfold::runtime::run {

telemetry::Score sum_over_ranks(comm::engine::Engine& engine, double loss_sum, double correct,
                                std::int64_t samples) {
  std::array<double, 2> totals = {loss_sum, correct};
  engine.run([&](comm::mpi::Communicator& communicator) { communicator.sum(std::span<double>(totals)); });
  return {totals[0], totals[1], samples};
}

telemetry::Score evaluate(Session& session, comm::engine::Engine& engine, base::FlightRecorder& recorder,
                          std::int64_t done) {
  const std::shared_ptr<const data::Source>& test = session.data().test;
  const RankPlace& place = session.place();
  const kernels::StreamView stream = session.stream();
  model::Model& model = session.model();

  // Batches that give every rank one full pass of the network as it is planned for training, also where the
  // test samples are too few to fill one.
  const data::BatchPlan plan{.size = test->size(),
                             .global_batch = model.rows() * place.ranks,
                             .ranks = place.ranks,
                             .rows = model.rows()};
  data::Loader loader({test, plan, std::nullopt, place.rank, 0, plan.steps_per_epoch()}, place.device,
                      nullptr);
  kernels::Buffer<double> totals(place.device, 2);
  model.begin_step(stream);
  for (std::int64_t step = 0; step < plan.steps_per_epoch(); ++step) {
    for (std::int64_t index = plan.passes(plan.batch(step)); index > 0; --index) {
      // The phase begins anew with each pass: the deadline is one pass's, however many test samples there
      // are.
      recorder.begin_phase(base::Phase::evaluation, done);
      const data::MicroBatch& loaded = loader.next();
      const kernels::ConstTensor labels =
          session.input_stage().load(stream, loaded.images, loaded.labels, model.input());
      const model::layers::PassContext pass{
          model::layers::Phase::evaluation, 0, step, loaded.first, loaded.samples, {}};
      model.evaluate(stream, pass, labels, totals.tensor());
      loader.release(loaded, stream);
    }
  }
  kernels::PinnedBuffer<double> host(place.device, 2);
  kernels::copy(stream, totals.tensor(), host.tensor(totals.tensor().shape()));
  stream.synchronize();
  return sum_over_ranks(engine, host.data()[0], host.data()[1], test->size());
}

}  // namespace eightfold::runtime::run
