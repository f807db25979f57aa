#include "kernels/base/error.hpp"
#include "runtime/data/cifar.hpp"
#include "runtime/data/idx.hpp"
#include "runtime/data/registry.hpp"
#include "runtime/data/source.hpp"
#include "tests/support/scratch.hpp"
#include "tests/support/test.hpp"

#include <string>
#include <vector>

using namespace eightfold;
using namespace eightfold::runtime;
using namespace eightfold::runtime::data;
using eightfold::test::Scratch;

namespace {

// One-pixel images first, first + 1, ...; their label is their value modulo 5.
void write_pair(const std::filesystem::path& images, const std::filesystem::path& labels, int first,
                int count) {
  IdxArray pixels{{count, 1, 1}, {}}, classes{{count}, {}};
  for (int value = first; value < first + count; ++value) {
    pixels.values.push_back(static_cast<std::uint8_t>(value));
    classes.values.push_back(static_cast<std::uint8_t>(value % 5));
  }
  write_idx(images, pixels);
  write_idx(labels, classes);
}

// A directory with 20 training and 6 test samples, of which half the files are compressed.
// A path of the data, as the job gives it.
std::string& text(config::Data& config, const std::string& key) {
  return std::get<std::string>(config.values.try_emplace(key, std::string()).first->second);
}

config::Data idx_files(const Scratch& scratch) {
  config::Data config;
  config.kind = "idx";
  find_data_kind("idx").complete(config);  // the names that files have by default
  text(config, "dir") = scratch.path().string();
  write_pair(scratch.path() / (text(config, "images") + ".gz"), scratch.path() / text(config, "labels"), 0,
             20);
  write_pair(scratch.path() / text(config, "test_images"),
             scratch.path() / (text(config, "test_labels") + ".gz"), 100, 6);
  return config;
}

std::vector<int> values(const Source& source) {
  std::vector<int> all;
  std::vector<std::uint8_t> image(static_cast<std::size_t>(source.sample_shape().bytes()));
  for (std::int64_t i = 0; i < source.size(); ++i) {
    std::int32_t label = -1;
    source.read(i, image, label);
    CHECK(label == image[0] % 5);
    all.push_back(image[0]);
  }
  return all;
}

std::vector<int> range(int first, int end) {
  std::vector<int> all;
  for (int value = first; value < end; ++value) all.push_back(value);
  return all;
}

std::string complaint(const config::Data& config) {
  try {
    open(config, 1);
  } catch (const base::DataError& error) {
    return error.what();
  }
  return "nothing";
}

std::string cifar_file(std::size_t records, std::size_t label_bytes, char label) {
  std::string contents;
  for (std::size_t i = 0; i < records; ++i)
    contents += std::string(label_bytes, label) + std::string(3072, 'x');
  return contents;
}

}  // namespace

TEST_CASE("idx: training and test files are found with and without .gz") {
  const Scratch scratch;
  const Split split = open(idx_files(scratch), 1);
  CHECK(values(*split.train) == range(0, 20));
  CHECK(values(*split.test) == range(100, 106));
  CHECK(split.test->classes() == 5);
}

TEST_CASE("idx: a name is as good with .gz as without") {
  const Scratch scratch;
  config::Data config = idx_files(scratch);
  for (std::string* name : {&text(config, "images"), &text(config, "labels"), &text(config, "test_images"),
                            &text(config, "test_labels")})
    *name += ".gz";
  CHECK(values(*open(config, 1).train) == range(0, 20));
  text(config, "images") = "missing.gz";
  CHECK(complaint(config).starts_with("no data (data.dir, data.images): " + text(config, "dir") +
                                      "/missing.gz: no such file; " + text(config, "dir") +
                                      "/missing: no such file;"));
}

TEST_CASE("idx: train takes the first samples, test the next ones") {
  const Scratch scratch;
  config::Data config = idx_files(scratch);
  config.train = 7;
  CHECK(values(*open(config, 1).train) == range(0, 7));
  CHECK(values(*open(config, 1).test) == range(100, 106));
  config.test = 4;
  CHECK(values(*open(config, 1).train) == range(0, 7));
  CHECK(values(*open(config, 1).test) == range(7, 11));
  config.train = 0;
  CHECK(values(*open(config, 1).train) == range(0, 16));
  CHECK(values(*open(config, 1).test) == range(16, 20));
  config.train = 16;
  CHECK(values(*open(config, 1).test) == range(16, 20));
}

TEST_CASE("idx: no test files are needed when the training files hold both parts") {
  const Scratch scratch;
  config::Data config = idx_files(scratch);
  text(config, "test_images") = text(config, "test_labels") = "missing";
  CHECK(complaint(config) == "no data (data.dir, data.test_images): " + text(config, "dir") +
                                 "/missing: no such file; " + text(config, "dir") +
                                 "/missing.gz: no such file; say where the files are with --set "
                                 "data.dir=DIR; `eightfold data digits DIR` makes some");
  config.test = 3;
  CHECK(values(*open(config, 1).test) == range(17, 20));
}

TEST_CASE("idx: more samples than the files hold is an error that names both numbers") {
  const Scratch scratch;
  config::Data config = idx_files(scratch);
  const std::string file = text(config, "dir") + "/train-images-idx3-ubyte.gz";
  config.train = 21;
  CHECK(complaint(config) == "data.train = 21, but " + file + " holds 20 samples");
  config.train = 17;
  config.test = 4;
  CHECK(complaint(config) ==
        "data.train = 17 and data.test = 4, but " + file + " holds 20 samples, of which each part needs one");
  config.train = 0;
  config.test = 20;
  CHECK(complaint(config) ==
        "data.train = 0 and data.test = 20, but " + file + " holds 20 samples, of which each part needs one");
}

TEST_CASE("idx: test files must be like the training files") {
  const Scratch scratch;
  config::Data config = idx_files(scratch);
  text(config, "test_images") = "wide";
  text(config, "test_labels") = "labels";
  write_idx(scratch.path() / "wide", {{1, 1, 2}, {0, 0}});
  write_idx(scratch.path() / "labels", {{1}, {4}});
  CHECK(complaint(config).find("holds images of 1 x 1 x 1, but " + text(config, "dir") +
                               "/wide of 1 x 2 x 1") != std::string::npos);
  text(config, "test_images") = "narrow";
  write_idx(scratch.path() / "narrow", {{1, 1, 1}, {0}});
  CHECK(complaint(config) == "nothing");
}

TEST_CASE("idx: a folder, a link to nothing or what is no file does not hide the .gz beside it") {
  const Scratch scratch;
  config::Data config = idx_files(scratch);
  const auto path = scratch.path() / text(config, "images");
  std::filesystem::create_directories(path / text(config, "images"));
  CHECK(values(*open(config, 1).train) == range(0, 20));
  std::filesystem::remove_all(path);
  std::filesystem::create_symlink("nowhere", path);
  CHECK(values(*open(config, 1).train) == range(0, 20));
  std::filesystem::remove(path.string() + ".gz");
  CHECK(complaint(config).find(path.string() + ": a link to nothing; ") != std::string::npos);
  std::filesystem::remove(path);
  std::filesystem::create_directories(path);
  CHECK(complaint(config).find(path.string() + ": a directory; ") != std::string::npos);
  std::filesystem::remove(path);
  std::filesystem::create_symlink("/dev/null", path);
  CHECK(complaint(config).find(path.string() + ": not a regular file; ") != std::string::npos);
}

namespace {

constexpr SampleShape kPixel{1, 1, 1};

std::string test_complaint(const config::Data& config, std::int64_t trained, const SampleShape& shape) {
  try {
    open_test(config, 1, trained, shape);
  } catch (const base::DataError& error) {
    return error.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("idx: the test samples are in the test files, which alone are opened") {
  const Scratch scratch;
  config::Data config = idx_files(scratch);
  text(config, "images") = text(config, "labels") = "missing";
  const Split split = open_test(config, 1, 20, kPixel);
  CHECK(values(*split.test) == range(100, 106));
  CHECK(split.train == nullptr);
  CHECK(test_complaint(config, 20, {1, 2, 1}) ==
        text(config, "dir") + "/" + text(config, "test_images") +
            " holds images of 1 x 1 x 1, but the network was trained "
            "on 1 x 2 x 1");
}

TEST_CASE("idx: test samples that are counted are those behind the trained ones, however many follow") {
  const Scratch scratch;
  config::Data config = idx_files(scratch);
  text(config, "test_images") = text(config, "test_labels") = "missing";
  config.test = 3;
  for (const std::int64_t trained : {1, 10, 17}) {
    const Split split = open_test(config, 1, trained, kPixel);
    const int first = static_cast<int>(trained);
    CHECK(values(*split.test) == range(first, first + 3));
    CHECK(values(*split.train) == range(0, first));
  }
  CHECK(test_complaint(config, 18, kPixel) ==
        "data.test = 3, but " + text(config, "dir") + "/" + text(config, "images") +
            ".gz holds 20 samples, and the network was trained on the first 18");
}

TEST_CASE("cifar10: the test samples need no training batch") {
  const Scratch scratch;
  config::Data config;
  config.kind = "cifar10";
  text(config, "dir") = scratch.path().string();
  CHECK(test_complaint(config, 20, kCifarShape).find("cs.toronto.edu") != std::string::npos);
  scratch.file("test_batch.bin", cifar_file(3, 1, 9));
  CHECK(open_test(config, 1, 20, kCifarShape).test->size() == 3);
}

TEST_CASE("cifar10: five batches and a test batch, in the directory or in that of the archive") {
  const Scratch scratch;
  config::Data config;
  config.kind = "cifar10";
  const bool in_archive_folder = GENERATE(false, true);
  text(config, "dir") = scratch.path().string();
  const std::string folder = in_archive_folder ? "cifar-10-batches-bin/" : "";
  std::filesystem::create_directories(scratch.path() / folder);
  for (const char batch : {'1', '2', '3', '4', '5'})
    scratch.file(folder + "data_batch_" + batch + ".bin", cifar_file(2, 1, static_cast<char>(batch - '0')));
  CHECK(complaint(config).find("test_batch.bin.gz") != std::string::npos);
  scratch.file(folder + "test_batch.bin", cifar_file(3, 1, 9));
  const Split split = open(config, 1);
  CHECK(split.train->size() == 10);
  CHECK(split.test->size() == 3);
  CHECK(split.train->sample_shape() == kCifarShape);
  std::vector<std::uint8_t> image(3072);
  std::int32_t label = 0;
  split.train->read(9, image, label);
  CHECK(label == 5);
  config.train = 4;
  config.test = 2;
  CHECK(open(config, 1).train->size() == 4);
  CHECK(open(config, 1).test->size() == 2);
  config.test = 4;
  CHECK(complaint(config).find("data.test = 4, but") == 0);
}

TEST_CASE("cifar100: one training and one test file with coarse and fine labels") {
  const Scratch scratch;
  config::Data config;
  config.kind = "cifar100";
  text(config, "dir") = scratch.path().string();
  scratch.file("train.bin", cifar_file(4, 2, 19));
  scratch.file("test.bin", cifar_file(1, 2, 3));
  const Split split = open(config, 1);
  CHECK(split.train->size() == 4);
  CHECK(split.test->size() == 1);
  CHECK(split.train->classes() == 100);
}
