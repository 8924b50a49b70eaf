#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "config/sections.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

using namespace std::chrono_literals;

constexpr DurationRange drain_range{0ms, 1h, "at most 1h"};
constexpr DurationRange login_timeout_range{100ms, 5min, "between 100ms and 5m"};
constexpr std::size_t least_state_key = 32;
constexpr std::int64_t most_workers = 256;
constexpr std::int64_t most_connections = 10'000;

constexpr Word<LogLevel> log_levels[] = {
    {"debug", LogLevel::debug}, {"info", LogLevel::info}, {"warning", LogLevel::warning}, {"error", LogLevel::error}};
constexpr Word<LogFormat> log_formats[] = {{"text", LogFormat::text}, {"json", LogFormat::json}};

// The host's name where it can stand in an EHLO (RFC 5321 4.1.1.1).
std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || !is_host_name(name.data())) return "localhost";
  return name.data();
}

// As useradd takes them.
bool is_user_name(std::string_view text) {
  if (text.empty() || text.size() > 32 || text == "root") return false;
  const auto may_begin = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return may_begin(text.front()) && std::ranges::all_of(text, [&](char c) {
           return may_begin(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

// A key beside what it seals, or on everybody's screen, seals nothing.
bool is_kept_apart(std::string_view source) {
  return source.starts_with("file:") || source.starts_with("env:") || source.starts_with("credential:");
}

std::optional<Secret> read_state_key(TableReader& reader, const std::filesystem::path& directory) {
  const auto written = reader.text("state_key");
  if (!written) return std::nullopt;
  if (!is_kept_apart(written->value)) {
    reader.error(written->at, "'state_key' names where the key is: file:, env: or credential:");
    return std::nullopt;
  }
  auto key = read_secret_key(reader, *written, "state_key", Stripping::trailing_newline, directory);
  if (!key) return std::nullopt;
  if (key->bytes.size() < least_state_key) {
    reader.error(written->at, fmt::format("'state_key': the place it names holds fewer than {} bytes; make a key by: "
                                          "openssl rand -hex 32",
                                          least_state_key));
    return std::nullopt;
  }
  return std::move(key->bytes);
}

const Table* section_table(const Reading& reading, std::string_view section) {
  const Entry* entry = find(reading.root, section);
  if (entry == nullptr) return nullptr;
  const auto* table = std::get_if<Table>(&entry->value.what);
  if (table == nullptr) {
    reading.problems.error(entry->at, fmt::format("'{0}' should be a table: [{0}]", section));
  }
  return table;
}

void take_http_proxy(Service& service, TableReader& reader, const Reading& reading) {
  const auto written = reader.text("http_proxy");
  if (!written) return;
  // A URL may stand here itself; one with a password is better kept in a place for secrets.
  auto url = Secret(written->value);
  if (folded(written->value).starts_with("http://")) {
    if (written->value.find('@') != std::string::npos) {
      reader.problems().warning(written->at,
                                "'http_proxy' has a password in the configuration itself, for all who may "
                                "read it; http_proxy = \"file:NAME\" keeps it apart");
    }
  } else {
    auto secret = read_secret_key(reader, *written, "http_proxy", Stripping::trailing_newline, reading.directory);
    if (!secret) return;
    url = std::move(secret->bytes);
  }
  service.outbound_proxy.proxy = parse_http_proxy(url.reveal());
  if (!service.outbound_proxy.proxy) {
    reader.error(written->at,
                 "'http_proxy' should read http://host:port or http://user:password@host:port, what is "
                 "special in the last two as %XX");
  }
}

// As curl has it: lower case wins, the proxy for https before the one for everything.
void follow_environment(Service& service, const Reading& reading) {
  for (const std::string name : {"no_proxy", "NO_PROXY"}) {
    if (const auto list = reading.environment(name); list && service.outbound_proxy.direct.empty())
      service.outbound_proxy.direct = parse_no_proxy(*list);
  }
  for (const std::string name : {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
    if (service.outbound_proxy.proxy) return;
    auto url = reading.environment(name);
    if (!url) continue;
    service.outbound_proxy.proxy = parse_http_proxy(*url);
    wipe(*url);
    if (service.outbound_proxy.proxy) return;
    reading.problems.warning(
        {}, fmt::format("${} is no http:// proxy, and is not used; say http_proxy in [service] what is", name));
    return;
  }
}

}  // namespace

Service read_service(const Reading& reading) {
  Service service;
  service.state_dir = "/var/lib/saslift";
  service.hostname = host_name();
  const Table* table = section_table(reading, "service");
  if (table == nullptr) {
    follow_environment(service, reading);
    return service;
  }
  TableReader reader(*table, find(reading.root, "service")->at, "[service]", reading.problems);
  if (const auto text = reader.text("state_dir")) {
    service.state_dir = (reading.directory / text->value).lexically_normal().string();
  }
  if (const auto user = reader.text("user")) {
    service.user = user->value;
    if (!is_user_name(user->value)) {
      reader.error(user->at, fmt::format("{} is no name of a user but root; give the one that saslift is to run as",
                                         in_quotes(user->value)));
    }
  }
  if (auto key = read_state_key(reader, reading.directory)) service.state_key = *std::move(key);
  if (const auto workers = reader.integer("workers", {0, most_workers})) {
    service.workers = static_cast<unsigned>(workers->value);
  }
  if (const auto connections = reader.integer("smtp_connections", {1, most_connections})) {
    service.smtp_connections = static_cast<unsigned>(connections->value);
  }
  if (const auto connections = reader.integer("connections", {1, most_connections})) {
    service.connections = static_cast<unsigned>(connections->value);
  }
  if (const auto drain = reader.duration("drain", drain_range)) service.drain = drain->value;
  if (const auto timeout = reader.duration("login_timeout", login_timeout_range))
    service.login_timeout = timeout->value;
  if (const auto hostname = reader.text("hostname")) {
    service.hostname = hostname->value;
    if (!is_host_name(hostname->value)) {
      reader.error(hostname->at, fmt::format("{} is no host name; it has letters, digits and '-' between dots",
                                             in_quotes(hostname->value)));
    }
  }
  if (auto ca_file = read_ca_file(reader, reading.directory)) service.ca_file = *std::move(ca_file);
  take_http_proxy(service, reader, reading);
  follow_environment(service, reading);
  reader.not_supported_yet("console");
  if (const auto metrics = reader.text("metrics"); metrics && metrics->value != "off") {
    service.metrics = SocketAddress::parse(metrics->value);
    if (!service.metrics) {
      reader.error(metrics->at, fmt::format("{} is no address; write metrics = \"127.0.0.1:9464\", or \"off\"",
                                            in_quotes(metrics->value)));
    }
  }
  reader.finish();
  return service;
}

Log read_log(const Reading& reading) {
  Log log;
  const Table* table = section_table(reading, "log");
  if (table == nullptr) return log;
  TableReader reader(*table, find(reading.root, "log")->at, "[log]", reading.problems);
  if (const auto level = reader.choice("level", log_levels)) log.level = level->value;
  if (const auto format = reader.choice("format", log_formats)) log.format = format->value;
  reader.finish();
  return log;
}

}  // namespace saslift::config
