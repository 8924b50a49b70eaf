// One client from accept to close; the only class that sees both sides. Each state owns what its phase needs,
// leaving it frees that, and enter() is the only assignment.
//
// The owner makes it, calls start(), hands in answers, and destroys it on a later turn once `ended` was called.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "auth/login.h"
#include "proxy/dialogue/client_side.h"
#include "proxy/dialogue/server_side.h"
#include "proxy/net/byte_stream.h"
#include "proxy/session/protocol.h"
#include "proxy/session/relay.h"
#include "proxy/session/surroundings.h"

namespace saslift::proxy {

// DESIGN's deadlines. Before login only time spent waiting for the client counts.
inline constexpr auth::Duration pre_login_patience{60'000};
inline constexpr auth::Duration handshake_limit{10'000};
inline constexpr auth::Duration flush_limit{60'000};
inline constexpr auth::Duration linger_limit{2'000};
// Of what a client sends after we have closed our half; one that sends more does not read either.
inline constexpr std::size_t most_discarded = 128 * 1024;
// A question fits in one frame with room to spare (auth/frames.h).
inline constexpr std::size_t longest_credentials = 32 * 1024;
// Pipelined bytes kept while the login is under way.
inline constexpr std::size_t most_unread = 16 * 1024;

// What all sessions of one listener share.
struct ListenerFacts {
  std::uint32_t index = 0;
  std::string name;
  config::Protocol protocol = config::Protocol::imap;
  ProtocolRow row;
  ClientSideSettings client_side;  // its hostname is our EHLO word too
  config::ListenerTls tls = config::ListenerTls::off;
  config::PlaintextLogin plaintext_login = config::PlaintextLogin::loopback;
  auth::Duration tls_detect{500};  // how long `automatic` waits for the first byte
  auth::Duration login_timeout{25'000};
};

struct SessionFacts {
  auth::SessionId id = 0;
  std::string client_address;
  auth::Duration already_waited{0};  // for its load balancer
  TrustedClient trust = TrustedClient::no;
};

// The listener's settings as they are for this client.
[[nodiscard]] ClientSideSettings client_side_for(const ListenerFacts& listener, const SessionFacts& client);

class Session {
 public:
  // The listener's facts outlive the session.
  Session(const ListenerFacts& listener, SessionFacts facts, std::unique_ptr<net::ByteStream> client,
          Surroundings around, std::function<void()> ended);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  void start();
  void answered(auth::LoginAnswer answer);
  void keeper_gone();
  // Shutting down: ends it now if it is idle or not logged in; true if it goes on.
  bool end_if_idle();
  // With a farewell where its protocol and the moment have room for one; else cut.
  void end_by_operator(std::string_view reason);
  void end_now(std::string_view reason);
  // Since this was asked last; nullopt if nothing was.
  [[nodiscard]] std::optional<auth::Relayed> newly_relayed();

  [[nodiscard]] const SessionFacts& facts() const { return facts_; }

 private:
  // The client's stream and dialogue, up to the login's success.
  struct Door {
    std::unique_ptr<net::ByteStream> stream;
    std::unique_ptr<ClientSide> dialogue;
  };
  struct AwaitingLogin {
    Door door;
    auth::Instant since;
    std::optional<auth::Instant> handshake_ends_at;
    std::optional<auth::Instant> detection_ends_at;  // not greeted yet: it may start TLS at once
  };
  struct AwaitingAnswer {
    Door door;
    auth::Instant since;
  };
  // The keeper has said no, and the client is to hear it no sooner than then: whoever guesses waits (FAULTS 28).
  struct HoldingReply {
    Door door;
    auth::Denied denied;
    auth::Instant until;
  };
  struct Connecting {
    Door door;
    auth::Granted granted;
    std::unique_ptr<Dialing> dialing;
    auth::Instant since;
  };
  struct LoggingIn {
    Door door;
    auth::Granted granted;
    std::unique_ptr<net::ByteStream> stream;
    std::unique_ptr<ServerSide> dialogue;
    std::optional<auth::Instant> handshake_ends_at;
    auth::Instant since;
  };
  struct Relaying {
    std::unique_ptr<Relay> relay;
  };
  struct Traffic {  // bytes
    std::uint64_t up = 0;
    std::uint64_t down = 0;
  };
  // Flushing what was sent, then reading on for a moment, so that no RST overtakes it.
  struct Closing {
    Relay::Streams streams;
    auth::Instant give_up_at;
    std::size_t discarded = 0;
  };
  struct Ended {};
  using State =
      std::variant<AwaitingLogin, AwaitingAnswer, HoldingReply, Connecting, LoggingIn, Relaying, Closing, Ended>;

  struct Leave {
    Parting why = Parting::shutting_down;
    std::string_view reason;  // for the log
  };

  enum class Side : std::uint8_t { client, server };
  class Ears final : public net::ByteStream::Reader {
   public:
    Ears(Session& session, Side side) : session_(session), side_(side) {}
    void received(std::span<char> bytes) override;
    void ended(net::Ending ending) override;
    void failed(const net::StreamError& error) override;
    void drained() override;
    void secured() override;

   private:
    Session& session_;
    Side side_;
  };

  void enter(State next);
  void set_alarm();
  void alarm_rang();
  [[nodiscard]] Door* door();

  // The client's side, up to login.
  void client_received(std::span<char> bytes);
  void stray_preamble();
  void client_ended();
  void client_failed(const net::StreamError& error);
  void client_secured();
  void greet();
  [[nodiscard]] bool is_tls_at_once(std::span<char> first_bytes);
  void refuse_tls_at_once();
  void perform(ClientActions actions);
  void start_client_tls(std::string early);
  void attempt(AttemptLogin login);
  void refuse_in_clear(LoginInClear login);
  void spend_patience(const AwaitingLogin& waiting);
  void refuse_unasked(auth::LoginFailure failure, std::string_view login, std::string_view detail);
  void refuse_login(auth::LoginFailure failure, std::string_view sentence);

  // The way to the provider.
  void connect(auth::Granted granted);
  void connected(Dialer::Result result);
  void server_received(std::span<char> bytes);
  void server_ended();
  void server_failed(const net::StreamError& error);
  void server_secured();
  void perform(ServerActions actions);
  void start_server_tls();
  void logged_in();
  void server_refused(const LoginRefused& refusal);
  void login_died(auth::LoginFailure failure, std::string detail);

  void relay_over(std::string_view why);
  // False, and nothing happens, where a farewell would fall into the midst of something.
  [[nodiscard]] bool take_leave(Relay& relay, Leave leave);
  void keeper_timed_out();
  void client_drained();
  void close(std::string_view reason, Relay::Streams streams);
  void check_closing();
  void end(std::string_view reason);
  [[nodiscard]] Traffic relayed() const;

  const ListenerFacts& listener_;
  SessionFacts facts_;
  Surroundings around_;
  std::function<void()> ended_;
  Ears client_ears_{*this, Side::client};
  Ears server_ears_{*this, Side::server};
  std::unique_ptr<Alarm> alarm_;
  auth::Instant accepted_at_;
  auth::Instant login_ends_at_{};
  auth::Duration patience_left_ = pre_login_patience;
  auth::PhaseTimes times_;
  auth::ClientTls client_tls_ = auth::ClientTls::none;
  bool greeted_ = false;
  bool client_has_ended_ = false;
  bool client_was_heard_ = false;
  std::string reason_;
  Traffic relayed_;  // by the relay that is gone
  Traffic told_;     // of it, to the keeper
  State state_;
};

}  // namespace saslift::proxy
