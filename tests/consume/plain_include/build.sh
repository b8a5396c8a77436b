#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build.sh COMPILER HEED_INCLUDE EIGEN_INCLUDE: no build system, two include paths. Writes ./consumer.
set -eu
"$1" -std=c++20 -O2 -march=native -I"$2" -isystem "$3" "$(dirname "$0")/../main.cpp" -o consumer
