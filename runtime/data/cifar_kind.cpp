// cifar10, cifar100
#include "runtime/config/field.hpp"
#include "runtime/data/cifar.hpp"
#include "runtime/data/data_kind.hpp"
#include "runtime/data/files.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace eightfold::runtime::data {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string dir = "data";
};

enum class Version { cifar10, cifar100 };

constexpr const char* kGetCifar = "https://www.cs.toronto.edu/~kriz/cifar.html has them";

// CIFAR as it is published: the files of a directory, or of the folder in it that the archive unpacks to.
struct CifarFiles {
  const char* folder;
  std::vector<const char*> train;
  const char* test;
  std::span<const std::uint8_t> label_limits;
};

CifarFiles cifar_files(Version version) {
  if (version == Version::cifar100) return {"cifar-100-binary", {"train.bin"}, "test.bin", kCifar100Labels};
  return {
      "cifar-10-batches-bin",
      {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
      "test_batch.bin",
      kCifar10Labels};
}

DataPlace cifar_place(const Options& options, const CifarFiles& kind) {
  const fs::path dir = options.dir;
  std::error_code ignored;
  return {fs::is_directory(dir / kind.folder, ignored) ? dir / kind.folder : dir, kGetCifar};
}

template <Version kVersion>
std::shared_ptr<const Source> open_train(const Options& options, const Request& request) {
  const CifarFiles kind = cifar_files(kVersion);
  const DataPlace place = cifar_place(options, kind);
  std::vector<fs::path> files;
  for (const char* name : kind.train) files.push_back(find_file(place, name, "data.dir"));
  return take(read_cifar(files, kind.label_limits), request.train, "data.train", place.directory);
}

template <Version kVersion>
std::shared_ptr<const Source> open_tests(const Options& options, const Request& request) {
  const CifarFiles kind = cifar_files(kVersion);
  const fs::path file = find_file(cifar_place(options, kind), kind.test, "data.dir");
  return take(read_cifar({&file, 1}, kind.label_limits), request.test, "data.test", file);
}

template <Version kVersion>
Split open_both(const Options& options, const Request& request) {
  return {open_train<kVersion>(options, request), open_tests<kVersion>(options, request)};
}

template <Version kVersion>
Split open_test_part(const Options& options, const Request& request, const Trained& trained) {
  return fitting({nullptr, open_tests<kVersion>(options, request)}, trained.shape, options.dir);
}

template <Version kVersion>
DataKind cifar(std::string_view name, std::string help, std::int64_t classes) {
  return data_kind<Options>(
      {.name = name,
       .help = std::move(help),
       .keys = {config::field_as<config::PathField>(
           "dir", &Options::dir, {.help = "Directory of the files.", .text = config::TextRule::filled})}},
      open_both<kVersion>, open_test_part<kVersion>, {.shape = {32, 32, 3}, .classes = classes});
}

}  // namespace

const DataKind& cifar10() {
  static const DataKind kind = cifar<Version::cifar10>("cifar10", "its binary version.", 10);
  return kind;
}

const DataKind& cifar100() {
  static const DataKind kind =
      cifar<Version::cifar100>("cifar100", "its binary version, with the 100 fine labels.", 100);
  return kind;
}

}  // namespace eightfold::runtime::data
