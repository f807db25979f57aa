// Wrong data and wrong checkpoints.
#include "tests/launch/refusals.hpp"
#include "tests/support/test.hpp"

#include <zlib.h>

#include <fstream>
#include <stdexcept>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}
// An IDX file of bytes that claims these extents.
std::string idx(const std::vector<std::uint32_t>& extents, std::size_t bytes) {
  std::string text = {0, 0, 8, static_cast<char>(extents.size())};
  for (const std::uint32_t extent : extents) text += big_endian(extent);
  return text + std::string(bytes, '\1');
}

std::string gzip(const std::string& contents) {
  z_stream stream{};
  if (::deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("zlib");
  std::string out(contents.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(contents.data()));
  stream.avail_in = static_cast<uInt>(contents.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = ::deflate(&stream, Z_FINISH);
  ::deflateEnd(&stream);
  if (code != Z_STREAM_END) throw std::runtime_error("zlib");
  out.resize(stream.total_out);
  return out;
}

// The tiny job on IDX files, all of them sound: 40 training and 20 test images of 4 x 4 pixels and 2 classes.
void write_idx_job(const Scratch& scratch) {
  tiny_with("kind = \"digits\"\ntrain = 640\ntest = 200", "kind = \"idx\"\ndir = \".\"")(scratch);
  for (const auto& [name, count] : {std::pair{"train", 40U}, std::pair{"t10k", 20U}}) {
    scratch.file(std::string(name) + "-images-idx3-ubyte", idx({count, 4, 4}, 16 * std::size_t{count}));
    std::string labels = idx({count}, 0);
    for (unsigned i = 0; i < count; ++i) labels += static_cast<char>(i % 10);
    scratch.file(std::string(name) + "-labels-idx1-ubyte", labels);
  }
}
const char* const kImages = "train-images-idx3-ubyte";
const char* const kLabels = "train-labels-idx1-ubyte";

Preparation idx_file(const std::string& name, const std::string& contents) {
  return [=](const Scratch& scratch) {
    write_idx_job(scratch);
    if (name.starts_with(kImages)) fs::remove(scratch / kImages);  // it would be read before its .gz
    scratch.file(name, contents);
  };
}

void write_cifar(const Scratch& scratch, std::size_t bytes) {
  tiny_with("kind = \"digits\"\ntrain = 640\ntest = 200", "kind = \"cifar10\"\ndir = \".\"")(scratch);
  for (const char* name : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                           "data_batch_5.bin", "test_batch.bin"})
    scratch.file(name, std::string(bytes, '\1'));
}

// A finished run of the tiny job at saved/, to be damaged.
void train_to(const Scratch& scratch, const fs::path& name) {
  auto result = result_of(run_program({"train", "job.toml"}, 0, scratch.path()));
  fs::rename(scratch / result["run_dir"], scratch / name);
  fs::remove_all(scratch / "runs");
}
const fs::path kLast = "saved/checkpoints/step-00000030";

// Flips a bit in the middle of a file of the last checkpoint.
Preparation flipped(const std::string& file) {
  return [file](const Scratch& scratch) {
    train_to(scratch, "saved");
    std::string bytes = contents_of(scratch / kLast / file);
    char& middle = bytes.at(bytes.size() / 2);
    middle = static_cast<char>(middle ^ 1);
    std::ofstream(scratch / kLast / file, std::ios::binary) << bytes;
  };
}
void trained(const Scratch& scratch) {
  train_to(scratch, "saved");
}

}  // namespace

TEST_CASE("a warm-up longer than the samples in the files last is exit code 2") {
  check_refusals(
      {{"a warm-up of four steps",
        train_with("schedule.warmup_steps=4"),
        2,
        {"--set schedule.warmup_steps=4: schedule.warmup_steps is 4", "the 3 steps that the job has"},
        write_idx_job}});
}

TEST_CASE("wrong data is exit code 4 with the file and what is wrong with it") {
  const std::string sound = idx({40, 4, 4}, 640), packed = gzip(sound);
  std::string picture = sound, damaged = packed;
  picture.replace(0, 4, "\x89PNG");
  damaged[packed.size() - 6] = static_cast<char>(packed[packed.size() - 6] ^ 1);  // of the checksum
  check_refusals({
      {"data that is not there",
       {"train", "job.toml"},
       4,
       {kImages, "data.dir", "eightfold data digits DIR"},
       [](const Scratch& scratch) {
         write_idx_job(scratch);
         fs::remove(scratch / kImages);
       }},
      {"the same on two ranks",
       {"train", "job.toml"},
       4,
       {kImages},
       [](const Scratch& scratch) {
         write_idx_job(scratch);
         fs::remove(scratch / kImages);
       },
       2},
      {"a data directory that is not there", train_with("data.dir=nowhere"), 4, {"nowhere"}, write_idx_job},
      {"an IDX file cut short", {"train", "job.toml"}, 4, {kImages}, idx_file(kImages, sound.substr(0, 500))},
      {"an IDX file that is too long", {"train", "job.toml"}, 4, {kImages}, idx_file(kImages, sound + "x")},
      {"an IDX header that lies",
       {"train", "job.toml"},
       4,
       {kImages},
       idx_file(kImages, idx({4000000000U, 4000000000U, 4000000000U}, 640))},
      {"an empty IDX file", {"train", "job.toml"}, 4, {kImages}, idx_file(kImages, "")},
      {"an IDX file with a wrong magic", {"train", "job.toml"}, 4, {kImages}, idx_file(kImages, picture)},
      {"labels in place of images", {"train", "job.toml"}, 4, {kImages}, idx_file(kImages, idx({640}, 640))},
      {"a gzip file cut short",
       {"train", "job.toml"},
       4,
       {std::string(kImages) + ".gz"},
       idx_file(std::string(kImages) + ".gz", packed.substr(0, 30))},
      {"a gzip file with damage",
       {"train", "job.toml"},
       4,
       {std::string(kImages) + ".gz"},
       idx_file(std::string(kImages) + ".gz", damaged)},
      {"more images than labels", {"train", "job.toml"}, 4, {"40", "39"}, idx_file(kLabels, idx({39}, 39))},
      {"a training label that is no output of the network",
       {"train", "job.toml"},
       4,
       {std::string(kLabels) + ": record 39 has label 255", "labels 0 to 9"},
       idx_file(kLabels, idx({40}, 39) + '\xff')},
      {"more samples asked for than there are", train_with("data.train=41"), 4, {"41", "40"}, write_idx_job},
      {"CIFAR files of a wrong size",
       {"train", "job.toml"},
       4,
       {"data_batch_1.bin", "3073"},
       [](const Scratch& scratch) { write_cifar(scratch, 5000); }},
      {"data info of wrong data", {"data", "info", "job.toml"}, 4, {kImages}, idx_file(kImages, "")},
  });
}

TEST_CASE("wrong checkpoints are exit code 4, and another job's are 2") {
  const std::string last = kLast.string();
  const Words evaluate = {"evaluate", last}, resume = {"train", "job.toml", "--resume", last};
  check_refusals({
      {"weights with a flipped bit",
       evaluate,
       4,
       {"weights.safetensors", "hash"},
       flipped("weights.safetensors")},
      {"optimizer state with a flipped bit",
       resume,
       4,
       {"optimizer.safetensors", "hash"},
       flipped("optimizer.safetensors")},
      {"the same on two ranks",
       resume,
       4,
       {"optimizer.safetensors", "hash"},
       flipped("optimizer.safetensors"),
       2},
      {"a manifest with a flipped bit", resume, 4, {"manifest.json"}, flipped("manifest.json")},
      {"a damaged one among those to verify",
       {"checkpoint", "verify", "saved"},
       4,
       {"weights.safetensors"},
       flipped("weights.safetensors")},
      {"resuming from where there is none",
       {"train", "job.toml", "--resume", "."},
       4,
       {"no complete checkpoint there"}},
      {"resuming from nowhere",
       {"train", "job.toml", "--resume", "nowhere"},
       4,
       {"nowhere: there is nothing of this name"}},
      {"evaluating nothing", {"evaluate", "nowhere"}, 4, {"nowhere: there is nothing of this name"}},
      {"listing nothing", {"checkpoint", "ls", "nowhere"}, 4, {"nowhere: there is nothing of this name"}},
      {"resuming with another optimizer",
       {"train", "job.toml", "--resume", last, "--set", "optimizer.kind=adamw"},
       2,
       {"optimizer.kind", "sgd", "adamw"},
       trained},
      {"resuming with another network",
       {"train", "job.toml", "--resume", last, "--set", "model.layer[0].out=25"},
       2,
       {"model.layer[0].out", "24", "25"},
       trained},
      {"resuming with another seed",
       {"train", "job.toml", "--resume", last, "--set", "job.seed=5"},
       2,
       {"job.seed"},
       trained,
       2},
  });
}
