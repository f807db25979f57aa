// Requests of every collective, with data of their own, against the reference executor.
#include "comm/exchange.hpp"
#include "comm/executor/reference_executor.hpp"
#include "comm/schedules/generators.hpp"
#include "comm/schedules/topology.hpp"
#include "kernels/buffer.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <semaphore>
#include <string>

using namespace eightfold;
using comm::Exchange;
using comm::Reduction;
using comm::Request;
using comm::schedules::Collective;
using test::world;

namespace {

constexpr Collective kCollectives[] = {Collective::all_reduce, Collective::reduce_scatter,
                                       Collective::all_gather, Collective::broadcast,
                                       Collective::scatter,    Collective::gather};

float value_of(int rank, std::size_t i, std::int64_t step) {
  return std::sin(static_cast<float>(i) * 0.7F + static_cast<float>(rank) + 3 * static_cast<float>(step));
}

std::vector<float> values_of(int rank, std::int64_t elements, std::int64_t step) {
  std::vector<float> values(static_cast<std::size_t>(elements));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = value_of(rank, i, step);
  return values;
}

comm::ExchangeOptions options(quant8::Format format, std::string algorithm = "two_shot") {
  comm::ExchangeOptions made;
  made.encoding.format = format;
  made.algorithm = std::move(algorithm);
  made.segment_bytes = 700;  // several of them, the last one short
  return made;
}

template <class Value>
auto tensor_of(std::span<Value> values) {
  return kernels::host_tensor(values, kernels::Shape{static_cast<std::int64_t>(values.size())});
}

// The elements [begin, end) that a collective gives to a rank.
std::pair<std::size_t, std::size_t> given(const Exchange& exchange, Collective collective,
                                          std::int64_t elements, int rank, int root) {
  const auto all = std::pair<std::size_t, std::size_t>(0, elements);
  if (collective == Collective::gather) return rank == root ? all : std::pair<std::size_t, std::size_t>(0, 0);
  if (collective != Collective::reduce_scatter && collective != Collective::scatter) return all;
  const comm::schedules::Shard shard = exchange.shard(elements, rank);
  return {static_cast<std::size_t>(shard.offset), static_cast<std::size_t>(shard.offset + shard.count)};
}

// What every rank has after a request, by the reference executor.
std::vector<float> expected(const Request& request, quant8::Format format, std::string_view algorithm) {
  const comm::schedules::Topology topology = comm::schedules::discover_topology(world());
  const std::int64_t elements = request.input.elements();
  std::vector<comm::schedules::Schedule> schedules;
  std::vector<std::vector<float>> values;
  for (int rank = 0; rank < topology.ranks(); ++rank) {
    const auto* generator = comm::schedules::find_generator(
        request.collective == Collective::all_reduce ? algorithm : to_string(request.collective));
    schedules.push_back(generator->schedule({topology, rank, elements, request.root}));
    values.push_back(values_of(rank, elements, request.step));
  }
  const auto codec = quant8::make_codec({}, {format});
  const bool is_mean = request.reduction == Reduction::mean;
  comm::executor::run_reference(schedules,
                                {.codec = *codec,
                                 .rounding = {},
                                 .count = elements,
                                 .factor = is_mean ? 1.0F / static_cast<float>(topology.ranks()) : 1},
                                values, {});
  return values[static_cast<std::size_t>(world().rank())];
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

// The data of a request, apart from its result.
struct Data {
  std::vector<float> input, output;
  Request request;

  Data(Collective collective, std::int64_t elements, std::int64_t step, Reduction reduction = Reduction::sum)
      : input(values_of(world().rank(), elements, step)), output(input.size(), -7) {
    request = {.collective = collective,
               .input = tensor_of(std::span<const float>(input)),
               .output = tensor_of(std::span(output)),
               .reduction = reduction,
               .root = world().size() - 1,
               .bucket = static_cast<std::size_t>(elements),
               .step = step};
  }
};

bool is_right(const Exchange& exchange, const Data& data, quant8::Format format,
              std::string_view algorithm = "two_shot") {
  const Request& request = data.request;
  const auto [begin, end] =
      given(exchange, request.collective, request.input.elements(), world().rank(), request.root);
  const std::vector<float> right = world().size() == 1 ? data.input : expected(request, format, algorithm);
  return same_bits(std::span(data.output).subspan(begin, end - begin),
                   std::span(right).subspan(begin, end - begin)) &&
         data.input == values_of(world().rank(), request.input.elements(), request.step);
}

}  // namespace

TEST_CASE("every collective leaves the bits of the reference in the output, and the input as it was") {
  const kernels::Stream stream({});
  for (const auto format : {quant8::Format::fp32, quant8::Format::bf16, quant8::Format::dynamic_tree8})
    for (const Collective collective : kCollectives) {
      std::vector<Data> all;
      for (const std::int64_t elements : {0, 1, 255, 257, 1000, 5003})
        for (const Reduction reduction : {Reduction::sum, Reduction::mean})
          if (reduction == Reduction::sum || collective == Collective::all_reduce ||
              collective == Collective::reduce_scatter)
            all.emplace_back(collective, elements, 3, reduction);
      std::vector<bool> right;
      {
        comm::engine::Engine engine(world());
        const auto exchange = comm::make_exchange(engine, {}, options(format), nullptr);
        for (Data& data : all) exchange->wait(exchange->submit(data.request, stream), stream);
        engine.run([&](comm::mpi::Communicator&) {
          for (const Data& data : all) right.push_back(is_right(*exchange, data, format));
        });
      }
      CAPTURE(to_string(format), to_string(collective));
      CHECK_ALL_RANKS(std::ranges::find(right, false) == right.end());
    }
}

TEST_CASE("the mean of every algorithm is the reference's, in place too") {
  const kernels::Stream stream({});
  for (const char* algorithm : {"two_shot", "hierarchical", "ring", "recursive_doubling"}) {
    const auto format =
        std::string_view(algorithm) == "recursive_doubling" ? quant8::Format::fp32 : quant8::Format::linear8;
    Data data(Collective::all_reduce, 3001, 1, Reduction::mean);
    std::vector<float> in_place = data.input;
    Request request = data.request;
    request.input = request.output = tensor_of(std::span(in_place));
    bool right = false;
    {
      comm::engine::Engine engine(world());
      const auto exchange = comm::make_exchange(engine, {}, options(format, algorithm), nullptr);
      exchange->wait(exchange->submit(data.request, stream), stream);
      exchange->wait(exchange->submit(request, stream), stream);
      engine.run([&](comm::mpi::Communicator&) {
        right = is_right(*exchange, data, format, algorithm) && same_bits(in_place, data.output);
      });
    }
    CAPTURE(algorithm);
    CHECK_ALL_RANKS(right);
  }
}

TEST_CASE("MPI_Allreduce takes the mean, and data of its own, too") {
  const kernels::Stream stream({});
  Data data(Collective::all_reduce, 999, 0, Reduction::mean);
  const int ranks = world().size();
  for (std::size_t i = 0; i < data.input.size(); ++i)
    data.input[i] = static_cast<float>(ranks * (world().rank() + static_cast<int>(i)));
  {
    comm::engine::Engine engine(world());
    const auto exchange = comm::make_exchange(engine, {}, options(quant8::Format::fp32, "mpi"), nullptr);
    exchange->wait(exchange->submit(data.request, stream), stream);
  }
  bool right = true;
  for (std::size_t i = 0; i < data.output.size(); ++i)
    right = right && std::abs(data.output[i] -
                              static_cast<float>(ranks * (ranks - 1) / 2 + ranks * static_cast<int>(i))) <=
                         1e-6F * data.output[i];
  CHECK_ALL_RANKS(right);
}

TEST_CASE("requests that are under way at once do not disturb each other, whoever is waited for first") {
  const kernels::Stream stream({});
  std::vector<Data> all;
  for (std::int64_t step = 0; step < 3; ++step)
    for (const Collective collective : kCollectives) all.emplace_back(collective, 2000 + 256 * step, step);
  std::vector<bool> right;
  {
    comm::engine::Engine engine(world());
    const auto exchange = comm::make_exchange(engine, {}, options(quant8::Format::linear8), nullptr);
    std::vector<Exchange::Ticket> tickets;
    for (Data& data : all) tickets.push_back(exchange->submit(data.request, stream));
    for (auto ticket = tickets.rbegin(); ticket != tickets.rend(); ++ticket) exchange->wait(*ticket, stream);
    engine.run([&](comm::mpi::Communicator&) {
      for (const Data& data : all) right.push_back(is_right(*exchange, data, quant8::Format::linear8));
    });
  }
  CHECK_ALL_RANKS(std::ranges::find(right, false) == right.end());
}

TEST_CASE("a bucket that changes its size is planned anew, one that keeps it moves to other memory") {
  const kernels::Stream stream({});
  std::vector<Data> all;
  for (const std::int64_t elements : {700, 700, 300, 700}) {
    all.emplace_back(Collective::all_reduce, elements, 0);
    all.back().request.bucket = 5;
  }
  std::vector<bool> right;
  {
    comm::engine::Engine engine(world());
    const auto exchange = comm::make_exchange(engine, {}, options(quant8::Format::linear8), nullptr);
    std::vector<Exchange::Ticket> tickets;
    for (Data& data : all) tickets.push_back(exchange->submit(data.request, stream));
    for (const Exchange::Ticket ticket : tickets) exchange->wait(ticket, stream);
    engine.run([&](comm::mpi::Communicator&) {
      for (const Data& data : all) right.push_back(is_right(*exchange, data, quant8::Format::linear8));
    });
  }
  CHECK_ALL_RANKS(std::ranges::find(right, false) == right.end());
}

TEST_CASE("the shards of the ranks are all elements, whole blocks but for the last") {
  std::int64_t begin = 0;
  bool whole = true;
  {
    comm::engine::Engine engine(world());
    const auto exchange = comm::make_exchange(engine, {}, options(quant8::Format::linear8), nullptr);
    for (int rank = 0; rank < engine.ranks(); ++rank) {
      const comm::schedules::Shard shard = exchange->shard(2001, rank);
      whole = whole && shard.offset == begin &&
              (shard.count % quant8::kBlock == 0 || shard.offset + shard.count == 2001);
      begin += shard.count;
    }
  }
  CHECK_ALL_RANKS(whole);
  CHECK_ALL_RANKS(begin == 2001);
}

TEST_CASE("a part of a communicator has the ranks of one colour, in their order, and knows their numbers") {
  const int color = world().rank() % 2;
  comm::mpi::Communicator part = world().split(color);
  std::vector<int> in_job;
  for (int rank = 0; rank < part.size(); ++rank) in_job.push_back(part.rank_in_job(rank));
  std::vector<int> right;
  for (int rank = color; rank < world().size(); rank += 2) right.push_back(rank);
  CHECK_ALL_RANKS(in_job == right);
  CHECK_ALL_RANKS(part.rank_in_job(part.rank()) == world().rank());
  CHECK_ALL_RANKS(part.max(world().rank()) == right.back());
}

// Everybody is in a group of even or odd ranks, and in one of lower or upper ones.
TEST_CASE("two groups at work at the same time each have their own sums") {
  const kernels::Stream stream({});
  const int ranks = world().size(), rank = world().rank(), half = (ranks + 1) / 2;
  std::vector<bool> right;
  {
    comm::mpi::Communicator parity = world().split(rank % 2), side = world().split(rank / half);
    comm::engine::Engine engine(world());
    const auto of_parity = comm::make_exchange(engine, parity, {}, options(quant8::Format::fp32), nullptr);
    const auto of_side = comm::make_exchange(engine, side, {}, options(quant8::Format::fp32), nullptr);
    std::vector<std::vector<float>> values;
    std::vector<Exchange::Ticket> tickets;
    for (std::size_t i = 0; i < 12; ++i) {
      values.emplace_back(3000 + i, static_cast<float>(rank + 1));
      const kernels::Tensor tensor = tensor_of(std::span(values.back()));
      const Request request{.input = tensor, .output = tensor, .bucket = i};
      tickets.push_back((i % 2 == 0 ? *of_parity : *of_side).submit(request, stream));
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      (i % 2 == 0 ? *of_parity : *of_side).wait(tickets[i], stream);
      float sum = 0;
      for (int other = 0; other < ranks; ++other)
        if (i % 2 == 0 ? other % 2 == rank % 2 : other / half == rank / half)
          sum += static_cast<float>(other + 1);
      right.push_back(values[i] == std::vector<float>(3000 + i, sum));
    }
  }
  CHECK_ALL_RANKS(std::ranges::find(right, false) == right.end());
}

TEST_CASE("whoever submits or waits is told what the engine failed with") {
  const kernels::Stream stream({});
  std::vector<Data> all;
  for (std::int64_t step = 0; step < 2; ++step) all.emplace_back(Collective::all_reduce, 600, step);
  std::vector<std::string> told;
  const auto tell = [&](const auto& act) {
    try {
      act();
    } catch (const base::DataError& error) {
      told.emplace_back(error.what());
    }
  };
  {
    comm::engine::Engine engine(world());
    const auto exchange = comm::make_exchange(engine, {}, options(quant8::Format::linear8), nullptr);
    std::binary_semaphore submitted(0);
    engine.submit([&](comm::mpi::Communicator&) {
      submitted.acquire();
      throw base::DataError("broken");
    });
    const Exchange::Ticket ticket = exchange->submit(all[0].request, stream);
    submitted.release();
    tell([&] { engine.run([](comm::mpi::Communicator&) {}); });
    tell([&] { exchange->wait(ticket, stream); });
    tell([&] { exchange->submit(all[1].request, stream); });
  }
  const std::size_t failures = world().size() == 1 ? 1 : 3;  // one rank alone needs no engine
  CHECK_ALL_RANKS(told == std::vector<std::string>(failures, "broken"));
}
