#include "comm/mpi/agreed_error.hpp"

#include "comm/mpi/communicator.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <new>

using namespace eightfold;
using test::world;

namespace {

struct Outcome {
  base::ExitCode code = base::ExitCode::done;
  int rank = -1;
  std::string message;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// What this rank gets from an action that runs everywhere.
Outcome outcome_of(const std::function<void()>& action) {
  try {
    comm::mpi::run_agreed(world(), action);
  } catch (const comm::mpi::AgreedError& error) {
    return {error.exit_code(), error.rank(), error.what()};
  }
  return {};
}

}  // namespace

TEST_CASE("an action that succeeds everywhere just runs, once") {
  int runs = 0;
  const Outcome outcome = outcome_of([&] { ++runs; });
  CHECK_ALL_RANKS(outcome == Outcome{});
  CHECK_ALL_RANKS(runs == 1);
}

TEST_CASE("one rank's error is thrown on every rank, with its message and its rank") {
  for (int failing = 0; failing < world().size(); ++failing) {
    const Outcome outcome = outcome_of([&] {
      if (world().rank() == failing) base::raise<base::DataError>("file {} is bad", failing);
    });
    CHECK_ALL_RANKS(outcome ==
                    Outcome{base::ExitCode::data, failing, fmt::format("file {} is bad", failing)});
  }
}

TEST_CASE("of several errors the one of the lowest rank is everybody's") {
  for (int first = 0; first < world().size(); ++first) {
    const Outcome outcome = outcome_of([&] {
      if (world().rank() == first) base::raise<base::ConfigError>("rank {} first", first);
      if (world().rank() > first) base::raise<base::EnvironmentError>("rank {} too", world().rank());
    });
    CHECK_ALL_RANKS(outcome == Outcome{base::ExitCode::usage, first, fmt::format("rank {} first", first)});
  }
}

TEST_CASE("a foreign exception is agreed on as a defect") {
  const Outcome outcome = outcome_of([] { throw std::out_of_range("index 7"); });
  CHECK_ALL_RANKS(outcome == Outcome{base::ExitCode::internal, 0, "a defect of eightfold: index 7"});
}

TEST_CASE("memory that runs out is the machine's failure, not a defect") {
  const Outcome outcome = outcome_of([] { throw std::bad_alloc(); });
  CHECK_ALL_RANKS(outcome == Outcome{base::ExitCode::environment, 0, "out of memory"});
}

TEST_CASE("an empty and a long message both arrive") {
  for (const std::size_t length : {std::size_t{0}, std::size_t{100000}}) {
    const std::string message(length, 'x');
    const int last = world().size() - 1;
    const Outcome outcome = outcome_of([&] {
      if (world().rank() == last) throw base::DataError(message);
    });
    CHECK_ALL_RANKS(outcome == Outcome{base::ExitCode::data, last, message});
  }
}

TEST_CASE("after an agreed error the ranks are in step and can go on") {
  for (int round = 0; round < 3; ++round) {
    outcome_of([&] {
      if (world().rank() == round % world().size()) throw base::DataError("again");
    });
    std::vector<double> one = {1.0};
    world().sum(std::span<double>(one));
    CHECK_ALL_RANKS(one[0] == world().size());
  }
}
