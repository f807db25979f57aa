// The data.json of a checkpoint. One that is accepted means the same when its facts are written and read
// again.
#include "kernels/base/error.hpp"
#include "runtime/checkpoint/data_file.hpp"
#include "tests/fuzz/target.hpp"

namespace checkpoint = eightfold::runtime::checkpoint;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  eightfold::runtime::data::TrainingFacts facts;
  const std::string text(eightfold::fuzz::text_of({data, size}));
  if (!eightfold::fuzz::accepts(eightfold::fuzz::tree_of(size),
                                [&] { facts = checkpoint::parse_data("data.json", text); }))
    return 0;
  const std::string again = checkpoint::data_text(facts);
  eightfold::base::require(checkpoint::data_text(checkpoint::parse_data("data.json", again)) == again,
                           "other facts: {}", again);
  return 0;
}
