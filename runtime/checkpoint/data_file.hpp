#pragma once

// data.json of a checkpoint: what the training data taught (runtime/data/training_facts.hpp). Checkpoints of
// versions that did not write it have none.

#include "runtime/checkpoint/store.hpp"
#include "runtime/data/training_facts.hpp"

#include <optional>
#include <string>

namespace eightfold::runtime::checkpoint {

// The file's text. Reading it gives the same facts, to the last bit of mean and deviation.
std::string data_text(const data::TrainingFacts& facts);

// Throws DataError, beginning with `name`, when the text is malformed, of another version or says what no
// data can be.
data::TrainingFacts parse_data(const std::string& name, const std::string& text);

// A checkpoint's, verified as it is opened. Throws DataError.
std::optional<data::TrainingFacts> read_data(const Found& found);

}  // namespace eightfold::runtime::checkpoint
