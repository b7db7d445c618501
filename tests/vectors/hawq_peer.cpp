#include "tests/vectors/hawq_peer.hpp"

#include <cstring>

#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/sha256.hpp"
#include "ref/net/validate.hpp"
#include "ref/read/builder.hpp"
#include "ref/read/fill.hpp"
#include "ref/tensor/archive.hpp"
#include "tests/support/shared_data.hpp"

namespace obz::test {

using Json = nlohmann::json;

std::filesystem::path hawq_folder() { return shared_data() / "peer/hawq"; }

NpzFile::NpzFile(const std::filesystem::path& path) : file_(path.filename().string()) {
  const Bytes bytes = read_file(path);
  for (const auto& [name, entry] : parse_archive(bytes, file_)) {
    arrays_.emplace(name.substr(0, name.size() - std::strlen(".npy")), parse_npy(entry, file_ + ": " + name));
  }
}

const NpyArray& NpzFile::operator[](const std::string& name) const {
  const auto it = arrays_.find(name);
  if (it == arrays_.end()) throw Error(file_ + ": no array " + name);
  return it->second;
}

std::vector<std::int64_t> NpzFile::integers(const std::string& name) const { return npy_to_int64((*this)[name], name); }

std::vector<float> NpzFile::floats(const std::string& name) const { return npy_to_floats((*this)[name], name).data; }

HawqDump::HawqDump(const std::string& tag)
    : graph(Json::parse(as_text(read_file(hawq_folder() / (tag + ".json"))))), arrays(hawq_folder() / (tag + ".npz")) {}

namespace {

/// Appends the authors' nodes one by one.
class Translator {
 public:
  Translator(const HawqDump& dump, const Recipe& recipe)
      : dump_(dump), recipe_(recipe), builder_("hawq", "hawq", "hawq-v3/exact") {}

  IntNet translate() {
    for (const Json& node : dump_.graph["nodes"]) add(node);
    builder_.net().outputs = {last_};
    return builder_.finish();
  }

 private:
  int input(const Json& node, std::size_t i) const { return values_.at(node["inputs"][i].get<std::string>()); }

  void emit(const Json& node, Operator op, std::vector<int> inputs, IntType type = kInt32) {
    const std::string name = node["output"];
    last_ = builder_.add_node(name, node["op"], std::move(op), std::move(inputs), {.id = name, .type = type});
    values_[name] = last_;
  }

  /// Their M and E, without a clamp beyond int32 unless `clamp` is one.
  Requant requant(const std::string& m, const std::string& e, const Json& clamp) const {
    const auto multipliers = dump_.arrays.integers(m), shifts = dump_.arrays.integers(e);
    Requant r{recipe_, std::vector<Channel>(multipliers.size())};
    for (std::size_t i = 0; i < multipliers.size(); ++i) {
      Channel& c = r.channels[i];
      c.multiplier = multipliers[i];
      c.shift = static_cast<std::int32_t>(shifts[i]);
      c.lo = clamp.is_null() ? kInt32.min() : clamp[0].get<std::int64_t>();
      c.hi = clamp.is_null() ? kInt32.max() : clamp[1].get<std::int64_t>();
    }
    return r;
  }

  Filter filter(const Json& node) const {
    const NpyArray& w = dump_.arrays[node["weight"]];
    Tensor weights = npy_to_tensor(w, kInt8, "weight");
    if (w.shape.rank() == 4) {  // theirs: O I Kh Kw, ours: O Kh Kw I
      const std::int64_t o = w.shape[0], i = w.shape[1], kh = w.shape[2], kw = w.shape[3];
      Tensor moved(Shape{o, kh, kw, i}, kInt8);
      for (std::int64_t a = 0; a < o; ++a)
        for (std::int64_t b = 0; b < i; ++b)
          for (std::int64_t c = 0; c < kh; ++c)
            for (std::int64_t d = 0; d < kw; ++d)
              moved.data[static_cast<std::size_t>(((a * kh + c) * kw + d) * i + b)] =
                  weights.data[static_cast<std::size_t>(((a * i + b) * kh + c) * kw + d)];
      weights = std::move(moved);
    }
    return Filter{.weights = std::move(weights), .bias = dump_.arrays.integers(node["bias"])};
  }

  static Window window(const Json& node) {
    const auto pair = [&](const char* key) {
      const Json& v = node[key];
      return v.is_array() ? std::pair<int, int>(v[0], v[1]) : std::pair<int, int>(v, v);
    };
    const auto [sh, sw] = pair("stride");
    const auto [ph, pw] = pair("padding");
    return {.stride_h = sh, .stride_w = sw, .pad_top = ph, .pad_left = pw, .pad_bottom = ph, .pad_right = pw};
  }

  Requant keep(IntType type) const { return identity_requant(type); }

  void add(const Json& node) {
    const std::string op = node["op"], name = node["name"];
    if (op == "quant_input") {
      const auto& shape = node["shape"];
      last_ = builder_.add_tensor(
          {.id = node["output"], .name = name, .shape = Shape(shape.get<std::vector<std::int64_t>>()), .type = kInt8});
      builder_.add_input(last_);
      values_[node["output"]] = last_;
    } else if (op == "conv") {
      emit(node,
           Conv2d{.layout = Layout::nchw,
                  .filter = filter(node),
                  .groups = node["groups"],
                  .window = window(node),
                  .requant = keep(kInt32)},
           {input(node, 0)});
    } else if (op == "linear") {
      emit(node, Dense{.filter = filter(node), .requant = keep(kInt32)}, {flat(input(node, 0))});
    } else if (op == "relu") {
      Requant r = keep(kInt32);
      r.channels[0].lo = 0;
      emit(node, Rescale{.requant = r}, {input(node, 0)});
    } else if (op == "maxpool") {
      const std::int32_t k = node["kernel"];
      const IntType type = builder_.info(input(node, 0)).type;
      emit(node,
           MaxPool{.layout = Layout::nchw,
                   .kernel_h = k,
                   .kernel_w = k,
                   .window = window(node),
                   .lo = static_cast<std::int32_t>(type.min()),
                   .hi = static_cast<std::int32_t>(type.max())},
           {input(node, 0)}, type);
    } else if (op == "avgpool") {
      const std::int32_t k = node["kernel"];
      AvgPool pool{.layout = Layout::nchw, .kernel_h = k, .kernel_w = k, .window = window(node)};
      pool.count_includes_pad = true;
      fill_avg_pool(find_profile("hawq-v3/torch"), pool, 1, {.lo = -32768, .hi = 32767, .type = kInt16}, name);
      for (Channel& c : pool.requant.channels) {
        c.lo = kInt32.min();
        c.hi = kInt32.max();
      }
      emit(node, pool, {input(node, 0)});
    } else if (op == "requant") {
      const IntType type = node["clamp"][0].get<int>() < 0 ? kInt16 : kUInt8;
      emit(node, Rescale{.axis = 1, .requant = requant(name + ".M", name + ".E", node["clamp"])}, {input(node, 0)},
           type);
    } else if (op == "join") {
      const auto branch = [&](std::size_t i, const char* which) {
        const std::string id = name + which;
        return builder_.add_node(
            id, "join", Rescale{.axis = 1, .requant = requant(name + ".M" + which, name + ".E" + which, nullptr)},
            {input(node, i)}, {.id = id, .type = kInt32});
      };
      Add sum;
      sum.branch_a = sum.branch_b = sum.out = keep(kInt32);
      const int main = branch(0, "_main"), identity = branch(1, "_id");
      emit(node, sum, {main, identity});
    } else if (op == "concat_requant") {
      Concat concat{.axis = 1};
      std::vector<int> parts;
      const Requant all = requant(name + ".M", name + ".E", node["clamp"]);
      for (std::size_t i = 0; i < node["inputs"].size(); ++i) {
        parts.push_back(input(node, i));
        concat.x_zero_points.push_back(0);
        concat.requants.push_back({all.recipe, {all.channels[i]}});
      }
      const IntType type = node["clamp"][0].get<int>() < 0 ? kInt16 : kUInt8;
      emit(node, std::move(concat), std::move(parts), type);
    } else {
      throw Error("peer/hawq: unknown operation " + op);
    }
  }

  int flat(int value) {
    const Shape& s = builder_.info(value).shape;
    if (s.rank() == 2) return value;
    const IntType type = builder_.info(value).type;
    return builder_.add_node("flatten", "flatten", Reshape{Shape{s[0], s.elems() / s[0]}}, {value},
                             {.id = "flatten", .type = type});
  }

  const HawqDump& dump_;
  Recipe recipe_;
  NetBuilder builder_;
  std::map<std::string, int> values_;
  int last_ = -1;
};

}  // namespace

IntNet net_of(const HawqDump& dump, const Recipe& recipe) { return Translator(dump, recipe).translate(); }

std::string sha256_i32(const Tensor& tensor) {
  Bytes bytes(tensor.data.size() * sizeof(std::int32_t));
  std::memcpy(bytes.data(), tensor.data.data(), bytes.size());
  return sha256_hex(bytes);
}

}  // namespace obz::test
