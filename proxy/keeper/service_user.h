// `[service] user`: root opens the ports, then the keeper becomes somebody who may do nothing else, before it
// starts the first worker.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>

namespace saslift::proxy::keeper {

struct ServiceUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

// Why not: there is none, or this process is not root and another already.
[[nodiscard]] std::expected<ServiceUser, std::string> service_user(const std::string& name);
// Makes the directory the user's where it is missing; says what to do where it is somebody else's.
[[nodiscard]] std::expected<void, std::string> hand_over_directory(const std::string& path, const ServiceUser& user);
void hand_over_socket(const std::string& path, const ServiceUser& user);
// Groups, group, user, for good.
[[nodiscard]] std::expected<void, std::string> become(const ServiceUser& user);

}  // namespace saslift::proxy::keeper
