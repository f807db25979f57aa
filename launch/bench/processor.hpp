#pragma once

#include <string>

namespace eightfold::launch::bench {

// The name of this machine's processor, for whoever reads what was measured on it.
std::string processor_model();

}  // namespace eightfold::launch::bench
