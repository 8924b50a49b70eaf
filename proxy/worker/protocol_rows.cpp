#include "proxy/worker/protocol_rows.h"

#include <stdexcept>

#include "proxy/imap/client_side.h"
#include "proxy/imap/farewell.h"
#include "proxy/imap/server_side.h"
#include "proxy/imap/watch.h"
#include "proxy/pop3/client_side.h"
#include "proxy/pop3/farewell.h"
#include "proxy/pop3/server_side.h"
#include "proxy/pop3/watch.h"
#include "proxy/smtp/client_side.h"
#include "proxy/smtp/farewell.h"
#include "proxy/smtp/rewriting/rewriter.h"
#include "proxy/smtp/server_side.h"
#include "proxy/smtp/watch.h"

namespace saslift::proxy {

ProtocolRow row_of(config::Protocol protocol) {
  switch (protocol) {
    case config::Protocol::imap:
      return {imap::make_client_side, imap::make_server_side, imap::farewell, imap::watch()};
    case config::Protocol::pop3:
      return {pop3::make_client_side, pop3::make_server_side, pop3::farewell, pop3::watch()};
    case config::Protocol::smtp:
      return {smtp::make_client_side, smtp::make_server_side, smtp::farewell, smtp::watch(),
              smtp::rewriting::make_stage};
  }
  throw std::logic_error("unknown protocol");
}

}  // namespace saslift::proxy
