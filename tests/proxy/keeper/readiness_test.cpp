#include "proxy/keeper/readiness.h"

#include <fcntl.h>

#include "catch.h"

using namespace saslift;
using namespace saslift::proxy::keeper;
using Lacking = std::vector<std::string>;

namespace {

struct Scene {
  Scene() {
    settings.name = "smtp 127.0.0.1:1587";
    listeners.push_back({Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)), &settings, {}});
    workers.push_back({.pid = 8});
    desk.identities.push_back({.name = "office"});
  }
  [[nodiscard]] Readiness readiness() const { return readiness_of(workers, listeners, desk); }

  config::Listener settings;
  std::vector<OpenListener> listeners;
  std::vector<WorkerStatus> workers;
  auth::DeskStatus desk;
};

}  // namespace

TEST_CASE("ready: listeners open, a worker behind them, an identity nothing is known against") {
  const Scene scene;
  CHECK(scene.readiness().ready);
  CHECK(scene.readiness().lacking == Lacking{});
}

TEST_CASE("one usable identity is enough, the other is named") {
  Scene scene;
  scene.desk.identities.push_back({.name = "lab", .last_error = "invalid_client", .usable = false});
  CHECK(scene.readiness().ready);
  CHECK(scene.readiness().lacking == Lacking{"identity lab: invalid_client"});
}

TEST_CASE("not ready without a usable identity") {
  Scene scene;
  scene.desk.identities[0].usable = false;
  scene.desk.identities[0].last_error = "invalid_client";
  CHECK_FALSE(scene.readiness().ready);
  CHECK(scene.readiness().lacking == Lacking{"identity office: invalid_client"});
}

TEST_CASE("an identity that somebody has to sign in to says so") {
  Scene scene;
  scene.desk.identities[0] = {.name = "office", .sign_in_needed = "nobody has signed in", .usable = false};
  CHECK(scene.readiness().lacking == Lacking{"identity office: nobody has signed in"});
}

TEST_CASE("not ready once listeners are closed, as in a drain") {
  Scene scene;
  scene.listeners[0].socket.close();
  CHECK_FALSE(scene.readiness().ready);
  CHECK(scene.readiness().lacking == Lacking{"listener smtp 127.0.0.1:1587: closed"});
}

TEST_CASE("not ready while no worker runs; one of two is enough") {
  Scene scene;
  scene.workers = {{}, {.pid = 8}};
  CHECK(scene.readiness().ready);
  scene.workers = {{}, {}};
  CHECK_FALSE(scene.readiness().ready);
  CHECK(scene.readiness().lacking == Lacking{"workers: none is running"});
}
