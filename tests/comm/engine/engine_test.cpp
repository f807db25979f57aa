#include "comm/engine/engine.hpp"

#include "comm/mpi/agreed_error.hpp"
#include "comm/transport/transport.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <atomic>
#include <numeric>
#include <utility>

using namespace eightfold;
using comm::engine::Engine;
using test::world;

namespace {

// What waiting for a task throws; "done" if nothing.
std::string outcome_of(Engine& engine, Engine::Ticket ticket) {
  try {
    engine.wait(ticket);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "done";
}

}  // namespace

TEST_CASE("tasks run in the order of submission, and waiting for one means all before it") {
  std::vector<int> order;
  bool in_order = true;
  {
    Engine engine(world());
    std::vector<Engine::Ticket> tickets;
    for (int i = 0; i < 100; ++i)
      tickets.push_back(engine.submit([&order, i](comm::mpi::Communicator&) { order.push_back(i); }));
    engine.wait(tickets[49]);
    engine.wait(tickets[99]);
    engine.wait(tickets[0]);  // long done: returns at once
    in_order = std::is_sorted(tickets.begin(), tickets.end());
  }
  std::vector<int> expected(100);
  std::iota(expected.begin(), expected.end(), 0);
  CHECK_ALL_RANKS(in_order);
  CHECK_ALL_RANKS(order == expected);
}

TEST_CASE("the collectives of tasks meet their own kind on every rank") {
  std::vector<double> sums;
  {
    Engine engine(world());
    Engine::Ticket last = 0;
    for (int i = 0; i < 50; ++i)
      last = engine.submit([&sums, i](comm::mpi::Communicator& communicator) {
        std::vector<double> value = {static_cast<double>(i)};
        communicator.sum(std::span<double>(value));
        sums.push_back(value[0]);
      });
    engine.wait(last);
  }
  bool right = sums.size() == 50;
  for (std::size_t i = 0; i < sums.size(); ++i)
    right = right && sums[i] == static_cast<double>(i) * world().size();
  CHECK_ALL_RANKS(right);
}

TEST_CASE("work with company moves on side by side; a task waits for all of it and is waited for by all") {
  std::vector<int> over;
  int largest_company = 0;
  {
    int sharing = 0;
    std::atomic<bool> is_all_submitted = false;
    Engine engine(world());
    // Otherwise the first could be over before the second is submitted.
    engine.submit([&](comm::mpi::Communicator&) { is_all_submitted.wait(false); });
    for (int i = 0; i < 6; ++i)  // those that began first take longest
      engine.submit(
          [&, i, calls = -1](comm::mpi::Communicator&) mutable {
            if (calls < 0) {
              calls = 10 * (6 - i);
              largest_company = std::max(largest_company, ++sharing);
            }
            if (calls-- > 0) return comm::engine::Progress::some;
            --sharing;
            over.push_back(i);
            return comm::engine::Progress::over;
          },
          Engine::Sharing::concurrent);
    engine.submit([&](comm::mpi::Communicator&) { over.push_back(sharing == 0 ? 100 : -1); });
    const Engine::Ticket last = engine.submit(
        [&](comm::mpi::Communicator&) {
          over.push_back(101);
          return comm::engine::Progress::over;
        },
        Engine::Sharing::concurrent);
    is_all_submitted = true;
    is_all_submitted.notify_one();
    engine.wait(last);
  }
  CHECK_ALL_RANKS(largest_company == static_cast<int>(Engine::kUnderWay));
  CHECK_ALL_RANKS(over.size() == 8);
  CHECK_ALL_RANKS(over[0] != 0);  // 0 began first and ended later
  CHECK_ALL_RANKS(over[6] == 100);
  CHECK_ALL_RANKS(over[7] == 101);
}

TEST_CASE("work that waits for other ranks does not keep them waiting") {
  // Every rank sends its own number around, polling; nobody blocks.
  int received = -1;
  {
    Engine engine(world());
    std::unique_ptr<comm::transport::Transport> transport;
    int mine = 0, theirs = -1, under_way = 0;
    bool has_begun = false;
    engine.run([&](comm::mpi::Communicator& c) {
      transport = comm::transport::make_mpi_transport(c);
      mine = c.rank();
    });
    engine.wait(engine.submit(
        [&](comm::mpi::Communicator& c) {
          if (!std::exchange(has_begun, true)) {
            transport->receive(std::as_writable_bytes(std::span(&theirs, 1)),
                               (c.rank() + c.size() - 1) % c.size(), 5, under_way);
            transport->send(std::as_bytes(std::span(&mine, 1)), (c.rank() + 1) % c.size(), 5, under_way);
          }
          transport->poll();
          return under_way == 0 ? comm::engine::Progress::over : comm::engine::Progress::none;
        },
        Engine::Sharing::concurrent));
    received = theirs;
  }
  CHECK_ALL_RANKS(received == (world().rank() + world().size() - 1) % world().size());
}

TEST_CASE("run returns when its own task is over") {
  bool ran = false, seen = false;
  {
    Engine engine(world());
    engine.run([&](comm::mpi::Communicator&) { ran = true; });
    seen = ran;
  }
  CHECK_ALL_RANKS(seen);
}

TEST_CASE("a task's error comes out of its wait, of every later one, and nothing runs after it") {
  std::atomic<int> ran_after = 0;
  std::vector<std::string> outcomes;
  {
    Engine engine(world());
    const Engine::Ticket good = engine.submit([](comm::mpi::Communicator&) {});
    const Engine::Ticket bad =
        engine.submit([](comm::mpi::Communicator&) { throw base::DataError("broken"); });
    const Engine::Ticket behind = engine.submit([&](comm::mpi::Communicator&) { ++ran_after; });
    outcomes.push_back(outcome_of(engine, bad));
    outcomes.push_back(outcome_of(engine, behind));
    outcomes.push_back(outcome_of(engine, engine.submit([&](comm::mpi::Communicator&) { ++ran_after; })));
    outcomes.push_back(outcome_of(engine, good));  // "every later wait throws", also for what was done
  }
  CHECK_ALL_RANKS(outcomes == std::vector<std::string>(4, "broken"));
  CHECK_ALL_RANKS(ran_after == 0);
}

TEST_CASE("an agreed error keeps its type and code on the way out of the engine") {
  base::ExitCode code = base::ExitCode::done;
  {
    Engine engine(world());
    try {
      engine.run([](comm::mpi::Communicator& communicator) {
        comm::mpi::run_agreed(communicator, [&] {
          if (communicator.rank() == communicator.size() - 1) throw base::ConfigError("last");
        });
      });
    } catch (const comm::mpi::AgreedError& error) {
      code = error.exit_code();
    }
  }
  CHECK_ALL_RANKS(code == base::ExitCode::usage);
}

TEST_CASE("an engine that goes finishes what was submitted") {
  int ran = 0;
  {
    Engine engine(world());
    for (int i = 0; i < 20; ++i)
      engine.submit([&](comm::mpi::Communicator& communicator) {
        communicator.barrier();
        ++ran;
      });
  }
  CHECK_ALL_RANKS(ran == 20);
}

TEST_CASE("an engine that goes after a failure drops what was behind it") {
  const auto witness = std::make_shared<int>(0);
  {
    Engine engine(world());
    engine.submit([](comm::mpi::Communicator&) { throw base::DataError("broken"); });
    for (int i = 0; i < 20; ++i) engine.submit([witness](comm::mpi::Communicator&) { ++*witness; });
  }
  CHECK_ALL_RANKS(*witness == 0);
  CHECK_ALL_RANKS(witness.use_count() == 1);  // dropped tasks are gone with the engine, not leaked
}

TEST_CASE("a finished task lets go of what it held") {
  const auto held = std::make_shared<int>(0);
  bool alone = false;
  {
    Engine engine(world());
    engine.run([held](comm::mpi::Communicator&) {});
    engine.run([](comm::mpi::Communicator&) {});  // the first is over for good when the second has run
    alone = held.use_count() == 1;
  }
  CHECK_ALL_RANKS(alone);
}

TEST_CASE("engines can follow each other on one communicator, also without a task") {
  double total = 0;
  for (int i = 0; i < 5; ++i) {
    const Engine idle(world());
  }
  for (int i = 0; i < 5; ++i) {
    Engine engine(world());
    engine.run([&](comm::mpi::Communicator& communicator) {
      std::vector<double> one = {1.0};
      communicator.sum(std::span<double>(one));
      total += one[0];
    });
  }
  CHECK_ALL_RANKS(total == 5.0 * world().size());
}
