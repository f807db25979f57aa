#pragma once

// Which kernels this program has run to their end. With SIMT_KERNELS=directory it writes their names to a
// file of its own in that directory when it ends, so that executed_kernels.cmake can compare what all tests
// have run with what there is.

namespace eightfold::simt {

// Any number of times, from any thread.
void record_executed(const void* kernel);

}  // namespace eightfold::simt
