// What each subcommand takes and does; its file has its name. parser.cpp registers them all.
#pragma once

#include <string>

#include "config/settings.h"

namespace saslift::proxy::commands {

inline constexpr int yes = 0;
inline constexpr int no = 1;
inline constexpr int wrong_use = 2;

enum class Output { people, json };

struct ConfigChoice {
  std::string path;  // empty: the default one
};

struct RunOptions {
  ConfigChoice config;
};
[[nodiscard]] int run(const RunOptions& options);

struct CheckOptions {
  ConfigChoice config;
  Output output = Output::people;
};
[[nodiscard]] int check(const CheckOptions& options);

enum class PasswordSource { generated, standard_input };
struct PasswordOptions {
  std::string login;
  PasswordSource source = PasswordSource::generated;
  Output output = Output::people;
};
[[nodiscard]] int password(const PasswordOptions& options);

enum class CertificateForm { pem, der, json };
struct CertificateOptions {
  ConfigChoice config;
  std::string listener;  // empty: all of them
  CertificateForm form = CertificateForm::pem;
};
[[nodiscard]] int certificate(const CertificateOptions& options);

enum class SignInBrowser { here, elsewhere };
struct SignInOptions {
  ConfigChoice config;
  std::string identity;
  SignInBrowser browser = SignInBrowser::here;
  Output output = Output::people;
};
[[nodiscard]] int sign_in(const SignInOptions& options);

// Of what is a secret: said only when asked for.
enum class SecretIs { withheld, shown };
struct TokenOptions {
  ConfigChoice config;
  std::string identity;
  std::string mailbox;
  SecretIs secret = SecretIs::withheld;
  Output output = Output::people;
};
[[nodiscard]] int token(const TokenOptions& options);

struct SaslOptions {
  ConfigChoice config;
  std::string account;
  config::Protocol protocol = config::Protocol::imap;
  std::string mailbox;
  Output output = Output::people;
};
[[nodiscard]] int sasl(const SaslOptions& options);

struct TestOptions {
  ConfigChoice config;
  std::string account;
  std::string mailbox;
  Output output = Output::people;
};
[[nodiscard]] int test(const TestOptions& options);

enum class StatusQuestion { everything, readiness };
struct StatusOptions {
  ConfigChoice config;
  Output output = Output::people;
  StatusQuestion question = StatusQuestion::everything;
};
[[nodiscard]] int status(const StatusOptions& options);

struct ResealOptions {
  ConfigChoice config;
  std::string from;  // where the old key is; empty: state.key
  Output output = Output::people;
};
[[nodiscard]] int reseal(const ResealOptions& options);

struct ReloadOptions {
  ConfigChoice config;
  Output output = Output::people;
};
[[nodiscard]] int reload(const ReloadOptions& options);

struct KickOptions {
  ConfigChoice config;
  std::string account;
  Output output = Output::people;
};
[[nodiscard]] int kick(const KickOptions& options);

struct VersionOptions {
  Output output = Output::people;
};
[[nodiscard]] int version(const VersionOptions& options);

}  // namespace saslift::proxy::commands
