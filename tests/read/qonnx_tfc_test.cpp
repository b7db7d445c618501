// Claim: the three TFC networks of the QONNX model zoo (1- and 2-bit, MNIST) run as pure integers with the
// accuracy their authors publish. The data stands outside the project.
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <gtest/gtest.h>
#include <zlib.h>

#include "ref/base/file.hpp"
#include "ref/border/convert.hpp"
#include "ref/execute/naive.hpp"
#include "ref/read/import.hpp"
#include "tests/support/shared_data.hpp"

namespace obz {
namespace {

namespace fs = std::filesystem;

/// Payload of an IDX file of bytes, its header of `header_bytes` skipped.
Bytes read_idx(const fs::path& path, std::size_t header_bytes) {
  Bytes bytes;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return bytes;
  std::uint8_t buffer[1 << 16];
  for (int n = 0; (n = gzread(file, buffer, sizeof buffer)) > 0;) bytes.insert(bytes.end(), buffer, buffer + n);
  gzclose(file);
  if (bytes.size() >= header_bytes)
    bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header_bytes));
  return bytes;
}

bool is_float_recipe(const Requant& r) { return r.recipe.arithmetic != Arithmetic::dyadic; }

struct CarriesFloats {
  bool operator()(const Dense& op) const { return is_float_recipe(op.requant); }
  bool operator()(const Rescale& op) const { return is_float_recipe(op.requant); }
  bool operator()(const Threshold&) const { return false; }
  bool operator()(const Reshape&) const { return false; }
  template <class Other>
  bool operator()(const Other&) const {
    ADD_FAILURE() << "unexpected operator " << Other::kName;
    return true;
  }
};

struct Published {
  const char* file;
  double percent;

  friend std::ostream& operator<<(std::ostream& out, const Published& p) { return out << p.file; }
};

class QonnxTfc : public ::testing::TestWithParam<Published> {};

TEST_P(QonnxTfc, classifies_mnist_in_integers_as_published) {
  const fs::path root = test::shared_data(), model = root / "models" / GetParam().file;
  const Bytes images = read_idx(root / "inputs" / "t10k-images-idx3-ubyte.gz", 16);
  const Bytes labels = read_idx(root / "inputs" / "t10k-labels-idx1-ubyte.gz", 8);
  if (!fs::exists(model) || images.empty() || labels.empty()) GTEST_SKIP() << "no model or MNIST in " << root;
  constexpr std::size_t pixels = 28 * 28;
  ASSERT_EQ(images.size(), labels.size() * pixels);

  const IntNet net = import_model(model);
  for (const Node& node : net.nodes) EXPECT_FALSE(std::visit(CarriesFloats{}, node.op)) << node.name;
  ASSERT_EQ(net.inputs.size(), 1U);
  ASSERT_EQ(net.input_borders.size(), 1U);
  ASSERT_EQ(net.outputs.size(), 1U);
  const InputBorder& border = net.input_borders[0];
  const TensorInfo& input = net.tensors[static_cast<std::size_t>(border.tensor)];
  EXPECT_EQ(input.shape, (Shape{1, 1, 28, 28}));
  EXPECT_EQ(net.tensors[static_cast<std::size_t>(net.outputs[0])].shape, (Shape{1, 10}));
  for (const std::string& note : net.notes) std::printf("%s\n", note.c_str());

  const auto naive = [](const Node& node, std::span<const Tensor* const> in, Tensor& y) { run_naive(node, in, y); };
  std::size_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    FloatTensor x{input.shape, std::vector<float>(pixels)};
    for (std::size_t p = 0; p < pixels; ++p) x.data[p] = static_cast<float>(images[i * pixels + p]) / 255.0F;
    const Tensor scores = run_net(net, {quantize(border, input.type, x).values}, naive)[0];
    const auto best = std::max_element(scores.data.begin(), scores.data.end()) - scores.data.begin();
    if (best == labels[i]) ++right;
  }
  const double percent = 100.0 * static_cast<double>(right) / static_cast<double>(labels.size());
  std::printf("%s: %zu of %zu right, %.2f %% (published about %.0f %%)\n", GetParam().file, right, labels.size(),
              percent, GetParam().percent);
  EXPECT_NEAR(percent, GetParam().percent, 1.5);
}

INSTANTIATE_TEST_SUITE_P(zoo, QonnxTfc,
                         ::testing::Values(Published{"TFC_1W1A.onnx", 93}, Published{"TFC_1W2A.onnx", 95},
                                           Published{"TFC_2W2A.onnx", 97}),
                         [](const auto& test) { return std::string(test.param.file).substr(0, 8); });

}  // namespace
}  // namespace obz
