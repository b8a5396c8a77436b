// SPDX-License-Identifier: Apache-2.0
// Compile cost of including all headers without using them.
#include <heed/heed.hpp>

int main() { return 0; }
