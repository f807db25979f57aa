#include "comm/transport/transport.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <array>
#include <span>

using namespace eightfold;
using test::world;

TEST_CASE("a message of another length is an error, and what was complete with it counts as such") {
  const auto transport = comm::transport::make_separate_mpi_transport(world());
  std::array<std::byte, 8> sent{}, received{};
  const int self = world().rank();
  int under_way = 0;
  for (const int tag : {0, 1})
    transport->receive(std::span(received).subspan(4 * tag, 4), self, tag, under_way);
  transport->send(std::span(sent).first(3), self, 0, under_way);
  transport->send(std::span(sent).first(4), self, 1, under_way);
  int errors = 0;
  for (int polls = 0; polls < 1000; ++polls) {
    try {
      transport->poll();
    } catch (const base::DataError&) {
      ++errors;
    }
  }
  CHECK_ALL_RANKS(errors == 1);
  CHECK_ALL_RANKS(under_way == 0);
}
