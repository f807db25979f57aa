// The files in configs/fabrics/ and configs/workloads/.

#include "runtime/scale/fabric_file.hpp"
#include "runtime/scale/workload_file.hpp"
#include "tests/support/test.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace fs = std::filesystem;
using namespace eightfold;
using comm::simulator::Fabric;
using quant8::Format;
using runtime::scale::LayerTimes;
using runtime::scale::read_fabric;
using runtime::scale::read_workload;
using runtime::scale::Workload;

namespace {

const fs::path kConfigs = EIGHTFOLD_SOURCE_DIR "/configs";

std::vector<fs::path> files_in(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory)) files.push_back(entry.path());
  return files;
}

Fabric fabric(const std::string& name) {
  return read_fabric(kConfigs / "fabrics" / (name + ".toml"));
}

Workload workload(const std::string& name) {
  return read_workload(kConfigs / "workloads" / (name + ".toml"));
}

double milliseconds_of(const Workload& workload, const std::string& prefix) {
  double seconds = 0;
  for (const LayerTimes& layer : workload.layers)
    if (layer.name.starts_with(prefix)) seconds += layer.forward_s + layer.backward_s;
  return seconds * 1e3;
}

}  // namespace

TEST_CASE("the fabrics in configs are valid and called like their files and survive being written") {
  const std::vector<fs::path> files = files_in(kConfigs / "fabrics");
  CHECK(files.size() == 11);
  for (const fs::path& file : files) {
    CAPTURE(file);
    const Fabric fabric = read_fabric(file);
    CHECK(fabric.name == file.stem());
    CHECK_FALSE(fabric.description.empty());
    const std::string text = runtime::scale::fabric_text(fabric);
    CHECK(runtime::scale::fabric_text(runtime::scale::parse_fabric(text, "again")) == text);
  }
}

TEST_CASE("the workloads in configs are valid and called like their files and survive being written") {
  const std::vector<fs::path> files = files_in(kConfigs / "workloads");
  CHECK(files.size() == 6);
  for (const fs::path& file : files) {
    CAPTURE(file);
    const Workload workload = read_workload(file);
    CHECK(workload.name == file.stem());
    CHECK_FALSE(workload.description.empty());
    const std::string text = runtime::scale::workload_text(workload);
    const Workload again = runtime::scale::parse_workload(text, "again");
    CHECK(runtime::scale::workload_text(again) == text);
    CHECK(again.step_s() == workload.step_s());
    for (const Format format : quant8::all_formats()) CHECK(workload.codec_cost(format).encode_s > 0);
  }
}

TEST_CASE("the fabrics of 2014 have the rates and latencies that were fixed for them") {
  for (const auto& [name, rate, latency] :
       {std::tuple("fdr-2014", 6e9, 2e-6), std::tuple("ethernet-2014", 1.17e9, 30e-6)}) {
    CAPTURE(name);
    const Fabric cluster = fabric(name);
    CHECK(cluster.cards == 1);
    CHECK(cluster.card_bytes_per_s == rate);
    CHECK(cluster.network_latency_s == latency);
    CHECK(cluster.burst_bytes == 0);
    CHECK(cluster.nodes_per_switch == 0);
    CHECK(cluster.slot_bytes_per_s == 6e9);
    CHECK(cluster.neighbour_bytes_per_s == 0);
    CHECK(cluster.node_latency_s == 8e-6);
    CHECK(cluster.message_s == 5e-6);
    CHECK(cluster.send_s_per_byte == 0);
    CHECK(cluster.receive_s_per_byte == 0);
    CHECK(cluster.nodes_per_machine == 0);
  }
}

TEST_CASE("NVLink spares the slots and is all that tells a fabric from its PCIe variant") {
  for (const std::string name : {"hdr", "ndr"}) {
    CAPTURE(name);
    const Fabric linked = fabric(name);
    const Fabric plain = fabric(name + "-pcie");
    CHECK(linked.neighbour_bytes_per_s > linked.slot_bytes_per_s);
    CHECK(plain.neighbour_bytes_per_s == 0);
    CHECK(plain.slot_bytes_per_s == linked.slot_bytes_per_s);
    CHECK(plain.card_bytes_per_s == linked.card_bytes_per_s);
    CHECK(plain.cards == linked.cards);
  }
}

TEST_CASE("AlexNet of 2014 has the times that the paper gives for the whole and its connected part") {
  const Workload alexnet = workload("alexnet-2014");
  CHECK(alexnet.batch == 128);
  CHECK(alexnet.layers.size() == 8);
  CHECK(alexnet.parameters() == 61'100'840);
  CHECK(alexnet.step_s() * 1e3 == Approx(104.1).margin(0.02));  // the layers' times have two decimals
  CHECK(milliseconds_of(alexnet, "fc") == Approx(6.5));
  CHECK(alexnet.update_s_per_parameter == 0);
  const double moved_per_s = 0.85 * 288e9;
  CHECK(alexnet.codec_cost(Format::dynamic_tree8).encode_s == Approx(5 / moved_per_s));
  CHECK(alexnet.codec_cost(Format::bf16).decode_s == Approx(6 / moved_per_s));
}

TEST_CASE("AlexNet of 2014 with a quarter of the images takes a quarter of the time") {
  const Workload quarter = workload("alexnet-2014").with_batch(32);
  const Workload batch32 = workload("alexnet-2014-batch32");
  CHECK(batch32.batch == 32);
  REQUIRE(batch32.layers.size() == quarter.layers.size());
  for (std::size_t i = 0; i < batch32.layers.size(); ++i) {
    CHECK(batch32.layers[i].parameters == quarter.layers[i].parameters);
    CHECK(batch32.layers[i].forward_s == Approx(quarter.layers[i].forward_s));
    CHECK(batch32.layers[i].backward_s == Approx(quarter.layers[i].backward_s));
  }
}

TEST_CASE("the kernels of 2016 cost what the paper measured and change nothing else") {
  const Workload own = workload("alexnet-2014");
  const Workload kernels = workload("alexnet-2014-kernels-2016");
  CHECK(kernels.step_s() == own.step_s());
  for (const Format format :
       {Format::dynamic_tree8, Format::linear8, Format::static_tree8, Format::mantissa8}) {
    CHECK(kernels.codec_cost(format).encode_s == Approx(0.104e-9));
    CHECK(kernels.codec_cost(format).decode_s == Approx(0.051e-9));
  }
  CHECK(kernels.codec_cost(Format::bf16).encode_s == own.codec_cost(Format::bf16).encode_s);
}

TEST_CASE("ResNet-50 has its parameters and the time of the throughput that was published") {
  for (const auto& [name, images_per_s] :
       {std::pair("resnet50", 938.0), std::pair("resnet50-mixed", 2470.0)}) {
    CAPTURE(name);
    const Workload resnet = workload(name);
    CHECK(resnet.layers.size() == 54);  // 53 convolutions and one linear layer
    CHECK(resnet.parameters() == 25'557'032);
    CHECK(resnet.layers.back().parameters == 2048 * 1000 + 1000);
    CHECK(static_cast<double>(resnet.batch) / resnet.step_s() == Approx(images_per_s).epsilon(1e-3));
  }
}

TEST_CASE("the transformer has the parameters of GPT-2 small and its largest gradient comes last") {
  const Workload transformer = workload("transformer-124m");
  CHECK(transformer.parameters() == 124'439'808);
  CHECK(transformer.layers.front().parameters == (50257 + 1024) * 768);
  CHECK(transformer.layers.back().parameters == 0);
  const double tokens = 1024 * static_cast<double>(transformer.batch);
  const double weight_operations = 6.0 * 123'532'032;  // without positions, normalisations and biases
  const double products = 12.0 * 12 * 768 * 1024;
  const double passes_s = transformer.step_s() -
                          transformer.update_s_per_parameter * static_cast<double>(transformer.parameters());
  CHECK(tokens * (weight_operations + products) / passes_s == Approx(0.6 * 312e12).epsilon(1e-3));
}
