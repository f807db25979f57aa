#include "kernels/cuda/activation.hpp"
#include "kernels/cuda/library.hpp"
#include "kernels/cuda/parallel.hpp"
#include "kernels/linear.hpp"
#include "kernels/operations.hpp"

#include <cublasLt.h>

#include <algorithm>
#include <cstdint>

// Bitwise reproducible on devices of one kind. Algorithms are chosen by shape when a layer is planned; one
// that divides a sum must add the parts in a fixed order.

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

// Of all operands of a product: a packet, which the fast algorithms want, or one float. Views into the middle
// of a batch may have no more.
enum class Alignment : std::uint32_t { wide = sizeof(Packet<float>), narrow = sizeof(float) };

template <class... Values>
bool are_wide(const Values*... operands) {
  return (is_packet_aligned(operands) && ...);
}

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

Preference prefer(Alignment alignment) {
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
    put(operand, static_cast<std::uint32_t>(alignment));
  return preference;
}

// c = left right + beta c, planned for operands of one alignment.
class Product {
 public:
  Product() = default;
  Product(Device device, const Factor& left, const Factor& right, Alignment alignment,
          cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT)
      : handle_(handle_of(device)),
        description_(describe(left.operation, right.operation, epilogue)),
        left_(layout_of(left.rows, left.columns)),
        right_(layout_of(right.rows, right.columns)),
        result_(layout_of(left.height(), right.width())) {
    // Of this address only the alignment counts, by which an algorithm is chosen; run() sets the one that is
    // read.
    if (epilogue == CUBLASLT_EPILOGUE_BIAS)
      set_bias(reinterpret_cast<const void*>(static_cast<std::uintptr_t>(alignment)));
    has_algorithm_ = choose(alignment);
    if (!has_algorithm_ && epilogue == CUBLASLT_EPILOGUE_DEFAULT)
      base::raise<base::EnvironmentError>("cuBLASLt has no algorithm for a linear layer of this shape");
  }

  // False only with an epilogue, which not every shape is offered with.
  bool has_algorithm() const { return has_algorithm_; }
  std::size_t workspace_bytes() const { return choice_.workspaceSize; }

  void set_bias(const void* bias) { set(description_, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias); }

  void run(StreamView stream, const Buffer<std::byte>& workspace, const float* left, const float* right,
           float beta, float* result) const {
    const float alpha = 1;
    make_current(stream.device());
    EIGHTFOLD_CUBLAS_CHECK(cublasLtMatmul(handle_, description_.get(), &alpha, left, left_.get(), right,
                                          right_.get(), &beta, result, result_.get(), result, result_.get(),
                                          &choice_.algo, workspace.data(), workspace.size(), native(stream)));
  }

 private:
  bool choose(Alignment alignment) {
    const Preference preference = prefer(alignment);
    int found = 0;
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(handle_, description_.get(), left_.get(), right_.get(), result_.get(),
                                       result_.get(), preference.get(), 1, &choice_, &found);
    if (status == CUBLAS_STATUS_NOT_SUPPORTED) return false;  // as some versions say that they found none
    check_cublas("cublasLtMatmulAlgoGetHeuristic", status);
    return found > 0 && choice_.state == CUBLAS_STATUS_SUCCESS;
  }

  cublasLtHandle_t handle_ = nullptr;
  Description description_;
  Layout left_, right_, result_;
  cublasLtMatmulHeuristicResult_t choice_{};
  bool has_algorithm_ = false;
};

// A product for whatever addresses its operands have.
class GradientProduct {
 public:
  GradientProduct() = default;
  GradientProduct(Device device, const Factor& left, const Factor& right)
      : wide_(device, left, right, Alignment::wide), narrow_(device, left, right, Alignment::narrow) {}

  std::size_t workspace_bytes() const { return std::max(wide_.workspace_bytes(), narrow_.workspace_bytes()); }

  void run(StreamView stream, const Buffer<std::byte>& workspace, const float* left, const float* right,
           float beta, float* result) const {
    const Product& product = are_wide(left, right, result) ? wide_ : narrow_;
    product.run(stream, workspace, left, right, beta, result);
  }

 private:
  Product wide_, narrow_;
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
    float* const result = y.as<float>();
    if (with_bias_.has_algorithm() && are_wide(weight.as<float>(), x.as<float>(), bias.as<float>(), result)) {
      with_bias_.set_bias(bias.as<float>());
      with_bias_.run(stream, workspace_, weight.as<float>(), x.as<float>(), 0, result);
      if (shape_.activation == Activation::relu) cuda::pointwise_forward(stream, Pointwise::relu, y, y);
    } else {
      without_bias_.run(stream, workspace_, weight.as<float>(), x.as<float>(), 0, result);
      add_bias(stream, bias.as<float>(), shape_.batch, shape_.outputs, shape_.activation, result);
    }
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
    const Factor weight_transposed{inputs, outputs, CUBLAS_OP_T}, x{inputs, batch, CUBLAS_OP_N};
    with_bias_ = {device, weight_transposed, x, Alignment::wide, CUBLASLT_EPILOGUE_BIAS};
    without_bias_ = {device, weight_transposed, x, Alignment::narrow};
    backward_weight_ = {device, x, Factor{outputs, batch, CUBLAS_OP_T}};
    backward_data_ = {device, Factor{inputs, outputs, CUBLAS_OP_N}, Factor{outputs, batch, CUBLAS_OP_N}};
    workspace_ = Buffer<std::byte>(
        device, std::max({with_bias_.workspace_bytes(), without_bias_.workspace_bytes(),
                          backward_weight_.workspace_bytes(), backward_data_.workspace_bytes()}));
  }

  LinearShape shape_;
  BiasGradient bias_gradient_;
  Product with_bias_, without_bias_;  // cuBLASLt may take a bias for wide whatever it was promised
  GradientProduct backward_weight_, backward_data_;
  Buffer<std::byte> workspace_;
};

}  // namespace

std::unique_ptr<Linear> plan_linear(Device device, const LinearShape& shape) {
  return std::make_unique<CudaLinear>(device, shape);
}

}  // namespace eightfold::kernels::cuda
