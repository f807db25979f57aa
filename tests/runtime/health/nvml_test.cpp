#include "runtime/health/nvml.hpp"

#include "runtime/health/sensor.hpp"
#include "tests/runtime/doctor/node.hpp"
#include "tests/support/test.hpp"

using namespace eightfold;
using namespace eightfold::runtime::health;
using test::Node;
using test::Setting;

namespace {

std::string fake(const Node& node) {
  return (node.libraries() / "libnvidia-ml.so.1").string();
}

}  // namespace

TEST_CASE("NVML's GPUs are found by their place on the bus and asked for their health") {
  const Node node;
  Nvml nvml(fake(node));
  REQUIRE(nvml.answers());
  CHECK(nvml.driver() == "570.124.06");
  CHECK(nvml.gpus().size() == 2);
  CHECK(nvml.gpu_at("0000:ff:00.0") == nullptr);
  const Nvml::Gpu gpu = nvml.gpu_at(Node::kGpu);
  REQUIRE(gpu != nullptr);
  CHECK(nvml.address_of(gpu) == Node::kGpu);
  const GpuHealth health = nvml.health_of(gpu);
  CHECK(health.clock_mhz == 1980U);
  CHECK(health.max_clock_mhz == 1980U);
  CHECK(health.temperature_c == 61U);
  CHECK(health.power_w.value_or(0) == Approx(480.5));
  CHECK(health.power_limit_w.value_or(0) == Approx(700));
  CHECK(health.memory_used_bytes == 12ULL << 30);
  CHECK(health.memory_bytes == 140ULL << 30);
  CHECK(health.throttle_reasons == 1ULL);
}

TEST_CASE("what NVML refuses to say of a GPU is not known, the rest is") {
  const Node node;
  const Setting refusal("FAKE_POWER_CODE", "3");  // NVML_ERROR_NOT_SUPPORTED
  Nvml nvml(fake(node));
  const GpuHealth health = nvml.health_of(nvml.gpu_at(Node::kGpu));
  CHECK_FALSE(health.power_w.has_value());
  CHECK_FALSE(health.power_limit_w.has_value());
  CHECK(health.temperature_c == 61U);
}

TEST_CASE("NVML that is missing or does not start says so") {
  Nvml missing("/nowhere/libnvidia-ml.so.1");
  CHECK_FALSE(missing.answers());
  CHECK(missing.source().problem.find("/nowhere/libnvidia-ml.so.1") != std::string::npos);

  const Node node;
  const Setting mismatch("FAKE_NVML_CODE", "18");
  const Nvml broken(fake(node));
  CHECK(broken.source().loaded());
  CHECK_FALSE(broken.answers());
  CHECK(broken.message() == "Driver/library version mismatch");
}

TEST_CASE("reasons of throttling are told in words, those of an idle or limited clock are none") {
  using Words = std::vector<std::string_view>;
  CHECK(words_for(0) == Words{});
  CHECK(words_for(0x1 | 0x2 | 0x10 | 0x100) == Words{});  // idle, the user's own clocks, sync boost, display
  CHECK(words_for(0x4) == Words{"power cap"});
  CHECK(words_for(0x40 | 0x80) == Words{"too hot (hardware)", "power brake"});
}

TEST_CASE("of the host no health is known") {
  Sensor sensor(kernels::Device{});
  CHECK(sensor.address().empty());
  CHECK_FALSE(sensor.read().temperature_c.has_value());
}
