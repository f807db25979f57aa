#include "kernels/host_threads.hpp"

#include "kernels/base/error.hpp"
#include "kernels/linear.hpp"
#include "tests/kernels/support.hpp"
#include "tests/support/test.hpp"

#include <omp.h>
#include <pthread.h>

using namespace eightfold;
using namespace eightfold::kernels;
using namespace eightfold::kernels::testing;

namespace {

// Of this thread; puts back what was there.
struct ThreadsPutBack {
  ThreadsPutBack() = default;
  ~ThreadsPutBack() {
    omp_set_max_active_levels(levels);
    set_host_threads(threads);
  }
  ThreadsPutBack(const ThreadsPutBack&) = delete;  // two would put it back twice
  ThreadsPutBack& operator=(const ThreadsPutBack&) = delete;

  int levels = omp_get_max_active_levels(), threads = host_threads();
};

// The gradient of a layer large enough to be shared out.
std::vector<float> weight_gradient() {
  const LinearShape shape{.batch = 64, .inputs = 256, .outputs = 128};
  const auto linear = plan_linear(kHost, shape);
  Floats x = random_floats(Shape{64, 256}, 1), y = random_floats(Shape{64, 128}, 2);
  Floats dy = random_floats(Shape{64, 128}, 3), dweight(Shape{128, 256}, 7.0F), dbias(Shape{128}, 7.0F);
  linear->backward_parameters(host_stream(), x, y, dy, GradientMode::overwrite, dweight, dbias);
  return dweight.values();
}

}  // namespace

TEST_CASE("as many host threads as were asked for, whatever the load of the machine") {
  const ThreadsPutBack later;
  omp_set_dynamic(1);
  CHECK(set_host_threads(3) == 3);
  CHECK(host_threads() == 3);
  CHECK(omp_get_dynamic() == 0);
  CHECK(set_host_threads(1) == 1);
}

TEST_CASE("where OpenMP grants fewer threads, results are those of so many") {
  const ThreadsPutBack later;
  set_host_threads(1);
  const std::vector<float> expected = weight_gradient();
  omp_set_max_active_levels(0);  // teams of one thread, as OMP_THREAD_LIMIT=1 does from outside
  CHECK(set_host_threads(2) == 1);
  CHECK(host_threads() == 1);
  CHECK((weight_gradient() == expected));  // thousands: not to be printed
}

TEST_CASE("threads that the system does not start are refused by the key that asks for them") {
  const ThreadsPutBack later;
  pthread_attr_t before, huge;
  REQUIRE(::pthread_getattr_default_np(&before) == 0);
  ::pthread_attr_init(&huge);
  REQUIRE(::pthread_attr_setstacksize(&huge, std::size_t{1} << 47) == 0);  // more than there are addresses
  set_host_threads(1);
  REQUIRE(::pthread_setattr_default_np(&huge) == 0);
  std::string message;
  try {
    set_host_threads(3);
  } catch (const base::EnvironmentError& error) {
    message = error.what();
  }
  REQUIRE(::pthread_setattr_default_np(&before) == 0);
  CHECK(message.starts_with("3 host threads take 6 more than there are, and the system starts 0: "));
  CHECK(message.find("set job.threads to fewer") != std::string::npos);
}

TEST_CASE("variables that make teams smaller are known by their names") {
  CHECK(limits_host_threads("OMP_THREAD_LIMIT"));
  CHECK(limits_host_threads("OMP_THREAD_LIMIT_ALL"));
  CHECK(limits_host_threads("OMP_MAX_ACTIVE_LEVELS"));
  CHECK_FALSE(limits_host_threads("OMP_NUM_THREADS"));
  CHECK_FALSE(limits_host_threads("OMP_DYNAMIC"));
}
