#include <sys/resource.h>

#include "catch.h"
#include "proxy/keeper/restart_pacer.h"
#include "proxy/keeper/worker_count.h"

using namespace saslift;
using namespace saslift::proxy::keeper;

TEST_CASE("workers: as configured, else the least of affinity, quota and eight") {
  struct Row {
    unsigned configured, affinity;
    std::optional<unsigned> quota;
    unsigned expected;
  };
  for (const Row& row : {Row{0, 2, std::nullopt, 2}, Row{0, 64, std::nullopt, 8}, Row{0, 64, 3, 3}, Row{0, 2, 16, 2},
                         Row{5, 2, 1, 5}, Row{0, 0, std::nullopt, 1}}) {
    CHECK(worker_count(row.configured, {row.affinity, row.quota}) == row.expected);
  }
  CHECK(processors_here().affinity >= 1);
}

TEST_CASE("cpu.max of a control group, in processors rounded up") {
  struct Row {
    const char* text;
    std::optional<unsigned> expected;
  };
  for (const Row& row :
       {Row{"max 100000\n", std::nullopt}, Row{"100000 100000\n", 1}, Row{"150000 100000\n", 2}, Row{"50000 100000", 1},
        Row{"800000 100000\n", 8}, Row{"", std::nullopt}, Row{"100000", std::nullopt}, Row{"1 0", std::nullopt},
        Row{"-1 100000", std::nullopt}, Row{"18446744073709551615 1", 4096}}) {
    CAPTURE(row.text);
    CHECK(read_cpu_max(row.text) == row.expected);
  }
}

TEST_CASE("sessions: two descriptors each, some kept back, never none") {
  CHECK(session_cap(1024) == 480);
  CHECK(session_cap(65'536) == 32'736);
  CHECK(session_cap(64) == 8);
  CHECK(session_cap(128) == 32);
  CHECK(session_cap(0) == 1);
  CHECK(session_cap(RLIM_INFINITY) == 500'000);
}

TEST_CASE("a worker that dies is back at once, then ever later, and a healthy life forgives") {
  RestartPacer pacer;
  const auth::Duration soon{500};
  for (const int pause : {0, 100, 200, 400, 800, 1600, 3200, 6400, 10'000, 10'000}) {
    CHECK(pacer.died_after(soon).count() == pause);
  }
  CHECK(pacer.died_after(RestartPacer::healthy_life).count() == 0);
  CHECK(pacer.died_after(soon).count() == 100);
}
