#include "runtime/data/input_stage.hpp"

#include "kernels/elementwise.hpp"

namespace eightfold::runtime::data {
namespace {

kernels::Buffer<float> on_device(kernels::Device device, const std::vector<float>& values) {
  kernels::Buffer<float> buffer(device, values.size());
  const kernels::Stream stream(device);
  kernels::copy(stream, kernels::host_tensor(std::span(values), buffer.tensor().shape()), buffer.tensor());
  // The vector may go once this returns, and other streams may use the buffer.
  stream.view().synchronize();
  return buffer;
}

}  // namespace

InputStage::InputStage(kernels::Device device, const Normalization& normalization,
                       const kernels::Shape& sample, std::int64_t rows)
    : device_(device),
      scale_(on_device(device, normalization.scale)),
      shift_(on_device(device, normalization.shift)) {
  if (device.kind == kernels::DeviceKind::host) return;
  images_ = {device, static_cast<std::size_t>(rows * sample.elements())};
  labels_ = {device, static_cast<std::size_t>(rows)};
}

kernels::ConstTensor InputStage::load(kernels::StreamView stream, kernels::ConstTensor images,
                                      kernels::ConstTensor labels, kernels::Tensor input) {
  if (device_.kind == kernels::DeviceKind::host) {
    kernels::bytes_to_float(stream, images, scale_.tensor(), shift_.tensor(), input);
    return labels;
  }
  // Copied as bytes and converted there: a quarter of what fp32 would take on the bus.
  const kernels::Tensor device_images = images_.tensor(images.shape());
  const kernels::Tensor device_labels = labels_.tensor(labels.shape());
  kernels::copy(stream, images, device_images);
  kernels::copy(stream, labels, device_labels);
  kernels::bytes_to_float(stream, device_images, scale_.tensor(), shift_.tensor(), input);
  return device_labels;
}

}  // namespace eightfold::runtime::data
