#include "kernels/base/error.hpp"
#include "runtime/data/byte_stream.hpp"
#include "runtime/data/cifar.hpp"
#include "runtime/data/digits.hpp"
#include "runtime/data/idx.hpp"
#include "runtime/data/source.hpp"

#include <array>
#include <filesystem>
#include <memory>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace eightfold::runtime::data {
namespace {

namespace fs = std::filesystem;

// The first `count` samples of a part, 0: all. `key` and `where` are what the user knows them by.
std::shared_ptr<const Source> take(std::shared_ptr<const Source> whole, std::int64_t count, const char* key,
                                   const fs::path& where) {
  if (count > whole->size())
    base::raise<base::DataError>("{} = {}, but {} holds {} samples", key, count, where.string(),
                                 whole->size());
  if (count == 0 || count == whole->size()) return whole;
  return std::make_shared<SliceSource>(std::move(whole), 0, count);
}

// Both parts of one pair of files: `config.train` samples, then `config.test`.
Split cut(const std::shared_ptr<const Source>& whole, const config::Data& config, const fs::path& where) {
  const std::int64_t train = config.train > 0 ? config.train : whole->size() - config.test;
  if (train < 1 || train > whole->size() - config.test)
    base::raise<base::DataError>(
        "data.train = {} and data.test = {}, but {} holds {} samples, of which each part needs one",
        config.train, config.test, where.string(), whole->size());
  return {std::make_shared<SliceSource>(whole, 0, train),
          std::make_shared<SliceSource>(whole, train, config.test)};
}

Split open_idx(const config::Data& config) {
  const fs::path images = find_file(config.dir, config.images);
  const auto whole = read_idx_pair(images, find_file(config.dir, config.labels), 0);
  if (config.test > 0) return cut(whole, config, images);

  const fs::path test_images = find_file(config.dir, config.test_images);
  auto test = read_idx_pair(test_images, find_file(config.dir, config.test_labels), whole->classes());
  const SampleShape a = whole->sample_shape(), b = test->sample_shape();
  if (a != b)
    base::raise<base::DataError>("{} holds images of {} x {}, but {} of {} x {}", images.string(), a.height,
                                 a.width, test_images.string(), b.height, b.width);
  return {take(whole, config.train, "data.train", images), std::move(test)};
}

// `dir` itself or the folder in it that the archive unpacks to.
fs::path unpacked(const fs::path& dir, const char* folder) {
  std::error_code ignored;
  return fs::is_directory(dir / folder, ignored) ? dir / folder : dir;
}

Split open_cifar(const config::Data& config, const fs::path& dir, std::span<const char* const> train,
                 const char* test, std::span<const std::uint8_t> label_limits) {
  std::vector<fs::path> train_files;
  for (const char* name : train) train_files.push_back(find_file(dir, name));
  const fs::path test_file = find_file(dir, test);
  return {take(read_cifar(train_files, label_limits), config.train, "data.train", dir),
          take(read_cifar({&test_file, 1}, label_limits), config.test, "data.test", test_file)};
}

Split open_digits(const config::Data& config, std::uint64_t seed) {
  constexpr std::int64_t kTrain = 20'000;
  constexpr std::int64_t kTest = 4'000;
  return {make_digits(seed, DigitPart::train, config.train > 0 ? config.train : kTrain),
          make_digits(seed, DigitPart::test, config.test > 0 ? config.test : kTest)};
}

}  // namespace

Split open(const config::Data& config, std::uint64_t seed) {
  constexpr std::array kCifar10 = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                   "data_batch_4.bin", "data_batch_5.bin"};
  constexpr std::array kCifar100 = {"train.bin"};
  switch (config.kind) {
    case config::DataKind::digits:
      return open_digits(config, seed);
    case config::DataKind::idx:
      return open_idx(config);
    case config::DataKind::cifar10:
      return open_cifar(config, unpacked(config.dir, "cifar-10-batches-bin"), kCifar10, "test_batch.bin",
                        kCifar10Labels);
    case config::DataKind::cifar100:
      return open_cifar(config, unpacked(config.dir, "cifar-100-binary"), kCifar100, "test.bin",
                        kCifar100Labels);
  }
  base::raise<base::InternalError>("data set of kind {}", static_cast<int>(config.kind));
}

}  // namespace eightfold::runtime::data
