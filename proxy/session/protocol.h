// A protocol as the session knows it: one row, filled by proxy/imap, proxy/pop3, proxy/smtp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/dialogue/client_side.h"
#include "proxy/dialogue/observer.h"
#include "proxy/dialogue/parting.h"
#include "proxy/dialogue/server_side.h"
#include "proxy/dialogue/stage.h"

namespace saslift::proxy {

struct ProtocolRow {
  std::unique_ptr<ClientSide> (*make_client_side)(ClientSideSettings settings);
  std::unique_ptr<ServerSide> (*make_server_side)(ServerLogin login);
  std::optional<std::string> (*farewell)(std::string_view last_from_server, Parting why);
  Watch watch;
  // nullptr, or it returns nullptr: the relay passes every byte as it is.
  std::unique_ptr<Stage> (*make_stage)(const auth::Granted& granted) = nullptr;
};

}  // namespace saslift::proxy
