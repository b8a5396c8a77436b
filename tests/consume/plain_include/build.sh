#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build.sh HEED_INCLUDE EIGEN_INCLUDE COMPILER [OPTION...]: no build system, two include paths. Writes ./consumer.
set -eu
heed=$1 eigen=$2
shift 2
"$@" -std=c++20 -O2 -march=native -I"$heed" -isystem "$eigen" "$(dirname "$0")/../main.cpp" -o consumer
