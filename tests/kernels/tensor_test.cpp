#include "kernels/tensor.hpp"

#include "tests/support/test.hpp"

#include <vector>

using namespace eightfold::kernels;
using eightfold::base::InternalError;

TEST_CASE("shapes count their elements") {
  CHECK(Shape{}.elements() == 1);
  CHECK(Shape{7}.elements() == 7);
  CHECK(Shape{2, 3, 4, 5}.elements() == 120);
  CHECK(Shape{2, 0, 4}.elements() == 0);
  CHECK(Shape{65536, 65536}.elements() == 1LL << 32);
  CHECK(to_string(Shape{128, 28, 28, 1}) == "[128, 28, 28, 1]");
  CHECK(to_string(Shape{}) == "[]");
}

TEST_CASE("shapes are equal when their extents are") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK_FALSE(Shape{2, 3} == Shape{3, 2});
  CHECK_FALSE(Shape{2, 3} == Shape{2, 3, 1});
}

TEST_CASE("impossible shapes are refused") {
  CHECK_THROWS_AS((Shape{1, 2, 3, 4, 5}), InternalError);
  CHECK_THROWS_AS((Shape{-1}), InternalError);
}

TEST_CASE("a tensor knows its elements' type") {
  std::vector<float> values(6);
  const Tensor tensor = host_tensor(std::span<float>(values), Shape{2, 3});
  CHECK(tensor.bytes() == 24);
  CHECK(tensor.as<float>() == values.data());
  CHECK_THROWS_AS(tensor.as<double>(), InternalError);
  const ConstTensor readable = tensor;
  CHECK(readable.span<float>().size() == 6);
  CHECK(Tensor().is_absent());
  CHECK_FALSE(tensor.is_absent());
  CHECK_THROWS_AS(host_tensor(std::span<float>(values), Shape{7}), InternalError);
}

TEST_CASE("rows and reshaped views share the elements") {
  std::vector<float> values(24);
  const Tensor tensor = host_tensor(std::span<float>(values), Shape{4, 3, 2});
  const Tensor middle = tensor.rows(1, 2);
  CHECK(middle.as<float>() == values.data() + 6);
  CHECK(middle.shape() == Shape{2, 3, 2});
  CHECK(tensor.rows(4, 0).elements() == 0);
  CHECK_THROWS_AS(tensor.rows(3, 2), InternalError);
  CHECK_THROWS_AS(tensor.rows(-1, 2), InternalError);
  CHECK(tensor.reshaped(Shape{8, 3}).as<float>() == values.data());
  CHECK_THROWS_AS(tensor.reshaped(Shape{5}), InternalError);
}

TEST_CASE("element types have the sizes and names of safetensors") {
  CHECK(size_of(DType::f64) == 8);
  CHECK(size_of(DType::bf16) == sizeof(BFloat16));
  CHECK(size_of(DType::f16) == sizeof(Float16));
  CHECK(size_of(DType::u8) == 1);
  CHECK(to_string(DType::f32) == "F32");
  CHECK(to_string(DType::bf16) == "BF16");
}
