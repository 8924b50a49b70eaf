#include "proxy/dialogue/server_side.h"

namespace saslift::proxy {

std::string_view name_of(RefusalKind kind) {
  switch (kind) {
    case RefusalKind::token:
      return "token";
    case RefusalKind::temporary:
      return "temporary";
    case RefusalKind::no_starttls:
      return "no_starttls";
    case RefusalKind::unclean_tls:
      return "unclean_tls";
    case RefusalKind::no_mechanism:
      return "no_mechanism";
    case RefusalKind::protocol:
      return "protocol";
  }
  return "unknown";
}

}  // namespace saslift::proxy
