// SPDX-License-Identifier: Apache-2.0
// What including everything costs a file that uses nothing.
#include <heed/heed.hpp>

int main() { return 0; }
