#include <runtime/telemetry/version.hpp>

#include <iostream>

int main() {
  std::cout << eightfold::runtime::telemetry::version() << '\n';
}
