// The inside of a function: scopes, declarations, labels, statements.
#pragma once

#include "gpu/ptx/syntax.hpp"
#include "gpu/ptx/token_reader.hpp"

namespace obz::ptx {

/// A declaration behind its space: [.align n] [.v2] type [.ptr .align n] name[bytes]; without its initialiser. In two
/// steps, as several names may share the first: `type` has all but name and bytes.
struct DeclaredType {
  Variable type;
  std::uint32_t vector = 1;
};
DeclaredType read_type(TokenReader& reader, Space space);
Variable read_name(TokenReader& reader, const DeclaredType& declared);

/// Everything up to the closing brace, which is taken too. Names of inner scopes become unique.
void read_body(TokenReader& reader, FunctionText& function);

}  // namespace obz::ptx
