#include "config/settings.h"

namespace saslift::config {

std::string_view name_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::imap:
      return "imap";
    case Protocol::pop3:
      return "pop3";
    case Protocol::smtp:
      return "smtp";
  }
  return "?";
}

const std::optional<Endpoint>& Provider::endpoint(Protocol protocol) const {
  switch (protocol) {
    case Protocol::imap:
      return imap;
    case Protocol::pop3:
      return pop3;
    case Protocol::smtp:
      break;
  }
  return smtp;
}

}  // namespace saslift::config
