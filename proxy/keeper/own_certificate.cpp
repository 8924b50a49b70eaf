#include "proxy/keeper/own_certificate.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <exception>
#include <memory>

#include "config/secret_sources.h"
#include "proxy/keeper/certificate_facts.h"
#include "proxy/keeper/descriptor.h"
#include "proxy/net/tls_context.h"

namespace saslift::proxy::keeper {
namespace {

template <class Value>
void add_once(std::vector<Value>& values, const Value& value) {
  if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
}

// RFC 5280 4.2.1.6: dNSName is a preferred name, of letters, digits, hyphens and dots.
bool is_dns_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::optional<config::IpAddress> address_in(const sockaddr* socket_address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (socket_address == nullptr) return std::nullopt;
  if (socket_address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, socket_address, sizeof v4);
    uv_ip4_name(&v4, text.data(), text.size());
  } else if (socket_address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, socket_address, sizeof v6);
    if (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr)) return std::nullopt;  // no name without its interface
    uv_ip6_name(&v6, text.data(), text.size());
  }
  return config::IpAddress::parse(text.data());
}

void add_interfaces(OwnNames& names, config::IpAddress::Family family) {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(first, &::freeifaddrs);
  for (const ifaddrs* next = first; next != nullptr; next = next->ifa_next) {
    const auto address = address_in(next->ifa_addr);
    if (address && address->family() == family) add_once(names.addresses, *address);
  }
}

std::unexpected<std::string> cannot_keep(const std::string& path, int error) {
  return std::unexpected(fmt::format(
      "the self-signed certificate cannot be kept in {}: {}; set 'certificate' for the listeners with TLS, or a "
      "state_dir that saslift can write to",
      path, std::strerror(error)));
}

bool write_whole(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(descriptor) == 0;
}

// Made by root beforehand, it is still for whom the directory belongs to.
void give_to_owner_of(const std::string& directory, int descriptor) {
  struct stat status{};
  if (::geteuid() != 0 || ::stat(directory.c_str(), &status) != 0) return;
  static_cast<void>(::fchown(descriptor, status.st_uid, status.st_gid));
}

std::expected<void, std::string> keep(const std::string& path, const config::Secret& pem) {
  const std::string directory = path.substr(0, path.rfind('/'));
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return cannot_keep(path, errno);
  std::string temporary = path + ".XXXXXX";
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) return cannot_keep(path, errno);
  const bool written = write_whole(file.get(), pem.reveal());
  give_to_owner_of(directory, file.get());
  if (written && ::rename(temporary.c_str(), path.c_str()) == 0) return {};
  const int error = errno;
  ::unlink(temporary.c_str());
  return cannot_keep(path, error);
}

std::expected<config::Secret, std::string> make_and_keep(const OwnCertificate& own, WallTime now) {
  config::Secret pem = make_self_signed(own.names, now);
  if (auto kept = keep(own.path, pem); !kept) return std::unexpected(kept.error());
  return pem;
}

}  // namespace

std::string own_certificate_path(const config::Service& service) { return service.state_dir + "/tls.pem"; }

OwnNames own_names(const config::Settings& settings) {
  OwnNames names;
  for (const std::string& host : {settings.service.hostname, host_name(), std::string("localhost")}) {
    if (is_dns_name(host)) add_once(names.hosts, host);
  }
  for (const config::Listener& listener : settings.listeners) {
    if (listener.tls == config::ListenerTls::off) continue;
    if (listener.address.ip.is_unspecified()) {
      add_interfaces(names, listener.address.ip.family());
    } else {
      add_once(names.addresses, listener.address.ip);
    }
  }
  return names;
}

std::expected<config::Secret, std::string> own_certificate(const OwnCertificate& own, WallTime now) try {
  const std::string& path = own.path;
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return make_and_keep(own, now);
  auto kept = config::read_secret_file(path);
  if (!kept) return std::unexpected(kept.error().text);
  const auto facts = read_facts(kept->bytes.reveal());
  try {
    const net::ListenerTlsContext fits(kept->bytes, {});
  } catch (const std::exception& wrong) {
    return std::unexpected(fmt::format("{}: {}; remove it, and a new one is made", path, wrong.what()));
  }
  if (facts && facts->not_after - now < own_certificate_renewed_before) return make_and_keep(own, now);
  return std::move(kept->bytes);
} catch (const std::exception& failure) {
  return std::unexpected(failure.what());
}

std::vector<std::string> names_missing_in(std::string_view pem, const OwnNames& names) {
  std::vector<std::string> missing;
  const auto facts = read_facts(pem);
  const auto look_for = [&](const std::string& name) {
    if (facts && std::ranges::find(facts->names, name) == facts->names.end()) missing.push_back(name);
  };
  for (const std::string& host : names.hosts) look_for(host);
  for (const config::IpAddress& address : names.addresses) look_for(address.text());
  return missing;
}

}  // namespace saslift::proxy::keeper
