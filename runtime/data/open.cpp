#include "runtime/data/registry.hpp"
#include "runtime/data/source.hpp"

namespace eightfold::runtime::data {

Split open(const config::Data& config, std::uint64_t seed) {
  return find_data_kind(config.kind).open(config, {config.train, config.test, seed});
}

Split open_test(const config::Data& config, std::uint64_t seed, std::int64_t trained,
                const SampleShape& shape) {
  return find_data_kind(config.kind).open_test(config, {config.train, config.test, seed}, {trained, shape});
}

}  // namespace eightfold::runtime::data
