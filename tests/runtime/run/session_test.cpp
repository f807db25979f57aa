// What a session takes from its data, and from a checkpoint instead, on all ranks of this program.
#include "runtime/run/session.hpp"

#include "comm/mpi/agreed_error.hpp"
#include "kernels/base/error.hpp"
#include "runtime/checkpoint/data_file.hpp"
#include "runtime/job/parse.hpp"
#include "runtime/run/evaluation.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <memory>
#include <string>
#include <vector>

using namespace eightfold;
using namespace eightfold::runtime;
using test::world;

namespace {

config::JobConfig job_of(const std::string& outputs = "10") {
  return job::parse_job(R"(
[job]
name = "facts"
global_batch = 20
[data]
kind = "idx"
[[model.layer]]
kind = "linear"
out = )" + outputs,
                        "test")
      .config;
}

// Images of 2 x 2 noise between 0 and `brightest`, with labels 0 to 5.
std::shared_ptr<const data::Source> noise(int samples, unsigned brightest) {
  std::vector<std::uint8_t> images, labels;
  for (unsigned i = 0; i < 4 * static_cast<unsigned>(samples); ++i)
    images.push_back(static_cast<std::uint8_t>((i * 2654435761U >> 16) % (brightest + 1)));
  for (int i = 0; i < samples; ++i) labels.push_back(static_cast<std::uint8_t>(i % 6));
  return std::make_shared<data::InMemorySource>(data::SampleShape{2, 2, 1}, 6, std::move(images),
                                                std::move(labels), "labels");
}

run::RankPlace place() {
  return {world().rank(), world().size(), {}};
}

// What the network sees of a white image.
float white(run::Session& session) {
  std::vector<std::uint8_t> images(static_cast<std::size_t>(session.model().input().elements()), 255);
  std::vector<std::int32_t> labels(static_cast<std::size_t>(session.model().rows()));
  const kernels::Tensor input = session.model().input();
  session.input_stage().load(session.stream(), kernels::host_tensor(std::span(images), input.shape()),
                             kernels::host_tensor(std::span(labels), kernels::Shape{session.model().rows()}),
                             input);
  return input.span<float>()[0];
}

// A checkpoint of a session on rank 0; nowhere on the others.
checkpoint::Found saved(const test::Scratch& scratch, run::Session& session, bool with_data = true) {
  if (world().rank() != 0) return {};
  session.snapshot().load_from_device(session.stream());
  checkpoint::Contents contents{1,
                                world().size(),
                                run::hash_text(session.snapshot().weight_hash()),
                                "",
                                session.snapshot().weights(),
                                session.snapshot().optimizer_state(),
                                0};
  if (with_data) contents.data = checkpoint::data_text(session.facts());
  return checkpoint::find(checkpoint::save(scratch.path(), contents, 2));
}

}  // namespace

TEST_CASE("a restored session sees samples as the checkpoint's does, on every rank") {
  const test::Scratch scratch;
  run::Session first(job_of(), {noise(100, 255), noise(40, 255)}, place());
  first.initialize(world());
  const auto found = saved(scratch, first);
  run::Session second(job_of(), {noise(100, 60), noise(40, 60)}, place());
  REQUIRE(white(second) != white(first));
  const std::string own = second.facts().fingerprint;
  second.restore(world(), found, run::Restored::everything);
  CHECK_ALL_RANKS(white(second) == white(first));
  CHECK_ALL_RANKS(second.facts().bytes.mean == first.facts().bytes.mean);
  CHECK_ALL_RANKS(second.facts().fingerprint == own);  // of what it goes on with
}

TEST_CASE("a checkpoint that says nothing of its data leaves mean and deviation those of the job's") {
  const test::Scratch scratch;
  run::Session first(job_of(), {noise(100, 255), noise(40, 255)}, place());
  first.initialize(world());
  const auto found = saved(scratch, first, false);
  run::Session second(job_of(), {noise(100, 60), noise(40, 60)}, place());
  const float before = white(second);
  second.restore(world(), found, run::Restored::everything);
  CHECK_ALL_RANKS(white(second) == before);
}

TEST_CASE("a session for evaluation needs no training data and gives the same score") {
  const test::Scratch scratch;
  run::Session trained(job_of(), {noise(100, 255), noise(40, 120)}, place());
  trained.initialize(world());
  const auto found = saved(scratch, trained);
  const auto facts = run::share_training_facts(world(), found);
  run::Session evaluated(job_of(), {nullptr, noise(40, 120)}, *facts, place());
  evaluated.restore(world(), found, run::Restored::weights);
  telemetry::Score expected, score;
  {
    comm::engine::Engine engine(world());
    expected = run::evaluate(trained, engine, engine.flight_recorder(), 1);
    score = run::evaluate(evaluated, engine, engine.flight_recorder(), 1);
  }
  CHECK_ALL_RANKS(score.loss_sum == expected.loss_sum);
  CHECK_ALL_RANKS(score.correct == expected.correct);
  CHECK_ALL_RANKS(score.samples == 40);
}

TEST_CASE("a damaged data file of a checkpoint is an error of all ranks") {
  const test::Scratch scratch;
  run::Session session(job_of(), {noise(100, 255), noise(40, 255)}, place());
  session.initialize(world());
  const auto found = saved(scratch, session);
  if (world().rank() == 0) std::filesystem::resize_file(found.directory / checkpoint::kDataFile, 20);
  std::string refusal;
  try {
    session.restore(world(), found, run::Restored::everything);
  } catch (const comm::mpi::AgreedError& error) {
    refusal = error.what();
  }
  CHECK_ALL_RANKS(refusal.find("data.json: 20 bytes, the manifest says") != std::string::npos);
}

TEST_CASE("a network may tell more classes apart than the files have, and not fewer") {
  const data::Split data{noise(100, 255), noise(40, 255)};
  for (const char* outputs : {"6", "7", "300"}) CHECK_NOTHROW(run::Session(job_of(outputs), data, place()));
  const std::string message =
      "labels: record 5 has label 5, but the network ends in 5 values per sample: labels 0 to 4 were "
      "expected";
  CHECK_THROWS_WITH(run::Session(job_of("5"), data, place()), message);
  const data::TrainingFacts facts = data::training_facts(*data.train);
  CHECK_THROWS_WITH(run::Session(job_of("5"), {nullptr, data.test}, facts, place()), message);
  // Data that says how many classes there are is trained on with as many, and evaluated with any that do.
  config::JobConfig known = job_of("10");
  known.data.kind = "cifar10";
  CHECK_THROWS_AS(run::Session(known, data, place()), base::ConfigError);
  CHECK_NOTHROW(run::Session(known, {nullptr, data.test}, facts, place()));
}

TEST_CASE("sessions have the same fingerprint where all samples are the same, and only there") {
  const auto fingerprint = [](int train, int test) {
    return run::Session(job_of(), {noise(train, 255), noise(test, 255)}, place()).data_fingerprint();
  };
  CHECK(fingerprint(100, 40) == fingerprint(100, 40));
  CHECK(fingerprint(100, 40) != fingerprint(100, 41));
  CHECK(fingerprint(100, 40) != fingerprint(101, 40));
}
