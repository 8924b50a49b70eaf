#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <string_view>

#include "proxy/commands/commands.h"
#include "proxy/commands/subcommands.h"
#include "proxy/fetch/fetch.h"
#include "proxy/metrics/metrics.h"
#include "proxy/worker/worker.h"

namespace saslift::proxy {
namespace {

using commands::Output;

void take_config(CLI::App& command, commands::ConfigChoice& choice) {
  command
      .add_option("--config", choice.path, "the configuration; default /etc/saslift/saslift.toml, then ./saslift.toml")
      ->type_name("FILE");
}

void take_json(CLI::App& command, Output& output) {
  command.add_flag_callback("--json", [&output] { output = Output::json; }, "one object for programs");
}

void take_account(CLI::App& command, std::string& account, std::string& mailbox) {
  command.add_option("NAME", account, "the account, as in [account.NAME]")->required();
  command.add_option("--mailbox", mailbox, "another mailbox than the account's; needed for a wildcard");
}

// The subcommands with what was given to them; chosen() once parsed.
class Parser {
 public:
  Parser() {
    app_.require_subcommand(1);
    add_run();
    add_check();
    add_password();
    add_certificate();
    add_sign_in();
    add_test();
    add_token();
    add_sasl();
    add_status();
    add_reseal();
    add_reload();
    add_kick();
    add_version();
    // Started by the keeper alone.
    add("worker", "", [] { return run_worker(); })->group("");
    add("metrics", "", [] { return metrics::run_metrics(); })->group("");
    add("fetch", "", [] { return fetch::run_fetch(); })->group("");
  }

  [[nodiscard]] int parse_and_run(int argc, char** argv) {
    if (argc > 1 && is_unknown_command(argv[1])) {
      fmt::print(stderr, "saslift: unknown command '{}'; see saslift --help\n", argv[1]);
      return commands::wrong_use;
    }
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& outcome) {
      // Help and its kin come as errors that are none.
      return app_.exit(outcome, std::cout, std::cerr) == 0 ? commands::yes : commands::wrong_use;
    }
    return chosen_();
  }

 private:
  CLI::App* add(const std::string& name, const std::string& description, std::function<int()> command) {
    CLI::App* added = app_.add_subcommand(name, description);
    added->callback([this, command = std::move(command)] { chosen_ = command; });
    return added;
  }

  void add_run() {
    CLI::App* command = add("run", "Serve until SIGTERM", [this] { return commands::run(run_); });
    take_config(*command, run_.config);
  }
  void add_check() {
    CLI::App* command = add("check", "Read the configuration and say what is wrong with it",
                            [this] { return commands::check(check_); });
    take_config(*command, check_.config);
    take_json(*command, check_.output);
  }
  void add_password() {
    CLI::App* command = add("password", "Make a password for a device, and the lines for the configuration",
                            [this] { return commands::password(password_); });
    command->add_option("LOGIN", password_.login, "what the device sends as its user name");
    command->add_flag_callback(
        "--stdin", [this] { password_.source = commands::PasswordSource::standard_input; },
        "take the password from standard input, one line, instead of making one");
    take_config(*command, unused_config_);
    take_json(*command, password_.output);
  }
  void add_certificate() {
    CLI::App* command = add("certificate", "Print what the listeners show to devices, for their trust lists",
                            [this] { return commands::certificate(certificate_); });
    take_config(*command, certificate_.config);
    command->add_option("--listener", certificate_.listener, "of this one alone: its name, address or protocol");
    CLI::Option* der = command->add_flag_callback(
        "--der", [this] { certificate_.form = commands::CertificateForm::der; }, "binary instead of PEM");
    command
        ->add_flag_callback(
            "--json", [this] { certificate_.form = commands::CertificateForm::json; }, "one object for programs")
        ->excludes(der);
  }
  void add_sign_in() {
    CLI::App* command = add("sign-in", "Let a person sign in for an identity of grant device_code or browser",
                            [this] { return commands::sign_in(sign_in_); });
    command->add_option("NAME", sign_in_.identity, "the identity, as in [identity.NAME]")->required();
    command->add_flag_callback(
        "--paste", [this] { sign_in_.browser = commands::SignInBrowser::elsewhere; },
        "the browser is on another machine: paste its last address here");
    take_config(*command, sign_in_.config);
    take_json(*command, sign_in_.output);
  }
  void add_test() {
    CLI::App* command = add("test", "Log in at the provider for an account by each of its protocols",
                            [this] { return commands::test(test_); });
    take_account(*command, test_.account, test_.mailbox);
    take_config(*command, test_.config);
    take_json(*command, test_.output);
  }
  void add_token() {
    CLI::App* command =
        add("token", "Get a token for an identity and say what is in it", [this] { return commands::token(token_); });
    command->add_option("NAME", token_.identity, "the identity, as in [identity.NAME]")->required();
    command->add_option("--mailbox", token_.mailbox, "for an identity that acts for one mailbox at a time");
    command->add_flag_callback(
        "--show", [this] { token_.secret = commands::SecretIs::shown; }, "the token itself, too: a secret");
    take_config(*command, token_.config);
    take_json(*command, token_.output);
  }
  void add_sasl() {
    static const std::map<std::string, config::Protocol> protocols{
        {"imap", config::Protocol::imap}, {"pop3", config::Protocol::pop3}, {"smtp", config::Protocol::smtp}};
    CLI::App* command = add("sasl", "Print what an account logs in with at the provider, to try by hand: a secret",
                            [this] { return commands::sasl(sasl_); });
    take_account(*command, sasl_.account, sasl_.mailbox);
    command->add_option("PROTOCOL", sasl_.protocol, "imap, pop3 or smtp")
        ->required()
        ->transform(CLI::CheckedTransformer(protocols));
    take_config(*command, sasl_.config);
    take_json(*command, sasl_.output);
  }
  void add_status() {
    CLI::App* command =
        add("status", "Ask the running saslift how it does", [this] { return commands::status(status_); });
    take_config(*command, status_.config);
    take_json(*command, status_.output);
    command->add_flag_callback(
        "--ready", [this] { status_.question = commands::StatusQuestion::readiness; },
        "only whether it can serve: exit 0, or 1 and what it lacks");
  }
  void add_reseal() {
    CLI::App* command = add("reseal", "Seal the kept sign-ins with another key; saslift must not be running",
                            [this] { return commands::reseal(reseal_); });
    command->add_option("--from", reseal_.from,
                        "where the key is that they are sealed with now: file:, env: or credential:; default: the one "
                        "that saslift made itself");
    take_config(*command, reseal_.config);
    take_json(*command, reseal_.output);
  }
  void add_reload() {
    CLI::App* command = add("reload", "Have the running saslift read its configuration again",
                            [this] { return commands::reload(reload_); });
    take_config(*command, reload_.config);
    take_json(*command, reload_.output);
  }
  void add_kick() {
    CLI::App* command = add("kick", "End the sessions of an account", [this] { return commands::kick(kick_); });
    command->add_option("ACCOUNT", kick_.account, "its name in the configuration")->required();
    take_config(*command, kick_.config);
    take_json(*command, kick_.output);
  }
  void add_version() {
    CLI::App* command = add("version", "Tell the version", [this] { return commands::version(version_); });
    take_config(*command, unused_config_);
    take_json(*command, version_.output);
  }

  [[nodiscard]] bool is_unknown_command(std::string_view word) const {
    if (word.starts_with('-')) return false;
    for (const CLI::App* command : app_.get_subcommands({})) {
      if (command->get_name() == word) return false;
    }
    return true;
  }

  CLI::App app_{"Lets mail programs that only know a password use mail services that only take OAuth", "saslift"};
  commands::RunOptions run_;
  commands::CheckOptions check_;
  commands::PasswordOptions password_;
  commands::CertificateOptions certificate_;
  commands::SignInOptions sign_in_;
  commands::TestOptions test_;
  commands::TokenOptions token_;
  commands::SaslOptions sasl_;
  commands::StatusOptions status_;
  commands::ResealOptions reseal_;
  commands::ReloadOptions reload_;
  commands::KickOptions kick_;
  commands::VersionOptions version_;
  commands::ConfigChoice unused_config_;  // every subcommand takes --config; these need none
  std::function<int()> chosen_;
};

}  // namespace

int run_command(int argc, char** argv) {
  try {
    return Parser().parse_and_run(argc, argv);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "saslift: {}\n", failure.what());
    return commands::no;
  }
}

}  // namespace saslift::proxy
