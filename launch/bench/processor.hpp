#pragma once

#include <string>

namespace eightfold::launch::bench {

// The name of this machine's processor, as measurements record it; "unknown" where the system does not tell.
std::string processor_model();

}  // namespace eightfold::launch::bench
