#include "auth/frames.h"

#include <random>

#include "auth/plain_cbor.h"
#include "catch.h"

using namespace saslift;
using namespace saslift::auth;

namespace {

std::string every_byte() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

std::vector<FromWorker> messages_from_worker() {
  std::vector<FromWorker> messages;
  messages.emplace_back(LoginQuestion{.session = 0xFFFFFFFF,
                                      .listener = 3,
                                      .protocol = config::Protocol::smtp,
                                      .mechanism = ClientMechanism::sasl_login,
                                      .client_address = "2001:db8::1",
                                      .tls = ClientTls::active,
                                      .login = every_byte(),
                                      .authzid = "someone",
                                      .password = config::Secret(every_byte())});
  messages.emplace_back(
      TokenRefused{.session = 1, .token_id = 0xFFFFFFFFFFFFFFFF, .server_words = "535 no", .json_status = -401});
  messages.emplace_back(Withdrawn{.session = 2});
  messages.emplace_back(LoginSucceeded{.session = 3, .token_id = 70000, .times = {1, 200, 300000}});
  messages.emplace_back(LoginDied{.session = 4,
                                  .failure = LoginFailure::keeper_away,
                                  .detail = "mail.example: refused",
                                  .times = {.keeper = 5, .connect = 6, .login = 7}});
  messages.emplace_back(SessionEnded{.session = 5,
                                     .protocol = config::Protocol::pop3,
                                     .client_address = "127.0.0.1",
                                     .reason = "client closed",
                                     .bytes_up = 1ULL << 40U,
                                     .bytes_down = 1ULL << 63U,
                                     .milliseconds = 4000000000U});
  messages.emplace_back(WorkerEvent{.level = config::LogLevel::error,
                                    .event = "tls_failed",
                                    .session = 6,
                                    .fields = {{"why", "\xff\xfe"}, {"", ""}}});
  messages.emplace_back(ServerSaid{.session = 7, .protocol = config::Protocol::pop3, .words = "-ERR no"});
  messages.emplace_back(Ready{});
  messages.emplace_back(ClientsTurnedAway{TurnAway::no_proxy_header, "smtp", "192.0.2.1", 7});
  messages.emplace_back(OldTlsClient{
      .session = 7, .listener = "smtp 127.0.0.1:1587", .client_address = "192.0.2.1", .offers = "TLS 1.0"});
  messages.emplace_back(Relayed{.protocol = config::Protocol::imap, .bytes_up = 1ULL << 40U, .bytes_down = 0});
  return messages;
}

std::vector<ToWorker> messages_to_worker() {
  std::vector<ToWorker> messages;
  Configure configure;
  configure.listeners.push_back({.descriptor = 7,
                                 .protocol = config::Protocol::smtp,
                                 .name = "smtp 127.0.0.1:1587",
                                 .tls = config::ListenerTls::implicit,
                                 .plaintext_login = config::PlaintextLogin::never,
                                 .smtp_extensions = {"PIPELINING", "SIZE 35882577"},
                                 .auth_equals = true,
                                 .allow = {"10.0.0.0/8", "fc00::/7"},
                                 .proxy_from = {"192.0.2.1/32"},
                                 .trusted = {"10.0.0.9"}});
  configure.listeners.emplace_back().name = "imap";
  configure.hostname = "saslift.example";
  configure.login_timeout = Duration(25'000);
  configure.session_cap = 1000;
  configure.trust_files = {"", "/etc/ca.pem"};
  configure.ca_file = "/etc/more.pem";
  configure.certificates.emplace_back("chain and key");
  configure.certificates.emplace_back();
  messages.emplace_back(std::move(configure));
  messages.emplace_back(Granted{.session = 9,
                                .account = "reception",
                                .identity = "office",
                                .mailbox = "scans@contoso.com",
                                .mechanism = config::Mechanism::oauthbearer,
                                .token_id = 12,
                                .access_token = config::Secret("eyJ0eXAi"),
                                .host = "smtp.office365.com",
                                .port = 65535,
                                .tls = config::UpstreamTls::starttls,
                                .addresses = {"192.0.2.1", "2001:db8::2"},
                                .trust = 1,
                                .rewrite_from = config::RewriteFrom::both,
                                .sender = "sender@contoso.com"});
  messages.emplace_back(
      Denied{.session = 10, .failure = LoginFailure::limit_reached, .sentence = "Ask your administrator"});
  messages.emplace_back(Drain{.deadline = Duration(1)});
  messages.emplace_back(Retire{});
  messages.emplace_back(EndSession{.session = 7, .reason = "kicked"});
  messages.emplace_back(NewCertificate{.listener = 2, .pem = config::Secret("chain and key")});
  return messages;
}

std::string body_of(const config::Secret& frame) { return std::string(frame.reveal().substr(4)); }

std::string frame_of(int type, std::string_view cbor, std::string_view secrets = "") {
  std::string frame(1, static_cast<char>(type));
  frame.push_back(static_cast<char>(cbor.size() & 0xFFU));
  frame.push_back(static_cast<char>(cbor.size() >> 8U));
  return frame.append(cbor).append(secrets);
}

}  // namespace

TEST_CASE("every message comes back from its frame as it went in") {
  for (const FromWorker& message : messages_from_worker()) {
    const config::Secret frame = encode(message);
    const auto decoded = decode_from_worker(body_of(frame));
    REQUIRE(decoded.has_value());
    CHECK(decoded->index() == message.index());
    CHECK(encode(*decoded).reveal() == frame.reveal());
  }
  for (const ToWorker& message : messages_to_worker()) {
    const config::Secret frame = encode(message);
    const auto decoded = decode_to_worker(body_of(frame));
    REQUIRE(decoded.has_value());
    CHECK(decoded->index() == message.index());
    CHECK(encode(*decoded).reveal() == frame.reveal());
  }
}

TEST_CASE("no field of a question, a grant or a report is left behind") {
  const auto from = messages_from_worker();
  const auto question_back = decode_from_worker(body_of(encode(from[0]))).value();
  const auto& question = std::get<LoginQuestion>(question_back);
  CHECK(question.session == 0xFFFFFFFF);
  CHECK(question.listener == 3);
  CHECK(question.protocol == config::Protocol::smtp);
  CHECK(question.mechanism == ClientMechanism::sasl_login);
  CHECK(question.client_address == "2001:db8::1");
  CHECK(question.tls == ClientTls::active);
  CHECK(question.login == every_byte());
  CHECK(question.authzid == "someone");
  CHECK(question.password.reveal() == every_byte());

  const auto refused = std::get<TokenRefused>(decode_from_worker(body_of(encode(from[1]))).value());
  CHECK(refused.token_id == 0xFFFFFFFFFFFFFFFF);
  CHECK(refused.server_words == "535 no");
  CHECK(refused.json_status == -401);
  CHECK(std::get<Withdrawn>(decode_from_worker(body_of(encode(from[2]))).value()).session == 2);
  const auto succeeded = std::get<LoginSucceeded>(decode_from_worker(body_of(encode(from[3]))).value());
  CHECK(succeeded.token_id == 70000);
  CHECK(succeeded.times.keeper == 1);
  CHECK(succeeded.times.connect == 200);
  CHECK(succeeded.times.login == 300000);
  const auto died = std::get<LoginDied>(decode_from_worker(body_of(encode(from[4]))).value());
  CHECK(died.failure == LoginFailure::keeper_away);
  CHECK(died.detail == "mail.example: refused");
  const auto ended = std::get<SessionEnded>(decode_from_worker(body_of(encode(from[5]))).value());
  CHECK(ended.protocol == config::Protocol::pop3);
  CHECK(ended.reason == "client closed");
  CHECK(ended.bytes_up == 1ULL << 40U);
  CHECK(ended.bytes_down == 1ULL << 63U);
  CHECK(ended.milliseconds == 4000000000U);
  const auto event = std::get<WorkerEvent>(decode_from_worker(body_of(encode(from[6]))).value());
  CHECK(event.level == config::LogLevel::error);
  const auto said = std::get<ServerSaid>(decode_from_worker(body_of(encode(from[7]))).value());
  CHECK(said.session == 7);
  CHECK(said.protocol == config::Protocol::pop3);
  CHECK(said.words == "-ERR no");
  CHECK(event.fields.at(0) == std::pair<std::string, std::string>("why", "\xff\xfe"));

  const auto to = messages_to_worker();
  const auto configure_back = decode_to_worker(body_of(encode(to[0]))).value();
  const auto& configure = std::get<Configure>(configure_back);
  REQUIRE(configure.listeners.size() == 2);
  CHECK(configure.listeners[0].descriptor == 7);
  CHECK(configure.listeners[1].descriptor == -1);
  CHECK(configure.listeners[0].tls == config::ListenerTls::implicit);
  CHECK(configure.listeners[0].plaintext_login == config::PlaintextLogin::never);
  CHECK(configure.listeners[0].allow.at(1) == "fc00::/7");
  CHECK(configure.listeners[0].proxy_from.at(0) == "192.0.2.1/32");
  CHECK(configure.listeners[0].trusted.at(0) == "10.0.0.9");
  CHECK(configure.listeners[1].allow.empty());
  CHECK(configure.listeners[0].smtp_extensions.at(1) == "SIZE 35882577");
  CHECK(configure.listeners[0].auth_equals);
  CHECK_FALSE(configure.listeners[1].auth_equals);
  CHECK(configure.hostname == "saslift.example");
  CHECK(configure.login_timeout == Duration(25'000));
  CHECK(configure.session_cap == 1000);
  CHECK(configure.trust_files.at(1) == "/etc/ca.pem");
  CHECK(configure.ca_file == "/etc/more.pem");
  CHECK(configure.certificates.at(0).reveal() == "chain and key");
  CHECK(configure.certificates.at(1).empty());
  const auto granted_back = decode_to_worker(body_of(encode(to[1]))).value();
  const auto& granted = std::get<Granted>(granted_back);
  CHECK(granted.account == "reception");
  CHECK(granted.identity == "office");
  CHECK(granted.mailbox == "scans@contoso.com");
  CHECK(granted.rewrite_from == config::RewriteFrom::both);
  CHECK(granted.sender == "sender@contoso.com");
  CHECK(granted.mechanism == config::Mechanism::oauthbearer);
  CHECK(granted.token_id == 12);
  CHECK(granted.access_token.reveal() == "eyJ0eXAi");
  CHECK(granted.host == "smtp.office365.com");
  CHECK(granted.port == 65535);
  CHECK(granted.tls == config::UpstreamTls::starttls);
  CHECK(granted.addresses.at(1) == "2001:db8::2");
  CHECK(granted.trust == 1);
  const auto denied = std::get<Denied>(decode_to_worker(body_of(encode(to[2]))).value());
  CHECK(denied.failure == LoginFailure::limit_reached);
  CHECK(denied.sentence == "Ask your administrator");
}

TEST_CASE("the secret lies behind the CBOR and not in it") {
  const auto messages = messages_to_worker();
  const config::Secret frame = encode(messages[1]);
  const std::string body = body_of(frame);
  const std::size_t cbor_size = static_cast<std::size_t>(static_cast<unsigned char>(body[1])) |
                                static_cast<std::size_t>(static_cast<unsigned char>(body[2])) << 8U;
  CHECK(body.substr(3, cbor_size).find("eyJ0eXAi") == std::string::npos);
  CHECK(body.substr(3 + cbor_size) == "eyJ0eXAi");
}

TEST_CASE("a frame cut off at any byte, or longer by one, is malformed") {
  for (const FromWorker& message : messages_from_worker()) {
    const std::string body = body_of(encode(message));
    for (std::size_t size = 0; size < body.size(); ++size)
      CHECK_FALSE(decode_from_worker(std::string_view(body).substr(0, size)).has_value());
    CHECK_FALSE(decode_from_worker(body + "x").has_value());
    CHECK_FALSE(decode_to_worker(body).has_value());
  }
  for (const ToWorker& message : messages_to_worker()) {
    const std::string body = body_of(encode(message));
    for (std::size_t size = 0; size < body.size(); ++size)
      CHECK_FALSE(decode_to_worker(std::string_view(body).substr(0, size)).has_value());
    CHECK_FALSE(decode_to_worker(body + "x").has_value());
    CHECK_FALSE(decode_from_worker(body).has_value());
  }
}

TEST_CASE("a frame of the right form with the wrong content is malformed") {
  using namespace std::string_literals;
  constexpr int withdrawn = 0x03;
  constexpr int denied = 0x43;
  const std::string session =
      "\x67"s
      "session";
  REQUIRE(decode_from_worker(frame_of(withdrawn, "\xA1"s + session + "\x05"s)).has_value());

  const std::vector<std::string> wrong = {
      "",
      "\xA0"s,  // a member is missing
      "\xA1"s + session +
          "\x61"s
          "5",                                                      // text for a number
      "\xA1"s + session + "\x24"s,                                  // negative
      "\xA1"s + session + "\x1B\x00\x00\x00\x01\x00\x00\x00\x00"s,  // over 32 bits
      "\xA1"s + session + "\xF4"s,                                  // false
      "\xA1"s + session + "\xF6"s,                                  // null
      "\xA1"s + session + "\xF9\x3C\x00"s,                          // a float
      "\xA2"s + session + "\x05\x61x\x01"s,                         // a member nobody asked for
      "\x81\x05"s,                                                  // no map
      "\xBF"s + session + "\x05\xFF"s,                              // indefinite
      "\xA1\x01\x05"s,                                              // key is no text
      "\xC0\xA1"s + session + "\x05"s,                              // tagged
      "\xA1"s + session + "\x05\x05"s,                              // two items
  };
  for (const std::string& cbor : wrong) {
    CAPTURE(cbor);
    CHECK_FALSE(decode_from_worker(frame_of(withdrawn, cbor)).has_value());
  }
  CHECK_FALSE(decode_from_worker(frame_of(withdrawn, "\xA1"s + session + "\x05"s, "stray")).has_value());
  for (const int type : {0x00, 0x0B, 0x3F, 0x40, 0x45, 0xFF}) {
    CHECK_FALSE(decode_from_worker(frame_of(type, "\xA1"s + session + "\x05"s)).has_value());
    CHECK_FALSE(decode_to_worker(frame_of(type, "\xA1"s + session + "\x05"s)).has_value());
  }
  const auto refusal = [&](char failure) {
    return frame_of(denied, "\xA4"s + session +
                                "\x05\x67"s
                                "failure" +
                                failure +
                                "\x68"s
                                "sentence\x60\x65"s
                                "delay\x00"s);
  };
  CHECK(decode_to_worker(refusal(13)).has_value());
  CHECK_FALSE(decode_to_worker(refusal(14)).has_value());
}

TEST_CASE("nesting and lengths made to exhaust the reader are refused") {
  using namespace std::string_literals;
  const std::vector<std::string> hostile = {
      std::string(65000, '\x81'),
      std::string(65000, '\xA1'),
      std::string(65000, '\x7F'),
      std::string(65000, '\x5F'),
      std::string(65000, '\x9F'),
      std::string(65000, '\xC6'),
      "\x9B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s,
      "\xBB\x10\x00\x00\x00\x00\x00\x00\x00"s,
      "\x7B\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s,
      "\x1C"s,
  };
  for (const std::string& cbor : hostile) {
    CHECK_FALSE(is_plain_cbor(cbor));
    for (int type = 1; type < 9; ++type) CHECK_FALSE(decode_from_worker(frame_of(type, cbor)).has_value());
  }
  CHECK(is_plain_cbor("\x81\x81\x81\x81\x81\x81\x01"));
  CHECK_FALSE(is_plain_cbor("\x81\x81\x81\x81\x81\x81\x81\x01"));
}

TEST_CASE("random bytes and random changes never do more than fail") {
  std::mt19937 random(20240607);  // NOLINT: the same each run
  const auto byte = [&] { return static_cast<char>(random() & 0xFFU); };
  for (int round = 0; round < 3000; ++round) {
    std::string noise(random() % 200, '\0');
    for (char& c : noise) c = byte();
    if (!noise.empty()) noise[0] = static_cast<char>((round % 2 == 0 ? 1 : 0x41) + round % 8);
    (void)decode_from_worker(noise);
    (void)decode_to_worker(noise);
  }
  std::size_t still_read = 0;
  for (const FromWorker& message : messages_from_worker()) {
    const std::string body = body_of(encode(message));
    for (int round = 0; round < 500; ++round) {
      std::string changed = body;
      changed[random() % changed.size()] = byte();
      still_read += decode_from_worker(changed).has_value() ? 1 : 0;
    }
  }
  CHECK(still_read > 0);
  CHECK(still_read < 4000);
}

TEST_CASE("a message that does not fit in a frame gives none") {
  LoginQuestion question;
  question.login.assign(60'000, 'l');
  CHECK_FALSE(encode(FromWorker(std::move(question))).empty());
  LoginQuestion heavy;
  heavy.login.assign(60'000, 'l');
  heavy.password = config::Secret(std::string(6'000, 'p'));
  CHECK(encode(FromWorker(std::move(heavy))).empty());
  LoginQuestion wide;
  wide.login.assign(66'000, 'l');
  CHECK(encode(FromWorker(std::move(wide))).empty());
}

TEST_CASE("the reader cuts a stream into frames at any split") {
  std::string stream;
  for (const FromWorker& message : messages_from_worker()) stream += encode(message).reveal();
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{100}, stream.size()}) {
    FrameReader reader;
    std::string rebuilt;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      reader.append(std::string_view(stream).substr(at, step));
      for (;;) {
        const auto frame = reader.next();
        REQUIRE(frame.has_value());
        if (!frame->has_value()) break;
        const auto decoded = decode_from_worker(**frame);
        REQUIRE(decoded.has_value());
        rebuilt += encode(*decoded).reveal();
      }
    }
    CHECK(rebuilt == stream);
  }
}

TEST_CASE("the reader refuses impossible lengths") {
  using namespace std::string_literals;
  for (const std::string& head : {"\x00\x00\x00\x00"s, "\x02\x00\x00\x00"s, "\x01\x00\x01\x00"s, "\xFF\xFF\xFF\xFF"s}) {
    FrameReader reader;
    reader.append(head);
    CHECK_FALSE(reader.next().has_value());
  }
  FrameReader reader;
  reader.append("\x00\x00\x01\x00"s);
  const auto waiting = reader.next();
  REQUIRE(waiting.has_value());
  CHECK_FALSE(waiting->has_value());
}
