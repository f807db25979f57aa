#pragma once

// The kernels that this program has run to their end. With SIMT_KERNELS=directory a program writes their
// names to a file of its own in that directory when it ends. executed_kernels.cmake compares the kernels that
// all tests ran with those that exist.

namespace eightfold::simt {

// Any number of times, from any thread.
void record_executed(const void* kernel);

}  // namespace eightfold::simt
