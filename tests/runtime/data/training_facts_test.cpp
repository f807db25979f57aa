#include "runtime/data/training_facts.hpp"

#include "tests/support/test.hpp"

#include <memory>

using namespace eightfold::runtime::data;
using Lines = std::vector<std::string>;

namespace {

TrainingFacts facts_of(std::vector<std::uint8_t> images, std::vector<std::uint8_t> labels) {
  const InMemorySource source({1, 1, 1}, 5, std::move(images), std::move(labels));
  return training_facts(source);
}

}  // namespace

TEST_CASE("the facts of training samples are counted and measured on all of them") {
  const TrainingFacts facts = facts_of({0, 4, 8}, {1, 2, 0});
  CHECK(facts.shape == SampleShape{1, 1, 1});
  CHECK(facts.samples == 3);
  CHECK(facts.classes == 5);
  CHECK(facts.bytes.mean == std::vector<double>{4});
  CHECK(facts.fingerprint.size() == 32);
}

TEST_CASE("the same samples do not differ, others do in what is named") {
  const TrainingFacts one = facts_of({0, 4}, {1, 2});
  CHECK(differences(one, facts_of({0, 4}, {1, 2})) == Lines{});
  const TrainingFacts swapped = facts_of({4, 0}, {2, 1});
  CHECK(differences(one, swapped) ==
        Lines{"fingerprint: checkpoint " + one.fingerprint + ", job " + swapped.fingerprint});
  const Lines more = differences(one, facts_of({0, 4, 4}, {1, 2, 2}));
  REQUIRE(more.size() == 2);
  CHECK(more[0] == "samples: checkpoint 2, job 3");
}
