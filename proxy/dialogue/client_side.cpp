#include "proxy/dialogue/client_side.h"

namespace saslift::proxy {

std::string_view name_of(CloseReason reason) {
  switch (reason) {
    case CloseReason::logged_out:
      return "logged_out";
    case CloseReason::too_many_bad_commands:
      return "too_many_bad_commands";
    case CloseReason::too_many_failed_logins:
      return "too_many_failed_logins";
    case CloseReason::line_too_long:
      return "line_too_long";
    case CloseReason::foreign_protocol:
      return "foreign_protocol";
    case CloseReason::bytes_behind_starttls:
      return "bytes_behind_starttls";
    case CloseReason::dismissed:
      return "dismissed";
  }
  return "unknown";
}

}  // namespace saslift::proxy
