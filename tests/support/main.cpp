// SPDX-License-Identifier: Apache-2.0
// The main function of all test programs, compiled once because Catch2's runner is large.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
