#include "kernels/cuda/activation.hpp"
#include "kernels/cuda/library.hpp"
#include "kernels/linear.hpp"
#include "kernels/operations.hpp"

#include <cublasLt.h>

#include <algorithm>
#include <cstdint>

// Bitwise reproducible on devices of one kind: algorithms are chosen by shape when a layer is planned, and of
// those that divide a sum only the ones that add it up in a fixed order are allowed.

namespace eightfold::kernels::cuda {
namespace {

void check_cublas(const char* call, cublasStatus_t status,
                  std::source_location where = std::source_location::current()) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw base::LibraryError(call, static_cast<int>(status), cublasLtGetStatusString(status), where);
}
#define EIGHTFOLD_CUBLAS_CHECK(call) check_cublas(#call, (call))

cublasLtHandle_t handle_of(Device device) {
  static auto* const handles = new HandlePerDevice<cublasLtHandle_t>;
  return handles->of(device, [] {
    cublasLtHandle_t handle = nullptr;
    EIGHTFOLD_CUBLAS_CHECK(cublasLtCreate(&handle));
    return handle;
  });
}

using Description = Owned<cublasLtMatmulDesc_t, &cublasLtMatmulDescDestroy>;
using Layout = Owned<cublasLtMatrixLayout_t, &cublasLtMatrixLayoutDestroy>;
using Preference = Owned<cublasLtMatmulPreference_t, &cublasLtMatmulPreferenceDestroy>;

// Alignment of operands that the fast algorithms want: a packet. Views into the middle of a batch may not
// have it.
constexpr std::uint32_t kWideAlignment = 16, kNarrowAlignment = sizeof(float);

// A factor of a product, column by column in memory as the library sees it: a row-major matrix is its own
// transpose.
struct Factor {
  std::int64_t rows, columns;  // as they lie
  cublasOperation_t operation;

  // As they enter the product.
  std::int64_t height() const { return operation == CUBLAS_OP_N ? rows : columns; }
  std::int64_t width() const { return operation == CUBLAS_OP_N ? columns : rows; }
};

Layout layout_of(std::int64_t rows, std::int64_t columns) {
  cublasLtMatrixLayout_t layout = nullptr;
  EIGHTFOLD_CUBLAS_CHECK(cublasLtMatrixLayoutCreate(&layout, CUDA_R_32F, static_cast<std::uint64_t>(rows),
                                                    static_cast<std::uint64_t>(columns), rows));
  return Layout(layout);
}

template <class Value>
void set(const Description& description, cublasLtMatmulDescAttributes_t attribute, const Value& value) {
  EIGHTFOLD_CUBLAS_CHECK(cublasLtMatmulDescSetAttribute(description.get(), attribute, &value, sizeof value));
}

Description describe(cublasOperation_t left, cublasOperation_t right, cublasLtEpilogue_t epilogue) {
  cublasLtMatmulDesc_t created = nullptr;
  const cublasComputeType_t compute = tf32() ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  EIGHTFOLD_CUBLAS_CHECK(cublasLtMatmulDescCreate(&created, compute, CUDA_R_32F));
  Description description(created);
  set(description, CUBLASLT_MATMUL_DESC_TRANSA, left);
  set(description, CUBLASLT_MATMUL_DESC_TRANSB, right);
  set(description, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
  return description;
}

Preference prefer(std::uint32_t alignment) {
  cublasLtMatmulPreference_t created = nullptr;
  EIGHTFOLD_CUBLAS_CHECK(cublasLtMatmulPreferenceCreate(&created));
  Preference preference(created);
  const auto put = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
    EIGHTFOLD_CUBLAS_CHECK(cublasLtMatmulPreferenceSetAttribute(created, attribute, &value, sizeof value));
  };
  constexpr std::uint64_t kWorkspace = 32 << 20;  // what NVIDIA recommends for Hopper
  put(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspace);
  // Parts of a divided sum meet in the workspace, where another kernel adds them in order.
  const auto reduction = static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
  put(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, reduction);
  for (const auto operand :
       {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
    put(operand, alignment);
  return preference;
}

// c = left right + beta c, planned.
class Product {
 public:
  Product() = default;
  Product(Device device, const Factor& left, const Factor& right,
          cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT)
      : handle_(handle_of(device)),
        description_(describe(left.operation, right.operation, epilogue)),
        left_(layout_of(left.rows, left.columns)),
        right_(layout_of(right.rows, right.columns)),
        result_(layout_of(left.height(), right.width())) {
    // Without some address of a bias no algorithm that adds one is found; run() sets the one that is read.
    if (epilogue == CUBLASLT_EPILOGUE_BIAS) set_bias(this);
    wide_ = choose(kWideAlignment);
    narrow_ = choose(kNarrowAlignment);
  }

  std::size_t workspace_bytes() const { return std::max(wide_.workspaceSize, narrow_.workspaceSize); }

  void set_bias(const void* bias) { set(description_, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias); }

  void run(StreamView stream, const Buffer<std::byte>& workspace, const float* left, const float* right,
           float beta, float* result) {
    const float alpha = 1;
    const bool is_wide = is_aligned(left) && is_aligned(right) && is_aligned(result);
    make_current(stream.device());
    EIGHTFOLD_CUBLAS_CHECK(cublasLtMatmul(handle_, description_.get(), &alpha, left, left_.get(), right,
                                          right_.get(), &beta, result, result_.get(), result, result_.get(),
                                          is_wide ? &wide_.algo : &narrow_.algo, workspace.data(),
                                          workspace.size(), native(stream)));
  }

 private:
  static bool is_aligned(const void* data) {
    return reinterpret_cast<std::uintptr_t>(data) % kWideAlignment == 0;
  }

  cublasLtMatmulHeuristicResult_t choose(std::uint32_t alignment) const {
    const Preference preference = prefer(alignment);
    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    EIGHTFOLD_CUBLAS_CHECK(cublasLtMatmulAlgoGetHeuristic(handle_, description_.get(), left_.get(),
                                                          right_.get(), result_.get(), result_.get(),
                                                          preference.get(), 1, &best, &found));
    if (found == 0)
      base::raise<base::EnvironmentError>("cuBLASLt has no algorithm for a linear layer of this shape");
    return best;
  }

  cublasLtHandle_t handle_ = nullptr;
  Description description_;
  Layout left_, right_, result_;
  cublasLtMatmulHeuristicResult_t wide_{}, narrow_{};
};

// Row-major y = x W^T + b is column-major y^T = W x^T + b: the library sees every matrix of ours transposed.
class CudaLinear final : public Linear {
 public:
  CudaLinear(Device device, const LinearShape& shape)
      : shape_(shape), bias_gradient_(device, shape.batch, shape.outputs, shape.activation) {
    if (shape.batch > 0) plan(device);
  }

  void forward(StreamView stream, ConstTensor x, ConstTensor weight, ConstTensor bias, Tensor y) override {
    if (shape_.batch == 0) return;
    product_.set_bias(bias.as<float>());
    product_.run(stream, workspace_, weight.as<float>(), x.as<float>(), 0, y.as<float>());
    if (shape_.activation == Activation::relu) cuda::relu_forward(stream, y, y);
  }

  void backward_parameters(StreamView stream, ConstTensor x, ConstTensor y, Tensor dy, GradientMode mode,
                           Tensor dweight, Tensor dbias) override {
    bias_gradient_(stream, y.as<float>(), dy.as<float>(), mode, dbias.as<float>());
    if (shape_.batch == 0) {
      if (mode == GradientMode::overwrite) cuda::fill(stream, 0, dweight);
      return;
    }
    const float beta = mode == GradientMode::accumulate ? 1 : 0;
    backward_weight_.run(stream, workspace_, x.as<float>(), dy.as<float>(), beta, dweight.as<float>());
  }

  void backward_data(StreamView stream, ConstTensor dy, ConstTensor weight, Tensor dx) override {
    if (shape_.batch == 0) return;
    backward_data_.run(stream, workspace_, weight.as<float>(), dy.as<float>(), 0, dx.as<float>());
  }

 private:
  void plan(Device device) {
    const std::int64_t batch = shape_.batch, inputs = shape_.inputs, outputs = shape_.outputs;
    product_ = {device, Factor{inputs, outputs, CUBLAS_OP_T}, Factor{inputs, batch, CUBLAS_OP_N},
                CUBLASLT_EPILOGUE_BIAS};
    backward_weight_ = {device, Factor{inputs, batch, CUBLAS_OP_N}, Factor{outputs, batch, CUBLAS_OP_T}};
    backward_data_ = {device, Factor{inputs, outputs, CUBLAS_OP_N}, Factor{outputs, batch, CUBLAS_OP_N}};
    workspace_ =
        Buffer<std::byte>(device, std::max({product_.workspace_bytes(), backward_weight_.workspace_bytes(),
                                            backward_data_.workspace_bytes()}));
  }

  LinearShape shape_;
  BiasGradient bias_gradient_;
  Product product_, backward_weight_, backward_data_;
  Buffer<std::byte> workspace_;
};

}  // namespace

std::unique_ptr<Linear> plan_linear(Device device, const LinearShape& shape) {
  return std::make_unique<CudaLinear>(device, shape);
}

}  // namespace eightfold::kernels::cuda
