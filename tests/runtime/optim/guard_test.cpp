#include "runtime/optim/guard.hpp"

#include "comm/mpi/agreed_error.hpp"
#include "tests/support/test.hpp"

#include <array>
#include <cmath>
#include <limits>

using namespace eightfold;
using namespace eightfold::runtime;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

config::Guard spikes(double threshold) {
  config::Guard config;
  config.spike = threshold;
  return config;
}

config::Guard non_finite(config::NonFinite policy, std::int64_t skip_limit) {
  config::Guard config;
  config.non_finite = policy;
  config.skip_limit = skip_limit;
  return config;
}

// Whether the guard admits a gradient that holds this value and zeros.
bool admits(optim::Guard& guard, float value, std::int64_t step = 0) {
  std::vector<float> gradient(300, 0);
  gradient[280] = value;
  return guard.admits(kernels::Stream(kernels::Device{}),
                      kernels::host_tensor(std::span<float>(gradient), {300}), step);
}

// What the guard ends the job with; empty if it does not.
std::string refusal(optim::Guard& guard, float value, std::int64_t step) {
  try {
    admits(guard, value, step);
  } catch (const comm::mpi::AgreedError& error) {
    CHECK(error.exit_code() == base::ExitCode::divergence);
    return error.what();
  }
  return "";
}

// Norms of mean 2 and standard deviation 1, as many as it remembers.
void teach(optim::Guard& guard) {
  for (std::size_t i = 0; i < optim::Guard::kNorms; ++i) REQUIRE(admits(guard, i % 2 == 0 ? 1.0F : -3.0F));
}

}  // namespace

TEST_CASE("a score counts standard deviations from the mean, once all norms are there") {
  CHECK(optim::z_score(std::array{1.0F, 2.0F, 3.0F, 4.0F}, 5) == Approx(2.5 / std::sqrt(1.25)));
  CHECK(optim::z_score(std::array{1.0F, 2.0F, 3.0F, 4.0F}, 0) == Approx(-2.5 / std::sqrt(1.25)));
  CHECK_FALSE(optim::z_score(std::array{kNaN, 2.0F, 3.0F}, 5).has_value());
}

TEST_CASE("beside norms that are equal, up to their rounding, nothing has a score") {
  for (const double norm : {0.1, 0.2, 1e30})
    CHECK_FALSE(optim::z_score(std::array{0.1F, 0.1F, 0.1F, 0.1F}, norm).has_value());
  CHECK_FALSE(optim::z_score(std::array{0.0F, 0.0F}, 1).has_value());
  const float next = std::nextafter(0.1F, 1.0F);
  CHECK_FALSE(optim::z_score(std::array{0.1F, 0.1F, 0.1F, next}, 0.2).has_value());
  CHECK(optim::z_score(std::array{0.1F, 0.1F, 0.1F, 0.2F}, 0.5).has_value());
}

TEST_CASE("a norm that rounds to the mean of those before is no distance from it") {
  CHECK(optim::z_score(std::array{1.0F, 3.0F}, 2 + 1e-9) == 0.0);
  CHECK(optim::z_score(std::array{1.0F, 3.0F}, 2 - 1e-9) == 0.0);
}

TEST_CASE("a guard that is off admits anything") {
  optim::Guard guard({}, {});
  CHECK_FALSE(guard.is_on());
  CHECK(guard.norms().is_absent());
  for (const float value : {kNaN, kInfinity, 1e30F}) CHECK(admits(guard, value));
}

TEST_CASE("a gradient that is not finite is skipped or ends the job, as the policy says") {
  for (const float value : {kNaN, kInfinity, -kInfinity}) {
    optim::Guard skips(non_finite(config::NonFinite::skip, 5), {});
    CHECK(skips.is_on());
    CHECK(admits(skips, 1e30F));
    CHECK_FALSE(admits(skips, value, 6));
    const auto skipped = skips.take_skipped();
    REQUIRE(skipped.size() == 1);
    CHECK(skipped[0].step == 7);
    CHECK(skipped[0].reason == "the gradient is not finite");
    CHECK(skips.take_skipped().empty());

    optim::Guard stops(non_finite(config::NonFinite::stop, 5), {});
    CHECK(admits(stops, 1e30F));
    CHECK(refusal(stops, value, 6).starts_with("at step 7 the gradient is not finite: lower "));
  }
}

TEST_CASE("steps are skipped in a row up to the limit, and one more ends the job") {
  optim::Guard guard(non_finite(config::NonFinite::skip, 2), {});
  for (int round = 0; round < 3; ++round) {
    CHECK_FALSE(admits(guard, kNaN));
    CHECK_FALSE(admits(guard, kNaN));
    CHECK(admits(guard, 1));
  }
  CHECK_FALSE(admits(guard, kNaN));
  CHECK_FALSE(admits(guard, kNaN));
  CHECK(refusal(guard, kNaN, 11)
            .starts_with("at step 12 the gradient is not finite, and guard.skip_limit = 2 allows no more in "
                         "a row: lower "));
  optim::Guard strict(non_finite(config::NonFinite::skip, 0), {});
  CHECK(refusal(strict, kNaN, 0).starts_with("at step 1 the gradient is not finite, and"));
}

TEST_CASE("a norm that stands out from those of the last steps is a spike, in both policies") {
  optim::Guard guard(spikes(2.9), {});
  teach(guard);
  CHECK_FALSE(admits(guard, 5.0F));  // three standard deviations
  CHECK(guard.take_skipped().at(0).reason ==
        "the gradient's norm is 5, 3.0 standard deviations above the mean of the last 128 steps (guard.spike "
        "= 2.9)");
  CHECK_FALSE(admits(guard, -5.0F));  // what is skipped teaches nothing
  CHECK(admits(guard, 4.5F));
  CHECK(admits(guard, 0.0F));  // small ones never stand out
  CHECK(admits(guard, kNaN));  // not looked for

  optim::Guard patient(spikes(3.1), {});
  teach(patient);
  CHECK(admits(patient, 5.0F));

  config::Guard strict = spikes(2.9);
  strict.spike_policy = config::SpikePolicy::stop;
  optim::Guard stops(strict, {});
  teach(stops);
  CHECK(refusal(stops, 5.0F, 200).starts_with("at step 201 the gradient's norm is 5, 3.0 standard"));
}

TEST_CASE("no norm is a spike before there are enough to compare it with") {
  optim::Guard guard(spikes(0.5), {});
  for (std::size_t i = 0; i < optim::Guard::kNorms; ++i) CHECK(admits(guard, static_cast<float>(i * i)));
  CHECK_FALSE(admits(guard, 20000));
}

TEST_CASE("a guard that gets the norms of another goes on as the other would") {
  optim::Guard one(spikes(1.2), {}), other(spikes(1.2), {});
  std::vector<bool> answers;
  const auto value = [](int step) { return static_cast<float>(step * 37 % 101); };
  for (int step = 0; step < 150; ++step) admits(one, value(step));
  std::ranges::copy(one.norms().span<float>(), other.norms().span<float>().begin());
  int refused = 0;
  for (int step = 150; step < 400; ++step) {
    const bool answer = admits(one, value(step));
    CHECK(admits(other, value(step)) == answer);
    refused += answer ? 0 : 1;
  }
  CHECK(refused > 10);
}
