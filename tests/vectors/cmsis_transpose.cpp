// Transposes whose dimensions and permutation the manifest lost: the only ones that turn the input into the output.
#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ref/base/error.hpp"
#include "tests/vectors/cmsis_net.hpp"

namespace obz::test {
namespace {

using Dims = std::vector<std::int64_t>;

struct Candidate {
  Dims dims, permutation;
};

/// All ways to write n as an ordered product of `rank` factors above 1.
void factorizations(std::int64_t n, std::size_t rank, Dims& prefix, const std::function<void(const Dims&)>& visit) {
  if (rank == 0) {
    if (n == 1) visit(prefix);
    return;
  }
  for (std::int64_t d = 2; d <= n; ++d) {
    if (n % d != 0) continue;
    prefix.push_back(d);
    factorizations(n / d, rank - 1, prefix, visit);
    prefix.pop_back();
  }
}

bool maps(const Candidate& c, const Tensor& x, const Tensor& y) {
  const Transpose op{Shape(c.permutation)};
  Tensor out(infer(op, Shape(c.dims), "transpose"), y.type);
  run(op, Tensor(Shape(c.dims), x.type, x.data), out);
  return out.data == y.data;
}

/// Axes that stay together are one axis: equal results mean the same rearrangement of the elements.
Candidate merged(const Candidate& c) {
  const std::size_t rank = c.dims.size();
  std::vector<bool> joins(rank, false);  // this input axis continues the one before it in the output, too
  for (std::size_t i = 1; i < rank; ++i) {
    if (c.permutation[i] == c.permutation[i - 1] + 1) joins[static_cast<std::size_t>(c.permutation[i])] = true;
  }
  Candidate m;
  Dims group(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    if (joins[i]) {
      m.dims.back() *= c.dims[i];
    } else {
      m.dims.push_back(c.dims[i]);
    }
    group[i] = static_cast<std::int64_t>(m.dims.size()) - 1;
  }
  for (const std::int64_t axis : c.permutation) {
    const auto a = static_cast<std::size_t>(axis);
    if (!joins[a]) m.permutation.push_back(group[a]);
  }
  return m;
}

/// "nchw" in the name: which axis of NHWC stands where. Empty when the name says nothing.
Dims spelled(const std::string& name) {
  const std::string letters = name.substr(name.rfind('_') + 1);
  Dims permutation;
  for (const char letter : letters) {
    const std::size_t axis = std::string("nhwc").find(letter);
    if (axis == std::string::npos) return {};
    permutation.push_back(static_cast<std::int64_t>(axis));
  }
  return permutation;
}

}  // namespace

Transpose cmsis_transpose(const CmsisCase& c, Shape& in, std::string& remark) {
  const std::int64_t size = c.number({"SIZE"});
  const auto rank = static_cast<std::size_t>(c.number({"PERM_SIZE"}));
  const Tensor x = c.tensor({"input_tensor"}, Shape{size}), y = c.tensor({"output"}, Shape{size});
  std::vector<Candidate> found;
  Dims prefix;
  factorizations(size, rank, prefix, [&](const Dims& dims) {
    Candidate candidate{dims, Dims(rank)};
    std::iota(candidate.permutation.begin(), candidate.permutation.end(), 0);
    do {
      if (maps(candidate, x, y)) found.push_back(candidate);
    } while (std::next_permutation(candidate.permutation.begin(), candidate.permutation.end()));
  });
  std::set<std::pair<Dims, Dims>> different;
  for (const Candidate& f : found) different.emplace(merged(f).dims, merged(f).permutation);
  if (different.size() != 1) {
    throw Error(fmt::format("{}: {} different transposes explain the output, not one", c.name, different.size()));
  }
  const Dims name_says = spelled(c.name);
  const auto spelled_so =
      std::find_if(found.begin(), found.end(), [&](const Candidate& f) { return f.permutation == name_says; });
  const Candidate& chosen = spelled_so == found.end() ? found[0] : *spelled_so;
  in = Shape(chosen.dims);
  remark = fmt::format("found by search: {} by ({}){}", in.text(), fmt::join(chosen.permutation, ","),
                       spelled_so == found.end() ? "" : " as the name says");
  if (found.size() > 1) remark += fmt::format(", one rearrangement with {} spellings", found.size());
  return Transpose{Shape(chosen.permutation)};
}

}  // namespace obz::test
