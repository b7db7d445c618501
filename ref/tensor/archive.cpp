#include "ref/tensor/archive.hpp"

#include <memory>

#include <fmt/format.h>
#include <zip.h>

#include "ref/base/error.hpp"

namespace obz {
namespace {

struct DiscardArchive {
  void operator()(zip_t* z) const { zip_discard(z); }
};
struct FreeSource {
  void operator()(zip_source_t* s) const { zip_source_free(s); }
};
struct CloseEntry {
  void operator()(zip_file_t* f) const { zip_fclose(f); }
};
using Archive = std::unique_ptr<zip_t, DiscardArchive>;
using Source = std::unique_ptr<zip_source_t, FreeSource>;
using Entry = std::unique_ptr<zip_file_t, CloseEntry>;

std::string message_of(zip_error_t& error) {
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

void check(bool ok, zip_t* archive) {
  if (!ok) throw Error(fmt::format("cannot build the archive: {}", zip_strerror(archive)));
}

}  // namespace

Bytes format_archive(const ArchiveEntries& entries) {
  zip_error_t error;
  zip_error_init(&error);
  const Source sink(zip_source_buffer_create(nullptr, 0, 0, &error));
  if (!sink) throw Error("cannot build the archive: " + message_of(error));
  zip_source_keep(sink.get());  // the archive takes one reference, we keep one to read the bytes back
  Archive archive(zip_open_from_source(sink.get(), ZIP_CREATE | ZIP_TRUNCATE, &error));
  if (!archive) {
    zip_source_free(sink.get());
    throw Error("cannot build the archive: " + message_of(error));
  }
  zip_error_fini(&error);
  constexpr zip_uint16_t dos_midnight = 0, dos_first_day = (1 << 5) | 1;  // 1980-01-01 00:00
  for (const auto& [name, bytes] : entries) {
    zip_source_t* content = zip_source_buffer(archive.get(), bytes.data(), bytes.size(), 0);
    check(content != nullptr, archive.get());
    const zip_int64_t index = zip_file_add(archive.get(), name.c_str(), content, ZIP_FL_ENC_UTF_8);
    if (index < 0) zip_source_free(content);
    check(index >= 0, archive.get());
    const auto entry = static_cast<zip_uint64_t>(index);
    check(zip_file_set_dostime(archive.get(), entry, dos_midnight, dos_first_day, 0) == 0, archive.get());
    constexpr zip_uint32_t fastest = 1;
    check(zip_set_file_compression(archive.get(), entry, ZIP_CM_DEFLATE, fastest) == 0, archive.get());
  }
  check(zip_close(archive.get()) == 0, archive.get());
  archive.release();

  OBZ_CHECK(zip_source_open(sink.get()) == 0);
  zip_source_seek(sink.get(), 0, SEEK_END);
  Bytes bytes(static_cast<std::size_t>(zip_source_tell(sink.get())));
  zip_source_seek(sink.get(), 0, SEEK_SET);
  const zip_int64_t got = zip_source_read(sink.get(), bytes.data(), bytes.size());
  zip_source_close(sink.get());
  OBZ_CHECK(got == static_cast<zip_int64_t>(bytes.size()));
  return bytes;
}

std::map<std::string, Bytes> parse_archive(ByteView file, const std::string& name, std::uint64_t max_bytes) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(file.data(), file.size(), 0, &error);
  if (source == nullptr) throw Error(fmt::format("{}: {}", name, message_of(error)));
  const Archive archive(zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error));
  if (!archive) {
    zip_source_free(source);
    throw Error(fmt::format("{}: not a readable zip archive (.obz, .npz): {}", name, message_of(error)));
  }
  zip_error_fini(&error);
  std::map<std::string, Bytes> entries;
  std::uint64_t total = 0;
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  if (count == 0)
    throw Error(fmt::format("{}: expected a zip archive with entries, got none in {} bytes", name, file.size()));
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    zip_stat_init(&stat);
    const auto index = static_cast<zip_uint64_t>(i);
    constexpr zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE;
    if (zip_stat_index(archive.get(), index, 0, &stat) != 0 || (stat.valid & needed) != needed) {
      throw Error(fmt::format("{}: cannot read entry {}", name, i));
    }
    // deflate cannot expand more than about 1032 times: a size beyond that is a lie, not data
    constexpr std::uint64_t max_expansion = 1100;
    if (stat.size > max_bytes - total || stat.size > file.size() * max_expansion) {
      throw Error(fmt::format("{}: entry {} claims {} bytes, more than the file can hold", name, stat.name, stat.size));
    }
    total += stat.size;
    const Entry entry(zip_fopen_index(archive.get(), index, 0));
    Bytes bytes(stat.size);
    std::uint8_t beyond = 0;  // reading past the end is what makes libzip check the entry's CRC
    const bool whole = entry &&
                       zip_fread(entry.get(), bytes.data(), bytes.size()) == static_cast<zip_int64_t>(stat.size) &&
                       zip_fread(entry.get(), &beyond, 1) == 0;
    if (!whole) {
      throw Error(fmt::format("{}: entry {} is damaged: {}", name, stat.name, zip_strerror(archive.get())));
    }
    if (!entries.emplace(stat.name, std::move(bytes)).second) {
      throw Error(fmt::format("{}: entry {} stands twice", name, stat.name));
    }
  }
  return entries;
}

}  // namespace obz
