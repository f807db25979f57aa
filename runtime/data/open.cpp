#include "kernels/base/error.hpp"
#include "runtime/data/cifar.hpp"
#include "runtime/data/digits.hpp"
#include "runtime/data/idx.hpp"
#include "runtime/data/source.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace eightfold::runtime::data {
namespace {

namespace fs = std::filesystem;

// Why `path` is no file to read; nothing if it is one.
std::optional<std::string> obstacle(const fs::path& path) {
  std::error_code failure;
  const fs::file_status status = fs::status(path, failure);
  if (fs::is_regular_file(status)) return std::nullopt;
  if (fs::is_directory(status)) return "a directory";
  if (fs::exists(status)) return "not a regular file";
  if (status.type() != fs::file_type::not_found) return failure.message();
  if (std::error_code ignored; fs::is_symlink(fs::symlink_status(path, ignored))) return "a link to nothing";
  return "no such file";
}

// Where the files of a job are, in the words of its user.
struct Place {
  fs::path directory;
  const char* way_out;  // of there being none
};
constexpr const char* kMakeDigits = "`eightfold data digits DIR` makes some";
constexpr const char* kGetCifar = "https://www.cs.toronto.edu/~kriz/cifar.html has them";

// The file `name` of the directory, or else the same with ".gz" added or, if it ends so, removed. `keys` are
// what the job says it by.
fs::path find_file(const Place& place, const fs::path& name, const char* keys) {
  const fs::path asked = place.directory / name;
  fs::path other = asked;
  if (asked.extension() == ".gz") {
    other.replace_extension();
  } else {
    other += ".gz";
  }
  const std::optional<std::string> first = obstacle(asked);
  if (!first) return asked;
  const std::optional<std::string> second = obstacle(other);
  if (!second) return other;
  base::raise<base::DataError>(
      "no data ({}): {}: {}; {}: {}; say where the files are with --set data.dir=DIR; {}", keys,
      asked.string(), *first, other.string(), *second, place.way_out);
}

// The first `count` samples of a part, 0: all. `key` and `where` are what the user knows them by.
std::shared_ptr<const Source> take(std::shared_ptr<const Source> whole, std::int64_t count, const char* key,
                                   const fs::path& where) {
  if (count > whole->size())
    base::raise<base::DataError>("{} = {}, but {} holds {} samples", key, count, where.string(),
                                 whole->size());
  if (count == 0 || count == whole->size()) return whole;
  return std::make_shared<SliceSource>(std::move(whole), 0, count);
}

// The first `train` samples and the next `test`.
Split cut(const std::shared_ptr<const Source>& whole, std::int64_t train, std::int64_t test) {
  return {std::make_shared<SliceSource>(whole, 0, train), std::make_shared<SliceSource>(whole, train, test)};
}

// Both parts of one pair of files.
Split cut_as_configured(const config::Data& config, const std::shared_ptr<const Source>& whole,
                        const fs::path& where) {
  const std::int64_t train = config.train > 0 ? config.train : whole->size() - config.test;
  if (train < 1 || train > whole->size() - config.test)
    base::raise<base::DataError>(
        "data.train = {} and data.test = {}, but {} holds {} samples, of which each part needs one",
        config.train, config.test, where.string(), whole->size());
  return cut(whole, train, config.test);
}

std::string to_string(const SampleShape& shape) {
  return fmt::format("{} x {} x {}", shape.height, shape.width, shape.channels);
}

// A pair of IDX files of the directory that the job names.
struct IdxPair {
  fs::path images;
  std::shared_ptr<const Source> source;
};

IdxPair open_train_idx(const config::Data& config) {
  const Place place{config.dir, kMakeDigits};
  const fs::path images = find_file(place, config.images, "data.dir, data.images");
  return {images, read_idx_pair(images, find_file(place, config.labels, "data.dir, data.labels"))};
}

IdxPair open_test_idx(const config::Data& config) {
  const Place place{config.dir, kMakeDigits};
  const fs::path images = find_file(place, config.test_images, "data.dir, data.test_images");
  return {images, read_idx_pair(images, find_file(place, config.test_labels, "data.dir, data.test_labels"))};
}

Split open_idx(const config::Data& config) {
  const IdxPair train = open_train_idx(config);
  if (config.test > 0) return cut_as_configured(config, train.source, train.images);
  IdxPair test = open_test_idx(config);
  const SampleShape a = train.source->sample_shape(), b = test.source->sample_shape();
  if (a != b)
    base::raise<base::DataError>("{} holds images of {}, but {} of {}", train.images.string(), to_string(a),
                                 test.images.string(), to_string(b));
  return {take(train.source, config.train, "data.train", train.images), std::move(test.source)};
}

// A split whose test samples a network that was trained on samples of shape `shape` can take.
Split fitting(Split split, const SampleShape& shape, const fs::path& where) {
  if (const SampleShape found = split.test->sample_shape(); found != shape)
    base::raise<base::DataError>("{} holds images of {}, but the network was trained on {}", where.string(),
                                 to_string(found), to_string(shape));
  return split;
}

// The test samples behind those of the training files that a network was trained on.
Split open_behind(const config::Data& config, std::int64_t trained, const SampleShape& shape) {
  const IdxPair pair = open_train_idx(config);
  if (config.test > pair.source->size() - trained)
    base::raise<base::DataError>(
        "data.test = {}, but {} holds {} samples, and the network was trained on the first {}", config.test,
        pair.images.string(), pair.source->size(), trained);
  return fitting(cut(pair.source, trained, config.test), shape, pair.images);
}

// CIFAR as it is published: the files of a directory, or of the folder in it that the archive unpacks to.
struct CifarKind {
  const char* folder;
  std::vector<const char*> train;
  const char* test;
  std::span<const std::uint8_t> label_limits;
};

CifarKind cifar_kind(config::DataKind kind) {
  if (kind == config::DataKind::cifar100)
    return {"cifar-100-binary", {"train.bin"}, "test.bin", kCifar100Labels};
  return {
      "cifar-10-batches-bin",
      {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
      "test_batch.bin",
      kCifar10Labels};
}

Place cifar_place(const config::Data& config, const CifarKind& kind) {
  const fs::path dir = config.dir;
  std::error_code ignored;
  return {fs::is_directory(dir / kind.folder, ignored) ? dir / kind.folder : dir, kGetCifar};
}

std::shared_ptr<const Source> open_train_cifar(const config::Data& config) {
  const CifarKind kind = cifar_kind(config.kind);
  const Place place = cifar_place(config, kind);
  std::vector<fs::path> files;
  for (const char* name : kind.train) files.push_back(find_file(place, name, "data.dir"));
  return take(read_cifar(files, kind.label_limits), config.train, "data.train", place.directory);
}

std::shared_ptr<const Source> open_test_cifar(const config::Data& config) {
  const CifarKind kind = cifar_kind(config.kind);
  const fs::path file = find_file(cifar_place(config, kind), kind.test, "data.dir");
  return take(read_cifar({&file, 1}, kind.label_limits), config.test, "data.test", file);
}

std::shared_ptr<const Source> open_digits(const config::Data& config, std::uint64_t seed, DigitPart part) {
  constexpr std::int64_t kTest = 4'000;
  if (part == DigitPart::train)
    return make_digits(seed, part, config.train > 0 ? config.train : config::kDefaultDigits);
  return make_digits(seed, part, config.test > 0 ? config.test : kTest);
}

}  // namespace

Split open(const config::Data& config, std::uint64_t seed) {
  switch (config.kind) {
    case config::DataKind::digits:
      return {open_digits(config, seed, DigitPart::train), open_digits(config, seed, DigitPart::test)};
    case config::DataKind::idx:
      return open_idx(config);
    case config::DataKind::cifar10:
    case config::DataKind::cifar100:
      return {open_train_cifar(config), open_test_cifar(config)};
  }
  base::raise<base::InternalError>("data set of kind {}", static_cast<int>(config.kind));
}

Split open_test(const config::Data& config, std::uint64_t seed, std::int64_t trained,
                const SampleShape& shape) {
  switch (config.kind) {
    case config::DataKind::digits:
      return fitting({nullptr, open_digits(config, seed, DigitPart::test)}, shape, "data.kind = digits");
    case config::DataKind::idx: {
      if (config.test > 0) return open_behind(config, trained, shape);
      IdxPair test = open_test_idx(config);
      return fitting({nullptr, std::move(test.source)}, shape, test.images);
    }
    case config::DataKind::cifar10:
    case config::DataKind::cifar100:
      return fitting({nullptr, open_test_cifar(config)}, shape, config.dir);
  }
  base::raise<base::InternalError>("data set of kind {}", static_cast<int>(config.kind));
}

}  // namespace eightfold::runtime::data
