#include "proxy/net/tls_stream.h"

#include <utility>

namespace saslift::proxy::net {

TlsStream::TlsStream(Loop& loop, std::unique_ptr<ByteStream> inner, std::unique_ptr<TlsEngine> engine,
                     std::string early)
    : loop_(loop), engine_(std::move(engine)), inner_(std::move(inner)), early_(std::move(early)) {
  inner_->set_reader(*this);
}

TlsStream::~TlsStream() = default;

void TlsStream::start_reading() {
  if (over_) return;
  inner_->start_reading();
  if (started_) return;
  started_ = true;
  const auto result = engine_->start(loop_.records());
  send_records();
  if (!result) return fail(result.error());
  if (std::string early = std::exchange(early_, {}); !early.empty()) received(early);
}

void TlsStream::stop_reading() { inner_->stop_reading(); }

void TlsStream::write(std::string_view bytes) {
  if (over_ || finished_) return;
  const auto result = engine_->encrypt(bytes, loop_.records());
  send_records();
  if (!result) fail(result.error());
}

void TlsStream::finish_writing() {
  if (over_ || finished_) return;
  finished_ = true;
  engine_->finish(loop_.records());
  send_records();
  inner_->finish_writing();
}

void TlsStream::received(std::span<char> bytes) {
  auto ciphertext = std::span<const char>(bytes);
  const auto plaintext = loop_.plaintext_buffer();
  for (bool more = true; more && !over_;) {
    const auto result = engine_->receive(ciphertext, plaintext, loop_.records());
    send_records();
    if (!result) return fail(result.error());
    ciphertext = ciphertext.subspan(result->consumed);
    more = result->more;
    if (result->secured) reader_->secured();
    if (result->plaintext > 0 && !over_) reader_->received(plaintext.first(result->plaintext));
    if (result->peer_finished && !peer_finished_ && !over_) {
      peer_finished_ = true;
      reader_->ended(Ending::clean);
    }
  }
}

void TlsStream::ended(Ending) {
  if (over_ || peer_finished_) return;
  if (!engine_->secured()) return fail({StreamFailure::tls_handshake, "connection closed during the TLS handshake"});
  peer_finished_ = true;
  reader_->ended(Ending::truncated);
}

void TlsStream::drained() {
  if (!over_) reader_->drained();
}

void TlsStream::failed(const StreamError& error) { fail(error); }

void TlsStream::send_records() {
  auto& records = loop_.records();
  if (records.empty()) return;
  inner_->write(records);
  records.clear();
}

void TlsStream::fail(const StreamError& error) {
  if (over_) return;
  over_ = true;
  inner_->stop_reading();
  reader_->failed(error);
}

}  // namespace saslift::proxy::net
