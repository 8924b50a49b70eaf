#include <fmt/format.h>

#include "config/sections.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

constexpr std::string_view default_addresses[] = {"127.0.0.1", "::1"};
struct DefaultPort {
  Protocol protocol;
  std::uint16_t port;
};
constexpr DefaultPort default_ports[] = {{Protocol::imap, 1143}, {Protocol::pop3, 1110}, {Protocol::smtp, 1587}};

constexpr Word<PlaintextLogin> plaintext_words[] = {
    {"loopback", PlaintextLogin::loopback}, {"allowed", PlaintextLogin::allowed}, {"never", PlaintextLogin::never}};

std::string listener_name(Protocol protocol, const SocketAddress& address) {
  return fmt::format("{} {}", name_of(protocol), address.text());
}

std::vector<Listener> default_listeners() {
  std::vector<Listener> listeners;
  for (const DefaultPort& port : default_ports) {
    for (const std::string_view address : default_addresses) {
      Listener listener;
      listener.protocol = port.protocol;
      listener.address = {*IpAddress::parse(address), port.port};
      listener.optional = listener.address.ip.family() == IpAddress::Family::v6;
      listener.name = listener_name(listener.protocol, listener.address);
      listeners.push_back(std::move(listener));
    }
  }
  return listeners;
}

// Whether it is an address.
bool take_address(TableReader& reader, Listener& listener) {
  const auto written = reader.needed_text("address", "it reads 127.0.0.1:1587 or [::1]:1587");
  if (!written) return false;
  const auto address = SocketAddress::parse(written->value);
  if (!address) {
    reader.error(written->at, fmt::format("{} is no address to listen on; it reads 127.0.0.1:1587 or [::1]:1587, in "
                                          "numbers and with its port",
                                          in_quotes(written->value)));
    return false;
  }
  listener.address = *address;
  return true;
}

// FAULTS 54: nobody gets in who was not named.
void check_allow(TableReader& reader) {
  if (reader.has("allow")) return;
  reader.error(reader.at("address"),
               "a listener off loopback says whom it lets in: allow = [\"private\"], or the networks of the devices");
}

// FAULTS 55: off loopback without TLS, only a trusted address gets anywhere, since it sends no password.
void check_plaintext(TableReader& reader, const Listener& listener, const Reading& reading) {
  if (listener.plaintext_login != PlaintextLogin::loopback) return;
  if (listener.protocol == Protocol::smtp && trusts_any_address(reading.root)) return;
  reader.error(reader.at(reader.has("plaintext_login") ? "plaintext_login" : "address"),
               "without TLS a password is taken from this machine alone, so no device could log in here; set tls = "
               "\"starttls\" or \"implicit\", or plaintext_login = \"allowed\" where the network can be trusted");
}

Listener read_listener(const Table& table, Position at, const Reading& reading) {
  TableReader reader(table, at, "[[listener]]", reading.problems);
  Listener listener;
  if (!reader.has("protocol")) reader.error(at, "[[listener]] has no 'protocol'; it is imap, pop3 or smtp");
  if (const auto protocol = reader.choice("protocol", protocol_words)) listener.protocol = protocol->value;
  const bool off_loopback = take_address(reader, listener) && !listener.address.ip.is_loopback();
  listener.allow = read_networks(reader, "allow");
  listener.proxy_from = read_networks(reader, "proxy_from");
  const auto tls = read_listener_tls(reader, listener, reading.directory);
  if (const auto plaintext = reader.choice("plaintext_login", plaintext_words)) {
    listener.plaintext_login = plaintext->value;
    if (plaintext->value == PlaintextLogin::never && tls == ListenerTls::off) {
      reader.error(plaintext->at, "with plaintext_login = \"never\" and no TLS nobody could log in; set tls as well");
    }
  }
  if (const auto auth_equals = reader.boolean("auth_equals")) {
    listener.auth_equals = auth_equals->value;
    if (listener.protocol != Protocol::smtp) {
      reader.error(auth_equals->at, "'auth_equals' is about SMTP's EHLO; take it out");
    }
  }
  if (off_loopback) check_allow(reader);
  if (off_loopback && tls == ListenerTls::off) check_plaintext(reader, listener, reading);
  reader.finish();
  listener.name = listener_name(listener.protocol, listener.address);
  return listener;
}

}  // namespace

std::vector<Listener> read_listeners(const Reading& reading) {
  const Entry* entry = find(reading.root, "listener");
  if (entry == nullptr) return default_listeners();
  std::vector<Listener> listeners;
  const auto* array = std::get_if<Array>(&entry->value.what);
  if (array == nullptr) {
    reading.problems.error(entry->at, "listeners stand in double brackets: [[listener]]");
    return listeners;
  }
  if (array->items.empty()) {
    reading.problems.error(entry->at, "'listener' is empty; fill it in or leave it out for the default ones");
  }
  std::map<SocketAddress, unsigned> taken;
  for (const Value& item : array->items) {
    const auto* table = std::get_if<Table>(&item.what);
    if (table == nullptr) {
      reading.problems.error(item.at, "a listener is a table: [[listener]]");
      continue;
    }
    Listener listener = read_listener(*table, item.at, reading);
    const Entry* address = find(*table, "address");
    const Position at = address == nullptr ? item.at : address->value.at;
    if (listener.address.port != 0) {
      const auto [first, free] = taken.try_emplace(listener.address, at.line);
      if (!free) {
        reading.problems.error(at, fmt::format("{} is already taken by the listener of line {}; give it another port",
                                               listener.address.text(), first->second));
      }
    }
    listeners.push_back(std::move(listener));
  }
  return listeners;
}

}  // namespace saslift::config
