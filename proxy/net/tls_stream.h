// TLS as a stream over a stream. Its reader hears secured() once the handshake stands; before that nothing
// may be written.
#pragma once

#include <memory>
#include <string>

#include "proxy/net/byte_stream.h"
#include "proxy/net/loop.h"
#include "proxy/net/tls_engine.h"

namespace saslift::proxy::net {

class TlsStream final : public ByteStream, private ByteStream::Reader {
 public:
  // `early`: ciphertext that was read before it was known to be any.
  TlsStream(Loop& loop, std::unique_ptr<ByteStream> inner, std::unique_ptr<TlsEngine> engine, std::string early = {});
  ~TlsStream() override;

  void set_reader(ByteStream::Reader& reader) override { reader_ = &reader; }
  // The first call starts the handshake.
  void start_reading() override;
  void stop_reading() override;
  void limit_reads(std::size_t most) override { inner_->limit_reads(most); }
  void write(std::string_view bytes) override;
  [[nodiscard]] std::size_t unsent() const override { return inner_->unsent(); }
  void finish_writing() override;
  [[nodiscard]] HalfClose half_close() const override { return engine_->half_close(); }

 private:
  void received(std::span<char> bytes) override;
  void ended(Ending ending) override;
  void drained() override;
  void failed(const StreamError& error) override;

  void send_records();
  void fail(const StreamError& error);

  Loop& loop_;
  std::unique_ptr<TlsEngine> engine_;
  std::unique_ptr<ByteStream> inner_;
  std::string early_;
  ByteStream::Reader* reader_ = nullptr;
  bool started_ = false;
  bool over_ = false;  // failed, or both ends told
  bool peer_finished_ = false;
  bool finished_ = false;  // our close_notify is sent
};

}  // namespace saslift::proxy::net
