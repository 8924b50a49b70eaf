#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "config/secret_sources.h"
#include "config/sections.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

// RFC 1918, RFC 4193, loopback.
constexpr std::array<std::string_view, 6> private_networks{"10.0.0.0/8",  "172.16.0.0/12", "192.168.0.0/16",
                                                           "127.0.0.0/8", "fc00::/7",      "::1/128"};
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

std::string_view stripped(std::string_view bytes) {
  // Editors of Windows put the one in front and the other at the end.
  if (bytes.starts_with(byte_order_mark)) bytes.remove_prefix(byte_order_mark.size());
  while (bytes.ends_with('\n') || bytes.ends_with('\r')) bytes.remove_suffix(1);
  return bytes;
}

}  // namespace

std::optional<std::string> read_ca_file(TableReader& reader, const std::filesystem::path& directory) {
  const auto written = reader.text("ca_file");
  if (!written) return std::nullopt;
  if (written->value.starts_with("file:")) {
    reader.error(written->at,
                 fmt::format("'ca_file' is a plain file name: ca_file = \"{}\"", written->value.substr(5)));
    return std::nullopt;
  }
  std::string path = (directory / written->value).lexically_normal().string();
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (!file || !(content << file.rdbuf())) {
    reader.error(written->at,
                 fmt::format("{} cannot be read; 'ca_file' names a file of PEM certificates", in_quotes(path)));
    return std::nullopt;
  }
  // FAULTS 59: an empty bundle would only show as failing handshakes.
  if (content.view().find("-----BEGIN CERTIFICATE-----") == std::string_view::npos &&
      content.view().find("-----BEGIN TRUSTED CERTIFICATE-----") == std::string_view::npos) {
    reader.error(written->at,
                 fmt::format("{} holds no PEM certificate (-----BEGIN CERTIFICATE-----)", in_quotes(path)));
    return std::nullopt;
  }
  return path;
}

bool is_private(const IpAddress& address) {
  return std::ranges::any_of(private_networks,
                             [&](std::string_view network) { return Network::parse(network)->contains(address); });
}

bool is_private_network(const Network& network) {
  const std::string text = network.text();
  const auto base = IpAddress::parse(text.substr(0, text.find('/')));
  return base && std::ranges::any_of(private_networks, [&](std::string_view one) {
           const auto wide = *Network::parse(one);
           return wide.contains(*base) && network.prefix_length() >= wide.prefix_length();
         });
}

std::vector<Network> read_networks(TableReader& reader, std::string_view key) {
  std::vector<Network> networks;
  const auto written = reader.texts(key);
  if (!written) return networks;
  for (const Placed<std::string>& text : *written) {
    if (text.value == "private") {
      for (const std::string_view network : private_networks) networks.push_back(*Network::parse(network));
      continue;
    }
    const auto network = Network::parse(text.value);
    if (!network) {
      reader.error(text.at,
                   fmt::format("{} is no network; write 192.168.10.0/24, 2001:db8::/32, one address, or private",
                               in_quotes(text.value)));
      continue;
    }
    const auto base = IpAddress::parse(text.value.substr(0, text.value.find('/')));
    if (base && network->text() != fmt::format("{}/{}", base->text(), network->prefix_length())) {
      reader.problems().warning(text.at, fmt::format("{} is taken as {}", in_quotes(text.value), network->text()));
    }
    networks.push_back(*network);
  }
  return networks;
}

std::optional<SecretText> read_secret_key(TableReader& reader, const Placed<std::string>& written, std::string_view key,
                                          Stripping stripping, const std::filesystem::path& directory) {
  auto read = read_secret(written.value, directory);
  if (!read) {
    reader.error(written.at, fmt::format("'{}': {}", key, read.error().text));
    return std::nullopt;
  }
  for (const std::string& warning : read->warnings) {
    reader.problems().warning(written.at, fmt::format("'{}': {}", key, warning));
  }
  if (stripping == Stripping::trailing_newline) read->bytes = Secret::guarded(stripped(read->bytes.reveal()));
  if (read->bytes.empty()) {
    reader.error(written.at, fmt::format("'{}': the place it names holds nothing", key));
    return std::nullopt;
  }
  return SecretText{std::move(read->bytes), written.at};
}

}  // namespace saslift::config
