#include "ref/net/save_load.hpp"

#include "ref/base/file.hpp"
#include "ref/base/json_depth.hpp"
#include "ref/net/field_reader.hpp"
#include "ref/net/field_writer.hpp"
#include "ref/net/validate.hpp"

namespace obz {
namespace {

template <class Self, class V>
void net_fields(Self& net, V&& v) {
  v("name", net.name);
  v("origin", net.origin);
  v("profile", net.profile);
  v("notes", net.notes);
  v("inputs", net.inputs);
  v("outputs", net.outputs);
  v("input_borders", net.input_borders);
  v("output_borders", net.output_borders);
}

template <class Self, class V>
void tensor_fields(Self& t, V&& v) {
  v("id", t.id);
  v("name", t.name);
  v("shape", t.shape);
  v("type", t.type);
  v("scale", t.scale);
  v("zero_point", t.zero_point);
}

/// Index of the operator with this name in the variant, and a default-constructed one.
template <std::size_t I = 0>
std::optional<Operator> operator_named(std::string_view name) {
  if constexpr (I < std::variant_size_v<Operator>) {
    using Op = std::variant_alternative_t<I, Operator>;
    if (name == Op::kName) return Operator(Op{});
    return operator_named<I + 1>(name);
  } else {
    return std::nullopt;
  }
}

Json write_node(const Node& node, std::size_t index, ArchiveEntries& arrays) {
  Json json = {{"name", node.name},     {"op", operator_name(node.op)}, {"origin", node.origin},
               {"inputs", node.inputs}, {"outputs", node.outputs},      {"fields", Json::object()}};
  std::visit(
      [&](const auto& op) {
        std::decay_t<decltype(op)>::fields(op, FieldWriter(json["fields"], fmt::format("node{}", index), arrays));
      },
      node.op);
  return json;
}

Node read_node(const Json& json, const std::string& path, const ReadContext& context) {
  FieldReader reader(json, path, context);
  Node node;
  std::string op;
  reader("name", node.name);
  reader("op", op);
  reader("origin", node.origin);
  reader("inputs", node.inputs);
  reader("outputs", node.outputs);
  auto parsed = operator_named(op);
  if (!parsed) throw Error(fmt::format("{}: {}.op: unknown operator \"{}\"", context.file, path, op));
  node.op = std::move(*parsed);
  std::visit([&](auto& o) { reader("fields", o); }, node.op);
  reader.refuse_unknown_fields();
  return node;
}

TensorInfo read_tensor(const Json& json, const std::string& path, const ReadContext& context) {
  FieldReader reader(json, path, context);
  TensorInfo info;
  tensor_fields(info, reader);
  if (json.contains("constant")) {
    info.constant.emplace();
    reader("constant", *info.constant);
  }
  reader.refuse_unknown_fields();
  return info;
}

const Json& list_of(const Json& json, const char* key, const std::string& file) {
  const auto it = json.find(key);
  if (it == json.end() || !it->is_array()) throw Error(fmt::format("{}: {}: expected a list", file, key));
  return *it;
}

}  // namespace

Bytes format_net(const IntNet& net) {
  Json json = {{"format", "obz-net"}, {"version", kNetFormatVersion}};
  ArchiveEntries arrays;
  net_fields(net, FieldWriter(json, "net", arrays));
  json["tensors"] = Json::array();
  for (std::size_t i = 0; i < net.tensors.size(); ++i) {
    const TensorInfo& t = net.tensors[i];
    Json item = Json::object();
    FieldWriter writer(item, fmt::format("tensor{}", i), arrays);
    tensor_fields(t, writer);
    if (t.constant) writer("constant", *t.constant);
    json["tensors"].push_back(std::move(item));
  }
  json["nodes"] = Json::array();
  for (std::size_t i = 0; i < net.nodes.size(); ++i) json["nodes"].push_back(write_node(net.nodes[i], i, arrays));

  const std::string text = json.dump(1, ' ', false, Json::error_handler_t::replace);
  ArchiveEntries entries{{"net.json", Bytes(text.begin(), text.end())}};
  entries.insert(entries.end(), std::make_move_iterator(arrays.begin()), std::make_move_iterator(arrays.end()));
  return format_archive(entries);
}

IntNet parse_net(ByteView file, const std::string& name) {
  ReadContext context{name, parse_archive(file, name)};
  const auto entry = context.arrays.find("net.json");
  if (entry == context.arrays.end()) throw Error(fmt::format("{}: no .obz network (entry net.json is missing)", name));
  constexpr std::size_t largest = std::size_t{1} << 28;
  if (entry->second.size() > largest || json_depth(as_text(entry->second)) > kMaxJsonDepth) {
    throw Error(fmt::format("{}: entry net.json: expected at most {} bytes and {} levels of JSON", name, largest,
                            kMaxJsonDepth));
  }
  const Json json = Json::parse(entry->second.begin(), entry->second.end(), nullptr, false);
  if (!json.is_object()) throw Error(fmt::format("{}: net.json is no JSON object", name));
  if (json.value("format", Json()) != Json("obz-net")) {
    throw Error(fmt::format("{}: net.json: expected format \"obz-net\"", name));
  }
  if (json.value("version", Json()) != Json(kNetFormatVersion)) {
    throw Error(fmt::format("{}: net.json: expected version {}, got {}", name, kNetFormatVersion,
                            json.value("version", Json()).dump(-1, ' ', true, Json::error_handler_t::replace)));
  }
  IntNet net;
  net_fields(net, FieldReader(json, "net", context));
  const Json& tensors = list_of(json, "tensors", name);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    net.tensors.push_back(read_tensor(tensors[i], fmt::format("tensors[{}]", i), context));
  }
  const Json& nodes = list_of(json, "nodes", name);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    net.nodes.push_back(read_node(nodes[i], fmt::format("nodes[{}]", i), context));
  }
  validate(net, name);
  return net;
}

void save_net(const IntNet& net, const std::filesystem::path& path) { write_file(path, format_net(net)); }

IntNet load_net(const std::filesystem::path& path) { return parse_net(read_file(path), path.string()); }

}  // namespace obz
