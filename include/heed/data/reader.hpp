// SPDX-License-Identifier: Apache-2.0
// All readers of interaction logs.
#pragma once

#include "heed/data/read_baskets.hpp"
#include "heed/data/read_delimited.hpp"
#include "heed/data/read_movielens.hpp"
#include "heed/data/read_user_item.hpp"
