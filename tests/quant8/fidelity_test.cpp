#include "quant8/fidelity.hpp"

#include "kernels/base/error.hpp"
#include "tests/quant8/support.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::quant8;
using namespace eightfold::quant8::testing;

TEST_CASE("fidelity is the mean relative error, the error's power and the change of the magnitudes") {
  const Fidelity f = fidelity(Floats{1, -2, 4, 0}, Floats{1.5F, -1, 4, 1});
  CHECK(f.mre == Approx((0.5 + 0.5 + 0) / 3));
  CHECK(f.nmse == Approx((0.25 + 1 + 0 + 1) / (1 + 4 + 16)));
  CHECK(f.bias == Approx((1.5 + 1 + 4 + 1) / 7 - 1));
}

TEST_CASE("nothing is wrong with nothing, with zeros and with what has not changed") {
  Random random(1);
  const Floats values = random_values(100, [&] { return random.normal(); });
  for (const Floats& exact : {Floats{}, Floats(5, 0.0F), values}) {
    const Fidelity f = fidelity(exact, exact);
    CHECK(f.mre == 0);
    CHECK(f.nmse == 0);
    CHECK(f.bias == 0);
  }
}

TEST_CASE("what is no number makes no figure") {
  CHECK(std::isnan(fidelity(Floats{1}, Floats{kNaN}).nmse));
  CHECK_THROWS_AS(fidelity(Floats(2), Floats(3)), base::InternalError);
}
