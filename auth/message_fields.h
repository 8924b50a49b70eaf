// What each message of auth/login.h consists of, told once for writing and reading alike:
// fields(archive, message) hands every member to the archive under its name.
#pragma once

#include <concepts>
#include <type_traits>

#include "auth/login.h"

namespace saslift::auth {

template <class T, class Message>
concept MaybeConst = std::same_as<std::remove_const_t<T>, Message>;

template <class Archive, MaybeConst<LoginQuestion> Message>
void fields(Archive& archive, Message& message) {
  archive("session", message.session);
  archive("listener", message.listener);
  archive("protocol", message.protocol);
  archive("mechanism", message.mechanism);
  archive("client", message.client_address);
  archive("tls", message.tls);
  archive("login", message.login);
  archive("authzid", message.authzid);
  archive("password", message.password);
}

template <class Archive, MaybeConst<TokenRefused> Message>
void fields(Archive& archive, Message& message) {
  archive("session", message.session);
  archive("token", message.token_id);
  archive("words", message.server_words);
  archive("status", message.json_status);
}

template <class Archive, MaybeConst<Withdrawn> Message>
void fields(Archive& archive, Message& message) {
  archive("session", message.session);
}

template <class Archive, MaybeConst<PhaseTimes> Message>
void fields(Archive& archive, Message& message) {
  archive("keeper", message.keeper);
  archive("connect", message.connect);
  archive("login", message.login);
}

template <class Archive, MaybeConst<LoginSucceeded> Message>
void fields(Archive& archive, Message& message) {
  archive("session", message.session);
  archive("token", message.token_id);
  archive("times", message.times);
}

template <class Archive, MaybeConst<LoginDied> Message>
void fields(Archive& archive, Message& message) {
  archive("session", message.session);
  archive("failure", message.failure);
  archive("detail", message.detail);
  archive("times", message.times);
}

template <class Archive, MaybeConst<SessionEnded> Message>
void fields(Archive& archive, Message& message) {
  archive("session", message.session);
  archive("protocol", message.protocol);
  archive("client", message.client_address);
  archive("reason", message.reason);
  archive("up", message.bytes_up);
  archive("down", message.bytes_down);
  archive("ms", message.milliseconds);
}

template <class Archive, MaybeConst<Relayed> Message>
void fields(Archive& archive, Message& message) {
  archive("protocol", message.protocol);
  archive("up", message.bytes_up);
  archive("down", message.bytes_down);
}

template <class Archive, MaybeConst<WorkerEvent> Message>
void fields(Archive& archive, Message& message) {
  archive("level", message.level);
  archive("event", message.event);
  archive("session", message.session);
  archive("fields", message.fields);
}

template <class Archive, MaybeConst<ServerSaid> Message>
void fields(Archive& archive, Message& message) {
  archive("session", message.session);
  archive("protocol", message.protocol);
  archive("words", message.words);
}

template <class Archive, MaybeConst<Ready> Message>
void fields(Archive&, Message&) {}

template <class Archive, MaybeConst<ClientsTurnedAway> Message>
void fields(Archive& archive, Message& message) {
  archive("why", message.why);
  archive("listener", message.listener);
  archive("client", message.client_address);
  archive("count", message.count);
}

template <class Archive, MaybeConst<OldTlsClient> Message>
void fields(Archive& archive, Message& message) {
  archive("session", message.session);
  archive("listener", message.listener);
  archive("client", message.client_address);
  archive("offers", message.offers);
}

template <class Archive, MaybeConst<WorkerListener> Message>
void fields(Archive& archive, Message& message) {
  archive("fd", message.descriptor);
  archive("protocol", message.protocol);
  archive("name", message.name);
  archive("tls", message.tls);
  archive("tls_detect", message.tls_detect);
  archive("legacy_tls", message.legacy_tls);
  archive("plaintext", message.plaintext_login);
  archive("extensions", message.smtp_extensions);
  archive("auth_equals", message.auth_equals);
  archive("allow", message.allow);
  archive("proxy_from", message.proxy_from);
  archive("trusted", message.trusted);
}

template <class Archive, MaybeConst<Configure> Message>
void fields(Archive& archive, Message& message) {
  archive("listeners", message.listeners);
  archive("hostname", message.hostname);
  archive("login_timeout", message.login_timeout);
  archive("session_cap", message.session_cap);
  archive("trust", message.trust_files);
  archive("ca_file", message.ca_file);
  archive("certificates", message.certificates);
}

template <class Archive, MaybeConst<Granted> Message>
void fields(Archive& archive, Message& message) {
  archive("session", message.session);
  archive("account", message.account);
  archive("identity", message.identity);
  archive("mailbox", message.mailbox);
  archive("mechanism", message.mechanism);
  archive("token_id", message.token_id);
  archive("token", message.access_token);
  archive("host", message.host);
  archive("port", message.port);
  archive("tls", message.tls);
  archive("addresses", message.addresses);
  archive("trust", message.trust);
  archive("rewrite_from", message.rewrite_from);
  archive("sender", message.sender);
}

template <class Archive, MaybeConst<Denied> Message>
void fields(Archive& archive, Message& message) {
  archive("session", message.session);
  archive("failure", message.failure);
  archive("sentence", message.sentence);
  archive("delay", message.delay);
}

template <class Archive, MaybeConst<Drain> Message>
void fields(Archive& archive, Message& message) {
  archive("deadline", message.deadline);
}

template <class Archive, MaybeConst<Retire> Message>
void fields(Archive&, Message&) {}

template <class Archive, MaybeConst<EndSession> Message>
void fields(Archive& archive, Message& message) {
  archive("session", message.session);
  archive("reason", message.reason);
}

template <class Archive, MaybeConst<NewCertificate> Message>
void fields(Archive& archive, Message& message) {
  archive("listener", message.listener);
  archive("pem", message.pem);
}

// The last enumerator of each enum that travels; anything above is malformed.
constexpr auto last_of(config::Protocol) { return config::Protocol::smtp; }
constexpr auto last_of(config::Mechanism) { return config::Mechanism::oauthbearer; }
constexpr auto last_of(config::UpstreamTls) { return config::UpstreamTls::starttls; }
constexpr auto last_of(config::RewriteFrom) { return config::RewriteFrom::both; }
constexpr auto last_of(config::ListenerTls) { return config::ListenerTls::automatic; }
constexpr auto last_of(config::LogLevel) { return config::LogLevel::error; }
constexpr auto last_of(ClientMechanism) { return ClientMechanism::trusted_address; }
constexpr auto last_of(ClientTls) { return ClientTls::active; }
constexpr auto last_of(config::PlaintextLogin) { return config::PlaintextLogin::never; }
constexpr auto last_of(TurnAway) { return TurnAway::no_proxy_header; }
constexpr auto last_of(LoginFailure) { return LoginFailure::keeper_away; }

}  // namespace saslift::auth
