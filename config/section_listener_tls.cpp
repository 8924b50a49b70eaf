// The keys of a listener that are about TLS.
#include <fmt/format.h>

#include <algorithm>

#include "config/certificate_source.h"
#include "config/sections.h"
#include "config/text_forms.h"

namespace saslift::config {
namespace {

using namespace std::chrono_literals;

constexpr Word<ListenerTls> tls_words[] = {{"off", ListenerTls::off},
                                           {"starttls", ListenerTls::starttls},
                                           {"implicit", ListenerTls::implicit},
                                           {"auto", ListenerTls::automatic}};
// A device that says nothing waits so long for its greeting.
constexpr DurationRange detection{10ms, 10s, "between 10ms and 10s"};

// What was written besides tls, told to be in vain while that is off.
void refuse_without_tls(TableReader& reader) {
  for (const std::string_view key : {"certificate", "certificate_key", "legacy_tls"}) {
    if (!reader.has(key)) continue;
    reader.error(reader.at(key), fmt::format("'{}' does nothing while tls is off; set tls = \"starttls\", \"implicit\" "
                                             "or \"auto\"",
                                             key));
  }
}

struct Written {
  std::optional<Placed<std::string>> chain;
  std::optional<Placed<std::string>> key;
};

void take_certificate(TableReader& reader, const Written& written, Listener& listener) {
  if (!written.chain) {
    if (written.key) {
      reader.error(written.key->at, "'certificate_key' needs its certificate: certificate = \"file:tls.pem\"");
    }
    return;
  }
  listener.certificate.chain = written.chain->value;
  if (written.key) listener.certificate.key = written.key->value;
  auto read = read_certificate(listener.certificate);
  if (!read) {
    const bool is_key = read.error().part == CertificatePart::key;
    reader.error(is_key && written.key ? written.key->at : written.chain->at, read.error().text);
    return;
  }
  for (const std::string& warning : read->warnings) reader.problems().warning(written.chain->at, warning);
  listener.certificate_pem = std::move(read->pem);
}

void take_legacy_tls(TableReader& reader, Listener& listener) {
  const auto legacy = reader.boolean("legacy_tls");
  if (!legacy || !legacy->value) return;
  listener.legacy_tls = true;
  if (is_private(listener.address.ip)) return;
  if (!listener.allow.empty() && std::ranges::all_of(listener.allow, is_private_network)) return;
  reader.error(
      legacy->at,
      fmt::format("legacy_tls is for devices in networks of your own, and {} is not an address of one; listen on "
                  "one that is, or narrow 'allow' to them: allow = [\"private\"]",
                  listener.address.ip.text()));
}

}  // namespace

std::optional<ListenerTls> read_listener_tls(TableReader& reader, Listener& listener,
                                             const std::filesystem::path& directory) {
  const auto word = reader.choice("tls", tls_words);
  const Written written{reader.text("certificate", Lines::many), reader.text("certificate_key", Lines::many)};
  const auto detect = reader.duration("tls_detect", detection);
  take_legacy_tls(reader, listener);
  if (!word && reader.has("tls")) return std::nullopt;
  listener.tls = word ? word->value : ListenerTls::off;
  listener.certificate.directory = directory.string();
  if (detect) {
    listener.tls_detect = detect->value;
    if (listener.tls != ListenerTls::automatic)
      reader.error(detect->at, "'tls_detect' does nothing without tls = \"auto\"");
  }
  if (listener.tls == ListenerTls::off) {
    refuse_without_tls(reader);
  } else {
    take_certificate(reader, written, listener);
  }
  return listener.tls;
}

}  // namespace saslift::config
