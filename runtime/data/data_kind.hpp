#pragma once

// A kind of data: its description (runtime/config/kind.hpp), and how its samples are opened.

#include "runtime/config/job.hpp"
#include "runtime/config/kind.hpp"
#include "runtime/data/source.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace eightfold::runtime::data {

// The values that a job gives to any kind.
struct Request {
  std::int64_t train = 0, test = 0;  // samples; 0: as the kind says
  std::uint64_t seed = 0;            // of generated samples
};

// The data that a network was trained on.
struct Trained {
  std::int64_t samples = 0;
  SampleShape shape;
};

struct DataTraits {
  SampleShape shape{28, 28, 1};  // of the random samples that stand in for it where a step is timed
  std::int64_t classes = 10;
  bool has_these_classes = true;  // all data of this kind; else the files say how many there are
  bool has_files = true;
  std::int64_t default_train = 0;  // training samples where a job names no number; 0: all in the files
};

struct DataKind : config::KindFacts {
  // As open() and open_test() (runtime/data/source.hpp).
  std::function<Split(const config::Choice&, const Request&)> open;
  std::function<Split(const config::Choice&, const Request&, const Trained&)> open_test;
  DataTraits traits;
};

template <class Options>
DataKind data_kind(config::Kind<Options> kind, Split (*open)(const Options&, const Request&),
                   Split (*open_test)(const Options&, const Request&, const Trained&),
                   const DataTraits& traits) {
  const auto shared = std::make_shared<const config::Kind<Options>>(std::move(kind));
  return {config::facts_of(shared),
          [shared, open](const config::Choice& choice, const Request& request) {
            return open(shared->options(choice), request);
          },
          [shared, open_test](const config::Choice& choice, const Request& request, const Trained& trained) {
            return open_test(shared->options(choice), request, trained);
          },
          traits};
}

}  // namespace eightfold::runtime::data
