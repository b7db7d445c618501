#include "ref/execute/inputs.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/border/convert.hpp"
#include "ref/tensor/type_text.hpp"

namespace obz {
namespace {

const InputBorder* border_of(const IntNet& net, int tensor) {
  const auto it = std::find_if(net.input_borders.begin(), net.input_borders.end(),
                               [&](const InputBorder& b) { return b.tensor == tensor; });
  return it == net.input_borders.end() ? nullptr : &*it;
}

/// Position of the network input that "id=path" or "path" means, and the path.
std::pair<std::size_t, std::string> target_of(const IntNet& net, const std::string& file, std::size_t position) {
  for (std::size_t i = 0; i < net.inputs.size(); ++i) {
    const std::string& id = net.tensors[static_cast<std::size_t>(net.inputs[i])].id;
    const InputBorder* border = border_of(net, net.inputs[i]);
    for (const std::string& name : {id, border != nullptr ? border->name : id}) {
      if (file.size() > name.size() && file.compare(0, name.size(), name) == 0 && file[name.size()] == '=') {
        return {i, file.substr(name.size() + 1)};
      }
    }
  }
  return {position, file};
}

/// The array seen with a leading sample axis, given what one sample looks like.
Shape with_samples(const Shape& array, const Shape& one, const std::string& name) {
  const auto tail = [](const Shape& s) { return std::vector<std::int64_t>(s.begin() + 1, s.end()); };
  std::vector<std::int64_t> dims(one.begin(), one.end());
  if (array == one) {
    dims.insert(dims.begin(), 1);
    return Shape(dims);
  }
  const bool leading_one = one.rank() > 0 && one[0] == 1;
  if (leading_one && array.rank() == one.rank() && tail(array) == tail(one)) {  // N x rest
    dims.insert(dims.begin(), array[0]);
    return Shape(dims);
  }
  if (leading_one && array.dims() == tail(one)) {  // rest
    dims.insert(dims.begin(), 1);
    return Shape(dims);
  }
  if (array.rank() == one.rank() + 1 && tail(array) == one.dims()) return array;  // N x one
  throw Error(fmt::format("{}: expected {} for one sample, or that with a leading sample axis, got {}", name,
                          one.text(), array.text()));
}

/// Bytes for a border that takes photographs.
bool is_image(const NpyArray& array, const InputBorder* border) {
  return border != nullptr && !border->image_mean.empty() && array.kind == 'u' && array.item_bytes == 1;
}

}  // namespace

InputSet::InputSet(const IntNet& net, const std::vector<std::string>& files) : net_(net) {
  std::vector<NpyArray> arrays(net.inputs.size());
  std::vector<std::string> names(net.inputs.size());
  std::size_t position = 0;
  for (const std::string& file : files) {
    const auto [target, path] = target_of(net, file, position++);
    if (target >= arrays.size()) {
      throw Error(fmt::format("{}: the network has {} input(s), got more files", path, arrays.size()));
    }
    if (!names[target].empty()) throw Error(fmt::format("{}: input {} is given twice", path, target));
    arrays[target] = parse_npy(path == "-" ? read_stdin() : read_file(path), path);
    names[target] = path;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) {
      throw Error(fmt::format("{}: no file for input \"{}\" (--input {}=FILE)", net.name,
                              net.tensors[static_cast<std::size_t>(net.inputs[i])].id,
                              net.tensors[static_cast<std::size_t>(net.inputs[i])].id));
    }
  }
  bind(std::move(arrays), names);
}

InputSet::InputSet(const IntNet& net, std::vector<NpyArray> arrays, const std::vector<std::string>& names) : net_(net) {
  OBZ_CHECK(arrays.size() == net.inputs.size() && names.size() == arrays.size());
  bind(std::move(arrays), names);
}

void InputSet::bind(std::vector<NpyArray> arrays, const std::vector<std::string>& names) {
  names_ = names;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const TensorInfo& info = net_.tensors[static_cast<std::size_t>(net_.inputs[i])];
    Shape one = info.shape;
    if (is_image(arrays[i], border_of(net_, net_.inputs[i]))) one = Shape{1, one[2], one[3], one[1]};
    arrays[i].shape = with_samples(arrays[i].shape, one, names[i]);
    if (arrays[i].kind == 'f' && border_of(net_, net_.inputs[i]) == nullptr) {
      throw Error(fmt::format("{}: input \"{}\" takes {}, got {} (the network has no float border here)", names[i],
                              info.id, type_text(info.type), arrays[i].dtype()));
    }
    if (i > 0 && arrays[i].shape[0] != arrays[0].shape[0]) {
      throw Error(
          fmt::format("{}: {} samples, but {} has {}", names[i], arrays[i].shape[0], names[0], arrays[0].shape[0]));
    }
  }
  count_ = arrays.empty() ? 1 : arrays[0].shape[0];
  if (count_ == 0) throw Error(fmt::format("{}: no samples", names[0]));
  arrays_ = std::move(arrays);
}

std::vector<Tensor> InputSet::sample(std::int64_t i) const {
  std::vector<Tensor> tensors;
  for (std::size_t k = 0; k < arrays_.size(); ++k) {
    const int index = net_.inputs[k];
    const TensorInfo& info = net_.tensors[static_cast<std::size_t>(index)];
    const NpyArray one = npy_sample(arrays_[k], i);
    const std::string where = fmt::format("{}: sample {}", names_[k], i);
    const InputBorder* border = border_of(net_, index);
    const bool image = is_image(one, border);
    if (one.kind == 'f' || image) {
      try {
        const FloatTensor x =
            image ? image_to_floats(*border, one.bytes, info.shape[2], info.shape[3]) : npy_to_floats(one, where);
        tensors.push_back(quantize(*border, info.type, x).values);
      } catch (const Error& e) {
        throw Error(fmt::format("{}: {}", where, e.what()));
      }
    } else {
      tensors.push_back(npy_to_tensor(one, info.type, where));
    }
  }
  return tensors;
}

}  // namespace obz
