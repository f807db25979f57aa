#include "tests/support/scratch.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace eightfold::test {

Scratch::Scratch(const std::filesystem::path& parent) {
  std::string pattern = (parent / "eightfold-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot create " + pattern);
  path_ = pattern;
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path Scratch::file(const std::filesystem::path& name, std::string_view contents) const {
  std::ofstream stream(path_ / name, std::ios::binary);
  if (!(stream << contents << std::flush)) throw std::runtime_error("cannot write " + name.string());
  return path_ / name;
}

std::string contents_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + file.string());
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace eightfold::test
