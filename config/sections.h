// The loader's work, one function for each section of the file. Each reports all it finds wrong.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "config/environment.h"
#include "config/provider_fields.h"
#include "config/settings.h"
#include "config/table_reader.h"

namespace saslift::config {

inline constexpr std::array all_protocols{Protocol::imap, Protocol::pop3, Protocol::smtp};
inline constexpr Word<Protocol> protocol_words[] = {
    {"imap", Protocol::imap}, {"pop3", Protocol::pop3}, {"smtp", Protocol::smtp}};

// What every section is read with.
struct Reading {
  const Table& root;
  const std::filesystem::path& directory;  // anchors relative file names
  const Environment& environment;
  Problems& problems;
};

// Names as declared, so that a broken one is not also reported as missing.
using DeclaredNames = std::map<std::string, Position, std::less<>>;

struct NamedTable {
  std::string name;
  Position at;
  Table table;
};
// The tables of [section.NAME] with usable names; others are reported with the right form. `nested`: keys
// that may hold a table themselves.
[[nodiscard]] std::vector<NamedTable> named_tables(const Reading& reading, std::string_view section,
                                                   const std::vector<std::string>& nested);

[[nodiscard]] Service read_service(const Reading& reading);
[[nodiscard]] Log read_log(const Reading& reading);
[[nodiscard]] std::map<std::string, PlacedProvider> read_providers(const Reading& reading);

struct Identities {
  std::map<std::string, Identity> usable;
  DeclaredNames declared;
};
[[nodiscard]] Identities read_identities(const Reading& reading);
[[nodiscard]] std::map<std::string, Account> read_accounts(const Reading& reading, const Identities& identities);
[[nodiscard]] std::vector<Listener> read_listeners(const Reading& reading);
// nullopt: what was written for 'tls' means nothing, and is reported.
[[nodiscard]] std::optional<ListenerTls> read_listener_tls(TableReader& reader, Listener& listener,
                                                           const std::filesystem::path& directory);

// Trusted addresses against the listeners: each must be let in by one that takes mail.
void check_trusted(const Reading& reading, const std::map<std::string, Account>& accounts,
                   const std::vector<Listener>& listeners);
// Whether any account has the key.
[[nodiscard]] bool trusts_any_address(const Table& root);

// Pieces that several sections share.
[[nodiscard]] std::optional<std::string> read_ca_file(TableReader& reader, const std::filesystem::path& directory);
// RFC 1918, RFC 4193, loopback.
[[nodiscard]] bool is_private(const IpAddress& address);
[[nodiscard]] bool is_private_network(const Network& network);
[[nodiscard]] std::vector<Network> read_networks(TableReader& reader, std::string_view key);
enum class Stripping { trailing_newline, nothing };
struct SecretText {
  Secret bytes;
  Position at;
};
[[nodiscard]] std::optional<SecretText> read_secret_key(TableReader& reader, const Placed<std::string>& written,
                                                        std::string_view key, Stripping stripping,
                                                        const std::filesystem::path& directory);

}  // namespace saslift::config
