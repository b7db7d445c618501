#include "golden/sets/vector_set.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "golden/cases/coverage.hpp"
#include "golden/cases/requant_stream.hpp"
#include "golden/cases/synth.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/base/sha256.hpp"
#include "ref/execute/naive.hpp"
#include "ref/net/save_load.hpp"

namespace obz {
namespace fs = std::filesystem;
namespace {

/// Writes files into the temporary folder of a set and remembers their hashes.
class SetWriter {
 public:
  SetWriter(fs::path folder, Manifest& manifest) : folder_(std::move(folder)), manifest_(manifest) {}

  void add(const std::string& name, const Bytes& bytes) {
    write_file(folder_ / name, bytes);
    manifest_.files.emplace_back(name, sha256_hex(bytes));
  }
  void add_tensor(const std::string& name, const Tensor& t, const SetOptions& options) {
    add(name + ".npy", format_tensor(t, Format::npy, name));
    for (const Format f : options.formats) {
      if (f == Format::npy) continue;
      add(fmt::format("{}.{}", name, extension(f)), format_tensor(t, f, name, {options.mem_lanes}));
    }
  }
  void finish() {
    const std::string text = format_manifest(manifest_);
    write_file(folder_ / kManifestName, as_bytes(text));
  }

 private:
  fs::path folder_;
  Manifest& manifest_;
};

void check_set_options(const SetOptions& options, std::int64_t count, const char* what) {
  constexpr std::int64_t most = 1 << 27;
  if (count < 1 || count > most) throw Error(fmt::format("expected 1..{} {}s, got {}", most, what, count));
  constexpr int most_lanes = 1 << 12;
  if (options.mem_lanes < 1 || options.mem_lanes > most_lanes) {
    throw Error(fmt::format("expected 1..{} lanes a word, got {}", most_lanes, options.mem_lanes));
  }
}

std::vector<Column> columns_of(const RecordLayout& layout, const std::vector<RequantCase>& cases,
                               const std::vector<std::int64_t>& out) {
  std::vector<Column> columns;
  for (const auto& f : layout.inputs) columns.push_back({f.name, 8 * f.bytes, f.is_signed, {}});
  columns.push_back({layout.out.name, 8 * layout.out.bytes, layout.out.is_signed, out});
  // A record is the one description of the fields; the columns are cut out of it.
  for (const RequantCase& c : cases) {
    Bytes record;
    append_binary(record, layout, c, nullptr);
    const std::uint8_t* p = record.data();
    for (std::size_t i = 0; i < layout.inputs.size(); ++i) {
      const auto& f = layout.inputs[i];
      const auto bits = static_cast<std::int64_t>(load_le(p, f.bytes));
      columns[i].values.push_back(f.is_signed ? wrap(bits, 8 * f.bytes) : bits);
      p += f.bytes;
    }
  }
  return columns;
}

/// Values of one tensor over all samples, one after the other.
struct Stack {
  Tensor all;

  void push(const Tensor& t) {
    all.type = t.type;
    if (all.shape.rank() == 0) {
      std::vector<std::int64_t> dims(t.shape.begin(), t.shape.end());
      dims.insert(dims.begin(), 0);
      all.shape = Shape(dims);
    }
    all.shape[0] += 1;
    all.data.insert(all.data.end(), t.data.begin(), t.data.end());
  }
};

std::vector<Tensor> sample_inputs(const IntNet& net, const InputSet* inputs, Goal goal, std::uint64_t seed,
                                  std::int64_t i) {
  return inputs != nullptr ? inputs->sample(i) : random_inputs(net, goal, seed, i);
}

std::int64_t sample_count(const InputSet* inputs, std::int64_t samples) {
  return inputs != nullptr ? std::min(inputs->count(), samples) : samples;
}

/// Sets are held in memory while they are written.
void check_set_size(const IntNet& net, std::int64_t samples) {
  std::int64_t elems = 1;
  for (const TensorInfo& t : net.tensors) elems += t.constant ? 0 : t.shape.elems();
  if (samples > kMaxElems / elems) {
    throw Error(fmt::format("expected at most {} samples of {} values each in one set, got {}", kMaxElems / elems,
                            elems, samples));
  }
}

/// What is read must be vouched for: an unlisted file has no hash.
void require_listed(const Manifest& m, const std::string& name, const fs::path& folder) {
  const bool listed = std::any_of(m.files.begin(), m.files.end(), [&](const auto& file) { return file.first == name; });
  if (!listed) throw Error(fmt::format("{}: field files: {} is missing", (folder / kManifestName).string(), name));
}

}  // namespace

std::string file_name_of(const std::string& id) {
  std::string name;
  for (const char c : id) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_';
    name += plain ? c : '_';
  }
  if (name.empty() || name[0] == '.') name.insert(0, "_");
  return name;
}

std::vector<RequantCase> draw_cases(const RequantSpace& space, std::int64_t count) {
  constexpr std::int64_t most = 1 << 24;
  if (count > most)
    throw Error(fmt::format("expected at most {} cases in a folder, got {}; the stream has no limit", most, count));
  std::vector<RequantCase> cases;
  cases.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) cases.push_back(make_requant_case(space, static_cast<std::uint64_t>(i)));
  return cases;
}

Manifest write_requant_set(const fs::path& folder, const RequantSpace& space, const std::vector<RequantCase>& cases,
                           const std::optional<Certificate>& certificate, const SetOptions& options) {
  const auto count = static_cast<std::int64_t>(cases.size());
  check_set_options(options, count, "case");
  Manifest m{.kind = SetKind::requant,
             .op = "requant",
             .profile = std::string(space.profile->id),
             .goal = space.goal,
             .seed = space.seed,
             .count = count,
             .out = space.out,
             .mem_lanes = 1,
             .certificate = certificate};
  write_folder(folder, kManifestName, [&](const fs::path& temporary) {
    SetWriter writer(temporary, m);
    const RecordLayout layout = record_layout(*space.profile, space.out);
    std::vector<std::int64_t> out;
    Bytes records;
    for (const RequantCase& c : cases) {
      out.push_back(apply_recipe(c.acc, space.profile->recipe, c.channel));
      append_binary(records, layout, c, &out.back());
    }
    m.coverage = count_events(*space.profile, space.out, cases);
    writer.add("cases.bin", records);
    const std::vector<Column> columns = columns_of(layout, cases, out);
    for (const Format f : options.formats) {
      if (f == Format::npy) {
        for (const Column& c : columns) writer.add(c.name + ".npy", format_npy(npy_from(c.values)));
      } else if (f != Format::bin) {
        writer.add(fmt::format("cases.{}", extension(f)), format_table(columns, f, "requant"));
      }
    }
    writer.finish();
  });
  return m;
}

Manifest write_requant_set(const fs::path& folder, const RequantSpace& space, std::int64_t count,
                           const SetOptions& options) {
  check_set_options(options, count, "case");
  return write_requant_set(folder, space, draw_cases(space, count), std::nullopt, options);
}

RequantSet load_requant_set(const fs::path& folder, Manifest manifest) {
  RequantSet set{std::move(manifest), {}, {}};
  const Profile& profile = find_profile(set.manifest.profile);
  const RecordLayout layout = record_layout(profile, set.manifest.out);
  require_listed(set.manifest, "cases.bin", folder);
  const Bytes records = read_file(folder / "cases.bin");
  const auto size = static_cast<std::size_t>(layout.record_bytes());
  const std::string where = (folder / "cases.bin").string();
  if (records.size() % size != 0 || static_cast<std::int64_t>(records.size() / size) != set.manifest.count) {
    throw Error(fmt::format("{}: expected {} records of {} bytes, got {} bytes", where, set.manifest.count, size,
                            records.size()));
  }
  for (std::size_t at = 0; at < records.size(); at += size) {
    std::int64_t out = 0;
    set.cases.push_back(parse_binary(records.data() + at, layout, out));
    set.expected.push_back(out);
    if (!in_domain(profile, set.cases.back())) {
      throw Error(fmt::format("{}: case {} is outside the domain of {}", where, at / size, profile.id));
    }
  }
  return set;
}

IntNet extract_layer(const IntNet& net, int index) {
  const Node& node = net.nodes[static_cast<std::size_t>(index)];
  IntNet layer;
  layer.name = node.name;
  layer.origin = net.origin;
  layer.profile = net.profile;
  Node copy = node;
  const auto take = [&](int tensor) {
    const TensorInfo& info = net.tensors[static_cast<std::size_t>(tensor)];
    const auto known =
        std::find_if(layer.tensors.begin(), layer.tensors.end(), [&](const TensorInfo& t) { return t.id == info.id; });
    if (known != layer.tensors.end()) return static_cast<int>(known - layer.tensors.begin());
    layer.tensors.push_back(info);
    return static_cast<int>(layer.tensors.size()) - 1;
  };
  for (int& i : copy.inputs) {
    const int original = i;
    i = take(original);
    const bool is_new_input = !layer.tensors[static_cast<std::size_t>(i)].constant &&
                              std::find(layer.inputs.begin(), layer.inputs.end(), i) == layer.inputs.end();
    if (is_new_input) layer.inputs.push_back(i);
  }
  for (int& o : copy.outputs) {
    o = take(o);
    layer.outputs.push_back(o);
  }
  layer.nodes.push_back(std::move(copy));
  return layer;
}

namespace {

Manifest write_layer(const fs::path& folder, const IntNet& net, int index, const InputSet* inputs, Goal goal,
                     std::uint64_t seed, std::int64_t samples, const SetOptions& options,
                     const std::optional<LayerCertificate>& certificate) {
  check_set_options(options, samples, "sample");
  const IntNet layer = extract_layer(net, index);
  const std::int64_t count = sample_count(inputs, samples);
  check_set_size(layer, count);
  Manifest m{.kind = SetKind::layer,
             .op = std::string(operator_name(layer.nodes[0].op)),
             .profile = net.profile,
             .goal = goal,
             .seed = seed,
             .count = count,
             .out = layer.tensors[static_cast<std::size_t>(layer.outputs[0])].type,
             .mem_lanes = options.mem_lanes,
             .layer_certificate = certificate};
  write_folder(folder, kManifestName, [&](const fs::path& temporary) {
    SetWriter writer(temporary, m);
    std::vector<Stack> x(layer.inputs.size());
    Stack y;
    std::vector<std::int64_t> accs;
    for (std::int64_t s = 0; s < count; ++s) {
      run_net(net, sample_inputs(net, inputs, goal, seed, s),
              [&](const Node& node, std::span<const Tensor* const> in, Tensor& out) {
                const bool this_one = &node == &net.nodes[static_cast<std::size_t>(index)];
                run_naive(node, in, out, this_one ? &accs : nullptr);
                if (!this_one) return;
                for (std::size_t k = 0; k < layer.inputs.size(); ++k) {
                  const auto at =
                      std::find(layer.nodes[0].inputs.begin(), layer.nodes[0].inputs.end(), layer.inputs[k]);
                  x[k].push(*in[static_cast<std::size_t>(at - layer.nodes[0].inputs.begin())]);
                }
                y.push(out);
              });
    }
    writer.add("layer.obz", format_net(layer));
    for (std::size_t k = 0; k < x.size(); ++k) writer.add_tensor(fmt::format("x{}", k), x[k].all, options);
    writer.add_tensor("y", y.all, options);
    if (!accs.empty()) writer.add("acc.npy", format_npy(npy_from(accs)));
    std::visit(
        [&](const auto& op) {
          if constexpr (requires { op.filter; }) {
            writer.add_tensor("weights", op.filter.weights, options);
            if (!op.filter.bias.empty()) writer.add("bias.npy", format_npy(npy_from(op.filter.bias)));
          }
          if constexpr (requires { op.requant.channels; }) {
            std::vector<std::int64_t> multiplier, shift;
            for (const Channel& c : op.requant.channels) {
              multiplier.push_back(c.multiplier);
              shift.push_back(c.shift);
            }
            writer.add("multiplier.npy", format_npy(npy_from(multiplier)));
            writer.add("shift.npy", format_npy(npy_from(shift)));
          }
        },
        layer.nodes[0].op);
    writer.finish();
  });
  return m;
}

}  // namespace

Manifest write_layer_set(const fs::path& folder, const IntNet& net, int index, const InputSet* inputs, Goal goal,
                         std::uint64_t seed, std::int64_t samples, const SetOptions& options) {
  return write_layer(folder, net, index, inputs, goal, seed, samples, options, std::nullopt);
}

Manifest write_complete_layer_set(const fs::path& folder, const IntNet& layer, std::uint64_t seed,
                                  const SetOptions& options) {
  const CompleteInputs complete = complete_inputs(layer, seed);
  std::vector<Stack> stacks(layer.inputs.size());
  for (const std::vector<Tensor>& sample : complete.samples) {
    for (std::size_t k = 0; k < stacks.size(); ++k) stacks[k].push(sample[k]);
  }
  std::vector<NpyArray> arrays;
  for (const Stack& s : stacks) arrays.push_back(npy_from(s.all));
  const InputSet inputs(layer, std::move(arrays), std::vector<std::string>(stacks.size(), "complete inputs"));
  return write_layer(folder, layer, 0, &inputs, Goal::complete, seed, inputs.count(), options, complete.certificate);
}

Manifest write_network_set(const fs::path& folder, const IntNet& net, const InputSet* inputs, Goal goal,
                           std::uint64_t seed, std::int64_t samples, const SetOptions& options) {
  check_set_options(options, samples, "sample");
  const std::int64_t count = sample_count(inputs, samples);
  check_set_size(net, count);
  Manifest m{.kind = SetKind::network,
             .op = net.name,
             .profile = net.profile,
             .goal = goal,
             .seed = seed,
             .count = count,
             .mem_lanes = options.mem_lanes};
  write_folder(folder, kManifestName, [&](const fs::path& temporary) {
    SetWriter writer(temporary, m);
    std::vector<Stack> values(net.tensors.size());
    for (std::int64_t s = 0; s < count; ++s) {
      run_net(
          net, sample_inputs(net, inputs, goal, seed, s),
          [](const Node& node, std::span<const Tensor* const> in, Tensor& out) { run_naive(node, in, out); },
          [&](int tensor, const Tensor& value) { values[static_cast<std::size_t>(tensor)].push(value); });
    }
    writer.add("net.obz", format_net(net));
    for (std::size_t k = 0; k < net.inputs.size(); ++k) {
      writer.add_tensor(fmt::format("input{}", k), values[static_cast<std::size_t>(net.inputs[k])].all, options);
    }
    for (const Node& node : net.nodes) {
      const auto out = static_cast<std::size_t>(node.outputs[0]);
      writer.add_tensor("taps/" + file_name_of(net.tensors[out].id), values[out].all, options);
    }
    writer.finish();
  });
  return m;
}

NetSet load_net_set(const fs::path& folder, Manifest manifest) {
  NetSet set{std::move(manifest), {}, {}, {}};
  const bool layer = set.manifest.kind == SetKind::layer;
  const std::string net_file = layer ? "layer.obz" : "net.obz";
  require_listed(set.manifest, net_file, folder);
  set.net = load_net(folder / net_file);
  if (set.net.profile != set.manifest.profile) {
    throw Error(fmt::format("{}: field profile: expected \"{}\" as {} says, got \"{}\"",
                            (folder / kManifestName).string(), set.net.profile, net_file, set.manifest.profile));
  }
  const auto load = [&](const std::string& name, int tensor) {
    require_listed(set.manifest, name + ".npy", folder);
    const fs::path path = folder / (name + ".npy");
    NpyArray array = parse_npy(read_file(path), path.string());
    std::vector<std::int64_t> dims{set.manifest.count};
    const Shape& one = set.net.tensors[static_cast<std::size_t>(tensor)].shape;
    dims.insert(dims.end(), one.begin(), one.end());
    if (array.shape != Shape(dims)) {
      throw Error(fmt::format("{}: expected {}, got {}", path.string(), Shape(dims).text(), array.shape.text()));
    }
    return array;
  };
  for (std::size_t k = 0; k < set.net.inputs.size(); ++k) {
    set.inputs.push_back(load(fmt::format("{}{}", layer ? "x" : "input", k), set.net.inputs[k]));
  }
  for (const Node& node : set.net.nodes) {
    const int out = node.outputs[0];
    const std::string name = layer ? "y" : "taps/" + file_name_of(set.net.tensors[static_cast<std::size_t>(out)].id);
    set.expected.emplace_back(out, load(name, out));
  }
  return set;
}

}  // namespace obz
