// idx: MNIST and its relatives.
#include "kernels/base/error.hpp"
#include "runtime/config/field.hpp"
#include "runtime/data/data_kind.hpp"
#include "runtime/data/files.hpp"
#include "runtime/data/idx.hpp"

#include <filesystem>
#include <utility>

namespace eightfold::runtime::data {
namespace {

namespace fs = std::filesystem;
using Options = IdxOptions;

constexpr const char* kMakeDigits = "`eightfold data digits DIR` makes some";

// Both parts of one pair of files.
Split cut_as_configured(const Request& request, const std::shared_ptr<const Source>& whole,
                        const fs::path& where) {
  const std::int64_t train = request.train > 0 ? request.train : whole->size() - request.test;
  if (train < 1 || train > whole->size() - request.test)
    base::raise<base::DataError>(
        "data.train = {} and data.test = {}, but {} holds {} samples, of which each part needs one",
        request.train, request.test, where.string(), whole->size());
  return cut(whole, train, request.test);
}

// A pair of IDX files of the directory that the job names.
struct IdxPair {
  fs::path images;
  std::shared_ptr<const Source> source;
};

IdxPair open_train_idx(const Options& options) {
  const DataPlace place{options.dir, kMakeDigits};
  const fs::path images = find_file(place, options.images, "data.dir, data.images");
  return {images, read_idx_pair(images, find_file(place, options.labels, "data.dir, data.labels"))};
}

IdxPair open_test_idx(const Options& options) {
  const DataPlace place{options.dir, kMakeDigits};
  const fs::path images = find_file(place, options.test_images, "data.dir, data.test_images");
  return {images, read_idx_pair(images, find_file(place, options.test_labels, "data.dir, data.test_labels"))};
}

Split open_idx(const Options& options, const Request& request) {
  const IdxPair train = open_train_idx(options);
  if (request.test > 0) return cut_as_configured(request, train.source, train.images);
  IdxPair test = open_test_idx(options);
  const SampleShape a = train.source->sample_shape(), b = test.source->sample_shape();
  if (a != b)
    base::raise<base::DataError>("{} holds images of {}, but {} of {}", train.images.string(), to_string(a),
                                 test.images.string(), to_string(b));
  return {take(train.source, request.train, "data.train", train.images), std::move(test.source)};
}

// The test samples behind those of the training files that a network was trained on.
Split open_behind(const Options& options, const Request& request, const Trained& trained) {
  const IdxPair pair = open_train_idx(options);
  if (request.test > pair.source->size() - trained.samples)
    base::raise<base::DataError>(
        "data.test = {}, but {} holds {} samples, and the network was trained on the first {}", request.test,
        pair.images.string(), pair.source->size(), trained.samples);
  return fitting(cut(pair.source, trained.samples, request.test), trained.shape, pair.images);
}

Split open_test_idx_of(const Options& options, const Request& request, const Trained& trained) {
  if (request.test > 0) return open_behind(options, request, trained);
  IdxPair test = open_test_idx(options);
  return fitting({nullptr, std::move(test.source)}, trained.shape, test.images);
}

// A file in the directory; `identity`: whether the numbers of training depend on it.
config::Key<Options> file_key(std::string_view name, std::string Options::*member, std::string help,
                              config::Identity identity) {
  return config::field_as<config::PathField>(
      name, member, {.help = std::move(help), .text = config::TextRule::filled, .identity = identity});
}

}  // namespace

const DataKind& idx() {
  using config::Identity;
  static const DataKind kind = data_kind<Options>(
      {.name = "idx",
       .help = "the files of MNIST and its relatives.",
       .keys = {file_key("dir", &Options::dir, "Directory of the files.", Identity::none),
                file_key("images", &Options::images, "Training images, IDX, also gzip-compressed.",
                         Identity::always),
                file_key("labels", &Options::labels, "Training labels, IDX, also gzip-compressed.",
                         Identity::always),
                file_key("test_images", &Options::test_images, "Test images.", Identity::none),
                file_key("test_labels", &Options::test_labels, "Test labels.", Identity::none)}},
      open_idx, open_test_idx_of, {.has_these_classes = false});
  return kind;
}

}  // namespace eightfold::runtime::data
