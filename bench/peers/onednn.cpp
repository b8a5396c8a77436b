// SPDX-License-Identifier: Apache-2.0
// oneDNN's product, on one thread.
#include <oneapi/dnnl/dnnl.hpp>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "peer.hpp"

int main(int argc, char** argv) {
#ifdef _OPENMP
  omp_set_num_threads(1);
#endif
  const dnnl_version_t* v = dnnl_version();
  const std::string title =
      "oneDNN " + std::to_string(v->major) + '.' + std::to_string(v->minor) + '.' + std::to_string(v->patch);
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  return peer::main(argc, argv, title, [&](const peer::Product& p, float* a, float* b, float* c) {
    using dnnl::memory;
    const auto matrix = [](int rows, int cols, bool transposed) {
      return memory::desc({rows, cols}, memory::data_type::f32,
                          transposed ? memory::format_tag::ba : memory::format_tag::ab);
    };
    const auto a_desc = matrix(p.m, p.k, p.transposed), b_desc = matrix(p.k, p.n, false),
               c_desc = matrix(p.m, p.n, false);
#if DNNL_VERSION_MAJOR < 3
    const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(a_desc, b_desc, c_desc), engine);
#else
    const dnnl::matmul::primitive_desc description(engine, a_desc, b_desc, c_desc);
#endif
    const dnnl::matmul matmul(description);
    const memory A(a_desc, engine, a), B(b_desc, engine, b), C(c_desc, engine, c);
    return [=, &stream]() mutable {
      matmul.execute(stream, {{DNNL_ARG_SRC, A}, {DNNL_ARG_WEIGHTS, B}, {DNNL_ARG_DST, C}});
      stream.wait();
    };
  });
}
