// Recipes and profiles as JSON, written once: networks, manifests and `obz profiles --json` hold the same fields.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "ref/arith/profile.hpp"

namespace obz {

nlohmann::ordered_json recipe_json(const Recipe& recipe);

/// A profile: where it comes from, how a scale becomes numbers, how an accumulator becomes an output.
nlohmann::ordered_json profile_json(const Profile& profile);

}  // namespace obz
