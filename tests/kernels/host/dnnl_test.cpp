#include "kernels/host/dnnl.hpp"

#include "kernels/base/error.hpp"
#include "tests/support/test.hpp"

#include <vector>

using namespace eightfold::kernels;
using namespace eightfold::kernels::host;

TEST_CASE("what oneDNN refuses is a library error that names the call") {
  const auto a = row_major({2, 3}), b = row_major({4, 5}), c = row_major({2, 5});
  try {
    describe<dnnl::matmul>(attributes_for(), a, b, c);
    FAIL("a product of 2 x 3 and 4 x 5 was described");
  } catch (const eightfold::base::LibraryError& error) {
    CHECK(error.call().find("oneDNN") != std::string::npos);
    CHECK(error.library_code() == dnnl_invalid_arguments);
  }
}

TEST_CASE("a reorder turns a matrix around, replacing or adding") {
  const std::vector<float> from = {1, 2, 3, 4, 5, 6};
  const auto transposed = strided({3, 2}, {1, 3}), plain = row_major({3, 2});
  std::vector<float> to(6, 10.0F);
  plan_reorder(transposed, plain).run({{DNNL_ARG_FROM, from.data()}, {DNNL_ARG_TO, to.data()}});
  CHECK(to == std::vector<float>{1, 4, 2, 5, 3, 6});
  plan_reorder(transposed, plain, GradientMode::accumulate)
      .run({{DNNL_ARG_FROM, from.data()}, {DNNL_ARG_TO, to.data()}});
  CHECK(to == std::vector<float>{2, 8, 4, 10, 6, 12});
}

TEST_CASE("a primitive runs only with the arguments of its plan, in their order") {
  const std::vector<float> from(4);
  std::vector<float> to(4);
  Primitive reorder = plan_reorder(row_major({2, 2}), row_major({2, 2}));
  CHECK_THROWS_AS(reorder.run({{DNNL_ARG_FROM, from.data()}}), eightfold::base::InternalError);
  CHECK_THROWS_AS(reorder.run({{DNNL_ARG_TO, to.data()}, {DNNL_ARG_FROM, from.data()}}),
                  eightfold::base::InternalError);
}

TEST_CASE("a packed copy keeps what it was made of until it is made again") {
  std::vector<float> weight = {1, 2, 3, 4};
  PackedCopy copy(strided({2, 2}, {1, 2}), row_major({2, 2}));
  const auto* packed = static_cast<const float*>(copy.of(weight.data()));
  weight[1] = 9;
  CHECK(std::vector<float>(packed, packed + 4) == std::vector<float>{1, 3, 2, 4});
  copy.of(weight.data());
  CHECK(packed[2] == 9.0F);
}
