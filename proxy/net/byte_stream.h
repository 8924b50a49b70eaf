// A connection as everything above the sockets sees it: bytes in by callback, bytes out by write().
// TCP, TLS over any stream, and the tests' in-memory pipe are all one of these.
//
// The owner destroys a stream never inside one of its own callbacks; destroying it closes the connection
// and drops what is unsent. After `failed` no further callback comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace saslift::proxy::net {

enum class StreamFailure : std::uint8_t { reset, tls_handshake, tls_too_old, tls_certificate, tls_record };

struct StreamError {
  StreamFailure kind = StreamFailure::reset;
  std::string detail;  // "certificate of mail.example: hostname mismatch"
};

// A TLS peer that closes TCP without close_notify may have been cut off by someone else (RFC 8446 6.1).
enum class Ending : std::uint8_t { clean, truncated };

enum class HalfClose : std::uint8_t { possible, closes_all };

class ByteStream {
 public:
  class Reader {
   public:
    // Valid during the call; the reader may overwrite them.
    virtual void received(std::span<char> bytes) = 0;
    // The peer sends no more.
    virtual void ended(Ending ending) = 0;
    // What write() had to keep is on its way.
    virtual void drained() = 0;
    virtual void failed(const StreamError& error) = 0;
    // TLS stands, certificate and host name verified where we are the client.
    virtual void secured() {}

   protected:
    ~Reader() = default;
  };

  ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  virtual ~ByteStream() = default;

  // The reader outlives the stream or is replaced first.
  virtual void set_reader(Reader& reader) = 0;
  virtual void start_reading() = 0;
  virtual void stop_reading() = 0;
  // The most that one `received` brings; for the time before login, when bytes are kept.
  virtual void limit_reads(std::size_t most) = 0;
  virtual void write(std::string_view bytes) = 0;
  // What write() keeps because the peer does not take it yet.
  [[nodiscard]] virtual std::size_t unsent() const = 0;
  // Sends what is unsent, then tells the peer that no more comes.
  virtual void finish_writing() = 0;
  // Whether the peer may go on sending after finish_writing(): TCP and TLS 1.3, not TLS 1.2 (RFC 5246 7.2.1).
  [[nodiscard]] virtual HalfClose half_close() const = 0;
};

}  // namespace saslift::proxy::net
