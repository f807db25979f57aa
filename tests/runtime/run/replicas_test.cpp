#include "runtime/run/replicas.hpp"

#include "tests/support/test.hpp"

#include <vector>

using eightfold::runtime::run::replica_mismatch;
using Hashes = std::vector<std::uint64_t>;

TEST_CASE("equal replicas are no mismatch") {
  for (const std::size_t ranks : {1, 2, 3, 128}) CHECK_FALSE(replica_mismatch(Hashes(ranks, 7)));
}

TEST_CASE("one odd rank out of three or more is named, wherever it is") {
  for (const std::size_t ranks : {3, 4, 5})
    for (std::size_t odd = 0; odd < ranks; ++odd) {
      Hashes hashes(ranks, 0xA);
      hashes[odd] = 0xB;
      CHECK(replica_mismatch(hashes).value() ==
            "the weights of rank " + std::to_string(odd) +
                " (hash 000000000000000b) are not those of most ranks (hash 000000000000000a)");
    }
}

TEST_CASE("several odd ranks are all named") {
  CHECK(replica_mismatch(Hashes{5, 1, 1, 6, 1}).value() ==
        "the weights of rank 0 (hash 0000000000000005), rank 3 (hash 0000000000000006) are not those of most "
        "ranks (hash 0000000000000001)");
}

TEST_CASE("without a majority nobody is blamed and every hash is shown") {
  CHECK(replica_mismatch(Hashes{1, 2}).value() ==
        "the weights of the ranks differ, and no majority tells which are right: rank 0 (hash "
        "0000000000000001), rank 1 (hash 0000000000000002)");
  CHECK(replica_mismatch(Hashes{1, 1, 2, 2}).value().starts_with("the weights of the ranks differ"));
  CHECK(replica_mismatch(Hashes{1, 2, 3}).value().ends_with("rank 2 (hash 0000000000000003)"));
}
